"""Prices of errors: a new row for every change."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from math import isfinite

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Max

from models_registry.costs import CURRENCIES, MOST
from models_registry.models import CostMatrix, RegisteredModel
from reviewapp.errors import ReviewAppError


def active_costs(registered_model: RegisteredModel) -> CostMatrix | None:
    """The prices in force, or None: then nothing is shown in money."""
    return CostMatrix.objects.filter(registered_model=registered_model, is_active=True).first()


@transaction.atomic
def set_costs(
    *,
    registered_model: RegisteredModel,
    currency: str,
    escape: Decimal,
    overkill: Decimal,
    confusion: Decimal,
    overrides: Sequence[object] = (),
    by: User,
    now: datetime,
) -> CostMatrix:
    """Make the prices in force from now on. The rows before stay, with their dates.

    :raises ReviewAppError: ``invalid``; the fields say what is wrong.
    """
    prices = {"escape": escape, "overkill": overkill, "confusion": confusion}
    wrong = {name: words for name, value in prices.items() if (words := _trouble(value))}
    if currency not in CURRENCIES:
        wrong["currency"] = "Not a currency's code of ISO 4217, such as EUR."
    if words := why_no_overrides(overrides, registered_model):
        wrong["overrides"] = words
    if wrong:
        raise ReviewAppError("The costs cannot be used like this.", code="invalid", fields=wrong)
    RegisteredModel.objects.select_for_update(no_key=True).get(pk=registered_model.pk)  # one number each
    earlier = CostMatrix.objects.filter(registered_model=registered_model)
    earlier.filter(is_active=True).update(is_active=False)
    return CostMatrix.objects.create(
        registered_model=registered_model,
        number=(earlier.aggregate(Max("number"))["number__max"] or 0) + 1,
        currency=currency,
        overrides=list(overrides),
        set_by=by,
        created_at=now,
        **prices,
    )


def why_no_overrides(overrides: object, registered_model: RegisteredModel) -> str:
    """What is wrong with a list of [true, said, price], in a sentence; nothing when it can be used."""
    if not isinstance(overrides, list | tuple):
        return 'A list of [true label, label said, price], for example [["scratch", "ok", 40]].'
    known = set(registered_model.label_set.labels.values_list("slug", flat=True))
    pairs: Counter[tuple[str, str]] = Counter()
    for row in overrides:
        if not isinstance(row, list | tuple) or len(row) != 3:
            return "Each entry has three parts: the true label, the label said, and the price."
        true, said, price = row
        if not {true, said} <= known if isinstance(true, str) and isinstance(said, str) else True:
            return f"“{true}” or “{said}” is not in the label set ({', '.join(sorted(known))})."
        if _trouble(price):
            return f"The price of {true} as {said} is {_trouble(price)}"
        pairs[true, said] += 1
    twice = next((pair for pair, n in pairs.items() if n > 1), None)
    return f"{twice[0]} as {twice[1]} has two prices." if twice else ""


def _trouble(price: object) -> str:
    if isinstance(price, bool) or not isinstance(price, int | float | Decimal) or not isfinite(price):
        return "not a number."
    return "" if 0 <= price <= MOST else f"not between 0 and {MOST:.0f}."
