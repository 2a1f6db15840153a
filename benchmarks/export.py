"""Ground truth out as JSONL, over the real server and by command, beside a plain COPY of the same rows."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
import time
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import httpx
import psutil
import psycopg

from benchmarks.printed import ROOT, conclude, machine
from benchmarks.stack import Stack, stack
from benchmarks.truths import seed_truths
from labeling.exchange.query import LINEAGE

TARGETS = {"http_seconds_at_most": 3.0, "http_growth_mb": 100.0, "command_seconds_at_most": 3.0}
PLAIN = f"COPY ({LINEAGE} WHERE g.registered_model_id = 1 ORDER BY g.id) TO STDOUT"


def main(arguments: list[str]) -> int:
    quick = "--quick" in arguments
    n, rounds = (2_000, 1) if quick else (100_000, 5)
    print(machine())
    with stack() as running, TemporaryDirectory() as folder:
        seed_truths(os.environ["DATABASE_URL"], n)
        plain, over_http, by_command = [], [], []
        before = running.rss_mb()
        with Watched(running.server) as watched:
            for _ in range(rounds):
                plain.append(_plain_copy())
                over_http.append(_over_http(running, n))
        peaks = []
        for _ in range(rounds):
            seconds, peak = _by_command(running, Path(folder) / "truth.jsonl", n)
            by_command.append(seconds)
            peaks.append(peak)
    figures = {
        "rows": float(n),
        "http_seconds_at_most": round(median(over_http), 2),
        "http_rows_per_s": round(n / median(over_http)),
        "http_growth_mb": round(max(watched.peak_mb - before, 0), 1),
        "plain_copy_seconds": round(median(plain), 2),
        "ratio_to_plain_copy": round(median(plain) / median(over_http), 2),
        "command_seconds_at_most": round(median(by_command), 2),
        "command_rss_mb": round(max(peaks), 1),
    }
    return conclude("export", figures, TARGETS)


class Watched:
    """The largest resident memory of one web process while the block runs."""

    def __init__(self, server: psutil.Process) -> None:
        self._server, self._done, self.peak_mb = server, threading.Event(), 0.0
        self._thread = threading.Thread(target=self._watch)

    def __enter__(self) -> Watched:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._done.wait(0.05):
            family = [self._server, *self._server.children(recursive=True)]
            self.peak_mb = max(self.peak_mb, *(one.memory_info().rss / 1e6 for one in family))


def _plain_copy() -> float:
    """The limit: PostgreSQL joins the rows and writes them as text; nobody looks at them."""
    start = time.perf_counter()
    with (
        psycopg.connect(os.environ["DATABASE_URL"]) as connection,
        connection.cursor() as cursor,
        cursor.copy(PLAIN.encode()) as lines,
    ):
        for _ in lines:
            pass
    return time.perf_counter() - start


def _over_http(running: Stack, n: int) -> float:
    url = f"{running.url}/api/v1/models/{running.model}/ground-truth/export/?format=jsonl"
    start, n_lines = time.perf_counter(), 0
    with httpx.stream("GET", url, headers={"Authorization": f"Bearer {running.api_key}"}, timeout=120) as answer:
        answer.raise_for_status()
        for block in answer.iter_raw():
            n_lines += block.count(b"\n")
    seconds = time.perf_counter() - start
    if n_lines != n:
        raise RuntimeError(f"{n_lines} lines came, not {n}")
    return seconds


def _by_command(running: Stack, path: Path, n: int) -> tuple[float, float]:
    """Seconds that the command says it took after Django was loaded, and its largest memory."""
    command = [sys.executable, "manage.py", "export_truth", running.model, str(path), "--format", "jsonl"]
    peak = 0.0
    process = psutil.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    while process.poll() is None:
        try:
            peak = max(peak, process.memory_info().rss / 1e6)
        except psutil.Error:
            break
        time.sleep(0.05)
    said = re.search(r" in ([0-9.]+) s", process.communicate(timeout=120)[0])
    if said is None or path.read_bytes().count(b"\n") != n:
        raise RuntimeError("the command did not write all rows")
    return float(said.group(1)), peak


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
