"""What follows from a receiver's answer, and the signature against a vector of the Standard Webhooks specification."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from models_registry.delivery import Answer, Attempts, Decision, decide, sign
from models_registry.sender import why_refused

NOW = datetime(2026, 11, 23, 14, 0, tzinfo=UTC)


def after(
    status: int | None, *, n: int = 1, failures: int = 1, hours: float = 0, jitter: float = 0.5,
    retry_after: float | None = None,
) -> Decision:  # fmt: skip
    attempts = Attempts(n, NOW - timedelta(hours=hours), failures, jitter)
    return decide(Answer(status, "No answer: refused", 3, retry_after), attempts, now=NOW)


def pause(decision: Decision) -> float:
    assert decision.retry_at is not None
    return (decision.retry_at - NOW).total_seconds()


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
def test_any_2xx_is_delivered(status: int) -> None:
    assert after(status).status == "delivered"


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 410, 422, 499])
def test_4xx_is_final(status: int) -> None:
    assert (after(status).status, after(status).is_down) == ("failed", False)


@pytest.mark.parametrize(
    ("status", "is_down"),
    [(None, True), (301, False), (307, False), (408, False), (429, True), (500, False), (502, True), (503, True)],
)
def test_the_rest_is_tried_again_and_some_answers_speak_for_the_whole_receiver(
    status: int | None, is_down: bool
) -> None:
    assert (after(status).status, after(status).is_down) == ("waiting", is_down)


def test_pauses_double_up_to_an_hour_and_spread_by_a_quarter() -> None:
    assert [pause(after(500, n=n)) for n in (1, 2, 3, 10, 30)] == [5, 10, 20, 2560, 3600]
    assert pause(after(500, jitter=0)) == 3.75
    assert pause(after(500, jitter=1)) == 6.25


def test_a_silent_receiver_is_looked_for_every_five_minutes() -> None:
    assert [pause(after(None, n=1, failures=n)) for n in (1, 4, 40)] == [5, 40, 300]


def test_retry_after_is_respected_within_an_hour() -> None:
    assert pause(after(429, retry_after=120)) == 120
    assert pause(after(503, retry_after=86_400)) == 3600
    assert pause(after(429, retry_after=0)) == 5


def test_24_hours_in_all() -> None:
    assert after(500, n=30, hours=22.9).status == "waiting"
    given_up = after(500, n=30, hours=23.1)
    assert (given_up.status, given_up.reason) == (
        "failed", "The receiver answered 500. Given up after 24 hours and 30 attempts.",
    )  # fmt: skip


def test_the_signature_is_that_of_the_specification() -> None:
    """https://github.com/standard-webhooks/standard-webhooks: the example of its reference libraries."""
    secret, body = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", '{"test": 2432232314}'
    signature = sign([secret], uid="msg_p5jXN8AQM9LWM0D4loKWxJek", timestamp=1614265330, body=body)
    assert signature == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


@pytest.mark.parametrize(
    ("address", "is_refused"),
    [
        ("169.254.169.254", True),
        ("fe80::1", True),
        ("::ffff:169.254.169.254", True),
        ("0.0.0.0", True),  # noqa: S104 - it is refused
        ("224.0.0.1", True),
        ("240.0.0.1", True),
        ("127.0.0.1", False),
        ("::1", False),
        ("10.1.2.3", False),
        ("192.168.1.5", False),
        ("93.184.216.34", False),
    ],
)
def test_addresses_that_no_receiver_has_are_refused(address: str, is_refused: bool) -> None:
    assert (why_refused("receiver.test", address) is not None) == is_refused
