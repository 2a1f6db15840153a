"""What a person says, recorded once and for ever, and what is settled from it in the same transaction."""

from __future__ import annotations

import uuid
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from django.db import IntegrityError, transaction
from django.db.models import Exists, OuterRef
from django.utils.translation import gettext as _

from labeling import dispositions
from labeling.access import require_review
from labeling.consensus import Settlement, Vote, settle
from labeling.errors import NotSeen, ReviewClosed, UndoRefused
from labeling.first_word import first_word
from labeling.models import Challenge, GroundTruth, Inspection, Review, ReviewPolicy, Verdict
from labeling.phases import refuse_change_after_reveal, refuse_phase, refuse_surface
from labeling.qualified import refuse_unqualified
from labeling.queue import review_policy
from labeling.regions.measuring import measure_regions
from labeling.regions.recording import checked_findings, truth_findings
from labeling.said import Recorded as Recorded
from labeling.said import Said as Said
from labeling.said import by_our_clock, columns, message_of
from models_registry.models import Label
from reviewapp.errors import Conflict, NotAllowed, NotFound, ReviewAppError

if TYPE_CHECKING:
    from django.contrib.auth.models import User

Kind = Verdict.Kind


def record_verdict(*, review_id: int, reviewer: User, said: Said, now: datetime) -> Recorded:
    """Store a verdict and settle ground truth. A replay of the same client id changes nothing.

    A verdict whose lease went to somebody else is kept too, marked, and counts as one more voice. A second verdict
    on the same review changes the first one, as long as that could be undone.

    :raises NoSuchReview, ReviewClosed, NotSeen, UndoRefused, Conflict, ReviewAppError: nothing is stored.
    """
    said = by_our_clock(said, now)
    try:
        usual = first_word(review_id=review_id, reviewer=reviewer, said=said, now=now)
    except IntegrityError as error:
        raise _client_id_taken() from error
    return usual or record_any(review_id=review_id, reviewer=reviewer, said=said, now=now)


@transaction.atomic
def record_any(*, review_id: int, reviewer: User, said: Said, now: datetime) -> Recorded:
    """The same for every case there is."""
    review = locked_review(review_id, reviewer)
    if replay := _replay(said, reviewer, review_id):
        return replay
    _refuse_closed(review)
    policy = review_policy(review.registered_model)
    label = _check(review, reviewer, said, policy)
    refuse_unqualified(review, reviewer, policy)
    said = replace(said, findings=checked_findings(review, said.findings, phase=said.phase, kind=said.kind))
    refuse_second_voice(review, reviewer)
    previous = _current(review, reviewer, said.phase)
    if previous is not None and previous.kind != Kind.WITHDRAWN:
        _refuse_change(previous, review, policy, now)
    if said.phase == Verdict.Phase.REVEALED:  # kept beside the first word, which alone counts
        revised = _store(review, reviewer, said, label, previous, False, now)
        return Recorded(revised, True, review.status == Review.Status.SETTLED)
    lease_lost = _held_by_another(review, reviewer, now)
    verdict = _store(review, reviewer, said, label, previous, lease_lost, now)
    settlement = apply_settlement(review, policy, now=now)
    return Recorded(verdict, True, settlement.outcome in {"label", "bad_image"}, message_of(lease_lost=lease_lost))


def _replay(said: Said, reviewer: User, review_id: int) -> Recorded | None:
    known = Verdict.objects.select_related("review__inspection", "label").filter(client_id=said.client_id).first()
    if known is None:
        return None
    before = (
        known.reviewer_id,
        known.review_id,
        known.kind,
        known.label and known.label.slug,
        known.phase,
        known.severity,
        known.note,
    )
    if before != (reviewer.pk, review_id, said.kind, said.label, said.phase, said.severity, said.note):
        raise _client_id_taken()
    return Recorded(known, False, known.review.status == Review.Status.SETTLED)


def _client_id_taken() -> Conflict:
    return Conflict(
        "This client id belongs to another verdict.", code="client_id_taken", fields={"client_id": "Taken."}
    )


