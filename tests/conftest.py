"""Every test run has its own PostgreSQL and Redis, started once, and leaves nothing behind.

The process that was started by hand (with pytest-xdist: the controller) starts the engines without waiting for them;
whoever first needs the database waits. `pytest tests/unit` starts nothing. pytest-django gives every xdist worker its
own test database, and the worker's number is its Redis database.

The addresses must stand in the environment before Django's settings are read: hence no DJANGO_SETTINGS_MODULE in
pyproject.toml, with which pytest-django would read them before this file.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from copy import deepcopy
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import redis
from django.conf import settings
from django.db import connection, transaction

from reviewapp.embedded import database_url, redis_url
from reviewapp.embedded.lifeline import tied_to_this_process
from reviewapp.embedded.readiness import wait_until_ready
from reviewapp.embedded.running import Engines, start
from tests import template_database

PROJECT = Path(__file__).resolve().parent.parent
UNIT = PROJECT / "tests" / "unit"
XDIST_WORKER = os.environ.get("PYTEST_XDIST_WORKER", "")
FOLDER = "REVIEWAPP_TEST_FOLDER"  # handed down from the controller to its workers
MISSING = {
    "Chromium is missing": "apt-get install -y chromium",
    "mosquitto is missing": "apt-get install -y mosquitto",
    "gettext is missing": "apt-get install -y gettext",
    "MLflow is missing": "make mlflow",
}  # why tests were skipped: how to have them

if "DJANGO_SETTINGS_MODULE" in os.environ and not XDIST_WORKER:
    raise pytest.UsageError(
        "Unset DJANGO_SETTINGS_MODULE: the settings would be read before the test engines are known."
    )
if not XDIST_WORKER:
    os.environ[FOLDER] = tempfile.mkdtemp(prefix="reviewapp-tests-")
TEST_FOLDER = Path(os.environ[FOLDER])
REDIS_DB = int(XDIST_WORKER.removeprefix("gw")) + 1 if XDIST_WORKER else 0
sys.dont_write_bytecode = False  # else every process that a test starts compiles the whole product first
os.environ |= {
    "PYTHONDONTWRITEBYTECODE": "",
    "DJANGO_SETTINGS_MODULE": "reviewapp.settings",
    "DJANGO_SECRET_KEY": "only-for-tests",
    "REVIEWAPP_ENV": "development",
    "REVIEWAPP_CATALOG_SECONDS": "0",  # tests change a row and look at once
    "REVIEWAPP_VAR": str(TEST_FOLDER / (XDIST_WORKER or "main")),
    "DATABASE_URL": database_url(TEST_FOLDER),
    "REDIS_URL": redis_url(TEST_FOLDER, db=REDIS_DB),
}

_started: list[Engines] = []
_skipped: dict[str, list[str]] = {}
_failed: list[str] = []  # told again when pytest itself breaks off, which prints no summary
_broken: list[str] = []


def pytest_configure(config: pytest.Config) -> None:
    if not _is_pure(config.args):
        assert settings.SECRET_KEY  # read now, from our environment: pytest-django sets Django up right after
        settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]  # a slow hash is for real secrets
        settings.DATABASES["default"].setdefault("TEST", {})["TEMPLATE"] = template_database.NAME
    if XDIST_WORKER or config.option.collectonly or config.option.help or _is_pure(config.args):
        return
    _started.append(start(TEST_FOLDER))


def pytest_collection_finish(session: pytest.Session) -> None:
    """The database is migrated before the first test, whose time limit it would use up on a busy machine."""
    controls = not XDIST_WORKER and session.config.getoption("numprocesses", None)
    if session.items and not controls and not session.config.option.collectonly and not _is_pure(session.config.args):
        _wait_for_engines()
        template_database.make_template(TEST_FOLDER)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_setupnodes() -> None:
    """The workers inherit our environment. They, too, must not read the settings before their copy of this file."""
    os.environ.pop("DJANGO_SETTINGS_MODULE", None)


def _is_pure(arguments: list[str]) -> bool:
    return all(Path(argument.split("::")[0]).resolve().is_relative_to(UNIT) for argument in arguments)


def pytest_unconfigure(config: pytest.Config) -> None:
    if XDIST_WORKER:
        return
    for engines in _started:
        engines.stop()
    shutil.rmtree(TEST_FOLDER, ignore_errors=True)
    reporter: Any = config.pluginmanager.get_plugin("terminalreporter")
    for why, tests in _skipped.items():
        reporter.write_line(f"{why}, so these tests were skipped (to have them: {MISSING[why]}):")
        for nodeid in tests:
            reporter.write_line(f"  {nodeid}")
    if _broken:
        reporter.write_line("The run broke off. What had failed, and the first error of the machinery:")
        for text in (*_failed, _broken[0]):
            reporter.write_line(text)


def pytest_internalerror(excrepr: object) -> None:
    _broken.append("\n".join(str(excrepr).splitlines()[-30:]))


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    if report.failed and not XDIST_WORKER:
        _failed.append(f"{report.nodeid} ({report.when}): {str(report.longrepr)[-400:]}")
    if report.skipped and not XDIST_WORKER:
        for why in MISSING:
            if why in str(report.longrepr):
                _skipped.setdefault(why, []).append(report.nodeid)


@pytest.fixture(scope="session")
def engines() -> None:
    """Both engines answer. Depend on it for Redis; for the database pytest-django's fixtures and marks do."""
    _wait_for_engines()


