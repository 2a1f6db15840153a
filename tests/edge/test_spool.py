"""What lies on the disk after a power cut at any byte, and the promises that the file makes about itself."""

from __future__ import annotations

import ast
import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.edge.plant import AGENT, AgentProcess, free_port

ROWS = 12


@pytest.fixture
def agent(tmp_path: Path) -> Any:
    """An agent whose server is not there."""
    agent = AgentProcess(tmp_path, server_port=free_port(), api_key="rk_none")
    yield agent
    agent.stop()


def row(number: int, **fields: Any) -> dict[str, Any]:
    return {
        "model": "steel",
        "version": 1,
        "source": "cam-1",
        "inspection_id": f"part-{number}",
        "label": "ok",
    } | fields


@pytest.fixture
def cut_off(agent: AgentProcess) -> AgentProcess:
    """Killed with its log not written back into the database."""
    agent.start()
    for number in range(ROWS):
        assert agent.post(row(number))["spooled"]
    agent.stop(signal.SIGKILL)
    assert (agent.spool / "spool.db-wal").stat().st_size > 20_000
    return agent


def test_a_log_torn_at_any_byte_loses_only_what_was_not_told_yet(cut_off: AgentProcess, tmp_path: Path) -> None:
    """With the log cut at growing lengths the queue is always the first so many parts, and a whole one keeps all."""
    read = (
        "import importlib.util, json, sys, types, shutil, pathlib\n"
        "spec = importlib.util.spec_from_file_location('agent', sys.argv[1])\n"
        "agent = importlib.util.module_from_spec(spec); spec.loader.exec_module(agent)\n"
        "spool = pathlib.Path(sys.argv[2]); whole = (spool / 'spool.db-wal').read_bytes(); said = []\n"
        "for length in [*range(0, len(whole), 977), len(whole)]:\n"
        "    copy = spool.with_name(f'cut-{length}'); shutil.copytree(spool, copy)\n"
        "    (copy / 'spool.db-wal').write_bytes(whole[:length] + b'\\x5a' * (length % 3 * 400))\n"
        "    config = types.SimpleNamespace(**{**agent.CONFIG, 'server': 'http://x', 'folder': copy})\n"
        "    one = agent.Agent(config)\n"
        "    said.append([json.loads(r)[0]['inspection_id'] for _, _, r, _ in one.run(agent.OLDEST, 100)])\n"
        "    one.db.close(); shutil.rmtree(copy)\n"
        "print(json.dumps(said))\n"
    )
    answer = subprocess.run(
        [sys.executable, "-c", read, str(AGENT), str(cut_off.spool)], capture_output=True, text=True, check=True
    )
    queues = json.loads(answer.stdout.splitlines()[-1])

    parts = [f"part-{number}" for number in range(ROWS)]
    assert all(queue == parts[: len(queue)] for queue in queues)
    assert [len(queue) for queue in queues] == sorted(len(queue) for queue in queues)
    assert queues[0] == []
    assert queues[-1] == parts
    assert len({len(queue) for queue in queues}) == ROWS + 1


def test_killed_and_started_again_it_tells_a_resend_the_same(cut_off: AgentProcess) -> None:
    cut_off.start(defaults={"ok": "reject"})  # even when the defaults have changed meanwhile

    assert cut_off.status()["queue"] == ROWS
    assert cut_off.post(row(3))["disposition"] == "pass"
    assert cut_off.post(row(99))["disposition"] == "reject"
    assert cut_off.status()["queue"] == ROWS + 1


def test_a_file_that_is_no_spool_is_set_aside_and_a_new_one_begun(cut_off: AgentProcess) -> None:
    for path in cut_off.spool.glob("spool.db*"):
        path.write_bytes(b"no database " * 2000)
    cut_off.start()

    answers = [cut_off.post(row(number)) for number in range(3)]

    assert {answer["disposition"] for answer in answers} == {"pass"}
    assert answers[-1]["spooled"]
    assert cut_off.status()["spool"] == "ok"
    assert list(cut_off.spool.glob("broken-*-spool.db"))


def test_the_status_says_how_long_the_queue_is_and_what_went_wrong(cut_off: AgentProcess) -> None:
    cut_off.start()
    command = [sys.executable, str(AGENT), "--config", str(cut_off.folder / "edge.json"), "--status"]

    said = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)

    assert (said["queue"], said["spool"], said["not_spooled"], said["dead_letter_bytes"]) == (ROWS, "ok", 0, 0)
    assert said["oldest_at"]


@pytest.mark.parametrize(
    "config",
    [{"server": "review.example.com"}, {"api_key": ""}, {"defaults": {"ok": "scrap"}}, {"answer_time": 3}],
    ids=["server", "key", "disposition", "unknown"],
)
def test_a_config_that_cannot_work_is_refused_at_the_start(tmp_path: Path, config: dict[str, Any]) -> None:
    path = tmp_path / "edge.json"
    whole = {"server": "http://127.0.0.1:9", "api_key": "rk_1", "defaults": {"ok": "pass"}, "folder": str(tmp_path)}
    path.write_text(json.dumps(whole | config))

    ended = subprocess.run(
        [sys.executable, str(AGENT), "--config", str(path)], capture_output=True, text=True, timeout=20
    )

    assert ended.returncode == 1
    assert "edge.json: needs server" in ended.stderr


def test_it_is_one_short_file_of_the_standard_library_for_python_3_9() -> None:
    text = AGENT.read_text()
    tree = ast.parse(text, feature_version=(3, 9))
    imports = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    imports |= {str(node.module) for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}

    assert {name.split(".")[0] for name in imports} <= set(sys.stdlib_module_names)
    assert len(text.splitlines()) <= 300
