"""One thing that is watched, and what is concluded from it: ok, watch, alert, critical (STATISTICS §3.1).

    ok ──E >= 5k──> watch ──E >= 20k, or the change detector rings──> alert ──E >= 100k──> critical
    watch ──E < 1──> ok          alert, critical ──20 to 1 that the rate is below the limit again──> ok

k monitors that run together each need k times the evidence (Bonferroni). An alarm ends by evidence for the other side,
gathered since it rang, and never by an interval that touches the limit again. Then both processes begin anew.

What went wrong after the alarm would weigh on that evidence for long, so it begins again after an error that leaves it
with less than a new beginning would have: the j-th beginning has 1/(j(j+1)) of the capital. These add up to 1, so the
chance of a false recovery stays 1 in 20, however often it began (a mixture over when things became well).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from models_registry.estimation.change import ChangeDetector, feed_change, handled, watch_change
from models_registry.estimation.eprocess import EProcess, feed, restarted, watch_good_news, watch_harm

Level = Literal["ok", "watch", "alert", "critical"]
Cause = Literal["limit", "change", "recovered"]
WATCH, ALERT, CRITICAL, RECOVERED = 5.0, 20.0, 100.0, 20.0
ALARMED: tuple[Level, ...] = ("alert", "critical")


@dataclass(frozen=True, slots=True)
class Watched:
    """``harm``: against the limit, None where nobody set one. ``change``: against what was accepted, None where that is
    unknown. ``recovery`` runs while an alarm lasts. ``cause``: why the level is what it is; None before it ever moved.
    """

    harm: EProcess | None
    change: ChangeDetector | None
    run_length: float  # A of the change detector, in inspections
    recovery: EProcess | None = None
    n_beginnings: int = 0  # of the recovery
    level: Level = "ok"
    cause: Cause | None = None

    @property
    def evidence(self) -> float:
        """Against the limit; against what was accepted where there is no limit."""
        return (self.harm or self._change).evidence

    @property
    def _change(self) -> ChangeDetector:
        assert self.change is not None  # noqa: S101 - start_watching refuses both to be None
        return self.change

    def as_json(self) -> dict[str, Any]:
        parts = {"harm": self.harm, "change": self.change, "recovery": self.recovery}
        return {name: part.as_json() if part else None for name, part in parts.items()} | {
            "run_length": self.run_length, "n_beginnings": self.n_beginnings, "level": self.level, "cause": self.cause,
        }  # fmt: skip

    @classmethod
    def of_json(cls, kept: Mapping[str, Any]) -> Watched:
        """What `as_json` gave, equal to the bit."""
        return cls(
            harm=EProcess.of_json(kept["harm"]) if kept["harm"] else None,
            change=ChangeDetector.of_json(kept["change"]) if kept["change"] else None,
            run_length=float(kept["run_length"]),
            recovery=EProcess.of_json(kept["recovery"]) if kept["recovery"] else None,
            n_beginnings=int(kept["n_beginnings"]),
            level=kept["level"],
            cause=kept["cause"],
        )


def start_watching(*, limit: float | None, accepted: float | None, floor_pi: float, run_length: float) -> Watched:
    """Nothing is known yet. ``limit``: the rate that may not be passed; ``accepted``: what a rise is measured from.

    Raises ValueError when both are None, for a rate outside (0, 1), a floor outside (0, 1] or a run length below 1.
    """
    if (limit is None and accepted is None) or not run_length >= 1:
        raise ValueError("something to watch needs a limit or an accepted rate, and a run length from 1")
    return Watched(
        harm=None if limit is None else watch_harm(p0=limit, floor_pi=floor_pi),
        change=None if accepted is None else watch_change(p0=accepted, floor_pi=floor_pi),
        run_length=run_length,
    )


def feed_watched(watched: Watched, *, n_zeros_before: int, phi: float, floor_pi: float, n_together: int) -> Watched:
    """After ``n_zeros_before`` inspections worth 0 and one worth ``phi``, with the level that follows. O(1).

    ``n_together``: k, how many monitors run side by side. Raises ValueError as `eprocess.feed` does.
    """
    harm, change, recovery = watched.harm, watched.change, watched.recovery
    return _concluded(
        replace(
            watched,
            harm=harm and feed(harm, n_zeros_before=n_zeros_before, phi=phi),
            change=change and feed_change(change, n_zeros_before=n_zeros_before, phi=phi),
            recovery=recovery and feed(recovery, n_zeros_before=n_zeros_before, phi=phi, floor_pi=floor_pi),
        ),
        floor_pi=floor_pi,
        k=n_together,
    )


def _concluded(watched: Watched, *, floor_pi: float, k: int) -> Watched:
    j = watched.n_beginnings
    if watched.recovery is not None and watched.recovery.peak >= RECOVERED * j * (j + 1):
        return replace(
            watched,
            harm=watched.harm and restarted(watched.harm),
            change=watched.change and handled(watched.change),
            recovery=None,
            n_beginnings=0,
            level="ok",
            cause="recovered",
        )
    if watched.recovery is not None and watched.recovery.evidence < j / (j + 2):
        watched = replace(watched, recovery=restarted(watched.recovery), n_beginnings=j + 1)
    level = _level(watched, k)
    if level == watched.level:
        return watched
    cause: Cause = "limit" if watched.harm and watched.harm.evidence >= WATCH * k else "change"
    if level not in ALARMED:
        return replace(watched, level=level, cause="limit")
    if watched.recovery is not None:
        return replace(watched, level=level, cause=cause)
    return replace(watched, level=level, cause=cause, recovery=_recovery(watched, cause, floor_pi), n_beginnings=1)


def _level(watched: Watched, k: int) -> Level:
    """An alarm only rises; what is merely watched falls back when there is no evidence left."""
    evidence = watched.harm.evidence / k if watched.harm else 0.0
    rings = watched.change is not None and watched.change.rings(run_length=watched.run_length)
    if watched.level == "critical" or evidence >= CRITICAL:
        return "critical"
    if watched.level == "alert" or evidence >= ALERT or rings:
        return "alert"
    return "watch" if evidence >= WATCH or (watched.level == "watch" and evidence * k >= 1) else "ok"


def _recovery(watched: Watched, cause: Cause, floor_pi: float) -> EProcess:
    """Evidence that the rate is below what was passed, from now on."""
    passed = watched.harm.p if watched.harm and cause == "limit" else watched._change.p0
    return watch_good_news(p1=passed, floor_pi=floor_pi)
