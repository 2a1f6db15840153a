"""Where every model stands, in a number of queries that does not grow with the number of models."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from pytest_django import DjangoAssertNumQueries

from labeling.status import ModelStatus, by_attention, fleet_status, model_status
from models_registry.models import RegisteredModel
from tests import factories as make
from tests.factories import NOW

pytestmark = pytest.mark.django_db


def busy_model(number: int) -> RegisteredModel:
    """A model with some of everything."""
    model = make.make_model(slug=f"busy-{number}", retraining={"min_new_labels": 4}, target_accuracy=0.9)
    champion = make.make_version(registered_model=model)
    station = make.make_station()
    make.make_deployment(station=station, version=champion)
    inspection = make.make_inspection(station=station)
    make.make_selection(inspection=inspection, registered_model=model)
    make.make_verdict(review=make.make_review(registered_model=model, inspection=inspection))
    make.make_ground_truth(registered_model=model, inspection=inspection)
    make.make_evaluation(version=champion, evaluated_at=NOW - timedelta(hours=1), value=0.91, ci_low=0.9, ci_high=0.92)
    make.make_evaluation(version=champion)
    make.make_steps(run=make.make_run(registered_model=model, status="running"), n_done=3)
    make.make_promotion(version=champion)
    make.make_alert(registered_model=model)
    return model


def statuses() -> list[ModelStatus]:
    return fleet_status(RegisteredModel.objects.all(), now=NOW)


@pytest.mark.parametrize("n_models", [1, 20])
def test_the_number_of_queries_does_not_depend_on_the_number_of_models(
    n_models: int, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(n_models):
        busy_model(number)

    with django_assert_num_queries(15):
        found = statuses()
        assert all(status.why and status.state for status in found)
        assert all(list(status.active_run.steps.all()) for status in found if status.active_run)
    assert len(found) == n_models


def test_everything_about_a_model_is_counted() -> None:
    status = model_status(busy_model(1), now=NOW)

    assert (status.n_versions, status.n_inspections, status.n_reviews_open, status.n_verdicts) == (1, 1, 1, 1)
    assert (status.n_new_labels, status.min_new_labels, status.next_share) == (1, 4, 0.25)
    assert (status.runs_by_status, status.n_promotions, len(status.alerts)) == ({"running": 1}, 1, 1)
    assert status.active_run is not None
    assert status.evaluation is not None
    assert status.evaluation.value == 0.94  # the newest
    assert len(status.places) == 1


def test_one_model_never_counts_what_belongs_to_another() -> None:
    busy_model(1)
    idle = make.make_model()

    status = model_status(idle, now=NOW)
    assert (status.n_versions, status.n_inspections, status.n_reviews_open, status.n_new_labels) == (0, 0, 0, 0)
    assert (status.runs_by_status, status.alerts, status.champion, status.evaluation) == ({}, [], None, None)


def test_labels_that_a_successful_run_learned_from_are_not_new_but_those_of_a_failed_one_are() -> None:
    model = make.make_model()
    for run_status in ("succeeded", "failed"):
        run = make.make_run(registered_model=model, status=run_status)
        make.make_ground_truth(registered_model=model, frozen_in=run.dataset)
    make.make_ground_truth(registered_model=model)
    make.make_ground_truth(registered_model=model, label=None)  # a bad image teaches nothing
    make.make_ground_truth(registered_model=model, inspection=make.make_inspection(withdrawn_at=NOW))

    assert model_status(model, now=NOW).n_new_labels == 2


def test_images_labelled_before_there_is_a_model_count_as_inspections() -> None:
    model = make.make_model()
    review = make.make_review(registered_model=model, reason="first_labels")
    make.make_selection(inspection=review.inspection, registered_model=model, stratum="certainty", pi=1)

    status = model_status(model, now=NOW)
    assert (status.n_inspections, status.state) == (1, "new")
    assert "people label the first images" in status.why


def test_an_open_alert_comes_before_everything_and_says_why() -> None:
    model = make.make_model()
    make.make_version(registered_model=model)
    make.make_version(registered_model=model)  # a candidate
    make.make_alert(registered_model=model, message="Run 3 failed: 2 images are missing.")
    make.make_alert(registered_model=model, kind="artifact_refused", resolved_at=NOW)

    status = model_status(model, now=NOW)
    assert (status.state, status.why) == ("alert", "Run 3 failed: 2 images are missing.")
    assert (len(status.alerts), status.n_waiting_candidates) == (1, 1)
    assert "waits" in status.why_more


@pytest.mark.parametrize(
    ("estimate", "state"),
    [
        ({"value": 0.92, "ci_low": 0.9, "ci_high": 0.94}, "alert"),  # all of the interval below the target
        ({"value": 0.94, "ci_low": 0.92, "ci_high": 0.96}, "watch"),  # below, but the interval holds it
        ({"value": 0.97, "ci_low": 0.94, "ci_high": 0.99}, "ok"),
        ({"value": 0.5, "ci_low": 0.1, "ci_high": 0.9, "bound_only": True, "n": 12}, "new"),  # a bound raises no alarm
        ({"value": 0.99, "ci_high": 1.0, "lower_bound": 0.96, "bound_only": True}, "ok"),
        ({"n": 0}, "new"),
    ],
)
def test_the_state_follows_the_interval_not_the_luck_of_the_draw(estimate: dict[str, float], state: str) -> None:
    model = make.make_model(target_accuracy=0.95)
    make.make_evaluation(version=make.make_version(registered_model=model), **estimate)

    assert model_status(model, now=NOW).state == state


def test_a_candidate_waits_for_a_person_until_it_is_refused() -> None:
    model = make.make_model()
    make.make_evaluation(version=make.make_version(registered_model=model))
    candidate = make.make_version(registered_model=model)

    assert model_status(model, now=NOW).state == "waits"
    candidate.stage = "rejected"
    candidate.save()
    assert model_status(model, now=NOW).state == "ok"


def test_overdue_reviews_are_told_from_open_ones() -> None:
    model = make.make_model()
    deadline: dict[str, Any] = {"mode": "blocking", "default_disposition": "hold"}
    make.make_review(registered_model=model, deadline=NOW - timedelta(minutes=1), **deadline)
    make.make_review(registered_model=model, deadline=NOW + timedelta(minutes=1), **deadline)
    make.make_review(registered_model=model, status="settled")

    status = model_status(model, now=NOW)
    assert (status.n_reviews_open, status.n_reviews_overdue) == (2, 1)


def test_what_nobody_can_be_handed_yet_is_told_from_what_is_open() -> None:
    model = make.make_model()
    make.make_review(registered_model=model)
    make.make_review(registered_model=model, waits_for_image=True, created_at=NOW - timedelta(days=1))

    status = model_status(model, now=NOW)

    assert (status.n_reviews_open, status.n_waiting_for_image, status.oldest_open_at) == (1, 1, NOW)


def test_the_fleet_is_sorted_by_state_and_then_by_the_oldest_review() -> None:
    young, old, alarmed = (make.make_model(slug=slug) for slug in ("young", "old", "alarmed"))
    make.make_review(registered_model=young, created_at=NOW)
    make.make_review(registered_model=old, created_at=NOW - timedelta(hours=3))
    make.make_alert(registered_model=alarmed)

    assert [status.registered_model for status in by_attention(statuses())] == [alarmed, old, young]
