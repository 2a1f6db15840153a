"""A view whose answer is not the last one says so: then `reviewapp/waiting.py` holds the answer back and asks again."""

from __future__ import annotations

from datetime import datetime

from rest_framework.request import Request

from reviewapp.errors import ReviewAppError

ASK_AGAIN = "X-Reviewapp-Ask-Again"
MAX_WAIT = 60


def ask_again(*, seconds: int, due_at: datetime | None) -> str:
    """The value of the header: how long to wait, and when the answer changes by itself."""
    return f"{seconds} {due_at.timestamp() if due_at else ''}".strip()


def seconds_to_wait(request: Request) -> int:
    """``?wait=``. :raises ReviewAppError: it is no whole number in the range."""
    said = request.query_params.get("wait", "0")
    if not (said.isascii() and said.isdigit() and len(said) <= 4 and int(said) <= MAX_WAIT):
        what = f"A whole number of seconds from 0 to {MAX_WAIT}."
        raise ReviewAppError(f"wait is not right: {what}", code="invalid", fields={"wait": what})
    return int(said)
