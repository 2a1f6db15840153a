"""What turned out elsewhere."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from labeling.models import Inspection, Outcome
from models_registry.models import Label, RegisteredModel
from tests.factories.base import NOW
from tests.factories.inspections import make_inspection
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
