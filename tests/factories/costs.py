"""Prices of errors."""

from __future__ import annotations

from typing import Any

from models_registry.models import CostMatrix, RegisteredModel
from tests.factories.base import NOW
from tests.factories.people import make_user
from tests.factories.registry import make_model


def make_costs(*, registered_model: RegisteredModel | None = None, **fields: Any) -> CostMatrix:
    fields = {
        "number": 1, "currency": "EUR", "escape": 40, "overkill": 2, "confusion": 1, "created_at": NOW, **fields,
    }  # fmt: skip
    fields.setdefault("set_by", make_user("lena"))
    return CostMatrix.objects.create(registered_model=registered_model or make_model(), **fields)
