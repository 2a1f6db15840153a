"""How long a run will still take, by the run before it: about, and only while it keeps to that. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

NOTHING = timedelta(0)


@dataclass(frozen=True, slots=True)
class StepSoFar:
    """One step of a run that is under way. ``elapsed`` is None before it begins; ``progress`` 0 to 1, as it says."""

    name: str
    is_done: bool
    progress: float
    elapsed: timedelta | None


def time_left(steps: Sequence[StepSoFar], before: Mapping[str, timedelta], *, growth: float) -> timedelta | None:
    """What is left of ``steps``, where each takes ``growth`` times as long as in the run before (``before``, by name).

    ``growth`` is images now by images then: what costs the square of them takes longer, so it is said with "about".
    None: a step that is left is not known from before, none has begun, or one takes longer than it should and says
    nothing of how far it is.
    """
    left = [step for step in steps if not step.is_done]
    if growth <= 0 or all(step.elapsed is None for step in steps) or any(step.name not in before for step in left):
        return None
    total = NOTHING
    for step in left:
        whole = before[step.name] * growth
        if step.progress > 0:
            total += whole * (1 - min(step.progress, 1.0))
        elif step.elapsed is not None and step.elapsed > whole:
            return None
        else:
            total += whole - (step.elapsed or NOTHING)
    return total


def in_words(left: timedelta) -> timedelta | None:
    """To whole minutes, to five from twenty on; None is less than one."""
    minutes = round(left.total_seconds() / 60)
    if minutes < 1:
        return None
    return timedelta(minutes=minutes if minutes < 20 else 5 * round(minutes / 5))
