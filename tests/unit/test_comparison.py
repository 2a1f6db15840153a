"""Two models are compared on the same items, weighted, so that the way of drawing favours neither."""

from __future__ import annotations

from math import comb

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from models_registry.comparison import PairedComparison, compare_paired, mcnemar, mcnemar_exact

quick = settings(max_examples=25, deadline=None)
CLASSES = ("ok", "dent", "hole")


def compare_counts(*, fixed: int, broken: int, both_right: int, both_wrong: int, pi: float = 1.0) -> PairedComparison:
    n = fixed + broken + both_right + both_wrong
    champion = ["ok"] * fixed + ["dent"] * (broken + both_right) + ["ok"] * both_wrong
    challenger = ["dent"] * fixed + ["ok"] * broken + ["dent"] * both_right + ["ok"] * both_wrong
    truth = words(["dent"] * n)
    return compare_paired(truth, words(champion), words(challenger), np.full(n, pi), classes=CLASSES)


def words(labels: list[str]) -> NDArray[np.str_]:
    return np.array(labels, dtype=np.str_)


def test_agrestis_ratings_have_their_published_difference() -> None:
    """Agresti, approval of a president asked twice (Penn State STAT 504): z^2 17.3559, p 3.099e-05."""
    result = compare_counts(fixed=150, broken=86, both_right=794, both_wrong=570)

    assert (result.n, result.n_fixed, result.n_broken) == (1600, 150, 86)
    assert (result.n_both_right, result.n_both_wrong) == (794, 570)
    assert result.gain == pytest.approx(0.04)
    assert (result.ci_low, result.ci_high) == pytest.approx((0.0213, 0.0587), abs=5e-5)
    assert result.ci_high is not None
    assert (result.ci_high - 0.04) / 1.959964 == pytest.approx(0.0095492, abs=5e-8)
    discordant = result.n_fixed + result.n_broken
    assert (result.n_fixed - result.n_broken) ** 2 / discordant == pytest.approx(17.3559, abs=5e-5)
    assert result.p_value == pytest.approx(3.099e-05, abs=5e-9)
    exact = mcnemar_exact(n_fixed=150, n_broken=86)
    assert exact == pytest.approx(2 * sum(comb(236, k) for k in range(87)) / 2**236)
    assert result.method == "normal"


def test_the_exact_p_value_is_that_of_a_fair_coin() -> None:
    assert mcnemar_exact(n_fixed=8, n_broken=2) == pytest.approx(2 * (1 + 10 + 45) / 2**10)
    assert mcnemar_exact(n_fixed=0, n_broken=0) == 1
    assert mcnemar_exact(n_fixed=3, n_broken=3) == 1


def test_mcnemar_is_exact_while_the_two_differ_on_fewer_than_25() -> None:
    assert mcnemar(n_fixed=18, n_broken=6) == mcnemar_exact(n_fixed=18, n_broken=6)
    assert mcnemar(n_fixed=19, n_broken=6) == pytest.approx(0.00932, abs=5e-6)  # z^2 = 169/25
    assert mcnemar(n_fixed=0, n_broken=0) == 1


def test_few_differences_get_gamma_limits_and_none_still_has_an_interval() -> None:
    few = compare_counts(fixed=6, broken=1, both_right=190, both_wrong=3)
    none = compare_counts(fixed=0, broken=0, both_right=197, both_wrong=3)

    assert few.method == "gamma"
    assert few.gain == pytest.approx(5 / 200)
    assert (none.gain, none.method) == (0, "gamma")
    assert (none.ci_low, none.ci_high) == pytest.approx((-3.6889 / 200, 3.6889 / 200), rel=1e-4)


def test_accuracies_are_weighted_like_the_gain() -> None:
    result = compare_paired(
        words(["ok", "dent"]),
        words(["dent", "dent"]),
        words(["ok", "ok"]),
        np.array([0.5, 0.25]),
        classes=CLASSES,
        n_population=10,
    )

    assert (result.champion_accuracy, result.challenger_accuracy) == pytest.approx((0.8, 0.6))
    assert result.gain == pytest.approx(-0.2)
    assert result.p_value is None


