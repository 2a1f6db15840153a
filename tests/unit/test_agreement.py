"""Agreement of raters against published numbers (STATISTICS §7.1 R9)."""

from __future__ import annotations

import numpy as np
import pytest

from labeling.agreement import Ints as Labels
from labeling.agreement import (
    bootstrap_interval,
    cohen_kappa,
    counts_of,
    fleiss_kappa,
    gwet_ac1,
    kappa_of_counts,
    krippendorff_alpha,
    specific_agreement,
)

KRIPPENDORFF = """
- - - - - 3 4 1 2 1 1 3 3 - 3
1 - 2 1 3 3 4 3 - - - - - - -
- - 2 1 3 4 4 - 2 1 1 3 3 - 4
"""
GWET = """
1 2 3 3 2 1 4 1 2 - - -
1 2 3 3 2 2 4 1 2 5 - 3
- 3 3 3 2 3 4 2 2 5 1 -
1 2 3 3 2 4 4 1 2 5 1 -
"""
FLEISS = """
0 0 0 0 14
0 2 6 4 2
0 0 3 5 6
0 3 9 2 0
2 2 8 1 1
7 7 0 0 0
3 2 6 3 0
2 5 3 2 2
6 5 2 1 0
0 2 2 3 7
"""


def labels(text: str) -> Labels:
    """One line a rater, classes from 1; (units, raters)."""
    return np.array([[-1 if one == "-" else int(one) - 1 for one in line.split()] for line in text.split("\n")[1:-1]]).T


def test_krippendorffs_example_with_missing_labels() -> None:
    found = labels(KRIPPENDORFF)
    assert krippendorff_alpha(found) == pytest.approx(0.691, abs=0.0005)
    assert krippendorff_alpha(found, metric="interval") == pytest.approx(0.811, abs=0.0005)


def test_gwets_four_raters() -> None:
    found = labels(GWET)
    assert gwet_ac1(found) == pytest.approx(0.77544, abs=0.000005)
    assert fleiss_kappa(found) == pytest.approx(0.76117, abs=0.000005)
    assert krippendorff_alpha(found) == pytest.approx(0.74342, abs=0.000005)


def test_fleiss_table_of_fourteen_raters() -> None:
    counts = np.array([line.split() for line in FLEISS.split("\n")[1:-1]], dtype=np.float64)
    assert kappa_of_counts(counts) == pytest.approx(0.210, abs=0.0005)


def test_cohens_table() -> None:
    assert cohen_kappa(np.array([[20.0, 5], [10, 15]])) == pytest.approx(0.40)
    assert cohen_kappa(np.zeros((2, 2))) is None
    assert cohen_kappa(np.array([[9.0, 0], [0, 0]])) is None


def test_with_rare_defects_kappa_collapses_and_the_specific_agreement_tells() -> None:
    """98 good ones agreed on, one defect seen by the first alone, one by the second alone."""
    found = np.array([[0, 0]] * 98 + [[1, 0], [0, 1]])
    kappa, ac1 = fleiss_kappa(found), gwet_ac1(found)
    assert kappa is not None
    assert ac1 is not None
    assert kappa < 0 < 0.97 < ac1
    assert specific_agreement(found, 1) == 0
    assert specific_agreement(found, 0) == pytest.approx(2 * 98 / (2 * 98 + 2))
    assert specific_agreement(np.array([[1, 1], [1, 0], [0, 0]]), 1) == pytest.approx(2 / 3)
    assert specific_agreement(found, 7) is None


def test_what_cannot_disagree_has_no_number() -> None:
    same, alone, nobody = np.array([[1, 1], [1, 1]]), np.array([[1, -1], [-1, 0]]), np.full((3, 2), -1)
    for found in (same, alone, nobody):
        assert krippendorff_alpha(found) is None
    assert gwet_ac1(alone) is None
    assert fleiss_kappa(nobody) is None
    assert gwet_ac1(same, n_classes=2) == 1
    assert bootstrap_interval(nobody, krippendorff_alpha, seed=1, n_draws=50) is None
    assert bootstrap_interval(np.zeros((0, 2), dtype=np.int64), krippendorff_alpha, seed=1) is None


def test_perfect_agreement_is_one_and_chance_is_about_nothing() -> None:
    rng = np.random.default_rng(3)
    one = rng.integers(0, 3, 2000)
    assert krippendorff_alpha(np.stack([one, one, one], axis=1)) == 1
    by_chance = krippendorff_alpha(rng.integers(0, 3, (2000, 3)))
    assert by_chance == pytest.approx(0, abs=0.04)


def test_the_bootstrap_holds_the_number_and_is_the_same_each_time() -> None:
    found = labels(GWET)
    interval = bootstrap_interval(found, gwet_ac1, seed=4, n_draws=300)
    assert interval is not None
    assert interval[0] < 0.77544 < interval[1] <= 1
    assert interval == bootstrap_interval(found, gwet_ac1, seed=4, n_draws=300)


@pytest.mark.parametrize("wrong", [np.array([[-2, 0]]), np.array([0, 1])])
def test_what_is_no_label_is_refused(wrong: Labels) -> None:
    with pytest.raises(ValueError, match="class numbers"):
        counts_of(wrong)
