"""A line holds a part and waits for the word, at a real server: quickly, without a thread, through faults."""

from __future__ import annotations

import asyncio
import contextlib
import subprocess
import time
import uuid
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import timedelta

import httpx
import psutil
import pytest
from django.db import connection
from django.utils import timezone

from labeling import verdicts
from labeling.models import DispositionRecord, Review
from tests.faults.product import Plant, make_plant, n_threads, product

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]
Server = tuple[str, subprocess.Popen[bytes]]


@pytest.fixture(scope="module")
def server(django_db_setup: None, engines: None) -> Iterator[Server]:
    with product() as running:
        yield running


@pytest.fixture
def plant(server: Server) -> Plant:
    return make_plant(server[0])


@pytest.fixture
def line() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(8) as pool:
        yield pool


def begin(line: ThreadPoolExecutor, plant: Plant, review: int, wait: float = 30) -> Future[httpx.Response]:
    """Ask in the background, and return when the server certainly has it."""
    asked = line.submit(plant.ask, review, wait)
    time.sleep(0.7)
    assert not asked.done()
    return asked


def test_a_verdict_ends_the_wait_with_what_the_plain_request_says(plant: Plant, line: ThreadPoolExecutor) -> None:
    review = plant.hold()
    asked = begin(line, plant, review)
    begun = time.monotonic()
    plant.say(review, "ok")
    answer = asked.result(10)
    assert time.monotonic() - begun < 10  # of the 30 that were asked for
    assert (answer.status_code, answer.json()["disposition"], answer.json()["label"]) == (200, "pass", "ok")
    assert "x-reviewapp-ask-again" not in answer.headers
    assert answer.json() == plant.ask(review, 0).json()
    assert plant.ask(review, 30).elapsed < timedelta(seconds=10)  # at once: it is settled


def test_the_wait_ends_at_the_release_and_an_undo_before_it_is_not_seen(plant: Plant, line: ThreadPoolExecutor) -> None:
    plant.model.review_policy.release_seconds = 2
    plant.model.review_policy.save()
    review = plant.hold()
    asked = begin(line, plant, review)
    said = plant.say(review, "ok")
    verdicts.undo(
        target=said.verdict.client_id, client_id=uuid.uuid4(), reviewer=plant.alice, now=timezone.now()
    )  # fmt: skip
    time.sleep(2.3)
    assert not asked.done()
    begun = time.monotonic()
    plant.say(review, "scratch")
    assert asked.result(10).json()["disposition"] == "reject"
    assert 1.9 < time.monotonic() - begun < 10
    assert DispositionRecord.objects.filter(review=review).count() == 1


def test_at_the_deadline_the_default_is_answered_though_no_worker_runs(plant: Plant, line: ThreadPoolExecutor) -> None:
    review = plant.hold()
    deadline = timezone.now() + timedelta(seconds=1.5)
    Review.objects.update(deadline=deadline, default_disposition="reject")
    several = [line.submit(plant.ask, review) for _ in range(4)]  # at both processes
    answers = [one.result(20).json() for one in several]
    assert timezone.now() - deadline < timedelta(seconds=10)
    assert {(one["disposition"], one["status"], one["mode"]) for one in answers} == {("reject", "open", "measuring")}
    assert DispositionRecord.objects.filter(review=review).count() == 1


def test_when_the_time_is_over_the_present_state_is_answered(plant: Plant) -> None:
    review = plant.hold()
    answer = plant.ask(review, 1)
    assert answer.elapsed > timedelta(seconds=1)
    assert (answer.status_code, answer.json()) == (200, plant.ask(review, 0).json())
    assert answer.json()["disposition"] == "hold"


def test_refusals_are_those_of_the_plain_request(plant: Plant) -> None:
    review = plant.hold()
    for wait, options, status in ((5, {"headers": {}}, 401), (61, {}, 400), ("x", {}, 400)):
        answer = plant.ask(review, wait, **options)
        assert (answer.status_code, answer.json()["error"].keys()) == (status, {"code", "message", "fields"})
    assert plant.ask(review + 10_000, 5).status_code == 404
    assert plant.ask(10**30, 5).status_code == 404


