"""The key figures of a window: accuracy, escapes, overkill, yield, cost, and the plain share that is not used."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from django.utils.translation import gettext as _

from labeling.accuracy.material import Material
from labeling.windows import slice_cells
from models_registry.costs import cost_matrix, cost_of_passing_all
from models_registry.estimation import AccuracyEstimate, NaiveAccuracy, estimate_accuracy, naive_of_cells
from models_registry.estimation.cells import Cells
from models_registry.estimation.confusion import expected_cost
from models_registry.estimation.counts import Measured
from models_registry.estimation.slices import slice_figures
from models_registry.services.costs import active_costs
from models_registry.templatetags.figures import amount

FULL_RESPONSE = 0.95  # below it the bounds of what silence may hide are shown (STATISTICS §1.3)
PER_MILLION = 1e6
FIRST = "1"  # the slice of first attempts


@dataclass(frozen=True, slots=True)
class Rate:
    """A figure as it is printed: an estimate with its interval, a bound alone, or nothing.

    ``is_floor``: the bound is a lower one; for what should be small it is an upper one.
    """

    value: float | None
    low: float | None
    high: float | None
    bound: float | None
    n: int
    n_found: int
    method: str
    state: Literal["estimate", "bound", "none"]
    is_floor: bool = False


@dataclass(frozen=True, slots=True)
class Standing:
    """``oversampling``: how many times as often as the least likely the likeliest reviewed part was drawn.

    Sums of money and counts are a day's, over the ``n_days`` of the window on which something arrived; ``currency`` is
    empty where nobody set prices. ``worst_low`` and ``worst_high`` are set where too little of the draw is settled.
    """

    accuracy: AccuracyEstimate
    naive: NaiveAccuracy
    oversampling: float | None
    is_some_always_checked: bool
    escape: Rate
    overkill: Rate
    first_pass: Rate
    dpm: Rate
    cost: Rate
    cost_without: Rate
    currency: str
    n_days: int
    escapes_a_day: float | None
    overkill_a_day: float | None
    worst_low: float | None
    worst_high: float | None

    @property
    def is_plain_share_fair(self) -> bool:
        """Everything reviewed had nearly the same chance: then the plain share is the estimate, without a warning."""
        return self.oversampling is not None and self.oversampling < 1.05

    @property
    def why_not_naive(self) -> str:
        """Why the plain share of right ones among the reviewed is not the accuracy, with the stream's own number."""
        if self.is_plain_share_fair:
            return _("Every image had nearly the same chance of being drawn, so the plain share is fair here.")
        if self.oversampling is None:
            return ""
        if self.is_some_always_checked:
            text = _("Not used: some images are always checked, others up to %(times)s times less often.")
        else:
            text = _("Not used: doubtful images are drawn up to %(times)s times as often.")
        return f"{text % {'times': amount(self.oversampling)}} {_('They would count too much.')}"


def standing(material: Material) -> Standing:
    """The key figures of what was asked for."""
    cells, confusion = material.found.cells, material.confusion
    accuracy = estimate_accuracy(cells)
    n_days = material.n_days
    currency, cost, without = _costs(material, n_days)
    escape, overkill, dpm = (
        rate(one) for one in (confusion.escape_rate, confusion.overkill_rate, confusion.missed_per_million)
    )
    a_day = accuracy.n_arrived / max(n_days, 1)
    is_silent = accuracy.response_rate is not None and accuracy.response_rate < FULL_RESPONSE
    return Standing(
        accuracy=accuracy,
        naive=naive_of_cells(cells),
        oversampling=_oversampling(cells),
        is_some_always_checked=bool((cells.is_certainty & (cells.n > 0)).any()),
        escape=escape,
        overkill=overkill,
        first_pass=rate(_first_pass(material), is_floor=True),
        dpm=dpm,
        cost=cost,
        cost_without=without,
        currency=currency,
        n_days=n_days,
        escapes_a_day=_times(dpm, a_day / PER_MILLION),
        overkill_a_day=_times(overkill, a_day * (confusion.truly_good.value or 0.0)),
        worst_low=accuracy.worst_low if is_silent else None,
        worst_high=accuracy.worst_high if is_silent else None,
    )


def rate(measured: Measured, *, is_floor: bool = False, per: float = 1.0) -> Rate:
    """A figure divided by ``per``. Too little for an estimate: its one-sided bound."""

    def share(number: float | None) -> float | None:
        return None if number is None else number / per

    state: Literal["estimate", "bound", "none"] = "bound" if measured.bound_only else "estimate"
    return Rate(
        value=share(measured.value),
        low=share(measured.low),
        high=share(measured.high),
        bound=share(measured.lower_bound if is_floor else measured.upper_bound),
        n=measured.n,
        n_found=measured.n_found,
        method=measured.method,
        state="none" if measured.value is None else state,
        is_floor=is_floor,
    )


def _first_pass(material: Material) -> Measured:
    """The share of first attempts without a defect. Where nothing came twice that is the share of all parts."""
    asked = material.asked
    _labels, attempts = slice_cells(material.version, asked.window, "attempt", source=asked.source)
    first = next((one for one in attempts if one.key == FIRST), None)
    if first is None or len(attempts) == 1:
        return material.confusion.truly_good
    good, whole = (_good_or_not(material, cells) for cells in (first.cells, material.found.cells))
    return slice_figures(good, allowed=0.5, window=whole).accuracy


def _good_or_not(material: Material, cells: Cells) -> Cells:
    """The same cells with two classes, good and defect, as if good had been said of all: right is what is good."""
    is_defect = np.append(material.found.is_defect, False).astype(np.int64)
    true = np.where(cells.true >= 0, is_defect[cells.true], cells.true)
    return replace(cells, true=true, predicted=np.zeros_like(cells.predicted))


def _times(one: Rate, factor: float) -> float | None:
    return one.value * factor if one.state == "estimate" and one.value is not None else None


def _oversampling(cells: Cells) -> float | None:
    """The largest mean chance of a cell over the smallest, among what was reviewed."""
    seen = cells.n > 0
    if not seen.any():
        return None
    chance = cells.pi[seen] / cells.n[seen]
    return float(np.max(chance) / np.min(chance))


NOTHING = Rate(None, None, None, None, 0, 0, "none", "none")


def _costs(material: Material, n_days: int) -> tuple[str, Rate, Rate]:
    """The currency, what errors cost a day, and what they would cost if everything were passed."""
    prices = active_costs(material.asked.registered_model)
    if prices is None:
        return "", NOTHING, NOTHING
    costs, labels, days = prices.costs, material.labels, max(n_days, 1)
    _each, whole = expected_cost(material.found.cells, cost_matrix(labels, costs))
    passing = np.repeat(cost_of_passing_all(labels, costs)[:, None], len(labels), axis=1)
    _each, without = expected_cost(material.found.cells, passing)
    return prices.currency, rate(whole, per=days), rate(without, per=days)
