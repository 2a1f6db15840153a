"""From the queue of draws to the monitors: in order of arrival, up to the first that is still open, exactly once.

    PendingDraw ──judged, withdrawn, or too old──> fed to every monitor of its version, and gone from the queue

Both in one transaction, under a lock on the version: a worker that dies leaves the queue and the monitors as they were,
and a second one waits and finds the queue shorter. A truth that changes after it was fed stays fed as it was: what was
said at that time is what the evidence of that time rests on.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F, FilteredRelation, Q, Sum

from labeling.models import GroundTruth, PendingDraw, ReviewPolicy, SamplingDesign, Tally
from models_registry.models import ModelVersion, Monitor, RegisteredModel
from models_registry.services.feeding import SettledDraw
from models_registry.services.monitors import end_monitors, feed_monitors, start_monitors

AT_ONCE = 500
LOOK_BACK = timedelta(days=28)
YEARS = 10  # between two false alarms of the change detector
FEWEST = 1_000_000.0  # inspections, where little has arrived yet
DRAWN = (
    "pk", "n_before", "pi", "floor_pi", "prediction__label__slug", "prediction__label__is_defect",
    "prediction__inspection__withdrawn_at", "prediction__inspection__received_at", "truth__outcome",
    "truth__label__slug", "truth__label__is_defect",
)  # fmt: skip


def keep_watch(
    *,
    registered_model: RegisteredModel,
    champion: ModelVersion | None,
    now: datetime,
    canary: ModelVersion | None = None,
) -> int:
    """Start and end the monitors of a model as its champion and limits ask, and feed them. Returns how many draws.

    Only the champion is watched, and the candidate of a canary beside it, each by its own parts. What waits for other
    versions, or for nobody, leaves the queue unfed.
    """
    watched = [one for one in (champion, canary) if one is not None]
    end_monitors(registered_model=registered_model, but=watched, now=now)
    PendingDraw.objects.filter(model_version__in=_versions_but(registered_model, watched)).delete()
    return sum(_watch(one, now) for one in watched)


def _watch(version: ModelVersion, now: datetime) -> int:
    if not _started(version, now):
        PendingDraw.objects.filter(model_version=version).delete()
        return 0
    return advance(version=version, now=now)


def advance(*, version: ModelVersion, now: datetime) -> int:
    """Feed the running monitors of a version what is done with at the front of its queue. Returns how many rows."""
    total = taken = _advance_once(version, now)
    while taken == AT_ONCE:
        taken = _advance_once(version, now)
        total += taken
    return total


@transaction.atomic
def _advance_once(version: ModelVersion, now: datetime) -> int:
    _lock(version)
    too_old = now - timedelta(days=_measuring_days(version))
    done = list(_done(version, too_old))
    feed_monitors(version=version, draws=[draw for _, draw in done], now=now)
    PendingDraw.objects.filter(pk__in=[pk for pk, _ in done]).delete()
    return len(done)


@transaction.atomic
def _started(version: ModelVersion, now: datetime) -> list[Monitor]:
    _lock(version)
    floor_pi = _floor_pi(version)
    if floor_pi is None:
        return []
    return start_monitors(version=version, floor_pi=floor_pi, run_length=lambda: _run_length(version, now), now=now)


def _lock(version: ModelVersion) -> None:
    """One feeder at a time. NO KEY UPDATE: predictions that refer to the version are still written."""
    ModelVersion.objects.select_for_update(no_key=True).get(pk=version.pk)


def _done(version: ModelVersion, too_old: datetime) -> Iterator[tuple[int, SettledDraw]]:
    """The front of the queue: the key of each row and what it comes to, up to the first that is still open."""
    truth = FilteredRelation(
        "prediction__inspection__ground_truths",
        condition=Q(prediction__inspection__ground_truths__registered_model=version.registered_model_id),
    )
    queue = PendingDraw.objects.filter(model_version=version).annotate(truth=truth).order_by("pk")
    for row in queue.values_list(*DRAWN)[:AT_ONCE]:
        pk, n_before, pi, floor_pi, predicted, said_defect, withdrawn_at, received_at, outcome, true, is_defect = row
        if pi is None or withdrawn_at is not None or outcome == GroundTruth.Outcome.BAD_IMAGE:
            yield pk, SettledDraw(n_before)
        elif outcome is not None or received_at < too_old:
            escaped = bool(is_defect and not said_defect)
            yield pk, SettledDraw(n_before, predicted, true, is_escape=escaped, pi=pi, floor_pi=floor_pi)
        else:
            return


def _measuring_days(version: ModelVersion) -> int:
    policies = ReviewPolicy.objects.filter(registered_model=version.registered_model_id)
    return policies.values_list("measuring_days", flat=True).first() or ReviewPolicy().measuring_days


def _floor_pi(version: ModelVersion) -> float | None:
    """The smallest chance of being drawn now; None where nothing is drawn."""
    active = SamplingDesign.objects.filter(registered_model=version.registered_model_id, is_active=True, kind="main")
    return (
        active.annotate(floor=F("budget") * F("audit_share")).order_by("floor").values_list("floor", flat=True).first()
    )


def _run_length(version: ModelVersion, now: datetime) -> float:
    """`YEARS` of inspections at the pace of the last 28 days, of all versions of the model."""
    versions = ModelVersion.objects.filter(registered_model=version.registered_model_id).values("pk")
    recent = Tally.objects.filter(model_version__in=versions, dimension="", day__gte=(now - LOOK_BACK).date())
    n = recent.aggregate(n=Sum("n_arrived"))["n"] or 0
    return max(YEARS * 365 / LOOK_BACK.days * n, FEWEST)


def _versions_but(registered_model: RegisteredModel, watched: Sequence[ModelVersion]) -> list[int]:
    versions = ModelVersion.objects.filter(registered_model=registered_model).values_list("pk", flat=True)
    return list(set(versions) - {one.pk for one in watched})
