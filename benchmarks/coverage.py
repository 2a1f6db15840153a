"""Whether the intervals hold the truth as often as they say, and how many labels they save (STATISTICS §7).

    python -m benchmarks.coverage [--quick] [--streams 2000]

2,000 streams of 20,000 inspections in each cell, beside the numbers of the specification; then whole test sets of real
models, a thousand draws each. Two processes. A cell's coverage has a Monte-Carlo error of half a point (2,000 streams).
"""

import argparse
import multiprocessing
import os
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import astuple
from typing import Any

import numpy as np

from benchmarks import tables
from benchmarks.printed import conclude, machine
from benchmarks.protocols import accuracy, escape, monitors
from benchmarks.protocols.summaries import Acceptance, show_accuracy, show_escape, show_monitors, show_tables


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.coverage")
    parser.add_argument("--quick", action="store_true", help="100 streams in a few cells")
    parser.add_argument("--streams", type=int, default=2000, help="a cell")
    options = parser.parse_args(arguments)
    n_streams = 100 if options.quick else options.streams
    print(machine())
    print(f"{n_streams} streams a cell")
    acceptance = Acceptance(n_streams)
    protocols: tuple[tuple[Any, Callable[..., None]], ...] = (
        (accuracy, show_accuracy), (escape, show_escape), (monitors, show_monitors),
    )  # fmt: skip
    start = time.perf_counter()
    with multiprocessing.Pool(min(2, os.cpu_count() or 1)) as pool:
        for protocol, show in protocols:
            show(_joined(pool.imap(protocol.run, protocol.parts(n_streams=n_streams, quick=options.quick))), acceptance)
        if tables.HERE.is_dir():
            designs = [(name, budget) for name in tables.names() for budget in (0.02, 0.05)]
            show_tables(pool.map(_on_a_table, designs[:2] if options.quick else designs), acceptance)
        else:
            print(tables.ABSENT)
    print(f"{time.perf_counter() - start:.0f} s")
    return conclude("coverage", acceptance.figures, acceptance.targets)


def _joined(answers: Any) -> dict[Any, np.ndarray]:
    rows: dict[Any, list[np.ndarray]] = {}
    for answer in answers:
        for key, found in answer.items():
            rows.setdefault(key, []).append(found)
    return {key: np.concatenate(found) for key, found in rows.items()}


def _on_a_table(design: tuple[str, float]) -> Sequence[Any]:
    """A thousand draws of one design on a whole test set: name, budget, error, estimate, naive, coverage, mean's z."""
    return *design, *astuple(tables.draw_often(*design))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
