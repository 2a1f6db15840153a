"""What is said when something else is true: the confusion matrix over all that arrived, and the rates made of it.

Every figure is a share of two counts of different inspections (`counts.shares`), the counts calibrated to the known
number of predictions of each class (`pairs.totals`). STATISTICS §2.2.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from models_registry.estimation.cells import Bools, Cells
from models_registry.estimation.counts import (
    METHOD_COUNT,
    METHOD_RATIO,
    Counts,
    Measured,
    added,
    counted,
    measured,
    shares,
)
from models_registry.estimation.pairs import Pairs, pairs_of, totals, without
from models_registry.estimation.totals import Floats

Matrix = tuple[tuple[Measured, ...], ...]
PER_MILLION = 1e6
LEAST_PRICE = 1e-100  # the square of less is 0 to a computer: it costs nothing


@dataclass(frozen=True, slots=True)
class ClassRates:
    """Precision: the share of those called so that are. Recall: the share of those that are that are called so."""

    precision: Measured
    recall: Measured
    f1: Measured


@dataclass(frozen=True, slots=True)
class Confusion:
    """Over all judgeable inspections that arrived. Matrices are [true][predicted], (K, K).

    `escape_rate`: of all defects, the share passed as good. `escape_rate_of_passed`: of what was passed, the share that
    is defective. `overkill_rate`: of all good, the share rejected. `missed_per_million`: escapes per million
    inspections, the steadier number. `truly_good`: share of inspections without a defect, whatever was said.
    `escaped`: per class its share among the escaped defects; no data for classes that are no defects.
    """

    of_all: Matrix
    by_true: Matrix
    counts: tuple[tuple[int, ...], ...]  # what was judged, unweighted: the naive matrix
    classes: tuple[ClassRates, ...]
    escape_rate: Measured
    escape_rate_of_passed: Measured
    overkill_rate: Measured
    missed_per_million: Measured
    truly_good: Measured
    escaped: tuple[Measured, ...]


def confusion(cells: Cells, *, is_defect: Bools) -> Confusion:
    """All figures of a window. ``is_defect`` (K,): which of the classes 0..K-1 are defects.

    Raises ValueError for a class that is not in 0..K-1, and as `response.weigh_silence` does.
    """
    pairs = pairs_of(cells, n_classes=len(is_defect))
    n, size, (cell, others) = pairs.counts(), float(pairs.judgeable.sum()), _cells_and_others(pairs)
    return Confusion(
        of_all=_matrix(cell.times(1 / size if size > 0 else 0.0), n, n.sum(axis=0, keepdims=True)),
        by_true=_matrix(shares(cell, others), n, n.sum(axis=1, keepdims=True)),
        counts=tuple(tuple(int(count) for count in row) for row in n),
        classes=tuple(_class_rates(pairs, cell, others, number) for number in range(len(n))),
        **_rates(pairs, is_defect),
        escaped=_escaped(pairs, is_defect),
    )


def _cells_and_others(pairs: Pairs) -> tuple[Counts, Counts]:
    """Each pair's total, and that of the same true class in all other columns, (K*K,)."""
    here = np.tile(np.eye(pairs.n_classes), (pairs.n_classes, 1))
    column, elsewhere = pairs.by_predicted(), without(pairs.by_true(), pairs.found)
    return (
        totals(pairs, pairs.found, without(column, pairs.found), here),
        totals(pairs, elsewhere, without(without(pairs.altogether(), column), elsewhere), 1 - here),
    )


def _matrix(shares_of: Counts, n: Floats, of: Floats) -> Matrix:
    base = np.broadcast_to(of, n.shape)
    return tuple(
        tuple(
            measured(shares_of, j * len(n) + k, n=float(base[j, k]), n_found=float(n[j, k]), method=METHOD_RATIO)
            for k in range(len(n))
        )
        for j in range(len(n))
    )


def _class_rates(pairs: Pairs, cell: Counts, others: Counts, number: int) -> ClassRates:
    at, n, size = number * pairs.n_classes + number, pairs.counts(), float(pairs.judgeable[number].sum())
    right, said, true = float(n[number, number]), float(n[:, number].sum()), float(n[number].sum())
    hits, misses = _row(cell, at), _row(others, at)
    precision = hits.times(1 / size if size > 0 else 0.0)
    f1 = shares(hits, misses.plus(size)).times(2.0)
    return ClassRates(
        precision=_against(precision, n=said, n_found=said - right),
        recall=_against(shares(hits, misses), n=true, n_found=true - right),
        f1=_against(f1, n=said + true - right, n_found=said + true - 2 * right),
    )


