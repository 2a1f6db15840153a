"""Single predictions at a steady rate while 500 clients wait for a verdict, beside the same without them, in turns.

Then one verdict, and how long after it each wait is answered. Between its asks a wait is a few objects in the event
loop; what it costs is the ask at its begin and the one at its end.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import httpx
import psycopg

from benchmarks.printed import conclude, machine, percentiles
from benchmarks.stack import Stack, stack
from benchmarks.wire import Wire, sessions, verdict_on

TARGETS = {"with_waits_p99_ms": 50.0, "errors": 0.0}
RATE = 100
NUMBERS = itertools.count()


def main(arguments: list[str]) -> int:
    quick = "--quick" in arguments
    n_waits, seconds, turns = (50, 2, 1) if quick else (500, 6, 3)
    print(machine())
    with stack(inspectors=1) as running:
        _let_dents_wait()
        _open_loop(running, seconds=2)  # warm
        without: list[float] = []
        with_waits: list[float] = []
        crowds, idle, spent = [], [], []
        for _ in range(turns):
            without += _open_loop(running, seconds=seconds)
            threads = _n_threads(running)
            crowd = Crowd(running, n_waits)
            crowd.gather()
            idle.append(_cpu_percent(running, seconds=2))
            with_waits += _open_loop(running, seconds=seconds)
            crowd.threads_more = _n_threads(running) - threads
            before = _cpu_seconds(running)
            crowd.say()
            spent.append((_cpu_seconds(running) - before) / n_waits)
            crowds.append(crowd)
    woken = [one for crowd in crowds for one in crowd.took]
    alone, beside = percentiles(without), percentiles(with_waits)
    figures = {f"without_{name}": value for name, value in alone.items()}
    figures |= {f"with_waits_{name}": value for name, value in beside.items()}
    figures |= {
        "ratio_p50": round(beside["p50_ms"] / alone["p50_ms"], 2),
        "ratio_p99": round(beside["p99_ms"] / alone["p99_ms"], 2),
        "first_woken_ms": round(min(woken, default=0.0) * 1000, 1),
        "last_woken_ms": round(max(woken, default=0.0) * 1000, 1),
        "cpu_of_open_waits_percent": round(sorted(idle)[len(idle) // 2], 1),
        "cpu_of_an_answer_ms": round(sorted(spent)[len(spent) // 2] * 1000, 2),
        "threads_more": float(max(crowd.threads_more for crowd in crowds)),
        "errors": float(sum(crowd.failed for crowd in crowds)),
    }
    return conclude("waits", figures, TARGETS)


def _let_dents_wait() -> None:
    with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as database:
        database.execute("""UPDATE labeling_samplingdesign SET rules = '{"blocking_labels": ["dent"]}'""")
        database.execute("UPDATE labeling_reviewpolicy SET release_seconds = 0, blind_share = 1")


def _body(label: str) -> dict[str, object]:
    return {
        "model": "bench", "version": 1, "inspection_id": f"waits-{next(NUMBERS)}", "source": "cam-1", "label": label,
        "confidence": 0.7,
    }  # fmt: skip


def _client(running: Stack) -> httpx.Client:
    return httpx.Client(base_url=running.url, headers={"Authorization": f"Bearer {running.api_key}"}, timeout=30)


def _open_loop(running: Stack, *, seconds: int) -> list[float]:
    """Latencies from the moment each request was due."""
    start = time.perf_counter() + 0.5
    with _client(running) as client, ThreadPoolExecutor(64) as pool:

        def send(number: int) -> float:
            due = start + number / RATE
            time.sleep(max(0.0, due - time.perf_counter()))
            client.post("/api/v1/predictions/", json=_body("scratch")).raise_for_status()
            return time.perf_counter() - due

        return list(pool.map(send, range(RATE * seconds)))


def _cpu_seconds(running: Stack) -> float:
    """What the server has computed: unlike a clock it does not see what else the machine does."""
    times = [one.cpu_times() for one in running.server.children()]
    return sum(one.user + one.system for one in times)


def _cpu_percent(running: Stack, *, seconds: float) -> float:
    before = _cpu_seconds(running)
    time.sleep(seconds)
    return 100 * (_cpu_seconds(running) - before) / seconds


def _n_threads(running: Stack) -> int:
    return sum(one.num_threads() for one in running.server.children())


class Crowd:
    """So many open waits for one part, held by an event loop in a thread of its own."""

    def __init__(self, running: Stack, n: int) -> None:
        self.running, self.n = running, n
        with _client(running) as client:
            self.review = int(client.post("/api/v1/predictions/", json=_body("dent")).json()["review_id"])
        self.took: list[float] = []
        self.failed = self.threads_more = 0
        self.said_at = 0.0
        self._thread = threading.Thread(target=lambda: asyncio.run(self._wait_all()), daemon=True)

    async def _wait_all(self) -> None:
        headers = {"Authorization": f"Bearer {self.running.api_key}"}
        limits = httpx.Limits(max_connections=None)
        async with httpx.AsyncClient(headers=headers, timeout=120, limits=limits) as client:
            await asyncio.gather(*[self._wait(client) for _ in range(self.n)])

    async def _wait(self, client: httpx.AsyncClient) -> None:
        answer = await client.get(f"{self.running.url}/api/v1/reviews/{self.review}/?wait=60")
        if answer.status_code == 200 and answer.json()["disposition"] == "pass":
            self.took.append(time.perf_counter() - self.said_at)
        else:
            self.failed += 1

    def gather(self) -> None:
        """Return when all wait."""
        self._thread.start()
        end = time.monotonic() + 60
        while self._n_connections() < self.n and time.monotonic() < end:
            time.sleep(0.2)
        while _cpu_percent(self.running, seconds=1) > 20 and time.monotonic() < end:  # until all have asked once
            pass

    def _n_connections(self) -> int:
        family = self.running.server.children()
        return sum(one.status == "ESTABLISHED" for it in family for one in it.net_connections("tcp"))

    def say(self) -> None:
        """An inspector looks, and everybody is told."""
        wire = Wire(self.running, sessions(1)[0])
        self.said_at = time.perf_counter()
        status, said = wire.post("/api/v1/verdicts/", verdict_on({"id": self.review, "phase": "blind"}))
        if status != 201:
            raise RuntimeError(f"the verdict was refused: {status} {said}")
        self._thread.join(60)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
