"""Predictions in: stored, routed and answered. Idempotent by natural keys, whole parts or nothing.

A part (one inspection) is one transaction: its views, its prediction, its draw, its review and its disposition
appear together or not at all. A resend finds the keys taken and gets the first answer; other content under a
taken key is a conflict, never silently kept or overwritten.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import IntegrityError, OperationalError, connection, transaction
from django.db.models import Max
from psycopg.errors import DeadlockDetected, UniqueViolation

from labeling.catalog import PRIOR_UNCERTAINTY, ModelCatalog, SourceCatalog
from labeling.errors import ContentConflict, RowRefused
from labeling.images import CheckedImage
from labeling.incoming import IncomingRow, check_scores
from labeling.models import Deployment, DispositionRecord, Inspection, Item, Prediction, Review, Selection, Source
from labeling.routing import PredictionFacts, Routing, keyed_uniform, partition, route
from models_registry import files
from models_registry.models import ModelVersion
from models_registry.models.labels import Disposition
from reviewapp.errors import ReviewAppError

RETRIES = 4
OF_THE_PART = ("serial", "lot", "recipe", "group", "metadata")


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
        self,
        row: IncomingRow,
        *,
        position: int,
        catalog: ModelCatalog,
        image: CheckedImage | None,
        predicted: bool,
        version: ModelVersion | None = None,
    ) -> Submission:
        """Check a row against the model it names; nothing is written. ``version``: known already, no name is looked up.

        :raises RowRefused: names the field.
        """
        source = self.sources.get(row.source, position=position)
        if not predicted:
            if row.label is not None or row.version is not None:
                raise RowRefused(
                    "A row with a label belongs to /predictions/.", row=position, fields={"label": "Not here."}
                )
            return Submission(position, row, catalog, source, image)
        version = version or catalog.version(row, position=position)
        confidence = check_scores(row, score_kind=version.score_kind, labels=list(catalog.labels), position=position)
        return Submission(position, row, catalog, source, image, version, confidence)

    def store(self, submissions: Sequence[Submission], *, atomic: bool) -> list[Answer]:
        """Store every part in its own transaction, or all of them in one when ``atomic``: then in the order of their
        keys, so that two lists that cross wait for each other and do not end in a deadlock.
        """
        parts = _parts(submissions)
        answers = (
            self._store(sorted(parts, key=_key))
            if atomic
            else [one for part in parts for one in self._store_or_explain(part)]
        )
        _note_deployments(answers, self.now)
        return answers

    def _store_or_explain(self, part: Sequence[Submission]) -> list[Answer]:
        try:
            return self._store([part])
        except ReviewAppError as error:
            return [Answer(one.position, "error", error=error) for one in part]

    def _store(self, parts: Sequence[Sequence[Submission]]) -> list[Answer]:
        """One transaction, tried again when a twin request took the same keys (or locks) in the same moment."""
        for attempts_left in range(RETRIES, -1, -1):
            try:
                with transaction.atomic():
                    return [answer for part in parts for answer in store_part(part, now=self.now)]
            except (IntegrityError, OperationalError) as error:
                if not attempts_left or not isinstance(error.__cause__, UniqueViolation | DeadlockDetected):
                    raise
        raise AssertionError("unreachable")


def _parts(submissions: Iterable[Submission]) -> list[list[Submission]]:
    """Rows of one inspection and version travel together: several views of one part."""
    parts: dict[tuple[int, str, int, int, str], list[Submission]] = {}
    for one in sorted(submissions, key=lambda one: one.position):
        parts.setdefault(_key([one]), []).append(one)
    return list(parts.values())


def _key(part: Sequence[Submission]) -> tuple[int, str, int, int, str]:
    one = part[0]
    number, name = (one.version.number or 0, one.version.external_name) if one.version else (0, "")
    return (one.source.station_id, one.row.inspection_id, one.catalog.registered_model.pk, number, name)


def store_part(part: Sequence[Submission], *, now: datetime) -> list[Answer]:
    """Store the views of one inspection, what a version said of it, and what follows. Inside a transaction.

    What can be in conflict is looked at before an image is put into the file store.

    :raises ContentConflict: a key is taken with other content.
    """
    views = _one_per_view(part)
    lead = _worst_view(views)
    version = lead.catalog.stored(lead.version, position=lead.position, now=now) if lead.version else None
    inspection, is_new = _inspection(views, lead, now)
    prediction, predicted_now = _prediction(inspection, version, lead, views, is_new, now) if version else (None, False)
    new_views = [one for one in views if _item(inspection, one, is_new, now)]
    selection, review = _selection(inspection, lead, prediction, is_new, now)
    if prediction is not None and predicted_now:
        disposition: str | None = _answer_disposition(inspection, prediction, review, now)
    else:
        disposition = _disposition(prediction)
    status = "created" if is_new or new_views or predicted_now else "duplicate"
    firsts = {one.position for one in views}
    said = {one.position: status if one.position in firsts else "duplicate" for one in part}
    return [Answer(row, status, inspection, prediction, selection, review, disposition) for row, status in said.items()]


def _one_per_view(part: Sequence[Submission]) -> list[Submission]:
    """The same row twice in one list is a resend. :raises ContentConflict: one view, two contents."""
    views: dict[str, Submission] = {}
    for one in part:
        twin = views.setdefault(one.row.view, one)
        if (twin.row.digest(), twin.source.pk) != (one.row.digest(), one.source.pk):
            raise _conflict("prediction", one)
        if twin.image is None and one.image is not None:
            views[one.row.view] = one
        elif twin.image is not None and one.image is not None and twin.image.sha256 != one.image.sha256:
            raise _conflict("image", one)
    return list(views.values())


def _worst_view(part: Sequence[Submission]) -> Submission:
    """The view that speaks for the part: the gravest label, then the surest."""

    def gravity(one: Submission) -> tuple[bool, int, float]:
        label = one.catalog.labels.get(str(one.row.label))
        return (bool(label and label.is_defect), label.severity if label else 0, one.confidence or 0.0)

    return max(part, key=gravity)


def _inspection(views: Sequence[Submission], lead: Submission, now: datetime) -> tuple[Inspection, bool]:
    """The inspection that the views belong to, made now unless it is known. Returns it and whether it is new."""
    row, station = lead.row, lead.source.station
    said = _said_of_the_part(views)
    known = Inspection.objects.filter(station=station, inspection_id=row.inspection_id).first()
    if known is not None:
        known.station = station
        _refuse_other_content(known, said, views)
        return known, False
    captured_at = min((one.row.captured_at for one in views if one.row.captured_at), default=now)
    day, shift = station.site.day_and_shift(captured_at)
    by_content = lead.image.sha256 if lead.image else f"{station.pk}/{row.inspection_id}"
    group_id = said["group"] or said["serial"] or by_content
    inspection = Inspection.objects.create(
        station=station,
        inspection_id=row.inspection_id,
        serial=said["serial"],
        attempt=_next_attempt(station.pk, said["serial"]),
        recipe=said["recipe"],
        lot=said["lot"],
        captured_at=captured_at,
        received_at=now,
        day=day,
        shift=shift,
        purpose=row.purpose,
        metadata=said["metadata"],
        group_id=group_id,
        partition=partition(settings.PARTITION_SALT, group_id, holdout_share=settings.HOLDOUT_SHARE),
    )
    return inspection, True


def _next_attempt(station_id: int, serial: str) -> int:
    """A serial seen again is the next attempt. Twins in the same moment wait for each other."""
    if not serial:
        return 1
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"attempt {station_id}/{serial}"])
    newest = Inspection.objects.filter(station=station_id, serial=serial).aggregate(Max("attempt"))["attempt__max"]
    return int(newest or 0) + 1


def _said_of_the_part(views: Sequence[Submission]) -> dict[str, Any]:
    """What the rows say of the whole part: what one leaves out another may say.

    :raises ContentConflict: two rows differ.
    """
    said: dict[str, Any] = {name: getattr(views[0].row, name) for name in OF_THE_PART}
    for one in views[1:]:
        for name in OF_THE_PART:
            value = getattr(one.row, name)
            if value and said[name] and not _same(value, said[name]):
                raise _conflict(name, one)
            said[name] = said[name] or value
    return said


def _refuse_other_content(known: Inspection, said: Mapping[str, Any], views: Sequence[Submission]) -> None:
    """Only what the resend says is compared: what it leaves out is not contradicted."""
    stored = {name: known.group_id if name == "group" else getattr(known, name) for name in OF_THE_PART}
    for name, value in said.items():
        if value and not _same(value, stored[name]):
            raise _conflict(name, views[0])
    for one in views:  # views of one part may be taken one after the other
        if one.row.captured_at not in {None, known.captured_at} and not known.items.exclude(view=one.row.view).exists():
            raise _conflict("captured_at", one)


def _same(one: object, other: object) -> bool:
    """Equal as JSON: 1e30 comes back from the database as an integer."""
    return one == other or _as_floats(one) == _as_floats(other)


def _as_floats(value: object) -> object:
    return json.loads(json.dumps(value), parse_int=float)


def _conflict(name: str, one: Submission) -> ContentConflict:
    return ContentConflict(
        f"Inspection {one.row.inspection_id} is known with another {name}. Nothing was changed.",
        row=one.position, fields={name: "Differs from what is stored."},
    )  # fmt: skip


def _item(inspection: Inspection, one: Submission, is_new: bool, now: datetime) -> bool:
    """Add a view, with its image if it came. Returns whether something is new."""
    known = None if is_new else Item.objects.filter(inspection=inspection, view=one.row.view).first()
    image = one.image
    if known is not None:
        if image is not None and known.sha256 and known.sha256 != image.sha256:
            raise _conflict("image", one)
        if known.source_id != one.source.pk:
            raise _conflict("source", one)
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
        return True
    return bool(Item.objects.filter(pk=known.pk, sha256="").update(**fields))


def _prediction(
    inspection: Inspection,
    version: ModelVersion,
    lead: Submission,
    views: Sequence[Submission],
    is_new: bool,
    now: datetime,
) -> tuple[Prediction, bool]:
    """What the version said of the part, made now unless it is known. Returns it and whether it is new."""
    mine = Prediction.objects.filter(inspection=inspection, model_version=version).select_related("label")
    known = None if is_new else mine.first()
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
        findings=[_finding(one) for one in views],
        digest=lead.row.digest(),
        predicted_at=lead.row.predicted_at or now,
    )
    return prediction, True


def _add_late_views(known: Prediction, views: Sequence[Submission]) -> None:
    """Write down what is said of views that came after the others. Label, draw and disposition stand."""
    if not _late_views(known, views):
        return
    known.findings = Prediction.objects.select_for_update().get(pk=known.pk).findings
    known.findings += [_finding(one) for one in _late_views(known, views)]
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
        raise _conflict("prediction", changed[0])
    return late


def _finding(one: Submission) -> dict[str, object]:
    return {
        "view": one.row.view, "label": one.row.label, "confidence": one.confidence, "digest": one.row.digest(),
        "regions": one.row.findings,
    }  # fmt: skip


def _selection(
    inspection: Inspection, lead: Submission, prediction: Prediction | None, is_new: bool, now: datetime
) -> tuple[Selection, Review | None]:
    """The one draw of this inspection for the model, made now unless it was made before, and the review it led to."""
    catalog = lead.catalog
    mine = {"inspection": inspection, "registered_model": catalog.registered_model}
    known = None if is_new else Selection.objects.filter(**mine).first()
    if known is not None:
        return known, Review.objects.filter(**mine).order_by("round").first()
    key = f"{inspection.station_id}/{inspection.inspection_id}"
    routing = _routing(lead, prediction, key)
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
    return selection, _open_review(inspection, lead, prediction, routing, key, now) if routing.drawn else None


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
        mean_uncertainty=catalog.mean_uncertainty(prediction.model_version) if prediction else PRIOR_UNCERTAINTY,
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
) -> Disposition:
    """Write down what the line is told: the label's disposition, or to hold the part while a person must look."""
    disposition, reason = Disposition(prediction.label.disposition), f"The model says {prediction.label.name}."
    if review is not None and review.mode == Review.Mode.BLOCKING and review.status == Review.Status.OPEN:
        disposition, reason = Disposition.HOLD, "The part waits until a person has looked."
    DispositionRecord.objects.create(
        inspection=inspection, prediction=prediction, disposition=disposition, reason=reason, created_at=now
    )
    return disposition


