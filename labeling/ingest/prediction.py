"""What a version said of a part: written once, added to by late views, never changed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from labeling.incoming import IncomingRow
from labeling.ingest.parts import Part
from labeling.ingest.submission import Submission, conflict
from labeling.models import Inspection, Item, Prediction
from models_registry.models import ModelVersion


def record_prediction(
    inspection: Inspection, version: ModelVersion, part: Part, now: datetime
) -> tuple[Prediction, bool]:
    """What the version said of the part, made now unless it is known. Returns it and whether it is new."""
    mine = Prediction.objects.filter(inspection=inspection, model_version=version).select_related("label")
    known, lead, views = mine.first(), part.lead, part.views
    if known is not None:
        known.inspection, known.model_version = inspection, version
        _add_late_views(known, views)
        return known, False
    prediction = Prediction.objects.create(
        inspection=inspection,
        model_version=version,
        label=lead.catalog.labels[str(lead.row.label)],
        confidence=lead.confidence,
        scores=lead.row.scores,
        findings=[finding(one) for one in views],
        digest=part.digest,
        predicted_at=predicted_at(lead.row, now),
    )
    return prediction, True


def predicted_at(row: IncomingRow, now: datetime) -> datetime:
    """When the version said it; of a late row that does not say so, when the part was there."""
    return row.predicted_at or (row.captured_at if row.late else None) or now


def _add_late_views(known: Prediction, views: Sequence[Submission]) -> None:
    """Write down what is said of views that came after the others. Label, draw and disposition stand."""
    if not _late_views(known, views):
        return
    known.findings = Prediction.objects.select_for_update().get(pk=known.pk).findings
    known.findings += [finding(one) for one in _late_views(known, views)]
    Prediction.objects.filter(pk=known.pk).update(findings=known.findings)


def _late_views(known: Prediction, views: Sequence[Submission]) -> list[Submission]:
    """The views that the prediction does not know yet.

    :raises ContentConflict: a known view says something else now, or a late one would change the part's label.
    """
    digests = {finding["view"]: finding["digest"] for finding in known.findings}
    late = [one for one in views if one.row.view not in digests]
    changed = [one for one in views if digests.get(one.row.view, one.row.digest()) != one.row.digest()]
    changed += [one for one in late if one.row.label != known.label.slug]
    if changed:
        raise conflict("prediction", changed[0])
    return late


def finding(one: Submission) -> dict[str, object]:
    return {
        "view": one.row.view, "label": one.row.label, "confidence": one.confidence, "digest": one.row.digest(),
        "regions": one.row.findings,
    }  # fmt: skip


def known_prediction(submission: Submission, version: ModelVersion) -> Prediction | None:
    """What the version said before of this very image of this inspection: a resend needs no second look."""
    if submission.image is None:
        return None
    row, source = submission.row, submission.source
    views = Item.objects.filter(
        inspection__station=source.station, inspection__inspection_id=row.inspection_id, view=row.view,
        sha256=submission.image.sha256,
    )  # fmt: skip
    said = Prediction.objects.filter(model_version=version, inspection__in=views.values("inspection"))
    return said.select_related("label").first()
