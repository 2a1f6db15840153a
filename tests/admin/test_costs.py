"""The panel's form of prices: a change makes the next row, under the name of who saved."""

from __future__ import annotations

from decimal import Decimal

import pytest
from django.test import Client

from models_registry.models import CostMatrix
from models_registry.services.costs import active_costs
from tests import factories as make
from tests.admin.doors import address, form_of

pytestmark = pytest.mark.django_db


def test_saving_a_change_in_the_panel_makes_the_next_row_under_ones_name(root: Client) -> None:
    row = make.make_costs()
    body = form_of(root, row) | {"escape": "75", "currency": "usd"}

    assert root.post(address(CostMatrix, "change", row.pk), body).status_code == 302

    now = active_costs(row.registered_model)
    assert now is not None
    assert (now.number, now.escape, now.currency, now.set_by.username) == (2, Decimal(75), "USD", "root")
    row.refresh_from_db()
    assert (row.is_active, row.escape, row.currency) == (False, Decimal(40), "EUR")


def test_saving_unchanged_prices_makes_no_row(root: Client) -> None:
    row = make.make_costs()
    assert root.post(address(CostMatrix, "change", row.pk), form_of(root, row)).status_code == 302
    assert CostMatrix.objects.count() == 1


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"currency": "ABC"}, "ISO 4217"),
        ({"escape": "-1"}, "From 0 to"),
        ({"escape": "much"}, "Enter a number"),
        ({"overrides": '[["dint", "ok", 1]]'}, "not in the label set"),
        ({"overrides": '{"dent": 1}'}, "A list of"),
    ],
)
def test_the_form_explains_prices_that_cannot_be_used(change: dict[str, str], words: str, root: Client) -> None:
    model = make.make_model()
    body = {"registered_model": model.pk, "currency": "EUR", "escape": "40", "overkill": "2", "confusion": "1"}
    page = root.post(address(CostMatrix, "add"), {**body, "overrides": "[]", **change}).content.decode()
    assert words in page
    assert not CostMatrix.objects.exists()


def test_adding_prices_in_the_panel_needs_no_number(root: Client) -> None:
    model = make.make_model()
    body = {"registered_model": model.pk, "currency": "EUR", "escape": "40", "overkill": "2", "confusion": "1"}
    assert root.post(address(CostMatrix, "add"), {**body, "overrides": ""}).status_code == 302
    assert active_costs(model) == CostMatrix.objects.get()