def _rates(pairs: Pairs, is_defect: Bools) -> dict[str, Measured]:
    """The rates of all defects together, from four counts: (defect, good) said (good, defect)."""
    bad, n, size = np.asarray(is_defect, dtype=bool), pairs.counts(), float(pairs.judgeable.sum())
    groups = ((bad, ~bad), (bad, bad), (~bad, bad), (~bad, ~bad))
    events = np.stack([true[:, None] & said[None, :] for true, said in groups])
    columns = np.stack([said for _, said in groups])
    four = totals(pairs, pairs.of(events), pairs.of(columns[:, None, :] & ~events), columns.astype(np.float64))
    missed, caught, overkill, passed = (_row(four, at) for at in range(4))
    n_missed, n_caught, n_overkill, n_passed = (float(n[event].sum()) for event in events)
    passed_size = float(pairs.judgeable[~bad].sum())
    n_all = float(n.sum())
    per_million = missed.times(PER_MILLION / size if size > 0 else 0.0)
    return {
        "escape_rate": _against(shares(missed, caught), n=n_missed + n_caught, n_found=n_missed),
        "escape_rate_of_passed": _against(
            missed.times(1 / passed_size if passed_size > 0 else 0.0), n=n_missed + n_passed, n_found=n_missed
        ),
        "overkill_rate": _against(shares(overkill, passed), n=n_overkill + n_passed, n_found=n_overkill),
        "missed_per_million": measured(
            per_million, 0, n=n_all, n_found=n_missed, method=METHOD_RATIO, most=PER_MILLION
        ),
        "truly_good": _against(
            added(overkill, passed).times(1 / size if size > 0 else 0.0), n=n_all, n_found=n_missed + n_caught
        ),
    }


def _escaped(pairs: Pairs, is_defect: Bools) -> tuple[Measured, ...]:
    """The Pareto: each class's share among the escapes. Both counts lie in the same columns: no calibration."""
    bad, k = np.asarray(is_defect, dtype=bool), pairs.n_classes
    own = np.eye(k, dtype=bool)[:, :, None] & ~bad & bad[:, None, None]
    all_escapes = np.broadcast_to((bad[:, None] & ~bad[None, :])[None], own.shape)
    rest = all_escapes & ~own
    room = np.broadcast_to((~bad).astype(np.float64) @ pairs.arrived, (k, pairs.arrived.shape[1]))
    ours, theirs = pairs.of(own), pairs.of(rest)
    of_escaped = shares(
        counted(ours, largest=pairs.largest, most=room), counted(theirs, largest=pairs.largest, most=room)
    )
    n_ours, n_theirs = ours.n.sum(axis=1), theirs.n.sum(axis=1)
    return tuple(
        measured(
            of_escaped, at, n=float(n_ours[at] + n_theirs[at]) if bad[at] else 0, n_found=float(n_ours[at]),
            method=METHOD_RATIO,
        )
        for at in range(k)
    )  # fmt: skip


def expected_cost(cells: Cells, prices: Floats) -> tuple[Measured, Measured]:
    """Cost per inspection, and of all judgeable inspections of the window. ``prices`` (K, K): [true][predicted], >= 0.

    Each column's smallest price is paid by every inspection that was called so, whose number is known; what lies above
    it is estimated: HT, with gamma limits of the weights w*c (STATISTICS §2.2). A matrix that does not depend on the
    predicted class says what it would cost without a model. Raises ValueError for prices below 0 or not (K, K), and as
    `confusion` does.
    """
    if prices.ndim != 2 or prices.shape[0] != prices.shape[1] or not bool((prices >= 0).all()):
        raise ValueError("prices are a square matrix of numbers from 0 on")
    if not bool(np.isfinite(prices).all()):
        raise ValueError("prices are finite")
    pairs = pairs_of(cells, n_classes=len(prices))
    least = prices.min(axis=0)
    above = prices - least
    above = np.where(above < LEAST_PRICE, 0.0, above)
    each, size = above.reshape(-1), float(pairs.judgeable.sum())
    total = _priced(pairs, above).plus(float(least @ pairs.judgeable.sum(axis=1)))
    n, n_found = float(pairs.counts().sum()), float(pairs.found.n.sum(axis=1)[each > 0].sum())
    whole = measured(total, 0, n=n, n_found=n_found, method=METHOD_COUNT, most=None)
    per = measured(total.times(1 / size if size > 0 else 0.0), 0, n=n, n_found=n_found, method=METHOD_COUNT, most=None)
    return per, whole


def _priced(pairs: Pairs, prices: Floats) -> Counts:
    """HT total of prices (K, K) over what was found, with gamma limits; an event is at most the dearest of its bin."""
    each, k = prices.reshape(-1), pairs.n_classes
    sums, paid = pairs.found, (prices.reshape(-1) > 0).astype(np.float64)
    events = replace(
        sums,
        n=(paid @ sums.n)[None],
        pi=(paid @ sums.pi)[None],
        least=(each @ sums.n)[None],
        y=(each @ sums.y)[None],
        v=(each**2 @ sums.v)[None],
    )
    dearest = prices.max(axis=0)
    open_ = np.maximum(pairs.arrived - sums.n.reshape(k, k, -1).sum(axis=0), 0)
    of_bin = ((pairs.arrived > 0) * dearest[:, None]).max(axis=0, initial=0.0)
    largest = np.where(of_bin > 0, pairs.largest * of_bin, 1.0)
    return counted(events, largest=largest, most=events.least + (dearest @ open_)[None])


def _against(counts: Counts, *, n: float, n_found: float) -> Measured:
    return measured(counts, 0, n=n, n_found=n_found, method=METHOD_RATIO)


def _row(counts: Counts, at: int) -> Counts:
    return Counts(*(part[at : at + 1] for part in counts.parts))
