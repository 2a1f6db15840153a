"""The trainer learns from little, says what it cannot learn from, and repeats itself exactly."""

import numpy as np
import pytest
from numpy.typing import NDArray

from models_registry.training.artifact import content_hash
from models_registry.training.calibration import calibrate, softmax
from models_registry.training.errors import TrainingDataError
from models_registry.training.trainer import FittedModel, Tried, assign_folds, fit

CLASSES = ("ok", "scratch", "dent")
Rows = tuple[NDArray[np.float32], NDArray[np.str_]]


def make_rows(counts: dict[str, int], *, apart: float = 3.0, seed: int = 0) -> Rows:
    """Gaussian clouds of 12 numbers, one per class, `apart` deviations from the origin along their own axis."""
    rng = np.random.default_rng(seed)
    labels = np.repeat(list(counts), list(counts.values()))
    features = rng.normal(size=(len(labels), 12))
    features[np.arange(len(labels)), [list(counts).index(label) for label in labels]] += apart
    return features.astype(np.float32), labels


def accuracy(model: FittedModel, rows: Rows) -> float:
    features, truth = rows
    said = np.array(model.classes)[model.predict_scores(features).argmax(axis=1)]
    return float((truth == said).mean())


def test_twenty_labels_are_enough_to_begin() -> None:
    model = fit(*make_rows({"ok": 10, "scratch": 6, "dent": 4}, apart=4), classes=CLASSES, seed=1)
    assert accuracy(model, make_rows(dict.fromkeys(CLASSES, 50), apart=4, seed=9)) > 0.85


def test_scores_are_shares_in_the_order_of_the_classes() -> None:
    features, labels = make_rows({"ok": 20, "scratch": 20, "dent": 20})
    scores = fit(features, labels, classes=("dent", "ok", "scratch"), seed=1).predict_scores(features)
    assert scores.dtype == np.float64
    np.testing.assert_allclose(scores.sum(axis=1), 1, atol=1e-12)
    assert (np.array(("dent", "ok", "scratch"))[scores.argmax(axis=1)] == labels).mean() > 0.9


def test_a_class_never_seen_gets_nothing() -> None:
    features, labels = make_rows({"ok": 20, "dent": 20})
    scores = fit(features, labels, classes=CLASSES, seed=1).predict_scores(features)
    assert (scores[:, CLASSES.index("scratch")] == 0).all()
    np.testing.assert_allclose(scores.sum(axis=1), 1)


def test_a_class_of_one_example_is_learned() -> None:
    features, labels = make_rows({"ok": 30, "scratch": 20, "dent": 1}, apart=6)
    scores = fit(features, labels, classes=CLASSES, seed=1).predict_scores(features[-1:])
    assert scores[0].argmax() == CLASSES.index("dent")


def test_every_candidate_that_was_tried_is_told_with_its_folds() -> None:
    tried: list[Tried] = []
    rows = make_rows({"ok": 40, "scratch": 30}, apart=1.5)
    model = fit(*rows, classes=CLASSES, seed=1, judged=tried.append)
    assert len(tried) > 2
    best = min(tried, key=lambda one: np.inf if one.log_loss is None else one.log_loss)
    assert best.name == model.estimator
    assert (best.n, best.log_loss, best.accuracy) == (70, model.calibration.log_loss, model.calibration.accuracy)
    assert len(best.folds) == 5
    assert best.accuracy == pytest.approx(sum(best.folds) / 5, abs=0.01)  # of about the same size


def test_two_rows_of_two_classes_train_without_any_row_to_calibrate_on() -> None:
    model = fit(*make_rows({"ok": 1, "dent": 1}), classes=CLASSES, seed=1)
    assert model.calibration.log_loss is None
    assert model.calibration.n == 0


def test_equal_seeds_give_equal_models() -> None:
    rows = make_rows({"ok": 30, "scratch": 20, "dent": 10}, apart=1)
    first, again, other = (fit(*rows, classes=CLASSES, seed=seed) for seed in (5, 5, 6))
    assert content_hash(first) == content_hash(again)
    assert content_hash(first) != content_hash(other)


def test_calibrated_scores_mean_what_they_say() -> None:
    model = fit(*make_rows({"ok": 200, "dent": 200}, apart=0.7), classes=CLASSES, seed=1)
    test = make_rows({"ok": 2000, "dent": 2000}, apart=0.7, seed=2)
    claimed = float(model.predict_scores(test[0]).max(axis=1).mean())
    assert claimed == pytest.approx(accuracy(model, test), abs=0.04)


