"""What a chunk of new parts comes to: rows for every table, and the answers. The draws are made here, in one go."""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any

import msgspec
from django.conf import settings

from labeling.images.arrival import NOT_AWAITED
from labeling.ingest.draw import EDGE_REASON, disposition_of
from labeling.ingest.item import first_status, is_wanted
from labeling.ingest.parts import Part
from labeling.ingest.prediction import finding, predicted_at
from labeling.ingest.route import Routed, blind_draw, priority_of, review_reason, route_parts
from labeling.ingest.submission import Answer, Submission
from labeling.ingest.writing import DISPOSITION, INSPECTION, ITEM, PREDICTION, REVIEW, SELECTION, Rows, new_ids
from labeling.models import Site
from labeling.routing import partition
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
        routed = route_parts(parts, now)
        inspections, predictions, reviews = new_ids(
            len(parts),
            sum(part.lead.version is not None for part in parts),
            sum(one.drawn for one in routed),
        )
        self._prediction_ids, self._review_ids = iter(predictions), iter(reviews)
        for part, one, pk in zip(parts, routed, inspections, strict=True):
            self._add(part, one, pk)

    def _add(self, part: Part, routed: Routed, inspection: int) -> None:
        lead = part.lead
        attempt = self._inspection(part, inspection)
        wanted = is_wanted(purpose=lead.row.purpose, drawn=routed.drawn)
        images = {one.row.view: self._item(one, inspection, wanted) for one in part.views}
        prediction = self._prediction(part, inspection) if lead.version else None
        self._selections(lead, routed, inspection)
        review = self._review(lead, routed, inspection, prediction, images) if routed.drawn else None
        disposition = self._disposition(lead, review, inspection, prediction) if prediction else None
        self._answer(part, routed, attempt, review, disposition, images)

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

    def _selections(self, lead: Submission, routed: Routed, inspection: int) -> None:
        model, rows = lead.catalog.registered_model.id, self.rows[SELECTION]
        for design, draw in routed.draws:  # the main one's first: whoever reads them takes the first for it
            rows.append(
                (
                    inspection, model, design, draw.stratum, draw.pi, draw.floor_pi, draw.u, draw.uncertainty,
                    draw.error_guess, draw.thinning, draw.drawn, draw.reason, self.now,
                )
            )  # fmt: skip

    def _review(
        self, lead: Submission, routed: Routed, inspection: int, prediction: int | None, images: Mapping[str, str]
    ) -> tuple[int, str, datetime | None, str]:
        policy, blocking = lead.catalog.review_policy, routed.is_blocking
        pk = next(self._review_ids)
        deadline = self.now + timedelta(minutes=policy.blocking_minutes) if blocking else None
        default = policy.blocking_default if blocking else ""
        mode = "blocking" if blocking else "measuring"
        self.rows[REVIEW].append(
            (
                pk, inspection, lead.catalog.registered_model.id, 1, review_reason(prediction is not None, routed),
                mode, prediction, prediction is None or blind_draw(lead, routed), priority_of(routed), deadline,
                default, "open", self.now, policy.needs_image and not NOT_AWAITED.issuperset(images.values()),
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
        routed: Routed,
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
                    review_id=pk, deadline=deadline, default_disposition=default or None, reason=routed.reason,
                    probability=routed.probability, image=images[one.row.view],
                )
            )  # fmt: skip


def _version(lead: Submission) -> ModelVersion:
    assert lead.version is not None  # noqa: S101 - asked only where a version spoke
    return lead.version


def _json(value: object) -> str:
    return "{}" if value == {} else JSON.encode(value).decode()
