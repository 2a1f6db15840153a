"""The example client against a live server: what it sends arrives once, whatever happens on the way."""

from __future__ import annotations

import importlib.util
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from pytest_django.live_server_helper import LiveServer

import tests.factories as make
from labeling.keys import issue_key
from labeling.models import DispositionRecord, Inspection
from tests.api.line import Line, make_line

pytestmark = pytest.mark.django_db(transaction=True)
SOURCE = Path(__file__).parents[2] / "docs" / "examples" / "client.py"


def load() -> Any:
    spec = importlib.util.spec_from_file_location("example_client", SOURCE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


client = load()


@pytest.fixture
def plant(transactional_db: None) -> Line:
    return make_line()


def api_of(plant: Line, address: str, **options: Any) -> Any:
    return client.Reviewapp(address, plant.headers["Authorization"].split()[1], **options)


def test_it_is_short() -> None:
    assert len(SOURCE.read_text().splitlines()) <= 150


def test_a_line_sends_asks_reports_and_reads_back(plant: Line, live_server: LiveServer) -> None:
    api = api_of(plant, live_server.url)
    first = api.send(plant.row(1, serial="S-1"))
    assert (first["status"], first["disposition"]) == ("created", "reject")
    assert api.send(plant.row(1, serial="S-1"))["status"] == "duplicate"
    several = api.send_all([plant.row(2), plant.row(3, label="scrach"), plant.row(4)])
    assert [one["status"] for one in several] == ["created", "error", "created"]
    station = plant.source.station.slug
    told = api.report([{"station": station, "inspection_id": "part-1", "disposition": "pass"}])
    assert told[0]["status"] == "created"
    assert DispositionRecord.objects.get(origin="reported").disposition == "pass"
    assert [row["inspection_id"] for row in api.listed("predictions", model="steel", page_size=2)] == [
        "part-4", "part-2", "part-1",
    ]  # fmt: skip
    times = {"start": "2020-01-01T00:00:00Z", "end": "2100-01-01T00:00:00Z"}
    (out,) = api.contained(model="steel", version="v1", station=station, **times)
    assert (out["serial"], out["disposition"]) == ("S-1", "pass")


def test_many_rows_travel_in_packed_requests(plant: Line, live_server: LiveServer, monkeypatch: Any) -> None:
    monkeypatch.setattr(client, "CHUNK", 40)
    api = api_of(plant, live_server.url)
    rows = [plant.row(number, label="ok" if number != 50 else "okk") for number in range(100)]
    for row in rows:
        row["scores"] = {"ok": 0.9, "scratch": 0.1}
    answers = list(api.send_bulk(iter(rows)))
    assert [one["row"] for one in answers] == list(range(100))
    assert {one["row"] for one in answers if one["status"] == "rejected"} == {50}
    assert Inspection.objects.count() == 99


def test_a_refusal_says_what_is_wrong(plant: Line, live_server: LiveServer) -> None:
    with pytest.raises(client.Refused) as refused:
        api_of(plant, live_server.url).send(plant.row(1, label=None))
    assert (refused.value.status, refused.value.code, list(refused.value.fields)) == (400, "label_missing", ["label"])
    with pytest.raises(client.Refused, match="401"):
        client.Reviewapp(live_server.url, "rk_nothing").review(1)


def test_it_waits_as_long_as_a_limit_says(plant: Line, live_server: LiveServer) -> None:
    user = make.make_user("line-3")
    _, text = issue_key(user=user, name="slow", now=make.NOW, requests_per_minute=60)
    api = client.Reviewapp(live_server.url, text)
    started = time.monotonic()
    for _ in range(12):  # ten at once, then one a second
        list(api.listed("versions"))
    assert time.monotonic() - started >= 1


def test_a_lost_answer_is_asked_for_again_and_nothing_is_stored_twice(plant: Line, live_server: LiveServer) -> None:
    with lossy(live_server, lost=2) as (address, n_seen):
        api = api_of(plant, address)
        assert api.send(plant.row(1))["status"] == "duplicate"
        assert len(n_seen) == 3
    assert Inspection.objects.count() == 1


def test_a_server_that_is_not_there_is_an_error_in_the_end(plant: Line) -> None:
    with pytest.raises(OSError, match="refused"):
        api_of(plant, "http://127.0.0.1:1", tries=2).review(1)


@contextmanager
def lossy(server: LiveServer, *, lost: int) -> Iterator[tuple[str, list[int]]]:
    """A way to the server on which the first answers are lost after the server gave them."""
    seen: list[int] = []
    target = urlsplit(server.url)

    def serve() -> None:
        while True:
            try:
                here, _ = listener.accept()
            except OSError:
                return
            seen.append(1)
            with here, socket.create_connection((target.hostname or "", target.port or 0), timeout=10) as there:
                there.sendall(_request(here))
                answer = _all(there)
                if len(seen) > lost:
                    here.sendall(answer)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=serve, daemon=True).start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}", seen
        listener.shutdown(socket.SHUT_RDWR)


def _request(connection: socket.socket) -> bytes:
    """One request: its head, and as much body as the head says."""
    text = b""
    while b"\r\n\r\n" not in text:
        text += connection.recv(65536)
    head, _, body = text.partition(b"\r\n\r\n")
    length = next(
        int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length")
    )
    while len(body) < length:
        body += connection.recv(65536)
    return head + b"\r\n\r\n" + body


def _all(connection: socket.socket) -> bytes:
    """The answer until the server closes, as urllib asked it to."""
    text = b""
    while piece := connection.recv(65536):
        text += piece
    return text
