"""Fixtures that need Django are imported late: it is not set up yet when this file is read."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture(scope="session")
def server(django_db_setup: None, django_db_blocker: Any) -> Iterator[int]:
    """The port of a web server that runs as long as the tests of this folder do."""
    plant = import_module("tests.edge.plant")
    port = plant.free_port()
    with django_db_blocker.unblock(), plant.serving(port):
        yield port


@pytest.fixture(scope="session")
def mosquitto() -> str:
    """The broker's program. Without it these tests are skipped, or fail if it is required."""
    program = shutil.which("mosquitto", path=os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin")
    if program is None:
        if os.environ.get("REQUIRE_BROKER") == "1":
            pytest.fail("mosquitto is missing and REQUIRE_BROKER=1 (apt-get install -y mosquitto)")
        pytest.skip("mosquitto is missing")  # tests/conftest.py lists these at the end of the run
    return program


@pytest.fixture
def line(transactional_db: None) -> Any:
    """A line with a camera, a model with a champion, and the key of the system that sends."""
    return import_module("tests.api.line").make_line()


@pytest.fixture
def cable(server: int) -> Iterator[Any]:
    cable = import_module("tests.edge.plant").Cable(server)
    yield cable
    cable.pull()


@pytest.fixture
def agent(line: Any, cable: Any, tmp_path: Path) -> Iterator[Any]:
    """The agent, not started yet, on its cable to the server."""
    key = line.headers["Authorization"].removeprefix("Bearer ")
    agent = import_module("tests.edge.plant").AgentProcess(tmp_path, server_port=cable.port, api_key=key)
    yield agent
    agent.stop()
