"""What a challenger may not make worse: escapes per class, cost, calibration; and how little its own draw may say."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from models_registry.comparison import (
    PairedComparison,
    calibration_loss,
    compare_paired,
    holm,
    mcnemar,
    p_above,
    paired_gain,
    paired_saving,
)

CLASSES = ("ok", "dent", "hole")
DEFECTS = ("dent", "hole")


def words(*runs: tuple[str, int]) -> NDArray[np.str_]:
    return np.array([label for label, n in runs for _ in range(n)], dtype=np.str_)


def compared(champion: NDArray[np.str_], challenger: NDArray[np.str_], margin: float = 0.05) -> PairedComparison:
    truth = words(("dent", 100), ("hole", 100), ("ok", 100))
    return compare_paired(
        truth, champion, challenger, np.ones(300), classes=CLASSES, guarded_classes=DEFECTS, good_classes=["ok"],
        escape_margin=margin,
    )  # fmt: skip


PERFECT = words(("dent", 100), ("hole", 100), ("ok", 100))


def test_a_defect_called_another_loses_recall_and_is_no_escape() -> None:
    confused = words(("hole", 30), ("dent", 70), ("hole", 100), ("ok", 100))
    ok, dent, hole = compared(PERFECT, confused).classes
    assert dent.gain == pytest.approx(-0.3)
    assert (dent.escapes, hole.escapes) == (0, 0)
    assert dent.escapes_high == pytest.approx(3.6889 / 100, rel=1e-4)
    assert (ok.escapes, ok.p_harm) == (None, None)


def test_escapes_that_rise_beyond_the_margin_are_harm_and_fewer_are_none() -> None:
    escaping = words(("ok", 30), ("dent", 70), ("hole", 100), ("ok", 100))
    worse, better = compared(PERFECT, escaping), compared(escaping, PERFECT)
    assert worse.classes[1].escapes == pytest.approx(0.3)
    assert worse.classes[1].p_harm is not None
    assert worse.classes[1].p_harm < 1e-4
    assert worse.classes[2].p_harm == 1
    assert better.classes[1].escapes == pytest.approx(-0.3)
    assert better.classes[1].p_harm == 1


def test_without_a_good_class_nothing_is_said_of_escapes() -> None:
    result = compare_paired(PERFECT, PERFECT, PERFECT, np.ones(300), classes=CLASSES, guarded_classes=DEFECTS)
    assert [one.escapes for one in result.classes] == [None, None, None]


@pytest.mark.parametrize(("n_more", "n_fewer", "margin"), [(30, 10, 0.0), (30, 10, 0.05), (6, 1, 0.0)])
def test_the_one_sided_p_value_is_where_the_interval_just_touches_the_margin(
    n_more: int, n_fewer: int, margin: float
) -> None:
    more, fewer = np.zeros(200, dtype=bool), np.zeros(200, dtype=bool)
    more[:n_more], fewer[n_more : n_more + n_fewer] = True, True
    p = p_above(more, fewer, np.ones(200), margin=margin)
    touching = paired_gain(more, fewer, np.ones(200), confidence=1 - 2 * p)
    assert touching.ci_low == pytest.approx(margin, abs=1e-7)
    assert 0 < p < 0.5
    assert p_above(fewer, more, np.ones(200), margin=margin) == 1


def test_holms_p_values_are_those_of_his_steps() -> None:
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert holm([0.5, 0.9]) == [1.0, 1.0]
    assert holm([]) == []


def test_savings_are_weighted_and_in_money() -> None:
    before, after = np.array([40.0, 0.0, 5.0]), np.array([0.0, 0.0, 5.0])
    few = paired_saving(before, after, np.array([0.5, 0.5, 0.25]), n_population=100)
    assert few.gain == pytest.approx(80 / 100)
    assert few.method == "gamma"
    assert few.ci_low is not None
    assert few.ci_low < 0
    many = paired_saving(np.full(50, 3.0), np.where(np.arange(50) < 40, 1.0, 6.0), np.ones(50))
    assert many.gain == pytest.approx(1.0)
    assert many.method == "normal"
    assert (many.ci_low, many.ci_high) == pytest.approx(
        (1 - 1.959964 * 2 / np.sqrt(50), 1 + 1.959964 * 2 / np.sqrt(50))
    )


def test_equal_costs_say_nothing_and_no_item_even_less() -> None:
    same = paired_saving(np.ones(5), np.ones(5), np.ones(5))
    assert (same.gain, same.ci_low, same.method) == (0.0, None, "none")
    assert paired_saving(np.ones(0), np.ones(0), np.ones(0)).gain is None


def test_a_model_that_is_surer_than_it_is_right_is_worse_calibrated() -> None:
    rng = np.random.default_rng(1)
    right = rng.random(400) < 0.8
    honest, boasting = np.full(400, 0.8), np.full(400, 0.99)
    worse = calibration_loss(right, honest, right, boasting, np.ones(400))
    assert worse.ci_low is not None
    assert worse.ci_low > 0
    same = calibration_loss(right, honest, right, honest, np.ones(400))
    assert (same.gain, same.ci_low, same.ci_high) == (0, 0, 0)
    with pytest.raises(ValueError, match="between 0 and 1"):
        calibration_loss(right, honest, right, np.full(400, np.nan), np.ones(400))


def test_two_models_of_equal_error_are_told_apart_by_plain_counts_and_not_by_weighted_ones() -> None:
    """STATISTICS §7.3 "pair", fewer streams: there 32.6 % of plain McNemar tests reject, and 4.6 % of weighted ones."""
    rng, n_streams, plain, weighted = np.random.default_rng(31), 300, 0, 0
    for _ in range(n_streams):
        y = rng.random(20_000) < 0.1
        shared, own, other = rng.normal(size=(3, 20_000))
        wrong, u = [], np.zeros(20_000)
        for noise in (own, other):
            z = 3.0 * y + np.sqrt(0.5) * shared + np.sqrt(0.5) * noise
            p = 1 / (1 + np.exp(-(3 * z - 4.5 + np.log(0.1 / 0.9))))
            wrong.append((p >= 0.5) != y)
            u = u if u.any() else np.sqrt(p * (1 - p))
        pi = np.clip(0.025 + 0.025 * u / 0.11, 0.025, 1)
        drawn = rng.random(20_000) < pi
        champion, challenger = (one[drawn] for one in wrong)
        fixed, broken = champion & ~challenger, challenger & ~champion
        plain += mcnemar(n_fixed=int(fixed.sum()), n_broken=int(broken.sum())) < 0.05
        gain = paired_gain(fixed, broken, pi[drawn], n_population=20_000)
        assert gain.ci_low is not None
        assert gain.ci_high is not None
        weighted += not gain.ci_low <= 0 <= gain.ci_high
    assert plain / n_streams >= 0.25 - 0.05
    assert weighted / n_streams <= 0.065 + 0.025
