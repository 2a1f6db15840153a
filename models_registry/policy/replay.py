"""What rules would have done: the same decision, taken again and again over facts of the past. Pure.

A run that would have started is taken to end at once and well: what it learned from is new no more, alarms that were
open are answered. Drift, calibration and people's agreement are not replayed: nobody kept how they stood.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from models_registry.policy.facts import MONTH, RARE, Alarm, Decision, Request, RetrainingFacts, RetrainingRules
from models_registry.policy.retraining import decide_retraining

STEP = timedelta(hours=6)


@dataclass(frozen=True, slots=True)
class Settled:
    """``n`` labels of a class that were settled at about the same time."""

    at: datetime
    label: str
    n: int
    is_defect: bool = False


@dataclass(frozen=True, slots=True)
class Span:
    """From when to when something was so; without an end it still is."""

    start: datetime
    end: datetime | None
    what: str
    critical: bool = False

    def holds_at(self, at: datetime) -> bool:
        return self.start <= at and (self.end is None or at < self.end)


@dataclass(frozen=True, slots=True)
class History:
    """What was stored of a model. ``runs``: when real ones were queued and succeeded, before the time that is replayed;
    ``labels`` in order of time, from the first on."""

    labels: Sequence[Settled]
    alarms: Sequence[Span] = ()
    bad_cameras: Sequence[Span] = ()
    requests: Sequence[tuple[Request, datetime]] = ()  # with when it expired
    runs: Sequence[datetime] = ()


@dataclass(frozen=True, slots=True)
class Played:
    """A run that would have started, and with how many new labels."""

    at: datetime
    cause: str
    reason: str
    n_new_labels: int


@dataclass(frozen=True, slots=True)
class Replay:
    """``held``: for how long each guard would have held back a run that something asked for."""

    runs: tuple[Played, ...]
    held: Mapping[str, timedelta]
    last: Decision


@dataclass(slots=True)
class _State:
    """What the replay knows at one moment."""

    counts: Counter[str] = field(default_factory=Counter)
    learned: Counter[str] = field(default_factory=Counter)
    defects: set[str] = field(default_factory=set)
    runs: list[datetime] = field(default_factory=list)

    def learn(self, at: datetime) -> None:
        self.learned = self.counts.copy()
        self.runs.append(at)


def replay(history: History, rules: RetrainingRules, *, start: datetime, end: datetime) -> Replay:
    """Decide every six hours from ``start`` to ``end``. What came before is taken as it was."""
    state, labels = _State(), list(history.labels)
    before = sorted(at for at in history.runs if at < start)
    place = 0
    for at in before:
        place = _settle(state, labels, place, at)
        state.learn(at)
    played: list[Played] = []
    held: Counter[str] = Counter()
    at = start
    while True:
        place = _settle(state, labels, place, at)
        facts = _facts(state, history, at)
        decision = decide_retraining(facts, rules, now=at)
        if decision.retrain:
            played.append(Played(at, decision.cause or "", decision.reason, facts.n_new_labels))
            state.learn(at)
        elif decision.cause is not None:
            held.update(one.name for one in decision.guards if not one.passed)
        if at + STEP > end:
            return Replay(tuple(played), {name: n * STEP for name, n in held.most_common()}, decision)
        at += STEP


def _settle(state: _State, labels: Sequence[Settled], place: int, until: datetime) -> int:
    """Count what was settled up to a moment. Returns the place of the next label."""
    while place < len(labels) and labels[place].at <= until:
        one = labels[place]
        state.counts[one.label] += one.n
        if one.is_defect:
            state.defects.add(one.label)
        place += 1
    return place


def _facts(state: _State, history: History, at: datetime) -> RetrainingFacts:
    last = state.runs[-1] if state.runs else None
    new, n_learned = state.counts - state.learned, state.learned.total()
    asking = [one for one, expires in history.requests if one.at <= at < expires and (last is None or one.at > last)]
    alarms = [
        Alarm(one.what, one.start, one.critical, "The run before" if last is not None and last >= one.start else "")
        for one in history.alarms
        if one.holds_at(at)
    ]
    return RetrainingFacts(
        n_new_labels=new.total(),
        n_labels_total=state.counts.total(),
        n_classes_with_labels=len(state.counts),
        min_class_labels=min(state.counts.values(), default=0),
        active_run=False,
        last_finished_at=last,
        last_failed_at=None,
        n_runs_this_month=sum(at - one <= MONTH for one in state.runs),
        n_trained=n_learned,
        new_rare_labels={
            slug: n
            for slug, n in new.items()
            if n_learned and slug in state.defects and state.learned[slug] <= RARE * n_learned
        },
        alarms=tuple(alarms),
        requests=tuple(asking),
        schedule_from=last or (history.labels[0].at if history.labels else at),
        bad_cameras=tuple(one.what for one in history.bad_cameras if one.holds_at(at)),
    )
