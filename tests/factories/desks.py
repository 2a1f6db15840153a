"""What makes a station one's own."""

from __future__ import annotations

from typing import Any

from labeling.models import GoldenSample, KeyMap
from tests.factories.base import NOW
from tests.factories.inspections import make_item, png
from tests.factories.people import make_user
from tests.factories.registry import label_of, make_model


def make_golden(*, label: str = "ok", **fields: Any) -> GoldenSample:
    """A reference image for a label of a model; nothing of its part is waiting for a look."""
    model = fields.pop("registered_model", None) or make_model()
    item = fields.pop("item", None) or make_item(content=png(shade=210))
    fields = {"caption": "Good part, certified in October", **fields}
    return GoldenSample.objects.create(registered_model=model, label=label_of(model, label), item=item, **fields)


def make_key_map(**fields: Any) -> KeyMap:
    return KeyMap.objects.create(**{"user": make_user("alice"), "keys": {"unsure": "q"}, "updated_at": NOW, **fields})
