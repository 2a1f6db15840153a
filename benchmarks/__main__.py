"""`python -m benchmarks [NAME] [--quick]`: one benchmark, or all that are quick."""

from __future__ import annotations

import importlib
import sys

BENCHES = (
    "bulk_ingest",
    "ingest_api",
    "waits",
    "trainer",
    "export",
    "confusion",
    "routing",
    "promotion",
    "serving",
    "policy",
)
LONG = ("active", "claim", "coverage", "features", "inspectors", "report", "station_paint")  # only by its name


def main(arguments: list[str]) -> int:
    names = [word for word in arguments if not word.startswith("-")] or list(BENCHES)
    options = [word for word in arguments if word.startswith("-")]
    if unknown := set(names) - {*BENCHES, *LONG}:
        print(f"There is no benchmark {', '.join(sorted(unknown))}. There are: {', '.join((*BENCHES, *LONG))}.")
        return 2
    results = []
    for name in names:
        print(f"\n== {name}")
        results.append(int(importlib.import_module(f"benchmarks.{name}").main(options)))
    return max(results)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
