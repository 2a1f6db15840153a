"""Predictions in: stored, routed and answered. Idempotent by natural keys, whole parts or nothing.

A part (one inspection) is one transaction: its views, its prediction, its draw, its review and its disposition
appear together or not at all. A resend finds the keys taken and gets the first answer; other content under a
taken key is a conflict, never silently kept or overwritten.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import groupby

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Max

from labeling.catalog import ModelCatalog, SourceCatalog
from labeling.errors import ContentConflict, RowRefused
from labeling.images import CheckedImage
from labeling.incoming import IncomingRow, check_scores
from labeling.models import Deployment, DispositionRecord, Inspection, Item, Prediction, Review, Selection, Source
from labeling.routing import PredictionFacts, Routing, keyed_uniform, partition, route
from models_registry import files
from models_registry.models import Label, ModelVersion
from models_registry.models.labels import Disposition
from reviewapp.errors import ReviewAppError


@dataclass(frozen=True, slots=True)
class Submission:
    """One checked row with its image, if it brought one."""

    position: int
    row: IncomingRow
    catalog: ModelCatalog
    source: Source
    image: CheckedImage | None
    version: ModelVersion | None = None
    confidence: float | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """What the line is told about one row."""

    row: int
    status: str  # created, duplicate, error
    inspection: Inspection | None = None
    prediction: Prediction | None = None
    selection: Selection | None = None
    review: Review | None = None
    disposition: str | None = None
    error: ReviewAppError | None = None


@dataclass(slots=True)
class Ingest:
    """A request's worth of rows on their way in."""

    now: datetime
    sources: SourceCatalog = field(default_factory=SourceCatalog)

    def prepare(
        self, row: IncomingRow, *, position: int, catalog: ModelCatalog, image: CheckedImage | None, predicted: bool
    ) -> Submission:
        """Check a row against the model it names. :raises RowRefused: names the field."""
        source = self.sources.get(row.source, position=position)
        if not predicted:
            if row.label is not None or row.version is not None:
                raise RowRefused("A row with a label belongs to /predictions/.", row=position, fields={"label": "Not here."})
            return Submission(position, row, catalog, source, image)
        version = catalog.version(row.version, score_kind=row.score_kind, position=position, now=self.now)
        confidence = check_scores(
            row, score_kind=version.score_kind, labels=list(catalog.labels), position=position
        )
        return Submission(position, row, catalog, source, image, version, confidence)

    def store(self, submissions: Sequence[Submission], *, atomic: bool) -> list[Answer]:
        """Store every part in its own transaction, or all of them in one when ``atomic``."""
        parts = _parts(submissions)
        if not atomic:
            return [answer for part in parts for answer in self._store_or_explain(part)]
        with transaction.atomic():
            return [answer for part in parts for answer in self._store(part)]

    def _store_or_explain(self, part: Sequence[Submission]) -> list[Answer]:
        try:
            return self._store(part)
        except ReviewAppError as error:
            return [Answer(one.position, "error", error=error) for one in part]

    def _store(self, part: Sequence[Submission]) -> list[Answer]:
        """One transaction; tried again when a twin request took the same keys in the same moment."""
        for attempts_left in (2, 1, 0):
            try:
                with transaction.atomic():
                    return store_part(part, now=self.now)
            except IntegrityError:
                if not attempts_left:
                    raise
        raise AssertionError("unreachable")


def _parts(submissions: Iterable[Submission]) -> list[list[Submission]]:
    """Rows of one inspection and version travel together: several views of one part."""

    def key(one: Submission) -> tuple[int, str, int, int]:
        return (one.source.station_id, one.row.inspection_id, one.version.pk if one.version else 0, one.catalog.registered_model.pk)

    ordered = sorted(submissions, key=lambda one: (key(one), one.position))
    parts = [list(group) for _, group in groupby(ordered, key=key)]
    return sorted(parts, key=lambda part: part[0].position)


def store_part(part: Sequence[Submission], *, now: datetime) -> list[Answer]:
    """Store the views of one inspection, what a version said of it, and what follows. Inside a transaction.

    :raises ContentConflict: a key is taken with other content.
    """
    lead = _worst_view(part)
    inspection, new = _inspection(lead, now)
    new_views = [one for one in part if _item(inspection, one, now)]
    if lead.version is None:
        prediction, predicted_now = None, False
    else:
        prediction, predicted_now = _prediction(inspection, lead, part, now)
    selection = _selection(inspection, lead, prediction, now)
    review = Review.objects.filter(inspection=inspection, registered_model=lead.catalog.registered_model).order_by("round").first()
    if prediction is not None and predicted_now:
        _answer_disposition(inspection, prediction, review, now)
        _note_deployment(lead, now)
    disposition = _disposition(inspection)
    status = "created" if new or new_views or predicted_now else "duplicate"
    return [
        Answer(one.position, status, inspection, prediction, selection, review, disposition) for one in part
    ]


