"""Which of the regions that a model drew are there, and which that are there it drew: one image, greedy by confidence.

A polygon counts by its bounding box, as detectors are compared everywhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from models_registry.estimation.totals import Floats

MIN_IOU = 0.5


@dataclass(frozen=True, slots=True)
class Box:
    """In pixels, from the upper left: width and height above 0. Without a confidence it is taken last."""

    label: str
    x: float
    y: float
    width: float
    height: float
    confidence: float | None = None


@dataclass(frozen=True, slots=True)
class Matched:
    """Of one class: predicted regions that are there, true ones that nobody predicted, predicted ones that are not."""

    n_matched: int = 0
    n_missed: int = 0
    n_false: int = 0

    def plus(self, other: Matched) -> Matched:
        return Matched(
            self.n_matched + other.n_matched, self.n_missed + other.n_missed, self.n_false + other.n_false
        )  # fmt: skip


def match_regions(true: Sequence[Box], predicted: Sequence[Box], *, min_iou: float = MIN_IOU) -> dict[str, Matched]:
    """Each class by itself, in one image: the surest prediction first takes the free true region it covers best.

    A region of another class is no match, whatever its place: it is false there and missed here. Raises ValueError for
    a box without an area. Source: Everingham et al. 2010, IJCV 88:303, §4.2 (PASCAL VOC), with "best free one" for
    "best one", as COCO has it.
    """
    labels = sorted({box.label for box in (*true, *predicted)})
    return {
        label: _match(
            [box for box in true if box.label == label], [box for box in predicted if box.label == label], min_iou
        )
        for label in labels
    }


def _match(true: Sequence[Box], predicted: Sequence[Box], min_iou: float) -> Matched:
    pairs = greedy_pairs(true, predicted, min_iou=min_iou)
    return Matched(len(pairs), len(true) - len(pairs), len(predicted) - len(pairs))


def greedy_pairs(true: Sequence[Box], predicted: Sequence[Box], *, min_iou: float = MIN_IOU) -> list[tuple[int, int]]:
    """(place in ``true``, place in ``predicted``) of what belongs together; labels are not looked at."""
    overlap = ious(true, predicted)
    free, pairs = np.ones(len(true), dtype=bool), []
    sure = [-1.0 if box.confidence is None else box.confidence for box in predicted]
    for place in sorted(range(len(predicted)), key=lambda at: -sure[at]):
        candidates = np.where(free, overlap[:, place], -1.0)
        best = int(candidates.argmax()) if len(true) else -1
        if best >= 0 and candidates[best] >= min_iou:
            free[best] = False
            pairs.append((best, place))
    return pairs


def ious(one: Sequence[Box], other: Sequence[Box]) -> Floats:
    """Intersection over union of each pair, (n, m). Raises ValueError for a box without an area."""
    a, b = _corners(one)[:, None], _corners(other)[None, :]
    sides = np.maximum(np.minimum(a[..., 2:], b[..., 2:]) - np.maximum(a[..., :2], b[..., :2]), 0)
    shared = sides[..., 0] * sides[..., 1]
    areas = [(box[..., 2] - box[..., 0]) * (box[..., 3] - box[..., 1]) for box in (a, b)]
    overlap: Floats = shared / (areas[0] + areas[1] - shared)
    return overlap


def _corners(boxes: Sequence[Box]) -> Floats:
    corners = np.array([(box.x, box.y, box.x + box.width, box.y + box.height) for box in boxes], dtype=np.float64)
    corners = corners.reshape(len(boxes), 4)
    if not bool((corners[:, 2:] > corners[:, :2]).all()):
        raise ValueError("a region has a width and a height above 0")
    return corners
