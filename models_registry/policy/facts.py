"""What a decision about retraining looks at, and the rules it follows. Plain data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from models_registry.policy.guards import Guard

MONTH = timedelta(days=30)
RECALIBRATION = "calibration"
"""The one cause that asks for a cheaper remedy: what a model believes of itself is mended without a new model."""
RARE = 0.05
"""A defect class is rare that is at most this share of what the last run learned from."""


@dataclass(frozen=True, slots=True)
class Alarm:
    """An open alert about accuracy. ``answered_by``: a candidate that was trained after it and waits for a decision."""

    message: str
    opened_at: datetime
    critical: bool = False
    answered_by: str = ""


@dataclass(frozen=True, slots=True)
class Drift:
    """``n_windows``: how many of the last windows in a row had drifted. ``fall``: of the accuracy by the model's own
    word since the reference, in shares; None where it says nothing of itself."""

    n_windows: int
    fall: float | None
    what: str = "what it predicts"


@dataclass(frozen=True, slots=True)
class Recalibration:
    """What fitting the champion's confidence anew would meet.

    ``version``: the champion, empty where there is none whose scores can be fitted here. ``waiting``: such a candidate
    that waits for a decision. ``ended_at``: of the last try.
    """

    version: str = ""
    waiting: str = ""
    ended_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Request:
    """A system's wish for a run."""

    by: str
    reason: str
    at: datetime


@dataclass(frozen=True, slots=True)
class RetrainingFacts:
    """How things stand. Times are aware. Labels are settled, eligible ones.

    ``n_new_labels``: in no dataset of a successful run. ``min_class_labels``: of the rarest class that would be
    trained. ``n_trained``: what the last successful run learned from, 0 where there was none. ``new_rare_labels``: new
    labels of defect classes that were rare in it. ``schedule_from``: missed times before it are not made up for.
    ``calibration``: the mean distance of said and right with the lower end of its interval. ``agreement``: of people
    who judged the same parts, with how many parts. ``bad_cameras``: those with an open incident.
    ``silent_cameras``: those with one that have sent nothing for too long to hold anything back.
    """

    n_new_labels: int
    n_labels_total: int
    n_classes_with_labels: int
    min_class_labels: int
    active_run: bool
    last_finished_at: datetime | None
    last_failed_at: datetime | None
    n_runs_this_month: int
    n_trained: int = 0
    new_rare_labels: Mapping[str, int] = field(default_factory=dict)
    alarms: tuple[Alarm, ...] = ()
    requests: tuple[Request, ...] = ()
    schedule_from: datetime | None = None
    drift: Drift | None = None
    calibration: tuple[float, float] | None = None
    recalibration: Recalibration = field(default_factory=Recalibration)
    agreement: tuple[float, int] | None = None
    bad_cameras: tuple[str, ...] = ()
    silent_cameras: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RetrainingRules:
    """Thresholds. None: no such limit. `monthly_budget` in runs. Raises ValueError for a value out of range."""

    enabled: bool
    min_new_labels: int
    min_total_labels: int
    min_classes: int
    min_per_class: int
    cooldown: timedelta
    monthly_budget: int | None
    new_labels_share: float = 0.0  # of what the last run learned from
    rare_class_labels: int | None = None
    on_alarm: bool = True
    on_drift: bool = True
    drift_fall: float = 0.02
    on_calibration: bool = True
    schedule: str = ""
    zone: str = "UTC"
    on_request: bool = True
    min_between: int = 0  # new labels since the last successful run
    min_agreement: float | None = None
    hold_on_bad_images: bool = True

    def __post_init__(self) -> None:
        if min(self.min_new_labels, self.min_total_labels, self.min_classes, self.min_per_class) < 1:
            raise ValueError("every minimum of labels and classes is at least 1")
        if self.cooldown < timedelta(0) or (self.monthly_budget or 0) < 0 or self.min_between < 0:
            raise ValueError("neither the cooldown nor the monthly budget is negative")
        if not 0 <= self.new_labels_share <= 1 or not 0 <= self.drift_fall <= 1:
            raise ValueError("shares lie between 0 and 1")

    def labels_needed(self, n_trained: int) -> int:
        """New labels that ask for a run by themselves: the more a model has learned from, the more."""
        return max(self.min_new_labels, round(self.new_labels_share * n_trained))


@dataclass(frozen=True, slots=True)
class Decision:
    """`cause` names what asks for a run, also while a guard holds it back; None when nothing does.

    ``causes``: everything that may ask, passed where it does. ``guards``: everything that may hold a run back.
    """

    retrain: bool
    cause: str | None
    reason: str
    guards: tuple[Guard, ...] = ()
    causes: tuple[Guard, ...] = ()

    @property
    def recalibrate(self) -> bool:
        """The run keeps the champion's model and fits only its confidence anew."""
        return self.retrain and self.cause == RECALIBRATION

    @property
    def gist(self) -> str:
        """What a decision comes to without its counts: two with the same gist need no second row in a ledger."""
        asks = ",".join(one.name for one in self.causes if one.passed)
        holds = ",".join(one.name for one in self.guards if not one.passed)
        return f"{'yes' if self.retrain else 'no'}:{self.cause or ''}:{asks}:{holds}"
