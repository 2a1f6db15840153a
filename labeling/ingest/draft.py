"""What a chunk of new parts comes to: rows for every table, and the answers. The draws are made here, in one go."""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any

import msgspec
from django.conf import settings

from labeling.catalog import PRIOR_UNCERTAINTY, ModelCatalog
from labeling.images.arrival import HERE
from labeling.ingest.draw import EDGE_REASON, blind_draw, disposition_of, draw_key, review_reason
from labeling.ingest.item import first_status, is_wanted
from labeling.ingest.parts import Part
from labeling.ingest.prediction import finding, predicted_at
from labeling.ingest.submission import Answer, Submission
from labeling.ingest.writing import DISPOSITION, INSPECTION, ITEM, PREDICTION, REVIEW, SELECTION, Rows, new_ids
from labeling.models import Site
from labeling.routing import PredictionFacts, Routing, after_the_part_left, partition, route_many
from models_registry.models import ModelVersion

JSON = msgspec.json.Encoder()


class Draft:
    """Rows and answers of new parts. ``newest`` are the attempts of their serials so far.

    Everything here is done a hundred thousand times in a request: hence plain tuples, and `id`, since Django's `pk`
    asks the model's options every time.
    """

    def __init__(self, parts: Sequence[Part], newest: Mapping[tuple[int, str], int], now: datetime) -> None:
        self.now = now
        self.rows: Rows = {table: [] for table in (INSPECTION, ITEM, PREDICTION, SELECTION, REVIEW, DISPOSITION)}
        self.answers: list[Answer] = []
        self.to_fetch: list[int] = []  # inspections with an image that a worker is to get
        self._attempts = Counter(newest)
        self._days: dict[tuple[int, datetime], tuple[date, str]] = {}
        routings = route_parts(parts)
        inspections, predictions, reviews = new_ids(
            len(parts),
            sum(part.lead.version is not None for part in parts),
            sum(routing.drawn for routing in routings),
        )
        self._prediction_ids, self._review_ids = iter(predictions), iter(reviews)
        for part, routing, pk in zip(parts, routings, inspections, strict=True):
            self._add(part, routing, pk)

    def _add(self, part: Part, routing: Routing, inspection: int) -> None:
        lead = part.lead
        attempt = self._inspection(part, inspection)
        wanted = is_wanted(purpose=lead.row.purpose, drawn=routing.drawn)
        images = {one.row.view: self._item(one, inspection, wanted) for one in part.views}
        prediction = self._prediction(part, inspection) if lead.version else None
        self._selection(lead, routing, inspection)
        review = self._review(lead, routing, inspection, prediction, images) if routing.drawn else None
        disposition = self._disposition(lead, review, inspection, prediction) if prediction else None
        self._answer(part, routing, attempt, review, disposition, images)

    def _inspection(self, part: Part, pk: int) -> int:
        lead, now = part.lead, self.now
        row, station = lead.row, lead.source.station
        said, serial = part.said, part.said.serial
        captured_at = min(filter(None, [one.row.captured_at for one in part.views]), default=now)
        attempt = 1
        if serial:
            self._attempts[station.id, serial] += 1
            attempt = self._attempts[station.id, serial]
        group_id = said.group or serial or (lead.image.sha256 if lead.image else f"{station.id}/{row.inspection_id}")
        day, shift = self._day_and_shift(station.site, captured_at)
        self.rows[INSPECTION].append(
            (
                pk, station.id, row.inspection_id, serial, attempt, said.recipe, said.lot, captured_at, now, day, shift,
                row.purpose, _json(said.metadata), group_id,
                partition(settings.PARTITION_SALT, group_id, holdout_share=settings.HOLDOUT_SHARE),
            )
        )  # fmt: skip
        return attempt

    def _day_and_shift(self, site: Site, moment: datetime) -> tuple[date, str]:
        """Shifts begin at full minutes, so a minute's answer holds for all of it."""
        minute = moment.replace(second=0, microsecond=0)
        if (site.id, minute) not in self._days:
            self._days[site.id, minute] = site.day_and_shift(minute)
        return self._days[site.id, minute]

    def _item(self, one: Submission, inspection: int, wanted: bool) -> str:
        image, address = one.image, one.image_address
        status = first_status(has_image=image is not None, address=address, wanted=wanted)
        if status == "fetching":
            self.to_fetch.append(inspection)
        described = (
            (image.key, image.content_type, image.sha256, image.phash, image.width, image.height)
            if image
            else ("", "", "", "", None, None)
        )
        self.rows[ITEM].append(
            (inspection, secrets.token_hex(16), one.row.view, one.source.id, *described, self.now, status, address)
        )
        return status

    def _prediction(self, part: Part, inspection: int) -> int:
        lead, pk = part.lead, next(self._prediction_ids)
        row, version = lead.row, _version(lead)
        self.rows[PREDICTION].append(
            (
                pk, inspection, version.id, lead.catalog.labels[str(row.label)].id, lead.confidence,
                _json(row.scores) if row.scores is not None else None, _json([finding(one) for one in part.views]),
                part.digest, predicted_at(row, self.now),
            )
        )  # fmt: skip
        return pk

    def _selection(self, lead: Submission, routing: Routing, inspection: int) -> None:
        catalog = lead.catalog
        self.rows[SELECTION].append(
            (
                inspection, catalog.registered_model.id, catalog.design.id, routing.stratum, routing.pi,
                routing.floor_pi, routing.u, routing.uncertainty, routing.error_guess, routing.drawn, routing.reason,
                self.now,
            )
        )  # fmt: skip

    def _review(
        self, lead: Submission, routing: Routing, inspection: int, prediction: int | None, images: Mapping[str, str]
    ) -> tuple[int, str, datetime | None, str]:
        policy, blocking = lead.catalog.review_policy, routing.review == "blocking"
        pk = next(self._review_ids)
        deadline = self.now + timedelta(minutes=policy.blocking_minutes) if blocking else None
        default = policy.blocking_default if blocking else ""
        mode = "blocking" if blocking else "measuring"
        self.rows[REVIEW].append(
            (
                pk, inspection, lead.catalog.registered_model.id, 1, review_reason(prediction is not None, routing),
                mode, prediction, prediction is None or blind_draw(lead, routing), 0 if blocking else 5, deadline,
                default, "open", self.now, policy.needs_image and not HERE.issuperset(images.values()),
            )
        )  # fmt: skip
        return pk, mode, deadline, default

    def _disposition(self, lead: Submission, review: Any, inspection: int, prediction: int) -> str:
        row = lead.row
        if row.late:
            disposition = str(row.answered)
            said = ("edge", disposition, EDGE_REASON, row.captured_at or self.now)
        else:
            waits = review is not None and review[1] == "blocking"
            disposition, reason = disposition_of(lead.catalog.labels[str(row.label)], waits=waits)
            said = ("answered", disposition, reason, self.now)
        self.rows[DISPOSITION].append((inspection, prediction, *said))
        return disposition

    def _answer(
        self,
        part: Part,
        routing: Routing,
        attempt: int,
        review: Any,
        disposition: str | None,
        images: Mapping[str, str],
    ) -> None:
        lead = part.lead
        pk, mode, deadline, default = review or (None, "none", None, "")
        firsts = {one.position for one in part.views}
        for one in part.rows:
            self.answers.append(
                Answer(
                    row=one.position, status="created" if one.position in firsts else "duplicate",
                    inspection_id=lead.row.inspection_id, attempt=attempt, label=lead.row.label,
                    confidence=lead.confidence, scores=lead.row.scores,
                    version=_version(lead).short_name if lead.version else None, disposition=disposition, review=mode,
                    review_id=pk, deadline=deadline, default_disposition=default or None, reason=routing.reason,
                    probability=routing.pi, image=images[one.row.view],
                )
            )  # fmt: skip


