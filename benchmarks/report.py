"""A report from the rollups beside very many predictions, the rebuild of the rollups, and what they cost a verdict.

    python -m benchmarks.report [--quick]

One model has 10 million predictions and a million verdicts, another 100,000 and 10,000, in one database.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import psutil
import psycopg

from benchmarks.big_tables import Scene, fill, make_scene
from benchmarks.printed import ROOT, conclude, machine
from reviewapp.embedded.running import running

TARGETS = {
    "p50_ms": 50.0, "growth_at_most": 1.2, "rebuild_seconds_at_most": 60.0, "rebuild_mb": 300.0,
    "verdict_cost_ms": 1.0,
}  # fmt: skip


def main(arguments: list[str]) -> int:
    few, many = (2_000, 20_000) if "--quick" in arguments else (100_000, 10_000_000)
    print(machine())
    with TemporaryDirectory(prefix="reviewapp-bench-") as folder, running(Path(folder), durable=True) as engines:
        os.environ |= {
            "DATABASE_URL": engines.database_url, "REDIS_URL": engines.redis_url, "REVIEWAPP_VAR": folder,
            "DJANGO_SETTINGS_MODULE": "reviewapp.settings", "REVIEWAPP_LOG_LEVEL": "ERROR",
        }  # fmt: skip
        _manage("migrate", "--verbosity=0")
        small, big = make_scene("small"), make_scene("big")
        fill(engines.database_url, small, few, base=0)
        seconds, megabytes = _rebuild()
        print(f"rebuilt from {few:>12,} predictions, {few // 10:>9,} verdicts: {seconds:7.1f} s {megabytes:6.0f} MB")
        fill(engines.database_url, big, many // 10, base=1_000_000_000)
        seconds, megabytes = _rebuild()
        figures = {
            "rebuild_1m_predictions_seconds": round(seconds, 1),
            **_whole(engines.database_url, big, many),
            "verdict_cost_ms": round(_verdict_cost(engines.database_url, small), 3),
        }
        times = {scene.slug: _report(scene.slug) for scene in (small, big)}
    figures |= {
        "p50_ms": times["big"],
        "small_p50_ms": times["small"],
        "growth_at_most": round(times["big"] / times["small"], 3),
    }
    return conclude("report", figures, TARGETS)


def _whole(database_url: str, scene: Scene, many: int) -> dict[str, float]:
    """The rest of the predictions, and the rebuild from all of them."""
    fill(database_url, scene, many - many // 10, base=2_000_000_000)
    seconds, megabytes = _rebuild()
    with psycopg.connect(database_url) as connection:
        counted = connection.execute("SELECT sum(n_arrived), sum(n) FILTER (WHERE dimension = '') FROM labeling_tally")
        print(f"rollups of {counted.fetchone()} predictions and verdicts: {seconds:.1f} s, {megabytes:.0f} MB")
    return {"rebuild_seconds_at_most": round(seconds, 1), "rebuild_mb": round(megabytes, 1)}


def _manage(*arguments: str) -> None:
    subprocess.run([sys.executable, "manage.py", *arguments], cwd=ROOT, check=True)


def _rebuild() -> tuple[float, float]:
    """Seconds, and the largest resident memory of the command, in MB (the start of Python is in both)."""
    start, peak = time.perf_counter(), 0.0
    process = psutil.Popen([sys.executable, "manage.py", "rebuild_tallies"], cwd=ROOT, stdout=subprocess.DEVNULL)
    while process.poll() is None:
        peak = max(peak, process.memory_info().rss / 1e6)
        time.sleep(0.05)
    if process.returncode:
        raise RuntimeError("rebuild_tallies failed")
    return time.perf_counter() - start, peak


def _verdict_cost(database_url: str, scene: Scene) -> float:
    """Milliseconds that the rollups add to writing one truth in a transaction of its own: with triggers or without."""
    columns = "registered_model_id, inspection_id, outcome, label_id, findings, n_verdicts, method, decided_at"
    with psycopg.connect(database_url, autocommit=True) as connection:
        rows = connection.execute(
            f"SELECT {columns} FROM labeling_groundtruth WHERE registered_model_id = %s ORDER BY id LIMIT 400",  # noqa: S608
            [scene.model],
        ).fetchall()
        times: dict[str, list[float]] = {"ENABLE": [], "DISABLE": []}
        for number, row in enumerate(rows):
            how = "ENABLE" if number % 40 < 20 else "DISABLE"
            if number % 20 == 0:
                connection.execute(f"ALTER TABLE labeling_groundtruth {how} TRIGGER USER")
            connection.execute("DELETE FROM labeling_groundtruth WHERE inspection_id = %s", [row[1]])
            values = [*row[:4], "[]", *row[5:]]
            start = time.perf_counter()
            connection.execute(
                f"INSERT INTO labeling_groundtruth ({columns}) VALUES (%s, %s, %s, %s, %s, %s, %s, %s)",  # noqa: S608
                values,
            )
            if number % 20 > 4:  # the first ones plan
                times[how].append(time.perf_counter() - start)
        connection.execute("ALTER TABLE labeling_groundtruth ENABLE TRIGGER USER")
    return (median(times["ENABLE"]) - median(times["DISABLE"])) * 1000


def _report(slug: str) -> float:
    """The median of a report's time in a process that has made one before, in ms."""
    answer = subprocess.run(
        [sys.executable, "-m", "benchmarks.one_report", slug], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if answer.returncode or not (found := re.search(r"\{.*\}", answer.stdout)):
        raise RuntimeError(answer.stderr[-2000:])
    print(slug, found.group())
    return float(json.loads(found.group())["p50_ms"])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
