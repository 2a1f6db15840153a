"""The product's web server on this test's database, and what a line and an inspector ask of it."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import httpx
import psutil
from django.contrib.auth.models import User
from django.db import connection
from django.utils import timezone

import tests.factories as make
from labeling.keys import issue_key
from labeling.models import SamplingDesign
from labeling.verdicts import Recorded, Said, record_verdict
from models_registry.models import RegisteredModel
from reviewapp.embedded.lifeline import tied_to_this_process
from tests.conftest import PROJECT
from tests.faults.test_web_server import free_port


def test_database() -> str:
    return os.environ["DATABASE_URL"].replace("/reviewapp?", f"/{connection.settings_dict['NAME']}?", 1)


test_database.__test__ = False  # type: ignore[attr-defined]


@contextlib.contextmanager
def product(**environment: str) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """The server as operators start it; its address and its first process."""
    port = free_port()
    settings = {"DATABASE_URL": test_database(), "PORT": str(port), "REVIEWAPP_LOG_LEVEL": "ERROR", **environment}
    command = [sys.executable, "-m", "reviewapp.serve"]
    process = subprocess.Popen(command, cwd=PROJECT, env=os.environ | settings, preexec_fn=tied_to_this_process())
    url = f"http://127.0.0.1:{port}"
    try:
        end = time.monotonic() + 60
        while True:
            with contextlib.suppress(httpx.TransportError):
                if httpx.get(f"{url}/healthz", timeout=5).status_code == 200:
                    break
            assert time.monotonic() < end, "the server does not answer"
            time.sleep(0.1)
        yield url, process
    finally:
        process.terminate()
        process.wait(10)


def n_threads(process: subprocess.Popen[bytes]) -> int:
    return sum(one.num_threads() for one in psutil.Process(process.pid).children())


@dataclass
class Plant:
    """A model whose scratches wait for a person, a system that sends, and alice."""

    url: str
    model: RegisteredModel
    source: str
    alice: User
    headers: dict[str, str]

    def row(self, number: object) -> dict[str, Any]:
        return {
            "model": self.model.slug, "version": "1", "source": self.source, "inspection_id": f"part-{number}",
            "label": "scratch", "scores": {"ok": 0.1, "scratch": 0.9},
        }  # fmt: skip

    def hold(self, number: object = 1) -> int:
        """Send a part that waits. Returns its review."""
        url = f"{self.url}/api/v1/predictions/"
        answer = httpx.post(url, json=self.row(number), headers=self.headers, timeout=30).json()
        assert (answer["disposition"], answer["review"]) == ("hold", "blocking")
        return int(answer["review_id"])

    def ask(self, review: int, wait: object = 30, **options: Any) -> httpx.Response:
        options = {"headers": self.headers, "timeout": 70, **options}
        return httpx.get(f"{self.url}/api/v1/reviews/{review}/", params={"wait": str(wait)}, **options)

    def say(self, review: int, label: str, *, now: datetime | None = None) -> Recorded:
        now = now or timezone.now()
        said = Said(uuid.uuid4(), "label", label, "blind", shown_at=now - timedelta(seconds=1), said_at=now)
        return record_verdict(review_id=review, reviewer=self.alice, said=said, now=now)


def make_plant(url: str, **policy: Any) -> Plant:
    model = make.make_model(slug="steel", review={"min_view_ms": 0, "release_seconds": 0, "blind_share": 1.0, **policy})
    make.make_version(registered_model=model, external_name="1")
    SamplingDesign.objects.update(rules={"blocking_labels": ["scratch"]})
    line = make.make_member("integration", user=make.make_user("line-3"), registered_model=model)
    _, key = issue_key(user=line, name="line 3", now=make.NOW)
    alice = make.make_member(registered_model=model)
    return Plant(url, model, make.make_source(slug="cam-1").slug, alice, {"Authorization": f"Bearer {key}"})