def test_weights_move_the_balance_and_their_unit_does_not_matter() -> None:
    features, labels = make_rows({"ok": 60, "dent": 60}, apart=0.5)
    weights = np.where(labels == "dent", 8.0, 1.0)
    plain = fit(features, labels, classes=CLASSES, seed=1).predict_scores(features)
    heavy = fit(features, labels, classes=CLASSES, seed=1, weights=weights)
    assert heavy.predict_scores(features)[:, 2].mean() > plain[:, 2].mean() + 0.1
    assert content_hash(heavy) == content_hash(fit(features, labels, classes=CLASSES, seed=1, weights=weights * 4))


def test_progress_rises_to_one_in_words() -> None:
    heard: list[tuple[float, str]] = []
    rows = make_rows({"ok": 10, "dent": 10})
    fit(*rows, classes=CLASSES, seed=1, report=lambda share, message: heard.append((share, message)))
    shares = [share for share, _ in heard]
    assert shares == sorted(shares)
    assert shares[-1] == 1.0
    assert all(message.endswith(".") for _, message in heard)


def test_a_group_is_never_split_between_folds() -> None:
    groups = [f"part-{number % 7}" for number in range(40)]
    folds = assign_folds(np.arange(40) % 3, groups=groups, n_folds=5, seed=1)
    for part in set(groups):
        assert len({int(fold) for fold, name in zip(folds, groups, strict=True) if name == part}) == 1


def test_folds_share_out_every_class_evenly() -> None:
    truth = np.repeat([0, 1], [20, 10])
    folds = assign_folds(truth, groups=None, n_folds=5, seed=1)
    assert np.bincount(folds[truth == 0]).tolist() == [4] * 5
    assert np.bincount(folds[truth == 1]).tolist() == [2] * 5


@pytest.mark.parametrize(
    ("code", "features", "labels", "weights"),
    [
        ("no_rows", np.empty((0, 3)), [], None),
        ("one_class", np.ones((2, 3)), ["ok", "ok"], None),
        ("unknown_label", np.ones((2, 3)), ["ok", "rust"], None),
        ("features_not_finite", np.full((2, 3), np.nan), ["ok", "dent"], None),
        ("features_not_finite", np.full((2, 3), np.inf), ["ok", "dent"], None),
        ("shape_mismatch", np.ones((3, 3)), ["ok", "dent"], None),
        ("shape_mismatch", np.ones(3), ["ok", "dent", "ok"], None),
        ("bad_weights", np.ones((2, 3)), ["ok", "dent"], [1.0, 0.0]),
        ("bad_weights", np.ones((2, 3)), ["ok", "dent"], [1.0, np.nan]),
    ],
)
def test_what_cannot_train_is_refused_by_name(
    code: str, features: NDArray[np.float64], labels: list[str], weights: list[float] | None
) -> None:
    with pytest.raises(TrainingDataError) as refused:
        fit(features, labels, classes=CLASSES, seed=1, weights=weights)
    assert refused.value.code == code


def test_a_class_listed_twice_is_refused() -> None:
    with pytest.raises(TrainingDataError) as refused:
        fit(*make_rows({"ok": 3, "dent": 3}), classes=("ok", "dent", "ok"), seed=1)
    assert refused.value.code == "bad_classes"


def test_scoring_refuses_other_features_and_answers_no_rows_with_none() -> None:
    model = fit(*make_rows({"ok": 5, "dent": 5}), classes=CLASSES, seed=1)
    assert model.predict_scores(np.empty((0, 12))).shape == (0, 3)
    with pytest.raises(TrainingDataError) as refused:
        model.predict_scores(np.ones((2, 11)))
    assert refused.value.code == "shape_mismatch"


def test_overconfident_logits_are_cooled() -> None:
    rng = np.random.default_rng(0)
    honest = rng.normal(size=(3000, 2))
    truth = (rng.random(3000) < softmax(honest, 1.0)[:, 1]).astype(np.int64)
    found = calibrate(truth, honest * 5, np.ones(3000), expected=1.0)
    assert found.sharpness == pytest.approx(0.2, rel=0.1)


def test_a_few_faultless_rows_do_not_claim_certainty() -> None:
    found = calibrate(np.array([0, 1, 0]), np.array([[1.0, -1], [-1, 1], [1, -1]]), np.ones(3), expected=1.0)
    assert softmax(np.array([[1.0, -1.0]]), found.sharpness).max() < 0.999
