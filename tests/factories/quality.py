"""What was measured of images."""

from __future__ import annotations

from typing import Any

import numpy as np
from PIL import Image

from labeling.image_quality import Features, limits_of, measure
from labeling.models import Item, ItemQuality, QualityReference, Source
from tests.factories.base import NOW
from tests.factories.inspections import make_item, make_source


def make_features(*, level: float = 120, seed: int = 0) -> Features:
    """Of a small noisy plate of the given grey level."""
    pixels = np.random.default_rng(seed).normal(level + seed % 5, 6, (24, 32)).clip(0, 255)
    return measure(Image.fromarray(pixels.astype(np.uint8)), n_bytes=800)


def make_quality(*, item: Item | None = None, **fields: Any) -> ItemQuality:
    fields = {"recipe": 1, "features": make_features().as_dict(), "measured_at": NOW, **fields}
    return ItemQuality.objects.create(item=item or make_item(), **fields)


def make_reference(*, source: Source | None = None, **fields: Any) -> QualityReference:
    """Frozen limits of a camera that shows grey plates of level 120."""
    limits = limits_of([make_features(seed=seed).as_dict() for seed in range(200)])
    fields = {"learning_since": NOW, "n": 200, "limits": limits, "frozen_at": NOW, **fields}
    return QualityReference.objects.create(source=source or make_source(), **fields)
