"""One part: its inspection and its views, stored together with what was said and drawn. Whole or not at all."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import connection
from django.db.models import Max

from labeling.ingest.draw import answer_disposition, answered_disposition, draw, record_edge_answer
from labeling.ingest.prediction import record_prediction
from labeling.ingest.submission import Answer, Submission, conflict
from labeling.models import Inspection, Item
from labeling.routing import partition
from models_registry import files

OF_THE_PART = ("serial", "lot", "recipe", "group", "metadata")


def store_part(part: Sequence[Submission], *, now: datetime) -> list[Answer]:
    """Store the views of one inspection, what a version said of it, and what follows. Inside a transaction.

    What can be in conflict is looked at before an image is put into the file store.

    :raises ContentConflict: a key is taken with other content.
    """
    views = _one_per_view(part)
    lead = _worst_view(views)
    version = lead.catalog.stored(lead.version, position=lead.position, now=now) if lead.version else None
    inspection, is_new = _inspection(views, lead, now)
    prediction, predicted_now = (
        record_prediction(inspection, version, lead, views, is_new, now) if version else (None, False)
    )
    new_views = [one for one in views if _item(inspection, one, is_new, now)]
    selection, review = draw(inspection, lead, prediction, is_new, now)
    if prediction is not None and lead.row.late:
        disposition: str | None = record_edge_answer(inspection, prediction, lead, now)
        if review is not None:
            review.refresh_from_db()
    elif prediction is not None and predicted_now:
        disposition = answer_disposition(inspection, prediction, review, now)
    else:
        disposition = answered_disposition(prediction)
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
            raise conflict("prediction", one)
        if (one.row.late, one.row.answered) != (part[0].row.late, part[0].row.answered):
            raise conflict("answered", one)
        if twin.image is None and one.image is not None:
            views[one.row.view] = one
        elif twin.image is not None and one.image is not None and twin.image.sha256 != one.image.sha256:
            raise conflict("image", one)
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
                raise conflict(name, one)
            said[name] = said[name] or value
    return said


def _refuse_other_content(known: Inspection, said: Mapping[str, Any], views: Sequence[Submission]) -> None:
    """Only what the resend says is compared: what it leaves out is not contradicted."""
    stored = {name: known.group_id if name == "group" else getattr(known, name) for name in OF_THE_PART}
    for name, value in said.items():
        if value and not _same(value, stored[name]):
            raise conflict(name, views[0])
    for one in views:  # views of one part may be taken one after the other
        if one.row.captured_at not in {None, known.captured_at} and not known.items.exclude(view=one.row.view).exists():
            raise conflict("captured_at", one)


def _same(one: object, other: object) -> bool:
    """Equal as JSON: 1e30 comes back from the database as an integer."""
    return one == other or _as_floats(one) == _as_floats(other)


def _as_floats(value: object) -> object:
    return json.loads(json.dumps(value), parse_int=float)


def _item(inspection: Inspection, one: Submission, is_new: bool, now: datetime) -> bool:
    """Add a view, with its image if it came. Returns whether something is new."""
    known = None if is_new else Item.objects.filter(inspection=inspection, view=one.row.view).first()
    image = one.image
    if known is not None:
        if image is not None and known.sha256 and known.sha256 != image.sha256:
            raise conflict("image", one)
        if known.source_id != one.source.pk:
            raise conflict("source", one)
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
