"""How a window's number was made, step by step, in this model's own numbers."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from labeling.accuracy.figures import Standing, standing
from labeling.accuracy.material import Material
from labeling.models import SamplingDesign
from models_registry.estimation.bins import CERTAINTY, N_BINS, bin_of
from models_registry.estimation.cells import NOT_JUDGEABLE, UNSETTLED, Bools, Cells, Ints
from models_registry.estimation.response import weigh_silence
from models_registry.estimation.totals import Floats, summed

RULE_OF_THREE = 3.0


@dataclass(frozen=True, slots=True)
class Group:
    """Parts with about the same chance of being checked. ``stands_for``: of how many like it each one speaks."""

    is_always_checked: bool
    chance: float
    n_arrived: int
    n_reviewed: int
    n_wrong: int
    stands_for: float
    errors: float

    @property
    def share_wrong(self) -> float | None:
        return self.n_wrong / self.n_reviewed if self.n_reviewed else None


@dataclass(frozen=True)
class Steps:
    """``groups`` from the least to the most likely checked, what is always checked last."""

    material: Material
    groups: tuple[Group, ...]
    n_drawn: int
    n_unjudgeable: int
    design: SamplingDesign | None

    @cached_property
    def figures(self) -> Standing:
        return standing(self.material)

    @property
    def n_arrived(self) -> int:
        return sum(group.n_arrived for group in self.groups)

    @property
    def errors(self) -> float:
        return sum(group.errors for group in self.groups)

    @property
    def error_rate(self) -> float | None:
        """By the table's last column alone: before the model's own guess is leant on, where that is done."""
        domain = self.figures.accuracy.n_arrived
        return min(self.errors / domain, 1.0) if domain else None

    @property
    def n_reviewed(self) -> int:
        return sum(group.n_reviewed for group in self.groups)

    @property
    def n_wrong(self) -> int:
        return sum(group.n_wrong for group in self.groups)

    @property
    def plain_share_wrong(self) -> float | None:
        return self.n_wrong / self.n_reviewed if self.n_reviewed else None

    @property
    def least_shown(self) -> float | None:
        """The highest error rate that as many reviews without any error would still allow (rule of three)."""
        return RULE_OF_THREE / self.n_reviewed if self.n_reviewed else None


def steps(material: Material) -> Steps:
    cells = material.found.cells
    return Steps(
        material=material,
        groups=_groups(weigh_silence(cells)),
        n_drawn=int(cells.n_drawn.sum()),
        n_unjudgeable=int(cells.n[cells.true == NOT_JUDGEABLE].sum()),
        design=SamplingDesign.objects.filter(
            registered_model=material.asked.registered_model, is_active=True, kind="main"
        ).first(),
    )


def _design(material: Material) -> SamplingDesign | None:
    """The main design in force."""
    mine = SamplingDesign.objects.filter(registered_model=material.asked.registered_model, is_active=True)
    return mine.filter(kind=SamplingDesign.Kind.MAIN).first()


def _groups(cells: Cells) -> tuple[Group, ...]:
    """Silence is weighed in: a chance is that of being drawn and settled."""
    column, judged = bin_of(cells), cells.true >= 0
    wrong = judged & (cells.true != cells.predicted)

    def total(values: Floats | Ints, mask: Bools) -> Floats:
        return summed(np.where(mask, values, 0), column, size=N_BINS)

    arrived = total(cells.n_arrived, cells.true == UNSETTLED)
    n, n_wrong = total(cells.n, judged), total(cells.n, wrong)
    pi, w, errors = total(cells.pi, judged), total(cells.w, judged), total(cells.w, wrong)
    return tuple(
        Group(
            is_always_checked=at == CERTAINTY,
            chance=float(pi[at] / n[at]) if n[at] else 0.0,
            n_arrived=int(arrived[at]),
            n_reviewed=int(n[at]),
            n_wrong=int(n_wrong[at]),
            stands_for=float(w[at] / n[at]) if n[at] else 0.0,
            errors=float(errors[at]),
        )
        for at in range(N_BINS)
        if arrived[at]
    )
