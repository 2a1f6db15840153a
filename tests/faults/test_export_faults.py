"""An export that breaks in the middle, over the real web server: no client takes what came for the whole."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from django.db import connection

from labeling.keys import issue_key
from labeling.models import GroundTruth, Inspection
from models_registry.models import RegisteredModel
from reviewapp.embedded.lifeline import tied_to_this_process
from tests import factories as make
from tests.conftest import PROJECT
from tests.faults.test_web_server import free_port

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]
N = 30_000


def settled_labels(model: RegisteredModel) -> None:
    station, label = make.make_station(), model.label_set.labels.get(slug="ok")
    parts = Inspection.objects.bulk_create(
        Inspection(
            station=station, inspection_id=f"p{n}", captured_at=make.NOW, received_at=make.NOW, day=make.NOW.date(),
            group_id=str(n), partition="train", lot="x" * 120,
        )
        for n in range(N)
    )  # fmt: skip
    GroundTruth.objects.bulk_create(
        GroundTruth(
            registered_model=model, inspection=one, outcome="label", label=label, n_verdicts=1, method="single",
            decided_at=make.NOW,
        )
        for one in parts
    )  # fmt: skip


@contextlib.contextmanager
def serving(folder: Path) -> Iterator[str]:
    """The product's own server on this test's database."""
    database = os.environ["DATABASE_URL"].replace("/reviewapp?", f"/{connection.settings_dict['NAME']}?", 1)
    port = free_port()
    environment = {"PORT": str(port), "REVIEWAPP_WEB_PROCESSES": "1", "DATABASE_URL": database}
    process = subprocess.Popen(
        [sys.executable, "-m", "reviewapp.serve"], cwd=PROJECT, env=os.environ | environment,
        preexec_fn=tied_to_this_process(),
    )  # fmt: skip
    url, end = f"http://127.0.0.1:{port}", time.monotonic() + 60
    try:
        while True:
            with contextlib.suppress(httpx.TransportError):
                httpx.get(f"{url}/healthz")
                break
            assert time.monotonic() < end, "the server does not answer"
            time.sleep(0.1)
        yield url
    finally:
        process.terminate()
        process.wait(20)


def test_a_database_that_ends_in_the_middle_ends_the_download_as_an_error(tmp_path: Path) -> None:
    model = make.make_model(slug="steel")
    settled_labels(model)
    _, key = issue_key(user=make.make_member("lead", registered_model=model), name="export", now=make.NOW)
    headers = {"Authorization": f"Bearer {key}"}
    with serving(tmp_path) as server:
        url = f"{server}/api/v1/models/steel/ground-truth/export/"
        whole = httpx.get(url, headers=headers, timeout=60)
        assert (whole.content.count(b"\n"), whole.headers["Reviewapp-Rows"]) == (N, str(N))
        with httpx.stream("GET", url, headers=headers, timeout=60) as answer:
            assert answer.status_code == 200
            blocks = answer.iter_raw()
            got = len(next(blocks))
            with connection.cursor() as cursor:
                cursor.execute(
                    "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
                    " WHERE query LIKE 'COPY (SELECT row_to%' AND state = 'active'"
                )
                assert cursor.fetchone() == (1,)
            with pytest.raises(httpx.RemoteProtocolError):
                got += sum(len(block) for block in blocks)
        assert got < len(whole.content)
        assert httpx.get(f"{server}/healthz").status_code == 200
