"""A key asks so often and no more: counted in a real Redis, on its clock, by all processes together."""

from __future__ import annotations

import logging
import os
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import redis

import tests.factories as make
from labeling import rate_limit
from labeling.keys import forget_keys, issue_key
from labeling.models import ApiKey
from labeling.rate_limit import seconds_to_wait
from tests.api.line import Line, error_of

pytestmark = pytest.mark.usefixtures("engines")


@pytest.fixture
def bucket() -> str:
    return f"test:{uuid.uuid4()}"


@pytest.fixture
def nobody_answers(settings: Any, unused_tcp_port: int) -> Any:
    """Redis is down, and up again afterwards."""
    settings.REDIS_URL = f"redis://127.0.0.1:{unused_tcp_port}/0"
    rate_limit._script.cache_clear()
    yield
    rate_limit._script.cache_clear()
    rate_limit._Outage.until = 0.0


@pytest.fixture
def unused_tcp_port() -> int:
    return 1  # nothing listens there


def test_a_burst_passes_and_the_next_waits_its_turn(bucket: str) -> None:
    assert [seconds_to_wait(bucket, per_minute=10) for _ in range(10)] == [0.0] * 10
    assert 0 < seconds_to_wait(bucket, per_minute=10) <= 6


def test_a_refused_request_takes_nothing_and_time_gives_back(bucket: str) -> None:
    for _ in range(60):
        seconds_to_wait(bucket, per_minute=600)
    wait = max(seconds_to_wait(bucket, per_minute=600) for _ in range(50))
    assert 0 < wait <= 0.1
    time.sleep(wait)
    assert seconds_to_wait(bucket, per_minute=600) == 0


def test_a_small_limit_is_no_more_at_once_than_in_a_minute(bucket: str) -> None:
    assert [seconds_to_wait(bucket, per_minute=2) > 0 for _ in range(3)] == [False, False, True]


def test_many_at_once_get_no_more_than_one_after_the_other(bucket: str) -> None:
    with ThreadPoolExecutor(16) as pool:
        waits = list(pool.map(lambda _: seconds_to_wait(bucket, per_minute=12), range(200)))
    assert waits.count(0.0) == 10


def test_a_clock_that_was_set_back_locks_nobody_out(bucket: str) -> None:
    with redis.Redis.from_url(os.environ["REDIS_URL"]) as client:
        client.set(f"reviewapp:rate:{bucket}", 10**18)
    assert seconds_to_wait(bucket, per_minute=60) <= 1


def test_a_bucket_goes_away_when_it_is_empty(bucket: str) -> None:
    seconds_to_wait(bucket, per_minute=6000)
    with redis.Redis.from_url(os.environ["REDIS_URL"]) as client:
        assert 0 < client.pttl(f"reviewapp:rate:{bucket}") <= 100


def test_without_redis_requests_pass_and_it_is_said_once(
    bucket: str, nobody_answers: None, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING, logger="labeling.rate_limit"):
        started = time.monotonic()
        assert {seconds_to_wait(bucket, per_minute=1) for _ in range(200)} == {0.0}
    assert len(caplog.records) == 1
    assert time.monotonic() - started < 25  # each try of a dead Redis may take a quarter of a second: 50 s for all


def test_the_limit_of_a_key_holds_for_it_alone_and_is_told(line: Line) -> None:
    ApiKey.objects.update(requests_per_minute=3)
    forget_keys()

    answers = [line.send(line.row(number)) for number in range(4)]

    assert [one.status_code for one in answers] == [201, 201, 201, 429]
    assert error_of(answers[3], 429)["code"] == "rate_limited"
    assert 1 <= int(answers[3].headers["Retry-After"]) <= 20
    _, other = issue_key(user=ApiKey.objects.get().user, name="line 4", now=make.NOW)
    line.headers = {"Authorization": f"Bearer {other}"}
    assert line.send(line.row(9)).status_code == 201


def test_asking_costs_less_than_half_a_millisecond(bucket: str) -> None:
    """Half of the calls: the machine may be busy with other tests."""
    took = []
    for _ in range(400):
        started = time.perf_counter()
        seconds_to_wait(bucket, per_minute=1_000_000)
        took.append(time.perf_counter() - started)
    assert sorted(took)[200] < 0.0005
