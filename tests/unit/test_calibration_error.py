"""Calibration and errors of those who look, against published numbers (STATISTICS §7.1 R11 and R13)."""

from __future__ import annotations

import numpy as np
import pytest

from models_registry.estimation.calibration import Norm, brier, calibration_error
from models_registry.estimation.noise import rogan_gladen
from models_registry.estimation.totals import Estimate

P = np.array([0.25, 0.25, 0.55, 0.75, 0.75])
Y = np.array([False, False, True, True, True])


@pytest.mark.parametrize(("norm", "expected"), [("l1", 0.2900), ("l2", 0.2918), ("max", 0.3167)])
def test_the_calibration_error_of_torchmetrics(norm: Norm, expected: float) -> None:
    assert calibration_error(P, Y, n_bins=2, equal_mass=False, norm=norm) == pytest.approx(expected, abs=0.00005)


def test_the_brier_score_of_scikit_learn() -> None:
    found = brier(np.array([0.1, 0.9, 0.8, 0.3]), np.array([False, True, True, False]))
    assert found == pytest.approx(0.0375)


@pytest.mark.parametrize("equal_mass", [True, False])
def test_a_weight_counts_as_so_many_inspections(equal_mass: bool) -> None:
    weights = np.array([1, 2, 3, 1, 4])
    many = np.repeat(np.arange(5), weights)
    weighted = calibration_error(P, Y, weights=weights.astype(float), n_bins=2, equal_mass=equal_mass)
    assert brier(P, Y, weights=weights.astype(float)) == pytest.approx(brier(P[many], Y[many]))
    if not equal_mass:
        assert weighted == pytest.approx(calibration_error(P[many], Y[many], n_bins=2, equal_mass=False))
    assert weighted is not None


def test_bins_of_equal_mass_hold_equal_weight_and_a_calibrated_model_has_next_to_no_error() -> None:
    rng = np.random.default_rng(3)
    confidence = rng.beta(5, 1, 50_000)
    is_right = rng.random(50_000) < confidence
    weights = 1 / rng.uniform(0.1, 1, 50_000)
    assert calibration_error(confidence, is_right, weights=weights) == pytest.approx(0, abs=0.01)
    too_sure = calibration_error(np.sqrt(confidence), is_right, weights=weights)
    assert too_sure == pytest.approx(float((np.sqrt(confidence) - confidence).mean()), abs=0.01)


def test_nothing_has_no_calibration_and_what_is_no_confidence_is_refused() -> None:
    none, nothing = np.zeros(0), np.zeros(0, dtype=bool)
    assert brier(none, nothing) is None
    assert calibration_error(none, nothing) is None
    for wrong in ([1.1, 0, 0, 0, 0], [float("nan"), 0, 0, 0, 0], [0, 0]):
        with pytest.raises(ValueError, match=r"confidence"):
            calibration_error(np.array(wrong), Y)
    with pytest.raises(ValueError, match="weight above 0"):
        brier(P, Y, weights=np.zeros(5))
    with pytest.raises(ValueError, match="one bin"):
        calibration_error(P, Y, n_bins=0)


def test_rogan_and_gladen_as_epir_has_them() -> None:
    observed = Estimate(23 / 150, 23 / 150 * (127 / 150) / 150)
    found = rogan_gladen(observed, sensitivity=0.96, specificity=0.89, n_sensitivity=100, n_specificity=100)
    assert found is not None
    assert found.value == pytest.approx(0.0510, abs=0.00005)


def test_the_variance_of_rogan_and_gladen_is_the_one_that_is_seen() -> None:
    rng = np.random.default_rng(8)
    rate, se, sp, n, planted = 0.2, 0.9, 0.95, 800, 200
    observed = rng.binomial(n, rate * se + (1 - rate) * (1 - sp), 4000) / n
    ses, sps = rng.binomial(planted, se, 4000) / planted, rng.binomial(planted, sp, 4000) / planted
    found = [
        rogan_gladen(Estimate(o, o * (1 - o) / n), sensitivity=a, specificity=b, n_sensitivity=200, n_specificity=200)
        for o, a, b in zip(observed, ses, sps, strict=True)
    ]
    values = np.array([one.value for one in found if one])
    assert values.mean() == pytest.approx(rate, abs=0.003)
    assert values.var() == pytest.approx(np.mean([one.variance for one in found if one]), rel=0.1)


def test_people_who_do_no_better_than_chance_correct_nothing() -> None:
    seen = Estimate(0.1, 0.001)
    assert rogan_gladen(seen, sensitivity=0.4, specificity=0.6, n_sensitivity=9, n_specificity=9) is None
    none = rogan_gladen(Estimate(0.01, 0.0), sensitivity=0.9, specificity=0.9, n_sensitivity=9, n_specificity=9)
    assert none is not None
    assert none.value == 0
    with pytest.raises(ValueError, match="planted check"):
        rogan_gladen(seen, sensitivity=0.9, specificity=0.9, n_sensitivity=0, n_specificity=9)


@pytest.mark.parametrize(
    ("share", "boldness", "true", "believed"),
    [(0.01, 1, 0.0063, 0.0063), (0.01, 2.5, 0.0063, 0.0016), (0.1, 1, 0.0335, 0.0335), (0.1, 2.5, 0.0335, 0.0114)],
    ids=["calibrated, 1 %", "over-confident, 1 %", "calibrated, 10 %", "over-confident, 10 %"],
)
def test_the_estimate_without_labels_believes_the_model(
    share: float, boldness: float, true: float, believed: float
) -> None:
    """CBPE, the mean of g: right only where the model is right about itself (a million inspections)."""
    rng = np.random.default_rng(13)
    is_defect = rng.random(1_000_000) < share
    z = rng.normal(3.0 * is_defect, 1)
    logit = 3 * z - 4.5 + np.log(share / (1 - share))
    p = 1 / (1 + np.exp(-boldness * logit))
    assert ((p >= 0.5) != is_defect).mean() == pytest.approx(true, abs=0.0004)
    assert np.minimum(p, 1 - p).mean() == pytest.approx(believed, abs=0.0004)
