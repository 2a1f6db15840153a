"""What the line may do with a part that waits for a person, and what it says it did.

    held ──verdicts agree──> settled, release_at = now + delay ──release_at──> out: a DispositionRecord stands
     ^ │                       │                                                 │
     │ │                       └──undo──> held: nobody outside saw anything      │
     │ └──deadline──> the default is out; the reviews stay open, measuring       │
     └──────undo, another word: record revoked, `disposition.revoked`, a new deadline

    held, settled ──the line says that it passed or rejected the part──> measuring: nothing waits any more

A part is *held* by the first round of its blocking review; later rounds share its mode, deadline and default. Every
step is taken under the lock of that row, which verdicts take too, so a verdict in the moment of the deadline comes
before it or after it. `release` may be called by anybody at any time: it looks at the rows, and of a review's records
one stands. Measuring reviews delay nothing: they have no release, and what a person says of them is out at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from celery import current_app
from django.db import connection, transaction

from labeling.announcements import announce_nobody_looked, announce_revoked, announce_settled
from labeling.errors import ContentConflict
from labeling.models import DispositionRecord, GroundTruth, Inspection, Review, ReviewPolicy, Verdict
from labeling.querysets import ReviewQuerySet
from models_registry.models.labels import Disposition
from models_registry.services.nudges import send_after_commit

if TYPE_CHECKING:
    from django.contrib.auth.models import User

CHANNEL = "reviewapp_reviews"  # PostgreSQL tells those who wait; the payload names the reviews
RELEASE = "labeling.release_dispositions"  # the task's name: services never import tasks
TELL = """SELECT pg_notify(%s, string_agg(id::text, ',')) FROM labeling_review
WHERE inspection_id = %s AND registered_model_id = %s"""
AT_ONCE = 200
PASSES = Disposition.PASS.value
HOLDS = Disposition.HOLD.value
MEASURING = {"mode": "measuring", "deadline": None, "default_disposition": "", "priority": 5, "release_at": None}


@dataclass(frozen=True, slots=True)
class Standing:
    """What may be known of a review outside, at this moment. ``due_at``: when it changes if nobody does anything."""

    disposition: str | None
    release_at: datetime | None
    released_at: datetime | None
    is_final: bool
    is_secret: bool  # settled, and not out yet
    due_at: datetime | None


def standing(review: Review, *, answered: bool) -> Standing:
    """``answered``: whether the asker may know what a measuring review's part was answered, which says what the model
    thinks."""
    hold = review if review.round == 1 else _rounds(review).earliest("round")
    record = DispositionRecord.objects.standing().filter(review=hold).first()
    if record is not None:
        return Standing(record.disposition, None, record.created_at, True, False, None)
    if hold.mode == Review.Mode.BLOCKING:
        settled = hold.status == Review.Status.SETTLED
        due_at = hold.release_at if settled else hold.deadline
        return Standing(HOLDS, hold.release_at, None, False, settled, due_at)
    told = _answered(hold) if answered else None
    over = review.status in {Review.Status.SETTLED, Review.Status.CANCELLED}
    if told is None:
        return Standing(None, None, None, over, False, None)
    return Standing(told.disposition, None, told.created_at, over, False, None)


def _answered(review: Review) -> DispositionRecord | None:
    told = DispositionRecord.objects.standing().filter(prediction=review.prediction_id, origin__in=["answered", "edge"])
    return told.first() if review.prediction_id else None


def settled(*, review: Review, truth: GroundTruth, is_news: bool, policy: ReviewPolicy, now: datetime) -> None:
    """A label stands. What it says goes out at once, or for a part that waits after the policy's delay.

    The rounds are locked. ``is_news``: it is not what stood before.
    """
    hold = _held(review)
    record = hold and hold.dispositions.standing().first()
    if hold is None or (record and record.disposition == _after_verdict(truth, hold)[0]):
        if is_news:
            announce_settled(truth, now=now)
    elif is_news or record or hold.release_at is None:
        if record:
            _revoke(record, hold, policy, now)
        release_at = now + timedelta(seconds=policy.release_seconds)
        _rounds(review).filter(pk=hold.pk).update(release_at=release_at)
        nudge(after=policy.release_seconds)
    tell_waiting(review)


def reopened(*, review: Review, policy: ReviewPolicy, now: datetime) -> None:
    """No label stands any more. What went out is revoked, and the part waits anew. The rounds are locked."""
    hold = _held(review)
    record = hold and hold.dispositions.standing().first()
    if hold is not None and record:
        _revoke(record, hold, policy, now)
    tell_waiting(review)


def _revoke(record: DispositionRecord, hold: Review, policy: ReviewPolicy, now: datetime) -> None:
    if DispositionRecord.objects.standing().filter(pk=record.pk).update(revoked_at=now):
        deadline = max(now + timedelta(minutes=policy.blocking_minutes), hold.deadline or now)
        _rounds(hold).filter(mode=Review.Mode.BLOCKING).update(deadline=deadline)
        announce_revoked(record, hold, now=now)


def due(*, now: datetime) -> list[int]:
    """Reviews whose disposition is to go out, the longest waiting first; at most `AT_ONCE` of each kind."""
    waiting = Review.objects.filter(mode=Review.Mode.BLOCKING, status__in=["open", "escalated"], deadline__lte=now)
    first_rounds = waiting.exclude(reason=Review.Reason.ADJUDICATION).order_by("deadline")
    pending = Review.objects.filter(release_at__lte=now).order_by("release_at")
    return [*pending.values_list("pk", flat=True)[:AT_ONCE], *first_rounds.values_list("pk", flat=True)[:AT_ONCE]]


@transaction.atomic
def release(*, review_id: int, now: datetime) -> DispositionRecord | None:
    """Let out what is due of a review: what was settled, or the default when nobody settled it in time.

    None when nothing is due (any more), or when somebody else has it in hand in this moment.
    """
    locked = Review.objects.filter(pk=review_id).select_for_update(skip_locked=True, of=("self",))
    hold = locked.select_related("registered_model", "inspection__station").first()
    if hold is None or hold.mode != Review.Mode.BLOCKING:
        return None
    if hold.release_at is not None and hold.release_at <= now:
        return _let_out_what_was_said(hold, now)
    waits = hold.status in {Review.Status.OPEN, Review.Status.ESCALATED}
    if waits and hold.deadline is not None and hold.deadline <= now:
        return _let_out_the_default(hold, now)
    return None


def _let_out_what_was_said(hold: Review, now: datetime) -> DispositionRecord:
    truths = GroundTruth.objects.select_related("label", "registered_model", "inspection__station")
    truth = truths.get(inspection=hold.inspection_id, registered_model=hold.registered_model_id)
    disposition, reason = _after_verdict(truth, hold)
    Review.objects.filter(pk=hold.pk).update(release_at=None)
    record = _record(hold, disposition, reason, now)
    announce_settled(truth, disposition=disposition, now=now)
    tell_waiting(hold)
    return record


def _let_out_the_default(hold: Review, now: datetime) -> DispositionRecord:
    """The reviews stay open for the estimate, and delay nothing from now on."""
    disposition = hold.default_disposition
    reason = f"Nobody had looked by {hold.deadline:%Y-%m-%d %H:%M:%S} UTC."
    if disposition == PASSES and _called_unusable(hold):
        disposition, reason = HOLDS, f"{reason} Somebody called the image unusable, and such a part does not pass."
    _rounds(hold).filter(mode=Review.Mode.BLOCKING).update(**MEASURING)
    record = _record(hold, disposition, reason, now)
    announce_nobody_looked(record, hold, now=now)
    tell_waiting(hold)
    return record


def _record(hold: Review, disposition: str, reason: str, now: datetime) -> DispositionRecord:
    return DispositionRecord.objects.create(
        inspection=hold.inspection, prediction_id=hold.prediction_id, review=hold, disposition=disposition,
        reason=reason, created_at=now,
    )  # fmt: skip


def _after_verdict(truth: GroundTruth, hold: Review) -> tuple[str, str]:
    """What a settled label means for the part. An unusable image never passes."""
    if truth.label is not None:
        return truth.label.disposition, f"A person has looked: {truth.label.name}."
    default = hold.default_disposition
    return (HOLDS if default in {"", PASSES} else default), "A person has looked: the image cannot be judged."


def _called_unusable(hold: Review) -> bool:
    return Verdict.objects.current().filter(review__in=_rounds(hold), kind=Verdict.Kind.BAD_IMAGE).exists()


def _rounds(review: Review) -> ReviewQuerySet:
    return Review.objects.filter(inspection=review.inspection_id, registered_model=review.registered_model_id)


def _held(review: Review) -> Review | None:
    """The first round, when the part waits. All rounds have one mode, and `review` was read under the lock."""
    if review.mode != Review.Mode.BLOCKING:
        return None
    return _rounds(review).filter(mode=Review.Mode.BLOCKING).order_by("round").first()


@transaction.atomic
def report(
    *, inspection: Inspection, disposition: str, done_at: datetime | None, by: User, now: datetime
) -> tuple[DispositionRecord, bool]:
    """Write down what the line did with a part, and whether that is new. What left is not held any more.

    Without ``done_at`` it is done now, and the same word again is a resend.

    :raises ContentConflict: something else was reported, and it does not say what came later.
    """
    Inspection.objects.select_for_update(no_key=True).get(pk=inspection.pk)
    reports = DispositionRecord.objects.filter(inspection=inspection, origin="reported").order_by("-done_at")
    known = (reports.filter(done_at=done_at) if done_at else reports).first()
    if known is not None and known.disposition != disposition:
        field = "disposition" if done_at else "done_at"
        raise ContentConflict(
            f"{known.disposition} was reported for this part. What was done later has a later done_at.",
            fields={field: "Differs from what is stored." if done_at else "Required: something else was reported."},
        )
    if known is not None:
        return known, False
    record = DispositionRecord.objects.create(
        inspection=inspection, origin="reported", disposition=disposition, done_at=done_at or now, reported_by=by,
        created_at=now,
    )  # fmt: skip
    if disposition != HOLDS:
        let_go(inspection=inspection, now=now)
    return record, True


def let_go(*, inspection: Inspection, now: datetime) -> None:
    """The part has left: its blocking reviews only measure from now on, and what was settled of them is no secret."""
    blocking = Review.objects.filter(inspection=inspection, mode=Review.Mode.BLOCKING).order_by("pk")
    for hold in blocking.select_for_update(of=("self",)).select_related("registered_model"):
        if hold.release_at is not None:
            truth = GroundTruth.objects.filter(inspection=inspection, registered_model=hold.registered_model_id)
            announce_settled(truth.select_related("label", "registered_model", "inspection__station").get(), now=now)
        if hold.release_at is not None or hold.status != Review.Status.SETTLED:
            Review.objects.filter(pk=hold.pk).update(**MEASURING)
            tell_waiting(hold)


def name_who_lets_pass(policy: ReviewPolicy, *, by: User, now: datetime) -> None:
    """Put a name to a default of pass, and take it away from another. Before saving."""
    if policy.blocking_default != PASSES:
        policy.default_pass_by, policy.default_pass_at = None, None
    elif policy.default_pass_by is None:
        policy.default_pass_by, policy.default_pass_at = by, now


def tell_waiting(review: Review) -> None:
    """Wake who waits for any round of it, at commit."""
    with connection.cursor() as cursor:
        cursor.execute(TELL, [CHANNEL, review.inspection_id, review.registered_model_id])


def nudge(*, after: float) -> None:
    """Have a worker look at what is due, after commit and the delay. A message that is lost is found by the clock."""
    send_after_commit(current_app.send_task, RELEASE, countdown=after, expires=after + 60)
