"""What a person is shown of a review, as types for the schema."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

import msgspec
from msgspec import UNSET


class ShownTiles(msgspec.Struct):
    """Of a very large image: `url` with the places of `level`, `column` and `row`; level 0 is the whole detail."""

    url: str
    side: int
    levels: int


class ShownItem(msgspec.Struct):
    url: str | None
    view: str
    width: int | None
    height: int | None
    tiles: ShownTiles | None
    tile_url: str | msgspec.UnsetType | None = UNSET  # in a size for a grid, where it was asked for one


class ShownRegion(msgspec.Struct):
    """In pixels of the original: x, y, width, height. `index` is what a verdict names it by."""

    index: int
    label: str
    confidence: float | None
    box: list[float]
    polygon: list[list[float]] | None


class ShownView(msgspec.Struct):
    view: str
    regions: list[ShownRegion]
    heatmap_url: str | None


class ShownPrediction(msgspec.Struct):
    label: str
    name: str
    confidence: float | None
    version: str
    views: list[ShownView]


class ShownReview(msgspec.Struct):
    """What a person needs in order to judge. A blind one carries no prediction."""

    id: int
    model: str
    part: str
    inspection_id: str
    lot: str
    captured_at: datetime
    site_time: str
    source: str
    metadata: dict[str, Any]
    items: list[ShownItem]
    mode: Literal["measuring", "blocking"]
    deadline: datetime | None
    reason: str
    blind: bool
    phase: Literal["blind", "shown"]
    prediction: ShownPrediction | None
    lease_expires_at: datetime | None
