"""Bulk ingest at a real server: cut lines, killed servers, bodies that are too large. Whole chunks or nothing."""

from __future__ import annotations

import json
import socket
import subprocess
import time
from collections.abc import Iterator

import httpx
import psutil
import pytest

from labeling.models import Inspection, Prediction, Selection
from tests.faults.product import Plant, make_plant, product

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]
Server = tuple[str, subprocess.Popen[bytes]]
BULK = "/api/v1/predictions/bulk/"
CHUNK = 2_000


@pytest.fixture(scope="module")
def server(django_db_setup: None, engines: None) -> Iterator[Server]:
    with product(REVIEWAPP_MAX_BULK_MB="8", REVIEWAPP_WEB_PROCESSES="1") as running:
        yield running


@pytest.fixture
def plant(server: Server) -> Plant:
    return make_plant(server[0])


def body(plant: Plant, n: int) -> bytes:
    return b"\n".join(json.dumps(plant.row(number)).encode() for number in range(n))


def head(plant: Plant, *lines: str) -> bytes:
    key = f"Authorization: {plant.headers['Authorization']}"
    return "\r\n".join([f"POST {BULK} HTTP/1.1", "Host: localhost", key, *lines, "", ""]).encode()


def connect(plant: Plant) -> socket.socket:
    host, port = plant.url.removeprefix("http://").split(":")
    return socket.create_connection((host, int(port)), timeout=20)


def settled(least: int) -> int:
    """How many inspections there are once nothing comes any more."""
    end, n = time.monotonic() + 20, -1
    while time.monotonic() < end and (n < least or n != Inspection.objects.count()):
        n = Inspection.objects.count()
        time.sleep(0.3)
    return n


def resend(plant: Plant, text: bytes) -> dict[str, int]:
    answer = httpx.post(plant.url + BULK, content=text, headers=plant.headers, timeout=60)
    assert answer.status_code in {200, 201}, answer.text[:300]
    return dict(answer.json()["counts"])


@pytest.mark.parametrize("framing", ["length", "chunked"])
def test_a_line_that_is_cut_keeps_whole_chunks_and_the_resend_completes(plant: Plant, framing: str) -> None:
    n = 2 * CHUNK + 700
    text = body(plant, n)
    part = text[: len(text) - 3_000]
    with connect(plant) as peer:
        if framing == "length":
            peer.sendall(head(plant, f"Content-Length: {len(text)}") + part)
        else:
            peer.sendall(head(plant, "Transfer-Encoding: chunked") + b"%x\r\n" % len(part) + part + b"\r\n")
        n_before = settled(CHUNK)

    n_kept = settled(2 * CHUNK)
    assert n_before <= n_kept == 2 * CHUNK
    assert resend(plant, text) == {"created": n - n_kept, "duplicate": n_kept, "rejected": 0}
    assert Prediction.objects.count() == Selection.objects.count() == n


def test_a_server_that_is_killed_leaves_whole_chunks_and_the_resend_completes(server: Server, plant: Plant) -> None:
    n = 3 * CHUNK
    text = body(plant, n)
    with connect(plant) as peer:
        peer.sendall(head(plant, f"Content-Length: {len(text)}") + text[: len(text) // 2])
        assert settled(CHUNK) >= CHUNK
        for worker in psutil.Process(server[1].pid).children():
            worker.kill()
    n_kept = settled(CHUNK)

    assert n_kept % CHUNK == 0
    end = time.monotonic() + 30
    while time.monotonic() < end:  # a new worker is on its way
        try:
            if httpx.get(f"{plant.url}/healthz", timeout=5).status_code == 200:
                break
        except httpx.TransportError:
            time.sleep(0.2)
    assert resend(plant, text) == {"created": n - n_kept, "duplicate": n_kept, "rejected": 0}


def test_ten_gigabytes_are_refused_before_they_are_read(plant: Plant) -> None:
    with connect(plant) as peer:
        peer.sendall(head(plant, f"Content-Length: {10 * 2**30}"))
        answer = peer.recv(65_536).decode()

    assert " 413 " in answer.splitlines()[0]
    assert not Inspection.objects.exists()


def test_a_chunked_body_is_refused_where_it_becomes_too_large_in_bounded_memory(server: Server, plant: Plant) -> None:
    (worker,) = psutil.Process(server[1].pid).children()
    before = worker.memory_info().rss

    def endless() -> Iterator[bytes]:
        for _ in range(4_000):
            yield b" " * 65_536

    try:
        answer = httpx.post(plant.url + BULK, content=endless(), headers=plant.headers, timeout=60)
    except httpx.WriteError:
        pass  # the server hung up while we were still sending
    else:
        assert (answer.status_code, answer.json()["error"]["code"]) == (413, "body_too_large")
    assert worker.memory_info().rss - before < 40_000_000
    assert resend(plant, body(plant, 10))["created"] == 10
