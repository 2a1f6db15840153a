"""Names that mean a good part, and names that mean a split. Pure."""

from __future__ import annotations

import re
from typing import Literal

GOOD_NAMES = {"ok", "good", "normal", "no anomaly", "no defect", "none", "pass"}
TRAIN, HELD_OUT = {"train", "training"}, {"val", "valid", "validation", "test", "testing", "holdout"}


def is_good(label: str) -> bool:
    """Whether a label's name means a good part."""
    return re.sub(r"[^a-z]+", " ", label.lower()).strip() in GOOD_NAMES


def partition_of(text: str) -> Literal["train", "holdout", ""]:
    """What a path or a word says of the split: `images/val/1.jpg` and `instances_val2017.json` are held out."""
    words = set(re.split(r"[^a-z]+", text.lower()))
    return "holdout" if words & HELD_OUT else "train" if words & TRAIN else ""
