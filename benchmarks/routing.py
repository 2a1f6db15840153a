"""A million draws: keyed hashes, chances, who is drawn. And as rows with their reason in words, as ingest stores them.

    python -m benchmarks.routing [--quick]

The peer is the loop over HMAC-SHA256 by which older designs draw ("routing-1"). Seconds of the processor: a draw waits
for nothing, and neighbours on the machine are not its own.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from statistics import median

import numpy as np

from benchmarks.printed import conclude, machine
from labeling.routing import DesignRules, PredictionFacts, draw_columns, keyed_uniforms, route_many

TARGETS = {"million_draws_seconds_at_most": 1.0}
RULES = DesignRules(budget=0.05, audit_share=0.8, certainty_labels=frozenset({"crack"}))
SECRET = bytes(range(32))


def main(arguments: list[str]) -> int:
    n, rounds = (20_000, 2) if "--quick" in arguments else (1_000_000, 5)
    print(machine())
    rng = np.random.default_rng(4)
    keys = [f"3/part-{number}" for number in range(n)]
    guess, certain = rng.beta(0.3, 3, n), rng.random(n) < 0.02
    facts = [PredictionFacts("crack" if sure else "ok", 1 - g) for sure, g in zip(certain, guess.tolist(), strict=True)]
    means = [0.2] * n

    def columns() -> None:
        draw_columns(
            keys, guess=guess, is_certainty=certain, mean_u=0.2, rules=RULES, secret=SECRET, design_key="steel/1"
        )

    def rows() -> None:
        route_many(facts, RULES, secret=SECRET, keys=keys, design_key="steel/1", mean_u=means)

    def older() -> None:
        keyed_uniforms(SECRET, keys, design_key="steel/1", code_version="routing-1")

    scale = 1_000_000 / n
    figures = {
        "million_draws_seconds_at_most": round(seconds(columns, rounds) * scale, 3),
        "million_rows_seconds": round(seconds(rows, rounds) * scale, 3),
        "million_older_hashes_seconds": round(seconds(older, 1) * scale, 3),
    }
    return conclude("routing", figures, TARGETS)


def seconds(work: Callable[[], None], rounds: int) -> float:
    """The median of some rounds."""
    taken = []
    for _ in range(rounds):
        start = time.process_time()
        work()
        taken.append(time.process_time() - start)
    return median(taken)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
