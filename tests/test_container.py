"""The Dockerfile's promises that can be kept without an engine that builds it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib

import pytest
from pytest_django.live_server_helper import LiveServer

from tests.conftest import PROJECT
from tests.edge.plant import free_port

DOCKERFILE = (PROJECT / "Dockerfile").read_text()


def health(port: int, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "reviewapp.healthcheck"]
    environment = {**os.environ, "PORT": str(port), **environment}
    return subprocess.run(command, cwd=PROJECT, env=environment, capture_output=True, text=True, timeout=20)


def test_the_health_check_asks_the_web_server_and_both_engines(live_server: LiveServer) -> None:
    port = int(live_server.url.rsplit(":", 1)[1])

    assert health(port).returncode == 0
    assert '"redis": true' in health(port).stdout
    assert health(port, DJANGO_ALLOWED_HOSTS="stranger.example.com").returncode == 1
    assert health(free_port()).returncode == 1


def test_the_image_holds_all_that_runs_and_nothing_else() -> None:
    taken = set(re.findall(r"^!(\S+)$", (PROJECT / ".dockerignore").read_text(), re.MULTILINE))
    packages = tomllib.loads((PROJECT / "pyproject.toml").read_text())["tool"]["importlinter"]["root_packages"]

    assert taken == {*packages, "templates", "manage.py", "Procfile", "requirements.txt", "requirements-s3.txt"}
    assert all((PROJECT / name).exists() for name in taken)


@pytest.mark.parametrize("word", ["gcc", "build-essential", "apt-get", "USER root"])
def test_the_last_stage_has_no_tools_and_no_root(word: str) -> None:
    last = DOCKERFILE.rsplit("\nFROM ", 1)[1]

    assert word not in last
    assert last.index("USER 10001") < last.index("\nCMD")
    assert "HEALTHCHECK" in last
