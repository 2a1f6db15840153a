"""The search for hyper-parameters: bounded by an estimate, never by the clock; and what a person may choose of it."""

from typing import Any

import numpy as np
import pytest

from models_registry.training.artifact import content_hash
from models_registry.training.candidates import candidates
from models_registry.training.config import TrainerConfig
from models_registry.training.errors import TrainingDataError
from models_registry.training.trainer import fit
from tests.unit.test_trainer import CLASSES, make_rows


def names(n_rows: int, search_seconds: float) -> list[str]:
    found = candidates(n_rows=n_rows, n_features=463, n_classes=7, n_folds=3, seed=1, search_seconds=search_seconds)
    return [one.name for one in found]


def test_a_larger_budget_tries_more_in_the_same_order() -> None:
    two, some, all_of_them = names(5000, 0), names(5000, 10), names(5000, 1000)
    assert len(two) == 2 < len(some) < len(all_of_them)
    assert some == all_of_them[: len(some)]


def test_few_rows_are_not_searched_over() -> None:
    assert len(names(30, 1000)) == 2


def test_balance_lifts_what_is_rare_and_equal_classes_stay_as_they_are() -> None:
    features, labels = make_rows({"ok": 120, "dent": 12}, apart=1)
    balanced = TrainerConfig(balanced=True, search_seconds=0)
    plain = TrainerConfig(search_seconds=0)
    usual, lifted = (
        fit(features, labels, classes=CLASSES, seed=1, config=config).predict_scores(features)[:, 2]
        for config in (plain, balanced)
    )
    assert lifted.mean() > usual.mean() + 0.1
    even = make_rows({"ok": 20, "dent": 20})
    assert content_hash(fit(*even, classes=CLASSES, seed=1, config=balanced)) == content_hash(
        fit(*even, classes=CLASSES, seed=1, config=plain)
    )


@pytest.mark.parametrize(
    "said", [{"balanced": 1}, {"search_seconds": -1}, {"search_seconds": np.nan}, {"search_seconds": "1"}, {"trees": 5}]
)
def test_nonsense_is_refused_by_name(said: dict[str, Any]) -> None:
    with pytest.raises(TrainingDataError) as refused:
        TrainerConfig.of(said)
    assert refused.value.code == "bad_config"
    assert next(iter(said)) in refused.value.message


def test_what_is_left_out_is_usual() -> None:
    assert TrainerConfig.of({}) == TrainerConfig()
    assert TrainerConfig.of({"balanced": True, "search_seconds": 5}) == TrainerConfig(True, 5.0)
