"""The embedded PostgreSQL and Redis under the faults that a machine in a factory really has."""

from __future__ import annotations

import contextlib
import os
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import psycopg
import pytest
import redis

from reviewapp.embedded.addresses import LONGEST_SOCKET_PATH, celery_broker_url, database_url, redis_url, socket_folder
from reviewapp.embedded.errors import EngineError
from reviewapp.embedded.readiness import wait_until_ready
from reviewapp.embedded.running import Engines, running, start
from reviewapp.up import chosen_processes

pytestmark = pytest.mark.slow
on_linux = pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a child that its parent was killed")


@pytest.fixture(scope="module")
def var(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One data folder for the whole module: a first start takes a second, a later one half of that."""
    return tmp_path_factory.mktemp("engines") / "var"


@pytest.fixture
def engines(var: Path) -> Iterator[Engines]:
    with running(var, durable=True) as engines:
        yield engines


def write(engines: Engines, value: str) -> None:
    with psycopg.connect(engines.database_url) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS kept (value text)")
        connection.execute("INSERT INTO kept VALUES (%s)", [value])
    with redis.Redis.from_url(engines.redis_url) as client:
        client.set(value, "kept")


def has(engines: Engines, value: str) -> tuple[bool, bool]:
    with psycopg.connect(engines.database_url) as connection:
        in_postgres = connection.execute("SELECT 1 FROM kept WHERE value = %s", [value]).fetchone() is not None
    with redis.Redis.from_url(engines.redis_url) as client:
        return in_postgres, client.get(value) == b"kept"


def servers_of(var: Path) -> list[str]:
    """Command lines of living server processes that work on this folder."""
    lines = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):  # it ended meanwhile, or waits to be collected
            lines.append(" ".join(process.cmdline()))
    ours = (line for line in lines if str(var) in line or str(socket_folder(var, "redis")) in line)
    return [line for line in ours if "reviewapp.embedded" not in line]


def soon(condition: Callable[[], bool], *, within: float = 5.0) -> bool:
    deadline = time.monotonic() + within
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.05)
    return condition()


def test_an_ordinary_stop_keeps_the_data_and_leaves_no_process(var: Path) -> None:
    with running(var, durable=True) as engines:
        write(engines, "ordinary")
    assert not servers_of(var)
    with running(var, durable=True) as engines:
        assert has(engines, "ordinary") == (True, True)


@on_linux
def test_when_the_keepers_are_killed_their_servers_end_and_the_data_are_found_again(var: Path) -> None:
    engines = start(var, durable=True)
    engines.wait()
    write(engines, "keeper killed")
    time.sleep(1.1)  # Redis promises at most a second's loss
    for keeper in engines._keepers:
        keeper.kill()
        keeper.wait()
    with running(var, durable=True) as restarted:  # at once: it waits for the old servers to leave
        assert has(restarted, "keeper killed") == (True, True)
    assert soon(lambda: not servers_of(var))


def test_servers_that_were_killed_leave_files_that_do_not_hinder_the_next_start(engines: Engines, var: Path) -> None:
    write(engines, "server killed")
    time.sleep(1.1)
    postmaster = int((var / "postgres" / "postmaster.pid").read_text().split()[0])
    with redis.Redis.from_url(engines.redis_url) as client:
        redis_server = client.info("server")["process_id"]
    for pid in (postmaster, redis_server):
        os.kill(pid, signal.SIGKILL)
    codes = [keeper.wait(10) for keeper in engines._keepers]
    assert codes == [128 + signal.SIGKILL] * 2
    assert (var / "postgres" / "postmaster.pid").exists()
    # The number may belong to somebody else by now, as after a restart of a container.
    lines = (var / "postgres" / "postmaster.pid").read_text().splitlines()
    (var / "postgres" / "postmaster.pid").write_text("\n".join([str(os.getpid()), *lines[1:]]) + "\n")
    with running(var, durable=True) as restarted:
        assert has(restarted, "server killed") == (True, True)


@pytest.mark.parametrize("engine", ["postgres", "redis"])
def test_a_second_server_on_the_same_data_refuses_and_says_who_has_them(
    engines: Engines, var: Path, engine: str
) -> None:
    command = [sys.executable, "-m", "reviewapp.embedded", engine, "--var", str(var)]
    second = subprocess.run(command, capture_output=True, text=True, timeout=10, check=False)
    keeper = engines._keepers[0 if engine == "postgres" else 1]
    assert second.returncode == 1
    assert f"already runs on {var / engine} (process {keeper.pid})" in second.stderr
    assert "Traceback" not in second.stderr
    write(engines, f"after a refused {engine}")


def test_a_client_may_finish_before_its_server_goes(engines: Engines) -> None:
    with psycopg.connect(engines.database_url, autocommit=True) as connection:
        engines._keepers[0].terminate()
        connection.execute("SELECT pg_sleep(1)")
    assert engines._keepers[0].wait(3) == 0


def test_only_its_own_user_reaches_the_sockets(engines: Engines, var: Path) -> None:
    for engine in ("postgres", "redis"):
        assert stat.S_IMODE(socket_folder(var, engine).stat().st_mode) == 0o700
        assert stat.S_IMODE((var / engine).stat().st_mode) == 0o700


def test_the_applications_role_is_no_superuser(engines: Engines) -> None:
    with psycopg.connect(engines.database_url) as connection:
        row = connection.execute("SELECT rolsuper, rolcreatedb FROM pg_roles WHERE rolname = current_user").fetchone()
    assert row == (False, True)


def test_a_long_or_unusual_folder_gets_its_sockets_elsewhere(tmp_path: Path) -> None:
    for name in ("x" * 120, "with space, comma+plus"):
        var = tmp_path / name
        with running(var) as engines:
            write(engines, name)
            assert has(engines, name) == (True, True)
        assert len(os.fsencode(socket_folder(var, "postgres"))) < LONGEST_SOCKET_PATH - 20
        assert not servers_of(var)


def test_waiting_for_an_engine_that_is_not_there_ends_with_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(EngineError, match=r"PostgreSQL does not answer at .*DATABASE_URL"):
        wait_until_ready(database_url(tmp_path), redis_url(tmp_path), timeout=0.2)


def test_a_password_is_not_shown_when_a_server_does_not_answer(tmp_path: Path) -> None:
    with pytest.raises(EngineError) as refused:
        wait_until_ready("postgresql://app:hush@127.0.0.1:9/db", redis_url(tmp_path), timeout=0.2)
    assert "hush" not in str(refused.value)


def test_the_brokers_address_is_the_same_redis() -> None:
    assert celery_broker_url("unix:///srv/redis.sock?db=3") == "redis+socket:///srv/redis.sock?virtual_host=3"
    assert celery_broker_url("rediss://example.com:6380/1") == "rediss://example.com:6380/1"


def test_servers_that_the_operator_named_are_not_started_here() -> None:
    procfile = "postgres: a\nredis: b\nweb: c\n"
    assert chosen_processes(procfile, {}) == {"postgres": "a", "redis": "b", "web": "c"}
    assert chosen_processes(procfile, {"DATABASE_URL": "postgresql://db", "REDIS_URL": ""}) == {
        "redis": "b",
        "web": "c",
    }
