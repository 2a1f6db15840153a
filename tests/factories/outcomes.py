"""What turned out elsewhere."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from labeling.models import DeclaredPart, DeclaredSample, Inspection, Outcome, Station
from models_registry.models import Label, RegisteredModel
from tests.factories.base import NOW
from tests.factories.inspections import make_inspection, make_station
from tests.factories.people import make_user
from tests.factories.registry import label_of, make_model


def make_outcome(
    *,
    registered_model: RegisteredModel | None = None,
    inspection: Inspection | None = None,
    label: Label | str = "dent",
    **fields: Any,
) -> Outcome:
    """A complaint about an inspection, a day later."""
    model, inspection = registered_model or make_model(), inspection or make_inspection()
    defaults = {
        "station": inspection.station,
        "named_id": inspection.inspection_id,
        "origin": "complaint",
        "observed_at": NOW + timedelta(days=1),
        "received_at": NOW + timedelta(days=1),
        "submitted_by": make_user("line-3"),
        "inspection": inspection,
    }
    return Outcome.objects.create(registered_model=model, label=label_of(model, label), **{**defaults, **fields})


def make_declared(
    *, registered_model: RegisteredModel | None = None, station: Station | None = None, **fields: Any
) -> DeclaredSample:
    """The record alone, of one part; `labeling.declared.declare_sample` measures."""
    defaults = {
        "population": 100, "n_sampled": 1, "as_of": NOW.date(), "note": "Every hundredth of the shelf.",
        "declared_by": make_user("lena"), "declared_at": NOW,
    }  # fmt: skip
    sample = DeclaredSample.objects.create(
        registered_model=registered_model or make_model(), station=station or make_station(), **{**defaults, **fields}
    )
    DeclaredPart.objects.create(sample=sample, inspection=make_inspection(station=sample.station, purpose="import"))
    return sample
