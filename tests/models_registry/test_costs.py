"""Prices are dated rows: a change is a new one, and what cannot be used is refused by name."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from models_registry.models import CostMatrix, RegisteredModel
from models_registry.services.costs import active_costs, set_costs
from reviewapp.errors import ReviewAppError
from tests import factories as make

pytestmark = pytest.mark.django_db


def prices(model: RegisteredModel, **fields: Any) -> CostMatrix:
    said = {"currency": "EUR", "escape": Decimal(40), "overkill": Decimal("2.5"), "confusion": Decimal(1), **fields}
    return set_costs(registered_model=model, by=make.make_user("lena"), now=make.NOW, **said)


def test_a_change_is_a_new_row_and_the_one_before_stays() -> None:
    model = make.make_model()
    assert active_costs(model) is None
    first = prices(model)
    second = prices(model, escape=Decimal(60))

    assert (first.number, second.number, active_costs(model)) == (1, 2, second)
    first.refresh_from_db()
    assert (first.is_active, first.escape) == (False, Decimal(40))
    assert second.costs.escape == 60


def test_each_model_has_its_own_numbers() -> None:
    one, other = make.make_model(), make.make_model()
    assert (prices(one).number, prices(other).number) == (1, 1)


def test_the_overrides_reach_the_numbers() -> None:
    assert prices(make.make_model(), overrides=[["dent", "ok", 500]]).costs.overrides == {("dent", "ok"): 500.0}


@pytest.mark.parametrize(
    ("change", "field", "words"),
    [
        ({"currency": "euro"}, "currency", "ISO 4217"),
        ({"currency": "ABC"}, "currency", "ISO 4217"),
        ({"escape": Decimal(-1)}, "escape", "not between"),
        ({"confusion": Decimal("NaN")}, "confusion", "not a number"),
        ({"overkill": Decimal("1e12")}, "overkill", "not between"),
        ({"overrides": {"dent": 1}}, "overrides", "A list of"),
        ({"overrides": [["dent", "ok"]]}, "overrides", "three parts"),
        ({"overrides": ["dent"]}, "overrides", "three parts"),
        ({"overrides": [["dint", "ok", 1]]}, "overrides", "not in the label set"),
        ({"overrides": [[["dent"], "ok", 1]]}, "overrides", "not in the label set"),
        ({"overrides": [["dent", "ok", "much"]]}, "overrides", "not a number"),
        ({"overrides": [["dent", "ok", True]]}, "overrides", "not a number"),
        ({"overrides": [["dent", "ok", -1]]}, "overrides", "not between"),
        ({"overrides": [["dent", "ok", 1], ["dent", "ok", 2]]}, "overrides", "two prices"),
    ],
)
def test_what_cannot_be_used_is_refused_by_name_and_changes_nothing(
    change: dict[str, Any], field: str, words: str
) -> None:
    model = make.make_model()
    before = prices(model)

    with pytest.raises(ReviewAppError) as refusal:
        prices(model, **change)

    assert list(refusal.value.fields) == [field]
    assert words in refusal.value.fields[field]
    assert active_costs(model) == before
    assert CostMatrix.objects.count() == 1
