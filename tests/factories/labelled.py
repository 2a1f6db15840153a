"""Labelled images that a trainer can learn from: generated surfaces with their settled labels."""

from __future__ import annotations

import io
from typing import Any

from labeling.demo.surfaces import CLASSES, generate
from labeling.models import GroundTruth, Station
from labeling.routing import partition
from models_registry.models import RegisteredModel
from tests.factories.inspections import make_ground_truth, make_inspection, make_item, make_station
from tests.factories.registry import make_label_set, make_model


def make_labelled_model(*, n: int, seed: int = 5, **policies: Any) -> RegisteredModel:
    """A model without a version, and ``n`` labelled images of generated surfaces in the store."""
    labels = [(name, name.capitalize(), str(position)) for position, name in enumerate(CLASSES, start=1)]
    model = make_model(label_set=make_label_set(labels=labels), **policies)
    label_images(model, start=0, n=n, seed=seed)
    return model


def label_images(model: RegisteredModel, *, start: int, n: int, seed: int = 5) -> list[GroundTruth]:
    """``n`` more labelled images, about a third of them held out."""
    station = make_station()
    return [_labelled(model, station, seed, index) for index in range(start, start + n)]


def _labelled(model: RegisteredModel, station: Station, seed: int, index: int) -> GroundTruth:
    surface, stream = generate(seed, index), io.BytesIO()
    surface.image.resize((128, 128)).save(stream, "PNG")
    group = f"surface-{seed}-{index}"
    inspection = make_inspection(
        station=station, group_id=group, partition=partition(b"tests", group, holdout_share=0.33)
    )
    make_item(inspection=inspection, content=stream.getvalue())
    return make_ground_truth(registered_model=model, inspection=inspection, label=surface.label)
