"""The arrays that the estimators read, against numbers worked out by hand."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Literal

import pytest

import tests.factories as make
from labeling.measurement import Measurement, evaluate, measure
from labeling.models import Inspection, RoutingState, Selection
from labeling.routing_state import refresh_mean_uncertainties
from labeling.windows import Window
from models_registry.models import Evaluation, ModelVersion

NOW = make.NOW


@pytest.fixture
def version(db: None) -> ModelVersion:
    return make.make_version()


def part(
    version: ModelVersion,
    *,
    said: str = "ok",
    truth: str | Literal[False] | None = False,
    pi: float = 0.5,
    **fields: Any,
) -> Inspection:
    """An inspection with its draw. ``truth``: a label, None for a bad image, False for not settled."""
    inspection = make.make_inspection(
        **{name: fields.pop(name) for name in ("purpose", "withdrawn_at") if name in fields}
    )
    make.make_prediction(version=version, inspection=inspection, label=said)
    model = version.registered_model
    make.make_selection(inspection=inspection, registered_model=model, pi=pi, **fields)
    if truth is not False:
        make.make_ground_truth(registered_model=model, inspection=inspection, label=truth or None)
    return inspection


def measured(version: ModelVersion) -> Measurement:
    return measure(version, Window.of_days(2, now=NOW))


def test_without_verdicts_there_is_no_number(version: ModelVersion) -> None:
    assert measured(version).estimate.value is None
    part(version)

    found = measured(version)
    assert (found.estimate.value, found.estimate.n, found.naive.value) == (None, 0, None)
    evaluation = evaluate(version, now=NOW + timedelta(hours=1))
    assert evaluation is not None
    assert (evaluation.value, evaluation.n) == (None, 0)


def test_errors_are_weighted_by_one_over_their_probability(version: ModelVersion) -> None:
    """Ten parts: one error at pi 0.5 (weight 2) and one at 0.25 (weight 4), two right, six not drawn: 1 - 6/10."""
    part(version, said="ok", truth="dent", pi=0.5)
    part(version, said="ok", truth="dent", pi=0.25)
    part(version, said="ok", truth="ok", pi=0.5)
    part(version, said="dent", truth="dent", pi=0.25)
    for _ in range(6):
        part(version, u=0.9)

    found = measured(version)

    assert found.estimate.value == pytest.approx(0.4)
    assert (found.estimate.n, found.estimate.n_found, found.estimate.n_arrived) == (4, 2, 10)
    assert (found.naive.value, found.naive.n) == (0.5, 4)
    assert found.confusion == [("dent", "dent", 4, 1), ("dent", "ok", 6, 2), ("ok", "ok", 2, 1)]


def test_what_is_always_checked_is_counted_and_not_weighted(version: ModelVersion) -> None:
    """Certainty: one error of two. Sampled: one error at pi 0.5 among two. 1 - (1 + 2)/4."""
    sure: dict[str, Any] = {"pi": 1.0, "stratum": "certainty"}
    part(version, said="scratch", truth="scratch", **sure)
    part(version, said="scratch", truth="ok", **sure)
    part(version, said="ok", truth="dent")
    part(version, u=0.7)

    assert measured(version).estimate.value == pytest.approx(0.25)


def test_what_cannot_be_judged_leaves_the_domain(version: ModelVersion) -> None:
    part(version, said="ok", truth="ok", pi=1.0)
    part(version, said="ok", truth="dent", pi=1.0)
    part(version, said="ok", truth=None, pi=1.0)

    found = measured(version)

    assert (found.estimate.value, found.estimate.n_arrived, found.estimate.n) == (0.5, 2, 2)


def test_a_drawn_part_that_nobody_has_judged_makes_the_number_provisional(version: ModelVersion) -> None:
    """One error settled of two drawn at pi 0.5: its weight is 4 of the 8 that arrived."""
    part(version, said="ok", truth="dent")
    part(version)
    for _ in range(6):
        part(version, u=0.9)

    found = measured(version).estimate

    assert found.value == pytest.approx(0.5)
    assert (found.provisional, found.response_rate) == (True, 0.5)


def test_another_versions_predictions_are_not_read(version: ModelVersion) -> None:
    shadow = make.make_version(registered_model=version.registered_model)
    both = part(version, said="ok", truth="dent", pi=1.0)
    make.make_prediction(version=shadow, inspection=both, label="dent")
    part(shadow, said="ok", truth="dent", pi=1.0)

    assert (measured(version).estimate.value, measured(version).estimate.n) == (0, 1)
    assert (measured(shadow).estimate.value, measured(shadow).estimate.n) == (0.5, 2)


def test_tests_imports_and_withdrawn_parts_are_not_read(version: ModelVersion) -> None:
    part(version, said="ok", truth="ok", pi=1.0)
    for fields in ({"purpose": "challenge"}, {"purpose": "import"}, {"withdrawn_at": NOW}):
        part(version, said="ok", truth="dent", pi=1.0, **fields)

    assert (measured(version).estimate.value, measured(version).estimate.n_arrived) == (1, 1)


def test_the_window_is_one_of_production_days_both_included(version: ModelVersion) -> None:
    part(version, said="ok", truth="ok", pi=1.0)
    day, one = NOW.date(), timedelta(days=1)

    assert measure(version, Window(day, day)).estimate.n == 1
    assert measure(version, Window(day - one, day - one)).estimate.n == 0
    assert measure(version, Window(day + one, day + one)).estimate.n == 0


def test_an_evaluation_names_the_designs_by_which_its_parts_were_drawn(version: ModelVersion) -> None:
    design = Selection.objects.get(inspection=part(version, truth="ok")).design_id

    evaluation = evaluate(version, now=NOW + timedelta(hours=1))

    assert evaluation is not None
    assert evaluation.designs == [design]


def test_arrivals_alone_are_recorded_once_in_a_while(version: ModelVersion) -> None:
    part(version, said="ok", truth="ok", pi=0.5)
    assert evaluate(version, now=NOW) is not None

    part(version, u=0.9)

    assert evaluate(version, now=NOW + timedelta(minutes=9)) is None
    recorded = evaluate(version, now=NOW + timedelta(minutes=11))
    assert recorded is not None
    assert recorded.n_arrived == 2


def test_the_same_inputs_are_recorded_once(version: ModelVersion) -> None:
    part(version, said="ok", truth="ok", pi=1.0)
    later = NOW + timedelta(hours=1)

    assert evaluate(version, now=later) is not None
    assert evaluate(version, now=later + timedelta(hours=1)) is None
    part(version, said="ok", truth="dent", pi=1.0)
    assert evaluate(version, now=later + timedelta(hours=2)) is not None
    assert [one.value for one in Evaluation.objects.order_by("pk")] == [1, 0.5]


def test_the_mean_uncertainty_is_of_the_sampled_stratum_and_waits_for_fifty(version: ModelVersion) -> None:
    for _ in range(49):
        part(version, uncertainty=0.3)
    part(version, uncertainty=0.01, pi=1.0, stratum="certainty")
    refresh_mean_uncertainties(version.registered_model)
    assert not RoutingState.objects.exists()

    part(version, uncertainty=0.3)
    refresh_mean_uncertainties(version.registered_model)

    state = RoutingState.objects.get()
    assert state.mean_uncertainty == pytest.approx(0.3)
    assert state.n == 50