def test_each_class_shows_its_own_gain_and_an_absent_one_shows_none() -> None:
    result = compare_paired(
        words(["ok"] * 40 + ["dent"] * 20),
        words(["ok"] * 60),
        words(["ok"] * 35 + ["dent"] * 25),
        np.ones(60),
        classes=CLASSES,
        guarded_classes={"dent"},
    )
    ok, dent, hole = result.classes

    assert (ok.label, ok.n, ok.n_fixed, ok.n_broken, ok.guarded) == ("ok", 40, 0, 5, False)
    assert (dent.label, dent.n, dent.n_fixed, dent.n_broken, dent.guarded) == ("dent", 20, 20, 0, True)
    assert (ok.gain, dent.gain) == (-0.125, 1)
    assert (hole.n, hole.gain, hole.ci_low, hole.ci_high, hole.method) == (0, None, None, None, "none")


def test_no_item_is_no_gain() -> None:
    result = compare_paired(words([]), words([]), words([]), np.array([]), classes=CLASSES)

    assert (result.n, result.gain, result.ci_low, result.ci_high) == (0, None, None, None)
    assert (result.champion_accuracy, result.challenger_accuracy, result.p_value) == (None, None, None)


@given(st.integers(0, 40), st.integers(0, 40), st.integers(1, 200), st.integers(0, 40), st.floats(0.02, 1))
@quick
def test_the_interval_contains_the_gain_and_turns_with_the_models(
    fixed: int, broken: int, both_right: int, both_wrong: int, pi: float
) -> None:
    one = compare_counts(fixed=fixed, broken=broken, both_right=both_right, both_wrong=both_wrong, pi=pi)
    other = compare_counts(fixed=broken, broken=fixed, both_right=both_right, both_wrong=both_wrong, pi=pi)
    assert one.gain is not None
    assert one.ci_low is not None
    assert one.ci_high is not None
    assert other.gain is not None
    assert other.ci_high is not None

    assert -1 <= one.ci_low <= one.gain <= one.ci_high <= 1
    assert one.gain == pytest.approx(-other.gain)
    assert one.ci_low == pytest.approx(-other.ci_high)
    assert one.gain == pytest.approx((fixed - broken) / one.n)


def test_items_drawn_by_the_champions_doubt_do_not_favour_the_challenger() -> None:
    """Two equally good models, drawn where the champion doubts: only the plain difference lies."""
    rng = np.random.default_rng(11)
    plain, weighted, covered = [], [], 0
    for _ in range(150):
        doubts = rng.random((2, 4000)) < 0.2  # of the champion, of the challenger
        errs = rng.random((2, 4000)) < np.where(doubts, 0.3, 0.01)
        pi = np.where(doubts[0], 0.5, 0.05)
        drawn = rng.random(4000) < pi
        said = np.where(errs[:, drawn], "dent", "ok")
        truth = words(["ok"] * int(drawn.sum()))
        result = compare_paired(truth, said[0], said[1], pi[drawn], classes=CLASSES, n_population=4000)
        assert result.gain is not None
        assert result.ci_low is not None
        assert result.ci_high is not None
        plain.append((result.n_fixed - result.n_broken) / result.n)
        weighted.append(result.gain)
        covered += result.ci_low <= 0 <= result.ci_high

    assert np.mean(plain) > 0.05
    assert abs(float(np.mean(weighted))) < 0.004
    assert covered / 150 >= 0.90


def test_arrays_and_classes_that_do_not_fit_are_refused() -> None:
    one, pi = words(["ok"]), np.ones(1)
    with pytest.raises(ValueError, match="one shape"):
        compare_paired(one, words(["ok", "ok"]), one, pi, classes=CLASSES)
    with pytest.raises(ValueError, match="not among the classes: rust"):
        compare_paired(words(["rust"]), one, one, pi, classes=CLASSES)
    with pytest.raises(ValueError, match="not among the classes: rust"):
        compare_paired(one, one, one, pi, classes=CLASSES, guarded_classes=["rust"])
    with pytest.raises(ValueError, match="inclusion probability"):
        compare_paired(one, one, one, np.array([0.0]), classes=CLASSES)
