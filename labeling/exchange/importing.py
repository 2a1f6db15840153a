"""A batch of imported parts into the tables: all in one transaction, each row new, known, in conflict or refused.

Natural keys make a second run harmless: (station, inspection_id), (inspection, view), (model, inspection) of the truth,
(inspection, version). What differs from what is stored is a conflict and changes nothing. No draw is recorded, so
nothing imported enters an estimate; the purpose of the inspections says the same once more.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import connection
from django.db.models import Max, Min, Q

from labeling.errors import ImageRefused
from labeling.exchange.draft import Draft, Said, drafted, stored
from labeling.exchange.parts import ImportedPart
from labeling.exchange.pixels import image_of
from labeling.exchange.problems import Problems
from labeling.exchange.sources import Finder, Source
from labeling.exchange.vocabulary import Vocabulary
from labeling.images import CheckedImage
from labeling.models import GroundTruth, Inspection, Item, Prediction
from labeling.models import Source as Camera

MAX_TWINS = 5000


@dataclass
class Seen:
    """Images of this run, so that twins are found in a dry run too. Bounded: past it only the tables know."""

    labels: dict[str, tuple[str, str]] = field(default_factory=dict)
    limit: int = 200_000

    def other(self, sha256: str, label: str, identity: str) -> tuple[str, str] | None:
        """An earlier part with the same image and another label."""
        if len(self.labels) < self.limit:
            before = self.labels.setdefault(sha256, (label, identity))
        else:
            before = self.labels.get(sha256, (label, identity))
        return before if before[0] != label and before[1] != identity else None


@dataclass
class Importer:
    """Where parts go: one model, one camera."""

    vocabulary: Vocabulary
    camera: Camera
    source: Source
    dry_run: bool
    problems: Problems
    seen: Seen = field(default_factory=Seen)

    def __post_init__(self) -> None:
        self.finder = Finder(self.source)

    def with_image(self, part: ImportedPart) -> tuple[ImportedPart, CheckedImage | None] | None:
        """The part with its image; None when it cannot be had, which is told."""
        if not (part.is_judged or part.is_bad_image or part.predictions):
            self.problems.refuse(part.file, part.row, "label", "is missing: nobody said anything", code="nothing_said")
            return None
        if not part.image and any(region.relative for region in part.regions):
            self.problems.refuse(part.file, part.row, "image", "is needed: the boxes are shares of it", code="no_image")
            return None
        if not part.image:
            self.problems.note(part.file, part.row, "image", "has none: the label cannot train", code="no_image")
            return part, None
        try:
            return part, image_of(part, self.source, self.finder)
        except ImageRefused as error:
            self.problems.refuse(part.file, part.row, "image", error.message, code=error.code)
            return None

    def batch(self, parts: Sequence[tuple[ImportedPart, CheckedImage | None]], *, now: datetime) -> Counter[str]:
        """Store a batch. Inside a transaction; one import at a time into a station.

        Returns how many were ``new``, ``known`` and in ``conflict``.
        """
        with connection.cursor() as cursor:
            lock = f"import {self.camera.station_id}"
            cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [lock])
        known = self._known([part.inspection_id for part, _ in parts])
        twins = self._twins([image.sha256 for _, image in parts if image])
        groups = self._groups(parts)
        attempts = self._attempts([part.serial for part, _ in parts if part.serial])
        counts: Counter[str] = Counter()
        fresh: list[Draft] = []
        for part, image in parts:
            draft = drafted(part, image, self.vocabulary, self.camera, now)
            self._note_twin(draft, twins)
            before = known.get(part.inspection_id)
            if before is None:
                draft.place(groups, attempts, self.problems)
                known[part.inspection_id] = draft
                fresh.append(draft)
                counts["new"] += 1
            else:
                counts[before.add(draft, self.problems)] += 1
        if not self.dry_run:
            stored([*known.values()], self.vocabulary, now=now)
        return counts

    def _known(self, ids: list[str]) -> dict[str, Draft]:
        """What the tables hold of these parts, for this model."""
        inspections = Inspection.objects.filter(station=self.camera.station_id, inspection_id__in=ids)
        by_key = {one.pk: Draft(one) for one in inspections}
        for item in Item.objects.filter(inspection__in=by_key):
            by_key[item.inspection_id].items[item.view] = item
        mine = self.vocabulary.registered_model
        for truth in GroundTruth.objects.filter(inspection__in=by_key, registered_model=mine).select_related("label"):
            by_key[truth.inspection_id].truth = truth
        said = Prediction.objects.filter(inspection__in=by_key, model_version__registered_model=mine)
        for prediction in said.select_related("label"):
            one = Said(f"#{prediction.model_version_id}", prediction.label, prediction.confidence, prediction.findings)
            by_key[prediction.inspection_id].known[one.key] = one
        return {draft.inspection.inspection_id: draft for draft in by_key.values()}

    def _twins(self, hashes: list[str]) -> dict[str, dict[str, str]]:
        """By image: which labels it has already, with a part that has it."""
        found: dict[str, dict[str, str]] = {}
        twins = (
            GroundTruth.objects.filter(
                registered_model=self.vocabulary.registered_model, inspection__items__sha256__in=hashes, outcome="label"
            )
            .order_by()
            .values_list("inspection__items__sha256", "label__slug")
            .annotate(part=Min("inspection__inspection_id"))[:MAX_TWINS]
        )
        for sha256, label, part in twins:
            found.setdefault(sha256, {})[label] = part
        return found

    def _groups(self, parts: Sequence[tuple[ImportedPart, CheckedImage | None]]) -> dict[str, str]:
        """On which side of the split a group lies already."""
        groups = {part.group or part.serial or (image.sha256 if image else "") for part, image in parts} - {""}
        imported = Inspection.objects.filter(purpose="import", group_id__in=groups)
        return dict(imported.order_by().values_list("group_id").annotate(side=Min("partition")))

    def _attempts(self, serials: list[str]) -> dict[str, int]:
        mine = Inspection.objects.filter(~Q(serial=""), station=self.camera.station_id, serial__in=serials)
        return dict(mine.order_by().values_list("serial").annotate(last=Max("attempt")))

    def _note_twin(self, draft: Draft, twins: dict[str, dict[str, str]]) -> None:
        """The same pixels under two labels: one of them is wrong, and only a person can say which."""
        label, sha256, part = draft.label_slug, draft.sha256, draft.part
        if not label or not sha256 or part is None:
            return
        identity = part.inspection_id
        others: list[tuple[str, str]] = [one for one in twins.get(sha256, {}).items() if one[0] != label]
        other: Any = self.seen.other(sha256, label, identity) or (others[0] if others else None)
        if other is not None and other[1] != identity:
            what = f"is the same image as {other[1]}, which is “{other[0]}”; this one is “{label}”"
            self.problems.note(part.file, part.row, "label", what, code="same_image_other_label")
