"""An alarm in people's words. Pure: numbers in, sentences out."""

from __future__ import annotations

LIMIT_OF_WORDS = 1_000_000


def alarm_message(
    *,
    version: str,
    guard: str,
    cause: str,
    critical: bool,
    limit: float | None,
    accepted: float | None,
    evidence: float,
    n_inspections: int,
    n_errors: int,
) -> str:
    """What is claimed, how strongly, and from what: "… Alarm evidence 41 to 1, from 12,400 parts and 27 errors found."

    ``limit`` and ``accepted`` are shares of all inspected parts.
    """
    urgent = "Critical: " if critical else ""
    what = f"{urgent}{version} {_deed(guard)}"
    if cause == "limit" and limit is not None:
        claim = f"{what} in more than {_share(limit, guard)} of all parts."
    else:
        claim = f"{what} more often than when it was put to work (at most {_share(accepted or 0.0, guard)} then)."
    odds = f"{min(evidence, LIMIT_OF_WORDS):,.0f} to 1" if evidence < LIMIT_OF_WORDS else "more than 1,000,000 to 1"
    found = "error" if n_errors == 1 else "errors"
    return f"{claim} Alarm evidence {odds}, from {n_inspections:,} parts and {n_errors:,} {found} found."


def _deed(guard: str) -> str:
    if not guard:
        return "errs"
    label = guard.partition(":")[2]
    return f"takes “{label}” for good" if label else "takes a defect for good"


def _share(share: float, guard: str) -> str:
    return f"{1e6 * share:,.0f} ppm" if guard else f"{100 * share:.3g} %"