def _worst_view(part: Sequence[Submission]) -> Submission:
    """The view that speaks for the part: the gravest label, then the surest."""

    def gravity(one: Submission) -> tuple[bool, int, float]:
        label = one.catalog.labels.get(str(one.row.label))
        return (bool(label and label.is_defect), label.severity if label else 0, one.confidence or 0.0)

    return max(part, key=gravity)


def _inspection(lead: Submission, now: datetime) -> tuple[Inspection, bool]:
    row, station = lead.row, lead.source.station
    known = Inspection.objects.filter(station=station, inspection_id=row.inspection_id).first()
    if known is not None:
        _refuse_other_content(known, row, lead.position)
        return known, False
    captured_at = row.captured_at or now
    day, shift = station.site.day_and_shift(captured_at)
    group_id = row.group or row.serial or (lead.image.sha256 if lead.image else f"{station.slug}/{row.inspection_id}")
    inspection = Inspection.objects.create(
        station=station,
        inspection_id=row.inspection_id,
        serial=row.serial,
        attempt=_next_attempt(station.pk, row.serial),
        recipe=row.recipe,
        lot=row.lot,
        captured_at=captured_at,
        received_at=now,
        day=day,
        shift=shift,
        purpose=row.purpose,
        metadata=row.metadata,
        group_id=group_id,
        partition=partition(settings.PARTITION_SALT, group_id, holdout_share=settings.HOLDOUT_SHARE),
    )
    return inspection, True


def _next_attempt(station_id: int, serial: str) -> int:
    """A serial seen again is the next attempt. A twin in the same moment fails on the constraint and tries again."""
    if not serial:
        return 1
    newest = Inspection.objects.filter(station=station_id, serial=serial).aggregate(Max("attempt"))["attempt__max"]
    return int(newest or 0) + 1


def _refuse_other_content(known: Inspection, row: IncomingRow, position: int) -> None:
    """Only what the resend says is compared: what it leaves out is not contradicted."""
    said: Mapping[str, object] = {
        "serial": row.serial, "lot": row.lot, "recipe": row.recipe, "captured_at": row.captured_at,
        "group": row.group, "metadata": row.metadata,
    }  # fmt: skip
    stored = {"group": known.group_id}
    differs = [name for name, value in said.items() if value and value != stored.get(name, getattr(known, name, None))]
    if differs:
        raise _conflict(differs[0], known.inspection_id, position)


def _conflict(name: str, inspection_id: str, position: int) -> ContentConflict:
    return ContentConflict(
        f"Inspection {inspection_id} is known with another {name}. Nothing was changed.",
        row=position, fields={name: "Differs from what is stored."},
    )  # fmt: skip


def _item(inspection: Inspection, one: Submission, now: datetime) -> bool:
    """Add a view, with its image if it came. Returns whether something is new."""
    known = Item.objects.filter(inspection=inspection, view=one.row.view).first()
    image = one.image
    if known is not None:
        if image is not None and known.sha256 and known.sha256 != image.sha256:
            raise _conflict("image", inspection.inspection_id, one.position)
        if known.source_id != one.source.pk:
            raise _conflict("source", inspection.inspection_id, one.position)
        if image is None or known.sha256:
            return False
    fields: dict[str, object] = {"source": one.source, "created_at": now}
    if image is not None:
        files.put(image.key, image.data)  # before the row: a row never names a file that is not there
        fields |= {
            "image": image.key, "content_type": image.content_type, "sha256": image.sha256, "phash": image.phash,
            "width": image.width, "height": image.height,
        }  # fmt: skip
    if known is None:
        Item.objects.create(inspection=inspection, view=one.row.view, **fields)
    else:
        Item.objects.filter(pk=known.pk, sha256="").update(**fields)
    return True


def _prediction(
    inspection: Inspection, lead: Submission, part: Sequence[Submission], now: datetime
) -> tuple[Prediction, bool]:
    assert lead.version is not None  # noqa: S101 - the caller has looked
    digest = lead.row.digest()
    known = Prediction.objects.filter(inspection=inspection, model_version=lead.version).select_related("label").first()
    if known is not None:
        if known.digest != digest and not _is_a_known_view(known, part):
            raise _conflict("prediction", inspection.inspection_id, lead.position)
        return known, False
    prediction = Prediction.objects.create(
        inspection=inspection,
        model_version=lead.version,
        label=lead.catalog.labels[str(lead.row.label)],
        confidence=lead.confidence,
        scores=lead.row.scores,
        findings=[_finding(one) for one in part],
        digest=digest,
        predicted_at=lead.row.predicted_at or now,
    )
    return prediction, True


def _finding(one: Submission) -> dict[str, object]:
    return {
        "view": one.row.view, "label": one.row.label, "confidence": one.confidence, "digest": one.row.digest(),
        "regions": one.row.findings,
    }  # fmt: skip


