"""Single predictions without an image over HTTP: an open loop at a steady rate, then saturation.

Open loop: a request is due whether or not the one before has answered, so waiting counts as latency.
"""

from __future__ import annotations

import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import httpx

from benchmarks.printed import conclude, machine, percentiles
from benchmarks.stack import Stack, stack

TARGETS = {"p99_ms": 50.0, "saturation_per_s": 200.0}
RATE = 100
CLIENTS = 16


def main(arguments: list[str]) -> int:
    quick = "--quick" in arguments
    seconds = 3 if quick else 20
    print(machine())
    with stack() as running:
        _post_many(running, threading.Event(), 0.5)  # warm
        latencies = _open_loop(running, rate=RATE, seconds=seconds)
        rates = [_saturate(running, seconds=2 if quick else 5) for _ in range(1 if quick else 5)]
        figures = percentiles(latencies) | {
            "saturation_per_s": round(sorted(rates)[len(rates) // 2], 1),
            "server_rss_mb": running.rss_mb(),
        }
    return conclude("ingest_api", figures, TARGETS)


def _body(number: str) -> dict[str, object]:
    return {
        "model": "bench", "version": 1, "inspection_id": number, "source": "cam-1", "label": "scratch",
        "scores": {"ok": 0.2, "scratch": 0.7, "dent": 0.1}, "lot": "L1",
    }  # fmt: skip


def _client(running: Stack) -> httpx.Client:
    return httpx.Client(base_url=running.url, headers={"Authorization": f"Bearer {running.api_key}"}, timeout=30)


def _open_loop(running: Stack, *, rate: int, seconds: int) -> list[float]:
    """Latencies from the moment each request was due."""
    start = time.perf_counter() + 0.5
    with _client(running) as client, ThreadPoolExecutor(64) as pool:

        def send(number: int) -> float:
            due = start + number / rate
            time.sleep(max(0.0, due - time.perf_counter()))
            client.post("/api/v1/predictions/", json=_body(f"open-{number}")).raise_for_status()
            return time.perf_counter() - due

        return list(pool.map(send, range(rate * seconds)))


def _saturate(running: Stack, *, seconds: float) -> float:
    """Requests a second that so many clients get through, each sending as fast as it is answered."""
    return _post_many(running, threading.Event(), seconds) / seconds


def _post_many(running: Stack, stop: threading.Event, seconds: float) -> int:
    run = f"{time.time_ns():x}"

    def client_loop(name: int) -> int:
        n = 0
        with _client(running) as client:
            while not stop.is_set():
                client.post("/api/v1/predictions/", json=_body(f"{run}-{name}-{n}")).raise_for_status()
                n += 1
        return n

    with ThreadPoolExecutor(CLIENTS) as pool:
        counts = [pool.submit(client_loop, name) for name in range(CLIENTS)]
        time.sleep(seconds)
        stop.set()
        return sum(count.result() for count in counts)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
