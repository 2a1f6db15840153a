"""The one draw of an inspection, the review that it leads to, and what the line is told: for a part that is known."""

from __future__ import annotations

from datetime import datetime, timedelta

from labeling.catalog import PRIOR_UNCERTAINTY
from labeling.dispositions import let_go
from labeling.ingest.submission import Submission, conflict
from labeling.models import DispositionRecord, Inspection, Prediction, Review, Selection
from labeling.routing import PredictionFacts, Routing, after_the_part_left, keyed_uniform, route
from models_registry.models import Label
from models_registry.models.labels import Disposition

EDGE_REASON = "The edge agent answered: no answer of ours came in time."


def draw(
    inspection: Inspection, lead: Submission, prediction: Prediction | None, *, image_is_here: bool, now: datetime
) -> tuple[Selection, Review | None]:
    """The one draw of this inspection for the model, made now unless it was made before, and the review it led to.

    The review waits for the image when it is not here yet, unless the policy needs none.
    """
    catalog = lead.catalog
    mine = {"inspection": inspection, "registered_model": catalog.registered_model}
    known = Selection.objects.filter(**mine).first()
    if known is not None:
        return known, Review.objects.filter(**mine).order_by("round").first()
    routing = _routing(lead, prediction)
    selection = Selection.objects.create(
        **mine,
        design=catalog.design,
        stratum=routing.stratum,
        pi=routing.pi,
        floor_pi=routing.floor_pi,
        u=routing.u,
        uncertainty=routing.uncertainty,
        error_guess=routing.error_guess,
        drawn=routing.drawn,
        reason=routing.reason,
        created_at=now,
    )
    if not routing.drawn:
        return selection, None
    waits = lead.catalog.review_policy.needs_image and not image_is_here
    return selection, _open_review(inspection, lead, prediction, routing, waits, now)


def draw_key(lead: Submission) -> str:
    """What names an inspection in its draws."""
    return f"{lead.source.station_id}/{lead.row.inspection_id}"


def _routing(lead: Submission, prediction: Prediction | None) -> Routing:
    catalog = lead.catalog
    facts = PredictionFacts(
        label=prediction.label.slug if prediction else None,
        confidence=prediction.confidence if prediction else None,
        is_defect=prediction.label.is_defect if prediction else False,
    )
    routing = route(
        facts,
        catalog.rules,
        secret=bytes.fromhex(catalog.design.secret),
        key=draw_key(lead),
        design_key=f"{catalog.registered_model.slug}/{catalog.design.number}",
        mean_uncertainty=catalog.mean_uncertainty(prediction.model_version) if prediction else PRIOR_UNCERTAINTY,
    )
    return after_the_part_left(routing) if lead.row.late else routing


def _open_review(
    inspection: Inspection,
    lead: Submission,
    prediction: Prediction | None,
    routing: Routing,
    waits_for_image: bool,
    now: datetime,
) -> Review:
    policy, blocking = lead.catalog.review_policy, routing.review == "blocking"
    return Review.objects.create(
        inspection=inspection,
        registered_model=lead.catalog.registered_model,
        reason=review_reason(prediction is not None, routing),
        mode=Review.Mode.BLOCKING if blocking else Review.Mode.MEASURING,
        prediction=prediction,
        blind=prediction is None or blind_draw(lead, routing),
        priority=0 if blocking else 5,
        deadline=now + timedelta(minutes=policy.blocking_minutes) if blocking else None,
        default_disposition=policy.blocking_default if blocking else "",
        waits_for_image=waits_for_image,
        created_at=now,
    )


def review_reason(predicted: bool, routing: Routing) -> str:
    if not predicted:
        return Review.Reason.FIRST_LABELS
    return Review.Reason.CERTAINTY if routing.stratum == "certainty" else Review.Reason.DRAWN


def blind_draw(lead: Submission, routing: Routing) -> bool:
    """Audit draws are always judged blind; of the others the policy's share, by a draw of its own (STATISTICS §4)."""
    if routing.u < routing.floor_pi:
        return True
    draw = keyed_uniform(bytes.fromhex(lead.catalog.design.secret), f"blind|{draw_key(lead)}")
    return draw < lead.catalog.review_policy.blind_share


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