def _is_a_known_view(known: Prediction, part: Sequence[Submission]) -> bool:
    """A view resent alone says again what it said, or a late view agrees with what was decided for the part."""
    said = {finding["digest"] for finding in known.findings}
    views = {finding["view"] for finding in known.findings}
    return all(
        one.row.digest() in said or (one.row.view not in views and one.row.label == known.label.slug) for one in part
    )


def _selection(inspection: Inspection, lead: Submission, prediction: Prediction | None, now: datetime) -> Selection:
    """The one draw of this inspection under the model's design, made now unless it was made before."""
    catalog, design = lead.catalog, lead.catalog.design
    known = Selection.objects.filter(inspection=inspection, registered_model=catalog.registered_model).first()
    if known is not None:
        return known
    key = f"{inspection.station_id}/{inspection.inspection_id}"
    routing = _routing(lead, prediction, key)
    selection = Selection.objects.create(
        inspection=inspection,
        registered_model=catalog.registered_model,
        design=design,
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
    if routing.drawn:
        _open_review(inspection, lead, prediction, routing, key, now)
    return selection


def _routing(lead: Submission, prediction: Prediction | None, key: str) -> Routing:
    catalog = lead.catalog
    facts = PredictionFacts(
        label=prediction.label.slug if prediction else None,
        confidence=prediction.confidence if prediction else None,
        is_defect=prediction.label.is_defect if prediction else False,
    )
    return route(
        facts,
        catalog.rules,
        secret=bytes.fromhex(catalog.design.secret),
        key=key,
        design_key=f"{catalog.registered_model.slug}/{catalog.design.number}",
        mean_uncertainty=catalog.mean_uncertainty(lead.version) if lead.version else 0.25,
    )


def _open_review(
    inspection: Inspection, lead: Submission, prediction: Prediction | None, routing: Routing, key: str, now: datetime
) -> Review:
    policy, blocking = lead.catalog.review_policy, routing.review == "blocking"
    return Review.objects.create(
        inspection=inspection,
        registered_model=lead.catalog.registered_model,
        reason=_review_reason(prediction, routing),
        mode=Review.Mode.BLOCKING if blocking else Review.Mode.MEASURING,
        prediction=prediction,
        blind=prediction is None or _is_blind(lead, routing, key),
        priority=0 if blocking else 5,
        deadline=now + timedelta(minutes=policy.blocking_minutes) if blocking else None,
        default_disposition=policy.blocking_default if blocking else "",
        created_at=now,
    )


def _review_reason(prediction: Prediction | None, routing: Routing) -> str:
    if prediction is None:
        return Review.Reason.FIRST_LABELS
    return Review.Reason.CERTAINTY if routing.stratum == "certainty" else Review.Reason.DRAWN


def _is_blind(lead: Submission, routing: Routing, key: str) -> bool:
    """Audit draws are always judged blind; of the others the policy's share, by a draw of its own (STATISTICS §4)."""
    if routing.u < routing.floor_pi:
        return True
    draw = keyed_uniform(bytes.fromhex(lead.catalog.design.secret), f"blind|{key}")
    return draw < lead.catalog.review_policy.blind_share


def _answer_disposition(
    inspection: Inspection, prediction: Prediction, review: Review | None, now: datetime
) -> None:
    disposition, reason = label_disposition(prediction.label), f"The model says {prediction.label.name}."
    if review is not None and review.mode == Review.Mode.BLOCKING and review.status == Review.Status.OPEN:
        disposition, reason = Disposition.HOLD, "The part waits until a person has looked."
    DispositionRecord.objects.create(
        inspection=inspection, prediction=prediction, disposition=disposition, reason=reason, created_at=now
    )


def label_disposition(label: Label) -> Disposition:
    return Disposition(label.disposition)


def _disposition(inspection: Inspection) -> str | None:
    record = DispositionRecord.objects.filter(inspection=inspection, origin="answered", revoked_at=None).first()
    return record.disposition if record else None


def _note_deployment(lead: Submission, now: datetime) -> None:
    """What the line really runs; written once a minute, not once a part."""
    assert lead.version is not None  # noqa: S101
    station, stale = lead.source.station, now - timedelta(minutes=1)
    seen = Deployment.objects.filter(station=station, model_version=lead.version).first()
    if seen is None:
        Deployment.objects.bulk_create(
            [
                Deployment(
                    station=station, registered_model=lead.catalog.registered_model, model_version=lead.version,
                    first_seen_at=now, last_seen_at=now,
                )
            ],
            ignore_conflicts=True,
        )  # fmt: skip
    elif seen.last_seen_at < stale:
        Deployment.objects.filter(pk=seen.pk, last_seen_at__lt=stale).update(last_seen_at=now)
