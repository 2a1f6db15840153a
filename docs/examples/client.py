"""A small client of the reviewapp API, for Python 3.11 with nothing installed. Copy it and change what you like.

    api = Reviewapp("https://review.example.com", "rk_…")
    answer = api.send({"model": "surface", "version": "cam-net-7", "inspection_id": "88213", "source": "cam-1",
                       "label": "scratch", "confidence": 0.91})
    if answer["disposition"] == "hold":
        answer = api.wait(answer["review_id"], seconds=60)

What failed on the way is sent again: every way in is idempotent, so a part is never stored twice. 429 waits as long as
the server says. What the server refuses for good raises `Refused`, with its code, message and fields.
"""

from __future__ import annotations

import gzip
import json
import random
import time
import urllib.error
import urllib.parse
import urllib.request
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from http.client import HTTPException
from itertools import islice
from typing import Any, TypedDict, cast

Row = Mapping[str, Any]
AGAIN = {408, 425, 429, 500, 502, 503, 504}
CHUNK = 20_000


class Answer(TypedDict, total=False):
    """What the line is told about one row; one that was refused has `error`, in bulk `code` and `message`."""

    row: int
    status: str
    inspection_id: str
    disposition: str | None
    review: str
    review_id: int | None
    deadline: str | None
    default_disposition: str | None
    reason: str
    probability: float
    image: str | None
    error: dict[str, Any]
    code: str
    message: str


class Refused(Exception):
    """The server will not take this, however often it is sent."""

    def __init__(self, status: int, error: Mapping[str, Any]) -> None:
        super().__init__(f"{status} {error.get('code')}: {error.get('message')}")
        self.status, self.code, self.fields = status, str(error.get("code")), dict(error.get("fields") or {})
        self.row: int | None = error.get("row")


class Reviewapp:
    def __init__(self, address: str, key: str, *, tries: int = 6, timeout: float = 30.0) -> None:
        self.base, self.tries, self.timeout = address.rstrip("/") + "/api/v1", tries, timeout
        self.headers = {"Authorization": f"Bearer {key}", "Accept": "application/json"}

    def send(self, row: Row) -> Answer:
        """One prediction. The answer says what to do with the part."""
        return cast(Answer, self.call("POST", "/predictions/", row))

    def send_all(self, rows: Sequence[Row]) -> list[Answer]:
        """Up to 1,000 rows; each is answered for itself."""
        return list(self.call("POST", "/predictions/", rows, refusals=True)["results"])

    def send_bulk(self, rows: Iterable[Row]) -> Iterator[Answer]:
        """Any number of rows, in packed requests of 20,000; `row` counts over all of them."""
        rows, sent = iter(rows), 0
        while chunk := list(islice(rows, CHUNK)):
            lines = gzip.compress(b"".join(json.dumps(row).encode() + b"\n" for row in chunk), 1)
            kind = {"Content-Type": "application/x-ndjson", "Content-Encoding": "gzip"}
            once = {"Idempotency-Key": str(uuid.uuid4())}
            answer = self.call("POST", "/predictions/bulk/", lines, headers=kind | once, refusals=True)
            for one in sorted(answer["results"], key=lambda one: one["row"]):  # refused rows may come first
                one["row"] += sent
                yield one
            sent += len(chunk)

    def report(self, rows: Sequence[Row]) -> list[dict[str, Any]]:
        """What the line really did with its parts."""
        return list(self.call("POST", "/dispositions/", rows, refusals=True)["results"])

    def review(self, number: int) -> dict[str, Any]:
        return dict(self.call("GET", f"/reviews/{number}/"))

    def wait(self, number: int, *, seconds: float) -> dict[str, Any]:
        """The review when the line knows what to do with the part, or as it stands after so many seconds."""
        end = time.monotonic() + seconds
        while True:
            left = max(0, min(20, int(end - time.monotonic())))
            state = dict(self.call("GET", f"/reviews/{number}/?wait={left}"))
            if left == 0 or state["disposition"] not in {None, "hold"} or state["status"] != "open":
                return state

    def listed(self, what: str, **filters: str | int | float) -> Iterator[dict[str, Any]]:
        """All rows of a list: `listed("predictions", model="surface", since="2026-11-23T06:00:00Z")`."""
        query, cursor = {"page_size": 500, **filters}, None
        while True:
            said = urllib.parse.urlencode(query | ({"cursor": cursor} if cursor else {}))
            page = self.call("GET", f"/{what}/?{said}")
            yield from page["results"]
            if not (cursor := page["next_cursor"]):
                return

    def contained(self, *, model: str, version: str, station: str, start: str, end: str) -> Iterator[dict[str, Any]]:
        """Every part that the version passed there between the two times, with its evidence."""
        return self.listed("containment", model=model, version=version, station=station, **{"from": start, "to": end})

    def call(
        self, method: str, path: str, body: Any = None, *, headers: Row | None = None, refusals: bool = False
    ) -> Any:
        """The decoded answer. ``refusals``: one that refused every row is an answer too. :raises Refused: for good."""
        data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        told = {**self.headers, "Content-Type": "application/json", **(headers or {})}
        for tried in range(1, self.tries + 1):
            try:
                request = urllib.request.Request(self.base + path, data, told, method=method)  # noqa: S310 - our address
                with urllib.request.urlopen(request, timeout=self.timeout) as answer:  # noqa: S310
                    return json.load(answer)
            except urllib.error.HTTPError as error:
                said = _decoded(error)
                if error.code not in AGAIN or tried == self.tries:
                    if refusals and "results" in said and error.code not in AGAIN:
                        return said
                    raise Refused(error.code, said.get("error", {})) from error
                pause = float(error.headers.get("Retry-After") or 0)
            except (OSError, HTTPException, json.JSONDecodeError):
                if tried == self.tries:
                    raise
                pause = 0.0
            time.sleep(pause or random.uniform(0.5, 1) * min(30, 0.25 * 2**tried))  # noqa: S311 - spreads clients
        raise AssertionError("not reached")


def _decoded(error: urllib.error.HTTPError) -> dict[str, Any]:
    try:
        return dict(json.load(error))
    except (ValueError, OSError):
        return {}
