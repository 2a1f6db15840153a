"""What follows from a receiver's answer, and how a message is signed. Pure: numbers and words in, a decision out."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

GIVE_UP_AFTER = timedelta(hours=24)
FIRST_PAUSE = 5.0  # seconds; doubles with every attempt
LONGEST_PAUSE = 3600.0
LONGEST_REST = 300.0  # of a receiver that does not answer at all: how late it may be noticed that it is back
TRY_AGAIN = frozenset({408, 429})  # of 4xx; the others say that the message itself is not wanted
DOWN = frozenset({429, 502, 503, 504})  # speak for the receiver, not about the message


@dataclass(frozen=True, slots=True)
class Answer:
    """What a request came to. ``status`` is None when nothing was answered; ``excerpt`` then says why."""

    status: int | None
    excerpt: str
    milliseconds: int
    retry_after: float | None = None  # seconds that the receiver asked for


@dataclass(frozen=True, slots=True)
class Attempts:
    """How it went so far, with this attempt. ``jitter`` lies between 0 and 1."""

    n_attempts: int
    first_at: datetime
    n_failures: int  # of the receiver as a whole, in a row
    jitter: float


@dataclass(frozen=True, slots=True)
class Decision:
    """``retry_at`` is given while it waits; ``is_down``: until then nothing at all is sent to this receiver."""

    status: Literal["waiting", "delivered", "failed"]
    reason: str
    retry_at: datetime | None = None
    is_down: bool = False


def decide(answer: Answer, attempts: Attempts, *, now: datetime) -> Decision:
    """2xx is delivered, 4xx final except 408 and 429; the rest, and silence, is tried again for 24 hours in all."""
    status = answer.status
    words = f"The receiver answered {status}." if status is not None else answer.excerpt
    if status is not None and 200 <= status < 300:
        return Decision("delivered", words)
    if status is not None and 400 <= status < 500 and status not in TRY_AGAIN:
        return Decision("failed", f"{words} That is final: correct it, then send again.")
    is_down = status is None or status in DOWN
    retry_at = now + timedelta(seconds=_pause(answer, attempts, is_down))
    if retry_at > attempts.first_at + GIVE_UP_AFTER:
        return Decision("failed", f"{words} Given up after 24 hours and {attempts.n_attempts} attempts.", None, is_down)
    return Decision("waiting", f"{words} It is tried again.", retry_at, is_down)


def _pause(answer: Answer, attempts: Attempts, is_down: bool) -> float:
    """Seconds, doubling, a quarter more or less by chance; what the receiver asks for counts up to an hour."""
    n, longest = (attempts.n_failures, LONGEST_REST) if is_down else (attempts.n_attempts, LONGEST_PAUSE)
    pause = min(FIRST_PAUSE * 2.0 ** min(n - 1, 20), longest) * (0.75 + 0.5 * attempts.jitter)
    return max(pause, min(answer.retry_after or 0.0, LONGEST_PAUSE))


def sign(secrets: Iterable[str], *, uid: str, timestamp: int, body: str) -> str:
    """The header ``webhook-signature``: one signature per secret (two while a secret is changed over).

    HMAC-SHA256 over ``id.timestamp.body``, as the Standard Webhooks specification has it. A secret is ``whsec_`` and
    the key in base64.
    """
    message = f"{uid}.{timestamp}.{body}".encode()
    keys = (base64.b64decode(secret.removeprefix("whsec_")) for secret in secrets)
    digests = (hmac.new(key, message, hashlib.sha256).digest() for key in keys)
    return " ".join(f"v1,{base64.b64encode(digest).decode()}" for digest in digests)