def locked_review(review_id: int, reviewer: User) -> Review:
    """The review, with every round of its inspection locked in a fixed order: verdicts settle one after another.

    The first round is in every such set, so it is the lock that all who judge the inspection wait for.
    """
    review = require_review(reviewer, "review", review_id)
    _lock_part(review.inspection_id)
    rounds = Review.objects.filter(inspection=review.inspection_id, registered_model=review.registered_model_id)
    for one in rounds.order_by("pk").select_for_update():
        if one.pk == review.pk:
            review.status, review.mode, review.claimed_by_id, review.claim_expires_at = (
                one.status,
                one.mode,
                one.claimed_by_id,
                one.claim_expires_at,
            )
    return review


def _lock_part(inspection: int) -> None:
    """First of all: the rollups lock the part too when a truth is written, and reports of the line when they come."""
    Inspection.objects.select_for_update(no_key=True).filter(pk=inspection).values_list("pk").first()


def _refuse_closed(review: Review) -> None:
    if review.status == Review.Status.CANCELLED:
        raise ReviewClosed("This review was cancelled meanwhile. Nothing is needed from you.")


def refuse_second_voice(review: Review, reviewer: User) -> None:
    """A second opinion is that of an adjudicator, and of another person than the first."""
    if review.reason != Review.Reason.ADJUDICATION:
        return
    require_review(reviewer, "adjudicate", review.pk)
    earlier = Verdict.objects.counting().filter(
        reviewer=reviewer, review__inspection=review.inspection_id, review__registered_model=review.registered_model_id
    )
    if earlier.exclude(review=review).exists():
        raise NotAllowed(_("You have judged this part already. The second opinion is somebody else's."))
    if Challenge.objects.filter(review=review, challenged_by=reviewer).exists():
        raise NotAllowed(_("You have asked for this second opinion. It is somebody else's."))


def _check(review: Review, reviewer: User, said: Said, policy: ReviewPolicy) -> Label | None:
    if said.kind not in {Kind.LABEL, Kind.UNSURE, Kind.BAD_IMAGE}:
        raise ReviewAppError("kind is label, unsure or bad_image.", code="invalid", fields={"kind": "Unknown."})
    refuse_phase(review, reviewer, said.phase)
    if said.said_at - said.shown_at < timedelta(milliseconds=policy.min_view_ms):
        raise NotSeen(
            f"The image was not on screen for {policy.min_view_ms} ms, so the verdict does not count.",
            fields={"shown_at": "Too close to said_at."},
        )
    if said.kind != Kind.LABEL:
        if said.label is not None:
            raise ReviewAppError(
                "Only the kind label has a label.", code="invalid", fields={"label": "Not with this kind."}
            )
        refuse_surface(review, said.surface, None)
        return None
    label = Label.objects.filter(label_set=review.registered_model.label_set_id, slug=said.label).first()
    if label is None:
        raise ReviewAppError(
            f"“{said.label}” is not in the label set.", code="unknown_label", fields={"label": "Not in the label set."}
        )
    refuse_surface(review, said.surface, label)
    return label


def _held_by_another(review: Review, reviewer: User, now: datetime) -> bool:
    """Somebody else holds it, or closed it while this person was away."""
    if review.status != Review.Status.OPEN:
        return not review.verdicts.filter(reviewer=reviewer).exists()
    expires = review.claim_expires_at
    return review.claimed_by_id not in {None, reviewer.pk} and expires is not None and expires > now


def _current(review: Review, reviewer: User, phase: str) -> Verdict | None:
    """The end of this person's chain: the next verdict supersedes it."""
    return Verdict.objects.filter(review=review, reviewer=reviewer, phase=phase, superseded_by__isnull=True).first()


def _store(
    review: Review,
    reviewer: User,
    said: Said,
    label: Label | None,
    previous: Verdict | None,
    lease_lost: bool,
    now: datetime,
) -> Verdict:
    row = columns(said, review_id=review.pk, reviewer_id=reviewer.pk, label_id=label.pk if label else None, now=now)
    verdict = _created(**row, lease_lost=lease_lost, supersedes=previous)
    verdict.review, verdict.label = review, label
    return verdict