def test_five_hundred_waits_hold_no_thread_and_slow_nobody(
    plant: Plant, server: Server, line: ThreadPoolExecutor
) -> None:
    review = plant.hold()

    def send(name: str, n: int = 40) -> float:
        """The median of so many single predictions, in seconds."""
        took = []
        with httpx.Client(headers=plant.headers, timeout=30) as client:
            for number in range(n):
                begun = time.perf_counter()
                client.post(f"{plant.url}/api/v1/predictions/", json=plant.row(f"{name}-{number}")).raise_for_status()
                took.append(time.perf_counter() - begun)
        return sorted(took)[n // 2]

    async def wait_all() -> tuple[list[httpx.Response], float, int]:
        limits = httpx.Limits(max_connections=None)
        async with httpx.AsyncClient(headers=plant.headers, timeout=90, limits=limits) as client:
            url = f"{plant.url}/api/v1/reviews/{review}/?wait=60"
            waits = [asyncio.create_task(client.get(url)) for _ in range(500)]
            while open_connections(server) < 500:
                await asyncio.sleep(0.2)
            await asyncio.sleep(3)  # all have asked once
            with_waits, threads = await asyncio.to_thread(send, "with"), n_threads(server[1])
            assert not any(one.done() for one in waits)
            await asyncio.to_thread(plant.say, review, "ok")
            return await asyncio.gather(*waits), with_waits, threads

    send("warm")
    alone, before = send("alone"), n_threads(server[1])
    # in a thread of its own: a browser test before this one leaves its event loop running in the main one
    answers, with_waits, threads = line.submit(asyncio.run, wait_all()).result()
    assert {(one.status_code, one.json()["disposition"]) for one in answers} == {(200, "pass")}
    assert threads <= before + 16  # two pools of eight may have been filled meanwhile, and that is all
    assert with_waits < 4 * alone + 0.05


def open_connections(server: Server) -> int:
    workers = psutil.Process(server[1].pid).children()
    return sum(1 for one in workers for it in one.net_connections("tcp") if it.status == psutil.CONN_ESTABLISHED)


def test_a_lost_connection_to_the_database_is_made_again_and_nothing_is_missed(
    plant: Plant, line: ThreadPoolExecutor
) -> None:
    review = plant.hold()
    asked = begin(line, plant, review)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
    plant.say(review, "ok")  # told while nobody listens
    assert asked.result(10).json()["disposition"] == "pass"
    again = plant.hold(2)
    asked = begin(line, plant, again)
    plant.say(again, "scratch")
    assert asked.result(10).json()["disposition"] == "reject"


def test_a_killed_server_loses_no_verdict_for_who_asks_again(plant: Plant, server: Server) -> None:
    review = plant.hold()
    with ThreadPoolExecutor(1) as line:
        asked = begin(line, plant, review)
        for worker in psutil.Process(server[1].pid).children():
            worker.kill()
        assert isinstance(asked.exception(10), httpx.TransportError)
    plant.say(review, "ok")
    end = time.monotonic() + 30
    while time.monotonic() < end:
        with contextlib.suppress(httpx.TransportError):
            assert plant.ask(review, 30).json()["disposition"] == "pass"
            return
        time.sleep(0.1)
    pytest.fail("the server did not come back")


def test_waits_are_bounded_and_who_leaves_makes_room_and_a_stop_answers_them(line: ThreadPoolExecutor) -> None:
    with product(REVIEWAPP_WEB_PROCESSES="1", REVIEWAPP_MAX_WAITS="2") as (url, process):
        plant = make_plant(url)
        review = plant.hold()
        stays = begin(line, plant, review)
        with contextlib.suppress(httpx.ReadTimeout):
            begin_and_leave = plant.ask(review, 30, timeout=1.0)
            pytest.fail(f"answered {begin_and_leave}")
        other = begin(line, plant, review)  # in the place of the one that left
        refused = plant.ask(review)
        assert (refused.status_code, refused.json()["error"]["code"]) == (503, "too_many_waits")
        assert int(refused.headers["retry-after"]) > 0
        begun = time.monotonic()
        process.terminate()
        assert {one.result(10).json()["disposition"] for one in (stays, other)} == {"hold"}
        process.wait(10)
        assert time.monotonic() - begun < 4


def test_pages_and_static_files_are_served(server: Server) -> None:
    with httpx.Client(base_url=server[0], follow_redirects=True) as client:
        address, plain = "/static/reviewapp/base.css", {"Accept-Encoding": "identity"}
        page, style = client.get("/"), client.get(address, headers=plain)
        assert (page.status_code, "csrfmiddlewaretoken" in page.text) == (200, True)
        assert (style.status_code, style.headers["content-type"]) == (200, 'text/css; charset="utf-8"')
        assert int(style.headers["content-length"]) == len(style.content) > 1000
        assert client.get(address, headers={"Range": "bytes=0-9", **plain}).content == style.content[:10]
