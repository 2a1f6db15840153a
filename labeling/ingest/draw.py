"""The draws of an inspection, the review that they lead to, and what the line is told: for a part that is known."""

from __future__ import annotations

from datetime import datetime, timedelta

from labeling.dispositions import let_go
from labeling.ingest.parts import Part
from labeling.ingest.route import Routed, blind_draw, priority_of, review_reason, route_of_model
from labeling.ingest.submission import Chance, Submission, conflict
from labeling.models import DispositionRecord, Inspection, Prediction, Review, Selection
from labeling.routing import union_probability
from models_registry.models import Label, RegisteredModel
from models_registry.models.labels import Disposition

EDGE_REASON = "The edge agent answered: no answer of ours came in time."


def draw(
    inspection: Inspection, part: Part, prediction: Prediction | None, *, image_is_here: bool, now: datetime
) -> tuple[Chance, Review | None]:
    """What the draws of this inspection for the model came to, made now unless they were before, and their review.

    The review waits for the image when it is not here yet, unless the policy needs none.
    """
    catalog = part.lead.catalog
    mine = {"inspection": inspection, "registered_model": catalog.registered_model}
    known = list(Selection.objects.filter(**mine).order_by("pk"))
    if known:
        return _chance_of(known), Review.objects.filter(**mine).order_by("round").first()
    (routed,) = route_of_model([part], catalog, now)
    _store(inspection, catalog.registered_model, routed, now)
    chance = Chance(routed.drawn, routed.probability, routed.reason)
    if not routed.drawn:
        return chance, None
    waits = catalog.review_policy.needs_image and not image_is_here
    return chance, _open_review(inspection, part.lead, prediction, routed, waits, now)


def _chance_of(draws: list[Selection]) -> Chance:
    looked_at = next((one for one in draws if one.drawn), None)
    chance = union_probability([one.pi for one in draws])
    return Chance(looked_at is not None, chance, (looked_at or draws[0]).reason)


def _store(inspection: Inspection, registered_model: RegisteredModel, routed: Routed, now: datetime) -> None:
    """In one statement, the main one's first: the rollups see what the draws come to together."""
    Selection.objects.bulk_create(
        Selection(
            inspection=inspection,
            registered_model=registered_model,
            design_id=design,
            stratum=one.stratum,
            pi=one.pi,
            floor_pi=one.floor_pi,
            u=one.u,
            uncertainty=one.uncertainty,
            error_guess=one.error_guess,
            thinning=one.thinning,
            drawn=one.drawn,
            reason=one.reason,
            created_at=now,
        )
        for design, one in routed.draws
    )


def _open_review(
    inspection: Inspection,
    lead: Submission,
    prediction: Prediction | None,
    routed: Routed,
    waits_for_image: bool,
    now: datetime,
) -> Review:
    policy, blocking = lead.catalog.review_policy, routed.is_blocking
    return Review.objects.create(
        inspection=inspection,
        registered_model=lead.catalog.registered_model,
        reason=review_reason(prediction is not None, routed),
        mode=Review.Mode.BLOCKING if blocking else Review.Mode.MEASURING,
        prediction=prediction,
        blind=prediction is None or blind_draw(lead, routed),
        priority=priority_of(routed),
        deadline=now + timedelta(minutes=policy.blocking_minutes) if blocking else None,
        default_disposition=policy.blocking_default if blocking else "",
        waits_for_image=waits_for_image,
        created_at=now,
    )


def disposition_of(label: Label, *, waits: bool) -> tuple[str, str]:
    """What the line is told and why: the label's disposition, or to hold the part while a person must look."""
    if waits:
        return Disposition.HOLD.value, "The part waits until a person has looked."
    return label.disposition, f"The model says {label.name}."


def answer_disposition(inspection: Inspection, prediction: Prediction, review: Review | None, now: datetime) -> str:
    """Write down what the line is told about a prediction."""
    waits = review is not None and review.mode == Review.Mode.BLOCKING and review.status == Review.Status.OPEN
    disposition, reason = disposition_of(prediction.label, waits=waits)
    DispositionRecord.objects.create(
        inspection=inspection, prediction=prediction, disposition=disposition, reason=reason, created_at=now
    )
    return disposition


def answered_disposition(prediction: Prediction | None) -> str | None:
    """What the line was told about this prediction, and not about another version's of the same part."""
    if prediction is None:
        return None
    told = ("answered", "edge")
    record = DispositionRecord.objects.filter(prediction=prediction, origin__in=told, revoked_at=None).first()
    return record.disposition if record else None


def record_edge_answer(inspection: Inspection, prediction: Prediction, lead: Submission, now: datetime) -> Disposition:
    """Write down what an edge agent told the line while we did not hear, or answered too slowly. Nothing goes out.

    What we answered in vain is revoked, and a part that has left waits for nobody: its blocking review, if there is
    one, only measures from now on.

    :raises ContentConflict: the agent reported another answer before.
    """
    record, is_new = DispositionRecord.objects.get_or_create(
        prediction=prediction, origin="edge",
        defaults={
            "inspection": inspection, "disposition": str(lead.row.answered), "created_at": lead.row.captured_at or now,
            "reason": EDGE_REASON,
        },
    )  # fmt: skip
    if record.disposition != lead.row.answered:
        raise conflict("answered", lead)
    if is_new:
        in_vain = DispositionRecord.objects.filter(prediction=prediction, origin="answered", revoked_at=None)
        in_vain.update(revoked_at=now)
        let_go(inspection=inspection, now=now)
    return Disposition(record.disposition)