def route_parts(parts: Sequence[Part]) -> list[Routing]:
    """The draws of all parts, model by model: each model has its own design."""
    drawn: dict[int, Routing] = {}
    of_model: dict[int, list[int]] = {}
    for place, part in enumerate(parts):
        of_model.setdefault(part.key[2], []).append(place)
    for places in of_model.values():
        routed = _route([parts[place].lead for place in places], parts[places[0]].lead.catalog)
        drawn.update(zip(places, routed, strict=True))
    return [drawn[place] for place in range(len(parts))]


def _route(leads: Sequence[Submission], catalog: ModelCatalog) -> list[Routing]:
    if catalog.made_draws is not None:
        return [catalog.made_draws[draw_key(one)] for one in leads]
    facts = [
        PredictionFacts(one.row.label, one.confidence, catalog.labels[str(one.row.label)].is_defect)
        if one.version
        else PredictionFacts(None)
        for one in leads
    ]
    routings = route_many(
        facts,
        catalog.rules,
        secret=bytes.fromhex(catalog.design.secret),
        keys=[draw_key(one) for one in leads],
        design_key=f"{catalog.registered_model.slug}/{catalog.design.number}",
        mean_u=[catalog.mean_uncertainty(one.version) if one.version else PRIOR_UNCERTAINTY for one in leads],
    )
    pairs = zip(leads, routings, strict=True)
    return [after_the_part_left(routing) if lead.row.late else routing for lead, routing in pairs]


def _version(lead: Submission) -> ModelVersion:
    assert lead.version is not None  # noqa: S101 - asked only where a version spoke
    return lead.version


def _json(value: object) -> str:
    return "{}" if value == {} else JSON.encode(value).decode()