def _created(**fields: Any) -> Verdict:
    """The inspection is locked, so only a client id that another inspection's verdict has just taken can clash."""
    try:
        return Verdict.objects.create(**fields)
    except IntegrityError as error:
        raise _client_id_taken() from error


@transaction.atomic
def undo(*, target: uuid.UUID, client_id: uuid.UUID, reviewer: User, now: datetime) -> Review:
    """Take a verdict back by a new one that supersedes it, and hand the review to the same person again.

    :raises NotFound: no such verdict of this person. :raises UndoRefused: the window is over
        (``undo_too_late``), it is superseded already, or a dataset holds it (``verdict_frozen``).
    """
    verdict = Verdict.objects.filter(client_id=target, reviewer=reviewer).first()
    if verdict is None:
        raise NotFound(_("There is no such verdict of yours."))
    review = locked_review(verdict.review_id, reviewer)
    newer = Verdict.objects.filter(supersedes=verdict).first()
    if newer is not None and newer.client_id == client_id:
        return review  # a replay
    _refuse_closed(review)
    if newer is not None or verdict.kind == Kind.WITHDRAWN:
        raise UndoRefused(_("This verdict was changed already."), code="already_superseded")
    policy = review_policy(review.registered_model)
    _refuse_change(verdict, review, policy, now)
    _created(
        review=review, reviewer=reviewer, phase=verdict.phase, kind=Kind.WITHDRAWN, shown_at=verdict.shown_at,
        said_at=now, received_at=now, client_id=client_id, supersedes=verdict, surface=verdict.surface,
    )  # fmt: skip
    if verdict.phase == Verdict.Phase.REVEALED:  # nothing was settled from it
        return review
    apply_settlement(review, policy, now=now)
    until = now + timedelta(seconds=policy.lease_seconds)
    Review.objects.filter(pk=review.pk, status=Review.Status.OPEN).update(claimed_by=reviewer, claim_expires_at=until)
    review.refresh_from_db()
    return review


def _refuse_change(verdict: Verdict, review: Review, policy: ReviewPolicy, now: datetime) -> None:
    """The ground truth is read under its lock: a dataset that is being frozen in this moment is waited for."""
    refuse_change_after_reveal(verdict)
    if now - verdict.received_at > timedelta(minutes=policy.undo_minutes):
        raise UndoRefused(_("Verdicts can be taken back for %(n)s minutes.") % {"n": policy.undo_minutes})
    truth = GroundTruth.objects.select_for_update().filter(
        inspection=review.inspection_id, registered_model=review.registered_model_id
    )
    if any(one.frozen_in_id for one in truth):
        raise UndoRefused(
            _("A dataset holds this verdict already. Ask for a second opinion instead."), code="verdict_frozen"
        )


def apply_settlement(review: Review, policy: ReviewPolicy, *, now: datetime) -> Settlement:
    """Bring reviews and ground truth in line with the standing verdicts. The rounds are locked."""
    verdicts = (
        Verdict.objects.counting()
        .filter(review__inspection=review.inspection_id, review__registered_model=review.registered_model_id)
        .select_related("review", "label")
        .order_by("pk")
    )
    labels = {one.label.slug: one.label for one in verdicts if one.label}
    votes = [
        Vote(
            one.kind,
            one.label.slug if one.label else None,
            one.review.round,
            one.review.reason == Review.Reason.ADJUDICATION,
        )
        for one in verdicts
    ]
    settlement = settle(votes, votes_needed=policy.votes_needed)
    if settlement.outcome in {"label", "bad_image"}:
        _close_rounds(review, now)
        label, by_grid = (
            labels.get(settlement.label or ""),
            all(one.surface == Verdict.Surface.GRID for one in verdicts),
        )
        findings = truth_findings(review, list(verdicts), label)
        truth, is_news = _write_ground_truth(review, settlement, label, findings, by_grid, now)
        dispositions.settled(review=review, truth=truth, is_news=is_news, policy=policy, now=now)
    else:
        _reopen(review, settlement, now)
        dispositions.reopened(review=review, policy=policy, now=now)
    measure_regions(inspection=review.inspection_id, registered_model=review.registered_model)
    return settlement


