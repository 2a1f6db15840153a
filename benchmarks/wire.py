"""Inspectors on a wire: signed in, one connection each, and as little work a request as a driver can do that shares the
machine with what it measures.
"""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import threading
import time
import uuid
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import msgspec

from benchmarks.printed import ROOT
from benchmarks.stack import Stack

TOKEN = "t" * 32


class Wire:
    """One person's connection."""

    def __init__(self, running: Stack, session: str) -> None:
        address = urlsplit(running.url)
        self.host, self.port = str(address.hostname), int(address.port or 80)
        self.head = (
            f"Host: {self.host}:{self.port}\r\nCookie: sessionid={session}; csrftoken={TOKEN}\r\n"
            f"X-CSRFToken: {TOKEN}\r\nContent-Type: application/json\r\nContent-Length: "
        )
        self.socket = socket.create_connection((self.host, self.port), timeout=60)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def post(self, path: str, body: Any) -> tuple[int, Any]:
        """Status and what the body says."""
        text = msgspec.json.encode(body)
        self.socket.sendall(f"POST {path} HTTP/1.1\r\n{self.head}{len(text)}\r\n\r\n".encode() + text)
        data = b""
        while (end := data.find(b"\r\n\r\n")) < 0:
            data += self._more()
        head = data[:end].lower()
        start = head.index(b"content-length:") + 15
        length = int(head[start : (head + b"\r\n").index(b"\r\n", start)])
        while len(data) < end + 4 + length:
            data += self._more()
        return int(head[9:12]), msgspec.json.decode(data[end + 4 :]) if length else None

    def _more(self) -> bytes:
        piece = self.socket.recv(65_536)
        if not piece:
            raise ConnectionResetError("The server closed the connection.")
        return piece


@dataclass
class Work:
    """What people did: seconds a claim, seconds a verdict, who was handed what."""

    claims: list[float] = field(default_factory=list)
    verdicts: list[float] = field(default_factory=list)
    handed: list[int] = field(default_factory=list)
    n_said: int = 0
    errors: list[str] = field(default_factory=list)

    def doubles(self) -> int:
        return sum(n - 1 for n in Counter(self.handed).values())


@dataclass
class Inspector:
    """Claims ``n`` at once, judges them one by one, and asks again when ``low`` or fewer are left."""

    wire: Wire
    model: str
    asked: dict[str, Any]
    n: int = 1
    low: int = 0
    work: Work = field(default_factory=Work)
    buffer: list[dict[str, Any]] = field(default_factory=list)

    def step(self) -> bool:
        """One verdict, and a claim where one is due. False: nothing is left."""
        if len(self.buffer) <= self.low:
            self._claim()
        if not self.buffer:
            return False
        review = self.buffer.pop(0)
        start = time.perf_counter()
        status, said = self.wire.post("/api/v1/verdicts/", verdict_on(review))
        self.work.verdicts.append(time.perf_counter() - start)
        if status == 201:
            self.work.n_said += 1
        else:
            self.work.errors.append(f"verdict {status} {said}")
        return True

    def _claim(self) -> None:
        holding = [one["id"] for one in self.buffer]
        body = {"n": self.n - len(holding), "holding": holding, "with": [], **self.asked}
        start = time.perf_counter()
        status, answer = self.wire.post(f"/api/v1/models/{self.model}/reviews/claim/", body)
        self.work.claims.append(time.perf_counter() - start)
        if status != 200:
            self.work.errors.append(f"claim {status} {answer}")
            return
        self.buffer += answer["reviews"]
        self.work.handed += [one["id"] for one in answer["reviews"]]


def verdict_on(review: dict[str, Any]) -> dict[str, Any]:
    now = datetime.now(UTC)
    return {
        "client_id": str(uuid.uuid4()), "review": review["id"], "kind": "label", "label": "ok",
        "phase": review["phase"],
        "shown_at": (now - timedelta(seconds=1)).isoformat(), "said_at": now.isoformat(),
    }  # fmt: skip


def sessions(n: int) -> list[str]:
    """Of inspector-0 to inspector-(n-1). In a process of its own, since Django reads its settings once."""
    command = [sys.executable, "-m", "benchmarks.sessions", str(n)]
    answer = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if answer.returncode:
        raise RuntimeError(answer.stderr[-2000:])
    found: list[str] = json.loads(answer.stdout.strip().splitlines()[-1])
    return found


def crowd(people: list[Inspector], *, seconds: float, every: float = 0.0) -> tuple[Work, float]:
    """All at once for so long; ``every``: seconds from one verdict to the next, 0 as fast as it goes. Returns what they
    did, and how long it took.
    """
    start = time.perf_counter()
    threads = [
        threading.Thread(target=_work, args=(one, start + every * k / len(people), start + seconds, every))
        for k, one in enumerate(people)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    elapsed = time.perf_counter() - start
    whole = Work()
    for one in people:
        whole.claims += one.work.claims
        whole.verdicts += one.work.verdicts
        whole.handed += one.work.handed
        whole.errors += one.work.errors
        whole.n_said += one.work.n_said
        one.work = Work()
    return whole, elapsed


def _work(one: Inspector, due: float, end: float, every: float) -> None:
    try:
        while time.perf_counter() < end:
            time.sleep(max(0.0, due - time.perf_counter()))
            if not one.step():
                return
            due += every
    except OSError as error:
        one.work.errors.append(str(error))
