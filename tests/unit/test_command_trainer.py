"""A program as a trainer: real processes that hang, flood, lie, grow and leave children behind."""

from __future__ import annotations

import json
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest

from models_registry.training import command, declared
from models_registry.training.command import CommandFailed
from models_registry.training.declared import CommandTrainer, TrainerUnknown

Run = Callable[..., tuple[Path, command.Result]]
LEAVE = """
import hashlib, json, sys, pathlib
out = pathlib.Path(sys.argv[2])
def leave(content=b"model", name="model.onnx", **said):
    (out / name).write_bytes(content)
    said = {"artifact": name, "sha256": hashlib.sha256(content).hexdigest()} | said
    (out / "result.json").write_text(json.dumps(said))
"""


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setattr(command, "TICK", 0.05)
    monkeypatch.setattr(command, "GRACE", 2.0)
    heard: list[Any] = []

    def start(program: str, *, report: Any = None, **limits: Any) -> tuple[Path, command.Result]:
        (tmp_path / "out").mkdir(exist_ok=True)
        script = tmp_path / "trainer.py"
        script.write_text(LEAVE + textwrap.dedent(program))
        trainer = CommandTrainer(command=[sys.executable, str(script)], **limits)
        return command.run(
            trainer, manifest=tmp_path / "manifest.jsonl", folder=tmp_path / "out", seed=7, config={"depth": 3},
            mark=str(tmp_path), tell=heard.append, report=report or (lambda *said: heard.append(said)),
            numbers=lambda said: heard.append(sorted(said)),
        )  # fmt: skip

    start.heard = heard  # type: ignore[attr-defined]
    return start


def left_of(tmp_path: Path) -> list[psutil.Process]:
    return command._marked(str(tmp_path))


def test_what_it_says_is_heard_and_what_it_made_is_taken(run: Run, tmp_path: Path) -> None:
    path, result = run("""
        import os
        told = json.loads(pathlib.Path(sys.argv[3]).read_text())
        print("hello")
        print(json.dumps({"progress": 0.5, "message": "half"}), flush=True)
        print(json.dumps({"metrics": {"loss": 0.5, "note": "odd"}, "message": f"nul {chr(0)} in it"}), flush=True)
        print(json.dumps({"progress": 0.6, "metrics": {"loss": float("nan")}}), flush=True)
        print(json.dumps({"progress": 0.7, "metrics": [0.5]}), flush=True)
        print("{not json")
        leave(metrics={"seed": told["seed"], "depth": told["config"]["depth"], "names": " ".join(sorted(os.environ))})
    """)
    assert path.read_bytes() == b"model"
    assert (result.metrics["seed"], result.metrics["depth"]) == (7, 3)
    assert "SECRET" not in str(result.metrics["names"])
    assert "DATABASE" not in str(result.metrics["names"])
    heard = run.heard  # type: ignore[attr-defined]
    lines = [one for one in heard if not isinstance(one, list)]
    assert {"hello", "{not json", (0.5, "half"), (0.5, "nul  in it")} <= set(lines)
    assert [one for one in heard if isinstance(one, list)] == [["loss", "note"]]
    assert '{"progress": 0.6, "metrics": {"loss": NaN}}' in lines  # no JSON: a line of the log
    assert '{"progress": 0.7, "metrics": [0.5]}' in lines


@pytest.mark.parametrize(
    ("program", "words"),
    [
        ("sys.exit(3)", "exit code 3"),
        ("import os; os.abort()", "SIGABRT"),
        ("pass", r"without a result\.json"),
        ("(out / 'result.json').write_text('[1]')", "cannot be read"),
        ("leave(sha256='0' * 64)", "another sha256"),
        ("leave(name='model.pkl')", "neither"),
        ("leave(); leave(artifact='../trainer.py')", "no file in its folder"),
        ("leave(artifact='/etc/hostname')", "no file in its folder"),
        ("import os; os.symlink('/etc/hostname', out / 'a.onnx'); leave(artifact='a.onnx')", "no file in its folder"),
    ],
)
def test_a_failure_or_a_lie_is_told_in_words(run: Run, program: str, words: str) -> None:
    with pytest.raises(CommandFailed, match=words):
        run(program)


@pytest.mark.parametrize(
    ("program", "limits", "words"),
    [
        ("import time; time.sleep(60)", {"silent_minutes": 0.01}, "said nothing"),
        ("import time\nwhile True: print('.', flush=True); time.sleep(0.1)", {"minutes": 0.01}, "took more than"),
        ("while True: print('x' * 100_000)", {"log_mb": 2}, "of log"),
        ("grown = b'x' * 300_000_000; import time; time.sleep(60)", {"memory_mb": 150}, "of memory"),
        ("[(out / str(i)).write_bytes(b'x' * 900_000) for i in range(9)]; import time; time.sleep(60)", {"disk_mb": 2},
         "MB are allowed"),
        ("(out / 'big').write_bytes(b'x' * 9_000_000)", {"disk_mb": 2}, "ended"),
    ],
)  # fmt: skip
def test_what_passes_a_limit_is_ended(run: Run, tmp_path: Path, program: str, limits: Any, words: str) -> None:
    with pytest.raises(CommandFailed, match=words):  # one that ended by itself would have left no result
        run(program, **limits)
    assert left_of(tmp_path) == []


def test_a_trainer_that_ignores_being_asked_is_ended_with_children_that_left_its_group(
    run: Run, tmp_path: Path
) -> None:
    def cancelled(share: float, message: str) -> None:
        if message == "go":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(
            """
            import os, signal, subprocess, time
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"], start_new_session=True)
            print(json.dumps({"message": "go"}), flush=True)
            time.sleep(60)
            """,
            report=cancelled,
        )
    assert left_of(tmp_path) == []


def test_a_program_that_is_not_there_is_named(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    with pytest.raises(CommandFailed, match="cannot be started"):
        command.run(
            CommandTrainer(command=["/no/such/program"]), manifest=tmp_path, folder=tmp_path / "out", seed=1,
            config={}, mark=str(tmp_path), tell=print, report=lambda share, message: None, numbers=print,
        )  # fmt: skip


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[trainers.a]\nkind = 'shell'", "shell"),
        ("[trainers.a]\nkind = 'command'\ncommand = []", "length >= 1"),
        ("[trainers.a]\nkind = 'command'\ncommand = ['x']\nminuts = 3", "minuts"),
        ("[trainers.builtin]\nkind = 'command'\ncommand = ['x']", "name of our own"),
        ("[trainers.'A b']\nkind = 'command'\ncommand = ['x']", "regex"),
        ("[trainers.a]\nkind = 'webhook'\nurl = 'http://a'\ncallback = 'http://b'\nsecret = 'whsec_#'", "base64"),
        ("[trainers.b]\nkind = 'command'\ncommand = ['x']", "There are: builtin, b"),
        ("[", "cannot be used"),
    ],
)
def test_a_file_of_trainers_that_is_wrong_says_where(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "trainers.toml"
    path.write_text(text)
    with pytest.raises(TrainerUnknown, match=words):
        declared.find(path, "a")


def test_a_declared_trainer_is_found_by_its_name(tmp_path: Path) -> None:
    path = tmp_path / "trainers.toml"
    path.write_text(
        "[trainers.gpu]\nkind = 'command'\ncommand = ['x']\nminutes = 5\n[trainers.gpu.config]\ndepth = 3\n"
    )
    found = declared.find(path, "gpu")
    assert found == CommandTrainer(command=["x"], minutes=5, config={"depth": 3})
    assert json.dumps(found.config) == '{"depth": 3}'