def _rounds(review: Review) -> Any:
    return Review.objects.filter(inspection=review.inspection_id, registered_model=review.registered_model_id).exclude(
        status=Review.Status.CANCELLED
    )


def _close_rounds(review: Review, now: datetime) -> None:
    """But for a challenge that nobody has answered yet: only a word in its own round closes it."""
    unanswered = Exists(Challenge.objects.filter(review=OuterRef("pk"))) & ~Exists(
        Verdict.objects.counting().filter(review=OuterRef("pk"))
    )
    _rounds(review).exclude(unanswered).exclude(status=Review.Status.SETTLED).update(
        status=Review.Status.SETTLED, settled_at=now, claimed_by=None, claim_expires_at=None
    )


def _write_ground_truth(
    review: Review, settlement: Settlement, label: Label | None, findings: list[Any], by_grid: bool, now: datetime
) -> tuple[GroundTruth, bool]:
    """The label, and whether it is new or another than before.

    A label that changes belongs to no dataset yet; one that is only confirmed stays where it is.
    """
    truth, is_new = GroundTruth.objects.select_for_update(of=("self",)).get_or_create(
        registered_model=review.registered_model,
        inspection=review.inspection,
        defaults={
            "outcome": settlement.outcome, "label": label, "n_verdicts": settlement.n_verdicts,
            "method": settlement.method, "findings": findings, "by_grid": by_grid, "decided_at": now,
        },
    )  # fmt: skip
    if is_new:
        return truth, True
    is_news = (truth.outcome, truth.label_id) != (settlement.outcome, label.pk if label else None)
    if is_news:
        truth.outcome, truth.label, truth.decided_at, truth.frozen_in = settlement.outcome, label, now, None
    truth.n_verdicts, truth.method, truth.findings = settlement.n_verdicts, settlement.method, findings
    truth.by_grid = by_grid
    truth.save()
    return truth, is_news


def _reopen(review: Review, settlement: Settlement, now: datetime) -> None:
    """No settled label (any more): what was derived goes, and the right round is open."""
    GroundTruth.objects.filter(registered_model=review.registered_model_id, inspection=review.inspection_id).delete()
    rounds = list(_rounds(review).order_by("round"))
    free = {"claimed_by": None, "claim_expires_at": None, "settled_at": None, "release_at": None, "spoken": True}
    if settlement.outcome == "escalate":
        Review.objects.filter(pk__in=[one.pk for one in rounds]).update(status=Review.Status.ESCALATED, **free)
        _ask_for_second_opinion(rounds, now)
        return
    first, later = rounds[0], rounds[1:]
    Review.objects.filter(pk=first.pk).update(status=Review.Status.OPEN, **free)
    Review.objects.filter(pk__in=[one.pk for one in later]).update(status=Review.Status.CANCELLED, **free)


def _ask_for_second_opinion(rounds: list[Review], now: datetime) -> None:
    """Reopen the last round if nobody spoke in it yet, else open the next one."""
    last = rounds[-1]
    if last.reason == Review.Reason.ADJUDICATION and not last.verdicts.current().exists():
        Review.objects.filter(pk=last.pk).update(status=Review.Status.OPEN)
        return
    open_second_opinion(last, now=now)


def open_second_opinion(last: Review, *, now: datetime) -> Review:
    """A round after ``last``, which is locked, for somebody who has not spoken yet."""
    newest = Review.objects.filter(inspection=last.inspection_id, registered_model=last.registered_model_id).order_by(
        "-round"
    )[0]
    return Review.objects.create(
        inspection=last.inspection,
        registered_model=last.registered_model,
        round=newest.round + 1,
        reason=Review.Reason.ADJUDICATION,
        mode=last.mode,
        prediction=last.prediction,
        blind=True,
        spoken=True,
        priority=max(0, last.priority - 1),
        deadline=last.deadline,
        default_disposition=last.default_disposition,
        created_at=now,
    )
