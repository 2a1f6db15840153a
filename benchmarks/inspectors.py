"""Inspectors at work: 64 at one verdict a second each; then 32 as fast as it goes, one by one and with the station's
buffered claims; then the same with a queue that is ordered by doubt and filtered by camera. Nothing twice, no errors.

The driver works on the same cores. Behind each figure stands the CPU time that the server and the database spent a
verdict: on a busy machine that says more than a clock.
"""

from __future__ import annotations

import sys
from typing import Any

import psutil
import psycopg

from benchmarks.open_reviews import fill, n_verdicts, verdicts_twice
from benchmarks.printed import conclude, machine, percentiles
from benchmarks.stack import Stack, stack
from benchmarks.wire import Inspector, Wire, Work, crowd, sessions

TARGETS = {
    "p95_ms": 30.0, "doubles": 0.0, "errors": 0.0, "saturation_per_s": 120.0, "saturation_buffered_per_s": 200.0,
    "doubt_p95_ms": 30.0, "doubt_per_s": 120.0, "doubt_buffered_per_s": 200.0,
}  # fmt: skip
BY_DOUBT = {"order": "doubt", "source": "cam-1"}
PACED, FAST = 64, 32


def main(arguments: list[str]) -> int:
    quick = "--quick" in arguments
    n, seconds, short = (12_000, 4.0, 3.0) if quick else (1_000_000, 60.0, 20.0)
    print(machine())
    works: list[Work] = []
    figures: dict[str, float] = {}
    with stack(inspectors=PACED) as running:
        fill(running.database_url, first=1, last=n)
        keys = sessions(PACED)
        for name, asked in (("", {}), ("doubt_", BY_DOUBT)):
            _turn(running, keys[:FAST], asked, works, seconds=2)  # warm
            paced, _ = _turn(running, keys, asked, works, seconds=seconds if not name else seconds / 2, every=1.0)
            claims, said = percentiles(paced.claims), percentiles(paced.verdicts)
            before = cpu_seconds(running)
            alone, alone_s = _turn(running, keys[:FAST], asked, works, seconds=short)
            middle = cpu_seconds(running)
            buffered, buffered_s = _turn(running, keys[:FAST], asked, works, seconds=short, n=4, low=1)
            after = cpu_seconds(running)
            figures |= {
                f"{name}p95_ms": max(claims["p95_ms"], said["p95_ms"]),
                f"{name}claim_p50_ms": claims["p50_ms"], f"{name}claim_p95": claims["p95_ms"],
                f"{name}verdict_p50_ms": said["p50_ms"], f"{name}verdict_p95": said["p95_ms"],
                f"{name or 'saturation_'}per_s": round(alone.n_said / alone_s, 1),
                f"{name or 'saturation_'}buffered_per_s": round(buffered.n_said / buffered_s, 1),
                f"{name}cpu_ms_a_verdict": round(1000 * (middle - before) / max(1, alone.n_said), 2),
                f"{name}cpu_ms_a_buffered_verdict": round(1000 * (after - middle) / max(1, buffered.n_said), 2),
            }  # fmt: skip
        errors = [one for work in works for one in work.errors]
        said_in_all = sum(work.n_said for work in works)
        figures |= {
            "doubles": float(sum(_handed_twice(works)) + verdicts_twice(running.database_url)),
            "errors": float(len(errors) + abs(n_verdicts(running.database_url) - said_in_all)),
        }
    for one in errors[:5]:
        print(one[:300])
    return conclude("inspectors", figures, TARGETS)


def _turn(
    running: Stack, keys: list[str], asked: dict[str, Any], works: list[Work], *, seconds: float, every: float = 0.0,
    n: int = 1, low: int = 0,
) -> tuple[Work, float]:  # fmt: skip
    people = [Inspector(Wire(running, key), running.model, asked, n=n, low=low) for key in keys]
    work, elapsed = crowd(people, seconds=seconds, every=every)
    for one in people:  # what is left over goes back, for others to be handed
        left = [review["id"] for review in one.buffer]
        one.wire.post("/api/v1/reviews/release/", {"ids": left})
        work.handed = [pk for pk in work.handed if pk not in set(left)] if left else work.handed
    works.append(work)
    return work, elapsed


def _handed_twice(works: list[Work]) -> list[int]:
    whole = Work(handed=[pk for work in works for pk in work.handed])
    return [whole.doubles()]


def cpu_seconds(running: Stack) -> float:
    """What the web server and the database have computed."""
    with psycopg.connect(running.database_url, autocommit=True) as connection:
        row = connection.execute("SELECT pg_backend_pid()").fetchone()
        postgres = psutil.Process(row[0]).parent() if row else None  # while its backend is there
    family = [running.server, *running.server.children(recursive=True)]
    family += [postgres, *postgres.children(recursive=True)] if postgres else []
    return sum(_computed(one) for one in family)


def _computed(process: psutil.Process) -> float:
    try:
        times = process.cpu_times()
    except psutil.NoSuchProcess:  # a connection that ended meanwhile
        return 0.0
    return float(times.user + times.system)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
