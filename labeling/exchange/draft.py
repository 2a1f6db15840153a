"""One inspection on its way in: what is known of it, what a part adds, what is in conflict."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import msgspec
from django.conf import settings

from labeling.exchange.parts import ImportedPart, ImportedPrediction
from labeling.exchange.problems import Problems
from labeling.exchange.regions import Region, findings_of
from labeling.exchange.vocabulary import Vocabulary
from labeling.images import CheckedImage
from labeling.models import GroundTruth, Inspection, Item, Prediction
from labeling.models import Source as Camera
from labeling.routing import partition
from models_registry import files
from models_registry.models import Label

METHOD = "imported"
IMAGE_FIELDS = ("image", "image_status", "content_type", "sha256", "phash", "width", "height")
OF_THE_PART = ("serial", "lot", "recipe", "captured_at")


@dataclass
class Said:
    """What a version said of the inspection. ``key`` is the same for every name of the version."""

    key: str
    label: Label
    confidence: float | None
    findings: list[Any]
    version: str = ""  # as the file calls it


@dataclass
class Draft:
    """An inspection, stored or not, with its views, its truth and its predictions. Rows without a key are new."""

    inspection: Inspection
    items: dict[str, Item] = field(default_factory=dict)
    truth: GroundTruth | None = None
    known: dict[str, Said] = field(default_factory=dict)
    said: dict[str, Said] = field(default_factory=dict)
    images: list[CheckedImage] = field(default_factory=list)
    part: ImportedPart | None = None
    truth_changed: bool = False
    items_changed: list[Item] = field(default_factory=list)

    @property
    def label_slug(self) -> str:
        return self.truth.label.slug if self.truth and self.truth.label else ""

    @property
    def sha256(self) -> str:
        return self.images[0].sha256 if self.images else ""

    def place(self, groups: dict[str, str], attempts: dict[str, int], problems: Problems) -> None:
        """Give a new inspection its side of the split and its attempt. A group stays where it lies."""
        part, inspection = self.part, self.inspection
        assert part is not None  # noqa: S101 - only new drafts are placed, and those come from a part
        group = inspection.group_id
        by_chance = partition(settings.PARTITION_SALT, group, holdout_share=settings.HOLDOUT_SHARE)
        inspection.partition = groups.setdefault(group, part.partition or by_chance)
        if part.partition and part.partition != inspection.partition:
            what = f"says {part.partition}, but what belongs together with it is in {inspection.partition} already"
            problems.note(part.file, part.row, "partition", what, code="split_differs")
        if inspection.serial:
            inspection.attempt = attempts[inspection.serial] = attempts.get(inspection.serial, 0) + 1

    def add(self, other: Draft, problems: Problems) -> str:
        """What another part says of the same inspection. Returns ``new``, ``known`` or ``conflict``."""
        part = other.part
        assert part is not None  # noqa: S101 - the other one comes from a part
        differs = self._differs(other)
        for name, what in differs:
            problems.conflict(part.file, part.row, name, what)
        if differs:
            return "conflict"
        return "new" if self._take_views(other) | self._take_truth(other) | self._take_predictions(other) else "known"

    def _differs(self, other: Draft) -> list[tuple[str, str]]:
        """Everything that does not fit what is known. What a part leaves out is not contradicted."""
        if self.inspection.purpose != Inspection.Purpose.IMPORT:
            return [("inspection_id", "was inspected here: truth from elsewhere goes to /outcomes/")]
        found: list[tuple[str, str]] = []
        for name in OF_THE_PART:
            mine, theirs = getattr(self.inspection, name), getattr(other.inspection, name)
            if theirs and mine != theirs and (name != "captured_at" or (other.part and other.part.captured_at)):
                found.append((name, f"is stored as {mine}, the file says {theirs}"))
        for view, item in other.items.items():
            known = self.items.get(view)
            if known is not None and item.sha256 and known.sha256 and known.sha256 != item.sha256:
                found.append(("image", f"is stored with other pixels ({known.sha256[:12]}…)"))
        return found + self._other_truth(other) + self._other_predictions(other)

    def _other_truth(self, other: Draft) -> list[tuple[str, str]]:
        mine, theirs = self.truth, other.truth
        if mine is None or theirs is None:
            return []
        if (mine.outcome, self.label_slug) != (theirs.outcome, other.label_slug):
            known, said = self.label_slug or mine.outcome, other.label_slug or theirs.outcome
            return [("label", f"is stored as “{known}” ({mine.method}), the file says “{said}”")]
        if mine.method == METHOD and _other_boxes(mine.findings, theirs.findings, set(self.items)):
            return [("box", "differs from the boxes that are stored")]
        return []

    def _other_predictions(self, other: Draft) -> list[tuple[str, str]]:
        everything = self.known | self.said
        pairs = [(everything[key], said) for key, said in other.said.items() if key in everything]
        return [
            ("prediction_version", f"{theirs.version} is stored with another word on this part")
            for mine, theirs in pairs
            if (mine.label.slug, mine.confidence) != (theirs.label.slug, theirs.confidence)
        ]

    def _take_views(self, other: Draft) -> bool:
        changed = False
        for view, item in other.items.items():
            known = self.items.get(view)
            if known is None:
                item.inspection = self.inspection
                self.items[view] = item
            elif item.image and not known.image:
                give_image(known, other.images[0])
                self.items_changed += [known] if known.pk else []
            else:
                continue
            changed, self.images = True, [*self.images, *other.images]
        return changed

    def _take_truth(self, other: Draft) -> bool:
        if other.truth is None:
            return False
        if self.truth is None:
            other.truth.inspection = self.inspection
            self.truth = other.truth
            return True
        if self.truth.method == METHOD:
            added = [one for one in other.truth.findings if one not in self.truth.findings]
            self.truth.findings = [*self.truth.findings, *added]
            self.truth_changed = self.truth_changed or bool(added)
        return False

    def _take_predictions(self, other: Draft) -> bool:
        new = {key: said for key, said in other.said.items() if key not in self.known and key not in self.said}
        for key, said in other.said.items():
            if key in self.said:
                self.said[key].findings += [one for one in said.findings if one not in self.said[key].findings]
        self.said |= new
        return bool(new)


def _other_boxes(mine: list[Any], theirs: list[Any], views: set[str]) -> bool:
    """Whether a view that is known has other boxes now. One that has none and gets some differs too."""
    stored = {one.get("view", "main"): one for one in mine if isinstance(one, dict)}
    return any(stored.get(one["view"]) != one for one in theirs if one["view"] in views)


def drafted(
    part: ImportedPart, image: CheckedImage | None, vocabulary: Vocabulary, camera: Camera, now: datetime
) -> Draft:
    """The rows that a part would make."""
    captured_at = part.captured_at or now
    day, shift = camera.station.site.day_and_shift(captured_at)
    group = part.group or part.serial or (image.sha256 if image else f"{camera.station_id}/{part.inspection_id}")
    inspection = Inspection(
        station=camera.station, inspection_id=part.inspection_id, serial=part.serial, recipe=part.recipe, lot=part.lot,
        captured_at=captured_at, received_at=now, day=day, shift=shift, purpose=Inspection.Purpose.IMPORT,
        metadata=dict(part.metadata), group_id=group,
    )  # fmt: skip
    draft = Draft(inspection, part=part, images=[image] if image else [])
    draft.items[part.view] = _item(inspection, part, image, camera, now)
    draft.truth = _truth(inspection, part, image, vocabulary, now)
    for one in part.predictions:
        said = _said(one, part, image, vocabulary)
        draft.said.setdefault(said.key, said)
    return draft


def _item(
    inspection: Inspection, part: ImportedPart, image: CheckedImage | None, camera: Camera, now: datetime
) -> Item:
    item = Item(inspection=inspection, view=part.view, source=camera, created_at=now)
    if image is not None:
        give_image(item, image)
    return item


def give_image(item: Item, image: CheckedImage) -> None:
    """Say in the row which image is in the store."""
    item.image, item.image_status = image.key, Item.ImageStatus.STORED
    item.content_type, item.sha256 = image.content_type, image.sha256
    item.phash, item.width, item.height = image.phash, image.width, image.height


def _pixels(regions: Sequence[Region], image: CheckedImage | None, view: str) -> list[dict[str, Any]]:
    """Regions as they are stored; one that lies outside of the image is gone."""
    if image is None:
        return findings_of((one for one in regions if not one.relative), view=view)
    inside = (one.in_pixels(image.width, image.height) for one in regions)
    return findings_of((one for one in inside if one.is_box), view=view)


def _truth(
    inspection: Inspection, part: ImportedPart, image: CheckedImage | None, vocabulary: Vocabulary, now: datetime
) -> GroundTruth | None:
    if not part.is_judged and not part.is_bad_image:
        return None
    label = vocabulary.gravest(part.labels or [region.label for region in part.regions])
    outcome = GroundTruth.Outcome.BAD_IMAGE if part.is_bad_image else GroundTruth.Outcome.LABEL
    findings = _pixels(part.regions, image, part.view)
    return GroundTruth(
        registered_model=vocabulary.registered_model, inspection=inspection, outcome=outcome,
        label=None if part.is_bad_image else label or vocabulary.good(), findings=findings,
        n_verdicts=part.n_said, method=METHOD, decided_at=now,
    )  # fmt: skip


def _said(said: ImportedPrediction, part: ImportedPart, image: CheckedImage | None, vocabulary: Vocabulary) -> Said:
    label = vocabulary.gravest(said.labels or [region.label for region in said.regions]) or vocabulary.good()
    findings = _pixels(said.regions, image, part.view)
    return Said(vocabulary.key(said.version), label, said.confidence, findings, said.version)


def _digest(said: Said) -> str:
    what = msgspec.json.encode((said.label.slug, said.confidence, said.findings))
    return hashlib.sha256(what).hexdigest()


def stored(drafts: Sequence[Draft], vocabulary: Vocabulary, *, now: datetime) -> None:
    """Write what is new of these drafts, images first: a row never names a file that is not there."""
    for draft in drafts:
        for image in draft.images:
            files.put(image.key, image.data)
    Inspection.objects.bulk_create([draft.inspection for draft in drafts if draft.inspection.pk is None])
    Item.objects.bulk_update([item for draft in drafts for item in draft.items_changed], IMAGE_FIELDS)
    Item.objects.bulk_create([item for draft in drafts for item in draft.items.values() if item.pk is None])
    truths = [draft.truth for draft in drafts if draft.truth is not None]
    GroundTruth.objects.bulk_create([truth for truth in truths if truth.pk is None])
    changed = [draft.truth for draft in drafts if draft.truth_changed and draft.truth and draft.truth.pk]
    GroundTruth.objects.bulk_update(changed, ["findings"])
    Prediction.objects.bulk_create(
        [_prediction(draft, said, vocabulary, now) for draft in drafts for said in draft.said.values()]
    )


def _prediction(draft: Draft, said: Said, vocabulary: Vocabulary, now: datetime) -> Prediction:
    return Prediction(
        inspection=draft.inspection, model_version=vocabulary.version(said.version), label=said.label,
        confidence=said.confidence, findings=said.findings, digest=_digest(said),
        predicted_at=draft.inspection.captured_at,
    )  # fmt: skip
