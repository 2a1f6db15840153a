"""A stream of parts as a line would have brought it, drawn and judged: for the pictures of the accuracy pages.

The last days of the third camera are worse, mostly by holes that pass as good; the night shift is a little worse.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import numpy as np

from labeling.models import GroundTruth, Inspection, Item, Prediction, Review, Selection, Source, Station
from models_registry.models import Label, ModelVersion
from tests import factories as make

SHIFTS = ("early", "late", "night")
SHARES = {"ok": 0.82, "scratch": 0.08, "dent": 0.05, "stain": 0.03, "hole": 0.02}
FLOOR = 0.16


@dataclass(frozen=True, slots=True)
class Part:
    """What a part is, what was said of it with which confidence, and where and when it came."""

    truth: str
    said: str
    confidence: float
    source: Source
    at: datetime
    shift: str
    lot: str


def make_stream(
    version: ModelVersion, station: Station, *, now: datetime, n: int = 6000, days: int = 27, seed: int = 4
) -> None:
    """``n`` parts with their predictions and draws; what was drawn is settled, but for the last few."""
    rng = np.random.default_rng(seed)
    sources = [make.make_source(station=station, slug=f"cam-{k}-{station.slug}", name=f"camera {k}") for k in (1, 2, 3)]
    parts = [_part(rng, sources, now, share=number / n, days=days) for number in range(n)]
    inspections = Inspection.objects.bulk_create(_inspection(station, part, k) for k, part in enumerate(parts))
    Item.objects.bulk_create(
        Item(inspection=one, source=part.source, created_at=part.at)
        for one, part in zip(inspections, parts, strict=True)
    )
    labels = {label.slug: label for label in version.registered_model.label_set.labels.all()}
    Prediction.objects.bulk_create(
        Prediction(
            inspection=one, model_version=version, label=labels[part.said], confidence=part.confidence,
            predicted_at=part.at, digest=f"{one.pk:064d}",
        )
        for one, part in zip(inspections, parts, strict=True)
    )  # fmt: skip
    _judge(rng, version, labels, parts, inspections, now)


def _part(rng: np.random.Generator, sources: list[Source], now: datetime, *, share: float, days: int) -> Part:
    at = now - timedelta(days=days * (1 - share), minutes=5)
    camera = int(rng.integers(3))
    shift = SHIFTS[at.hour // 8]
    truth = str(rng.choice(list(SHARES), p=list(SHARES.values())))
    wrong = 0.035 + 0.02 * (shift == "night") + 0.10 * (camera == 2 and share > 0.85)
    if truth == "hole":
        wrong += 0.08
    is_wrong = rng.random() < wrong
    others = ["ok"] if truth != "ok" and rng.random() < 0.6 else [name for name in SHARES if name != truth]
    said = str(rng.choice(others)) if is_wrong else truth
    confidence = float(np.clip(rng.beta(4, 2) if is_wrong else rng.beta(22, 1.3), 0.3, 0.999))
    return Part(truth, said, confidence, sources[camera], at, shift, f"{2280 + int(share * 14)}")


def _inspection(station: Station, part: Part, number: int) -> Inspection:
    return Inspection(
        station=station, inspection_id=f"p-{number}", serial=f"S-{88_000 + number}", captured_at=part.at,
        received_at=part.at, day=part.at.date(), shift=part.shift, lot=part.lot, recipe="A" if number % 5 else "B",
        group_id=f"p-{number}", partition="train",
    )  # fmt: skip


def _judge(
    rng: np.random.Generator,
    version: ModelVersion,
    labels: dict[str, Label],
    parts: list[Part],
    inspections: list[Inspection],
    now: datetime,
) -> None:
    model, design = version.registered_model, version.registered_model.designs.get(is_active=True, kind="main")
    doubt = np.array([np.sqrt(part.confidence * (1 - part.confidence)) for part in parts])
    pi = np.clip(FLOOR + 0.12 * doubt / doubt.mean(), FLOOR, 1.0)
    u = rng.random(len(parts))
    drawn = u < pi
    Selection.objects.bulk_create(
        Selection(
            inspection=one, registered_model=model, design=design, stratum="sampled", pi=float(pi[k]), floor_pi=FLOOR,
            u=float(u[k]), uncertainty=float(doubt[k]), error_guess=1 - parts[k].confidence, drawn=bool(drawn[k]),
            reason="drawn", created_at=parts[k].at,
        )
        for k, one in enumerate(inspections)
    )  # fmt: skip
    chosen = [(one, part) for one, part, is_drawn in zip(inspections, parts, drawn, strict=True) if is_drawn]
    settled = chosen[: int(len(chosen) * 0.97)]
    Review.objects.bulk_create(
        Review(
            inspection=one, registered_model=model, reason="drawn", status="settled", created_at=part.at,
            settled_at=part.at + timedelta(minutes=4), blind=bool(rng.random() < 0.6),
        )
        for one, part in settled
    )  # fmt: skip
    GroundTruth.objects.bulk_create(
        GroundTruth(
            registered_model=model, inspection=one, outcome="label", label=labels[part.truth], n_verdicts=1,
            method="votes", decided_at=part.at + timedelta(minutes=4),
        )
        for one, part in settled
    )  # fmt: skip
    _show([one for one, _ in settled[-40:]])


def _show(inspections: list[Inspection]) -> None:
    """Pictures of the newest, as they would have been drawn."""
    fields: dict[str, Any]
    for number, inspection in enumerate(inspections):
        picture = make.make_item(inspection=inspection, view="close", content=make.surface(seed=number))
        fields = {
            name: getattr(picture, name)
            for name in ("image", "content_type", "sha256", "width", "height", "image_status")
        }
        picture.delete()
        inspection.items.update(**fields)