def _disposition(prediction: Prediction | None) -> str | None:
    """What the line was told about this prediction, and not about another version's of the same part."""
    if prediction is None:
        return None
    record = DispositionRecord.objects.filter(prediction=prediction, origin="answered", revoked_at=None).first()
    return record.disposition if record else None


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


def _note_deployments(answers: Iterable[Answer], now: datetime) -> None:
    """What the lines really run; written once a minute, not once a part, and outside of the parts' transactions."""
    said = [one.prediction for one in answers if one.status == "created" and one.prediction is not None]
    for prediction in {(one.inspection.station_id, one.model_version_id): one for one in said}.values():
        _note_deployment(prediction.inspection.station_id, prediction.model_version, now)


def _note_deployment(station_id: int, version: ModelVersion, now: datetime) -> None:
    seen = Deployment.objects.filter(station=station_id, model_version=version).first()
    if seen is None:
        deployment = Deployment(
            station_id=station_id, registered_model_id=version.registered_model_id, model_version=version,
            first_seen_at=now, last_seen_at=now,
        )  # fmt: skip
        Deployment.objects.bulk_create([deployment], ignore_conflicts=True)
    elif seen.last_seen_at < now - timedelta(minutes=1):
        Deployment.objects.filter(pk=seen.pk, last_seen_at__lt=now).update(last_seen_at=now)
