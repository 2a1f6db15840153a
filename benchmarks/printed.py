"""What every benchmark prints: the machine, a table, and one line of JSON with figures, targets and pass."""

from __future__ import annotations

import json
import os
import platform
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
# figures that must stay below their target
AT_MOST = (
    "_ms", "_ms_1m", "_mb", "_at_most", "growth_1k_to_1m", "doubles", "errors", "new_rows_by_resend",
    "false_alarm_rate",
)  # fmt: skip


def machine() -> str:
    """The machine and the commit that is measured."""
    command = ["git", "-C", str(ROOT), "rev-parse", "--short", "HEAD"]
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    commit = answer.stdout.strip() if answer.returncode == 0 else "unknown"
    return f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}, commit {commit}"


def percentiles(seconds: Sequence[float]) -> dict[str, float]:
    """p50, p95 and p99 in milliseconds."""
    return {f"p{q}_ms": round(float(np.percentile(seconds, q)) * 1000, 2) for q in (50, 95, 99)}


def meets(name: str, figure: float, target: float) -> bool:
    return figure <= target if name.endswith(AT_MOST) else figure >= target


def conclude(bench: str, figures: Mapping[str, float], targets: Mapping[str, float]) -> int:
    """Print the table and the JSON line. Returns 0 when every target is met, else 1."""
    print(f"{'figure':<32}{'measured':>12}{'target':>12}")
    for name, figure in figures.items():
        target = targets.get(name)
        verdict = "" if target is None else ("  met" if meets(name, figure, target) else "  MISSED")
        print(f"{name:<32}{figure:>12}{'' if target is None else target:>12}{verdict}")
    met = all(meets(name, figures[name], target) for name, target in targets.items())
    print(json.dumps({"bench": bench, "figures": dict(figures), "targets": dict(targets), "pass": met}))
    return 0 if met else 1
