"""One part whose inspection is known already: a late view, another version, a resend that says less, a conflict.

New parts and plain resends are the many and take the quick way (`chunk`); here everything is looked at, row by row.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from labeling.ingest.draw import answer_disposition, answered_disposition, draw, record_edge_answer
from labeling.ingest.item import is_awaited, is_wanted, settle_images, store_item
from labeling.ingest.parts import OF_THE_PART, Part, Said, same
from labeling.ingest.prediction import record_prediction
from labeling.ingest.submission import Answer, Submission, answer, conflict
from labeling.models import Inspection, Item
from labeling.regions.measuring import measure_regions


def add_to_known(part: Part, *, now: datetime) -> list[Answer]:
    """Add to a known inspection what is new, and what follows from it. Inside a transaction.

    What can be in conflict is looked at before an image is put into the file store.

    :raises ContentConflict: a key is taken with other content.
    """
    views, lead = part.views, part.lead
    version = lead.catalog.stored(lead.version, position=lead.position, now=now) if lead.version else None
    inspection = _inspection(part)
    prediction, predicted_now = record_prediction(inspection, version, part, now) if version else (None, False)
    views_known = Item.objects.filter(inspection=inspection).select_for_update()  # an image may arrive in this moment
    items = {item.view: item for item in views_known}
    here = not any(map(is_awaited, items.values())) and all(one.image or one.row.image_at_station for one in views)
    chance, review = draw(inspection, part, prediction, image_is_here=here, now=now)
    wanted = is_wanted(purpose=inspection.purpose, drawn=chance.drawn)
    new_views = [one for one in views if store_item(inspection, items, one, wanted=wanted, now=now)]
    if prediction is not None:  # its truth may be known already, or its draws be others now
        measure_regions(inspection=inspection.pk, registered_model=lead.catalog.registered_model)
    if wanted:
        settle_images(items.values(), review, lead.catalog.review_policy, now=now)
    if prediction is not None and lead.row.late:
        disposition: str | None = record_edge_answer(inspection, prediction, lead, now)
        if review is not None:
            review.refresh_from_db()
    elif prediction is not None and predicted_now:
        disposition = answer_disposition(inspection, prediction, review, now)
    else:
        disposition = answered_disposition(prediction)
    status = "created" if new_views or predicted_now else "duplicate"
    firsts = {one.position for one in views}
    return [
        answer(
            one.position,
            status if one.position in firsts else "duplicate",
            inspection,
            prediction,
            chance,
            review,
            disposition,
            items[one.row.view].image_status,
        )
        for one in part.rows
    ]


def _inspection(part: Part) -> Inspection:
    station = part.lead.source.station
    known = Inspection.objects.get(station=station, inspection_id=part.lead.row.inspection_id)
    known.station = station
    _refuse_other_content(known, part.said, part.views)
    return known


def _refuse_other_content(known: Inspection, said: Said, views: Sequence[Submission]) -> None:
    """Only what the resend says is compared: what it leaves out is not contradicted."""
    stored = {name: known.group_id if name == "group" else getattr(known, name) for name in OF_THE_PART}
    for name in OF_THE_PART:
        value = getattr(said, name)
        if value and not same(value, stored[name]):
            raise conflict(name, views[0])
    for one in views:  # views of one part may be taken one after the other
        if one.row.captured_at not in {None, known.captured_at} and not known.items.exclude(view=one.row.view).exists():
            raise conflict("captured_at", one)