def _wait_for_engines() -> None:
    for engines in _started:
        engines.wait()
    wait_until_ready(os.environ["DATABASE_URL"], os.environ["REDIS_URL"])


@pytest.fixture(scope="session")
def django_db_modify_db_settings(engines: None, django_db_modify_db_settings_parallel_suffix: None) -> None:
    """pytest-django's hook before it makes the test database."""


@pytest.fixture(scope="module")
def standing(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    """One transaction around the tests of a file: rows made by its fixtures stand in each test and go with the last.

    For files whose tests all look at the same rows. Each test has its own savepoint inside, as ever.
    """
    with django_db_blocker.unblock():
        around = transaction.atomic()
        around.__enter__()
    yield
    with django_db_blocker.unblock():
        transaction.set_rollback(True)
        around.__exit__(None, None, None)


@pytest.fixture(scope="module")
def standing_world(standing: None, django_db_blocker: Any) -> Any:
    """A plant with one person of every role. (Imported late: Django is not set up when this file is read.)"""
    with django_db_blocker.unblock():
        return import_module("tests.test_roles").World()


@pytest.fixture
def world(standing_world: Any) -> Any:
    """The same rows in every test of a file, told by objects of the test's own."""
    return deepcopy(standing_world)


StartWorker = Callable[..., subprocess.Popen[bytes]]


@pytest.fixture
def celery_worker_process(engines: None, transactional_db: None) -> Iterator[StartWorker]:
    """``celery_worker_process()`` starts a real worker on this test's database and Redis; it ends with the test.

    Messages that earlier tests left in Redis are dropped. ``queues`` and ``environment`` may be given.
    """
    with redis.Redis.from_url(os.environ["REDIS_URL"]) as client:
        client.flushdb()
    with ExitStack() as started:

        def start_worker(
            *, queues: str = "celery,training", environment: dict[str, str] | None = None
        ) -> subprocess.Popen[bytes]:
            return started.enter_context(_worker(queues, environment or {}))

        yield start_worker


@contextmanager
def _worker(queues: str, environment: dict[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    database = os.environ["DATABASE_URL"].replace("/reviewapp?", f"/{connection.settings_dict['NAME']}?", 1)
    command = [sys.executable, "-m", "celery", "-A", "reviewapp", "worker", "--queues", queues, "--concurrency", "1"]
    command += [
        "--loglevel",
        "warning",
        "--without-gossip",
        "--without-mingle",
        "--hostname",
        f"tests-{os.getpid()}@%h",
    ]
    process = subprocess.Popen(
        command,
        cwd=PROJECT,
        env=os.environ | {"DATABASE_URL": database, "REMAP_SIGTERM": "SIGQUIT"} | environment,
        start_new_session=True,
        preexec_fn=tied_to_this_process(),
    )
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
