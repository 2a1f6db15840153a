"""Regions from the verdict to the truth, and from there to the rows that a detector is measured by."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User

import tests.factories as make
from labeling import verdicts
from labeling.models import GroundTruth, Inspection, Prediction, RegionMatch, Review
from labeling.regions.measuring import rebuild_regions
from labeling.verdicts import Recorded, Said, record_verdict
from models_registry.models import RegisteredModel
from reviewapp.errors import ReviewAppError

pytestmark = pytest.mark.django_db
NOW = make.NOW
KEPT, REMOVED = ({"origin": origin, "predicted": 0} for origin in ("kept", "removed"))
ADDED = {"origin": "added", "label": "dent", "box": [50.0, 50, 20, 20]}


@pytest.fixture
def model() -> RegisteredModel:
    return make.make_model(kind="detection", review={"undo_minutes": 30})


def part(model: RegisteredModel, *, blind: bool = False, pi: float = 0.5, u: float = 0.01) -> Review:
    """A drawn part of 200 by 100 pixels on which the champion drew one scratch."""
    inspection = make.make_inspection()
    make.make_item(inspection=inspection, width=200, height=100)
    champion = model.versions.first() or make.make_version(registered_model=model)
    findings = make.drawn(make.a_box(10, 10, 40, 20))
    prediction = make.make_prediction(version=champion, inspection=inspection, findings=findings)
    make.make_selection(inspection=inspection, registered_model=model, pi=pi, u=u)
    return make.make_review(prediction=prediction, blind=blind)


def say(who: User, review: Review, label: str, *regions: dict[str, Any], silent: bool = False) -> Recorded:
    findings = [] if silent else [{"view": "main", "regions": list(regions)}]
    phase = "blind" if review.blind else "shown"
    said = Said(uuid.uuid4(), "label", label, phase, NOW - timedelta(seconds=2), NOW, findings=findings)
    return record_verdict(review_id=review.pk, reviewer=who, said=said, now=NOW)


def truth() -> list[Any]:
    return list(GroundTruth.objects.get().findings)


def counted() -> dict[str, tuple[int, int, int]]:
    return {row.label: (row.n_matched, row.n_missed, row.n_false) for row in RegionMatch.objects.all()}


def test_a_verdicts_regions_are_kept_with_where_they_come_from(model: RegisteredModel, alice: User) -> None:
    verdict = say(alice, part(model), "scratch", KEPT, ADDED).verdict

    (view,) = verdict.findings
    assert (view["view"], view["version"]) == ("main", model.versions.get().short_name)
    assert [(one["origin"], one["label"], one["box"]) for one in view["regions"]] == [
        ("kept", "scratch", [10, 10, 40, 20]), ("added", "dent", [50, 50, 20, 20]),
    ]  # fmt: skip


def test_the_truth_has_what_stands(model: RegisteredModel, alice: User) -> None:
    say(alice, part(model), "dent", REMOVED, ADDED)

    assert truth() == [{"view": "main", "regions": [{"label": "dent", "box": [50, 50, 20, 20]}]}]


def test_a_detector_is_measured_by_what_it_found(model: RegisteredModel, alice: User) -> None:
    say(alice, part(model), "scratch", KEPT, ADDED)

    assert counted() == {"": (1, 1, 0), "scratch": (1, 0, 0), "dent": (0, 1, 0)}
    row = RegionMatch.objects.get(label="")
    assert (row.pi, row.floor_pi, row.is_certainty, row.day) == (0.5, 0.02, False, NOW.date())


def test_on_a_good_part_every_region_is_false_removed_or_not(model: RegisteredModel, alice: User) -> None:
    say(alice, part(model), "ok", silent=True)

    assert (truth(), counted()) == ([{"view": "main", "regions": []}], {"": (0, 0, 1), "scratch": (0, 0, 1)})


def test_a_defect_without_a_word_on_regions_measures_none(model: RegisteredModel, alice: User) -> None:
    say(alice, part(model), "scratch", silent=True)

    assert (truth(), counted()) == ([], {})


def test_blind_only_new_regions_can_be_said(model: RegisteredModel, alice: User) -> None:
    review = part(model, blind=True)
    with pytest.raises(ReviewAppError, match="names no region that was shown"):
        say(alice, review, "scratch", KEPT)
    say(alice, review, "scratch", {**ADDED, "label": "scratch", "box": [12.0, 10, 40, 20]})

    assert counted() == {"": (1, 0, 0), "scratch": (1, 0, 0)}


def test_a_region_outside_the_image_is_refused_and_nothing_is_stored(model: RegisteredModel, alice: User) -> None:
    review = part(model)
    with pytest.raises(ReviewAppError, match="inside the image of 200 by 100"):
        say(alice, review, "dent", {**ADDED, "box": [190.0, 50, 20, 20]})

    assert not review.verdicts.exists()


def test_an_undo_takes_the_measure_back_and_another_word_makes_it_anew(model: RegisteredModel, alice: User) -> None:
    review = part(model)
    said = say(alice, review, "scratch", KEPT)
    verdicts.undo(target=said.verdict.client_id, client_id=uuid.uuid4(), reviewer=alice, now=NOW)
    assert (counted(), GroundTruth.objects.count()) == ({}, 0)

    say(alice, review, "scratch", REMOVED)
    assert counted() == {"": (0, 0, 1), "scratch": (0, 0, 1)}


def test_two_people_settle_what_both_drew(alice: User, bob: User, model: RegisteredModel) -> None:
    model.review_policy.votes_needed = 2
    model.review_policy.save()
    review = part(model)
    say(alice, review, "scratch", KEPT, ADDED)
    assert counted() == {}
    say(bob, review, "scratch", KEPT)

    assert truth() == [{"view": "main", "regions": [{"label": "scratch", "box": [10, 10, 40, 20]}]}]
    assert counted() == {"": (1, 0, 0), "scratch": (1, 0, 0)}


def test_an_adjudicators_regions_go_before_the_others(model: RegisteredModel, alice: User, bob: User) -> None:
    first = part(model)
    say(alice, first, "scratch", KEPT)
    say(bob, first, "dent", ADDED)
    second = Review.objects.get(inspection=first.inspection, reason="adjudication")
    lena = make.make_member("lead", registered_model=model)
    say(lena, second, "scratch", {**ADDED, "label": "scratch"})

    assert truth()[0]["regions"] == [{"label": "scratch", "box": [50, 50, 20, 20]}]


def test_what_was_not_drawn_measures_nothing(model: RegisteredModel, alice: User) -> None:
    say(alice, part(model, u=0.9), "scratch", KEPT)

    assert (len(truth()), counted()) == (1, {})


def test_a_classifier_is_not_measured_by_regions(alice: User) -> None:
    other = make.make_model()
    make.make_member(user=alice, registered_model=other)
    say(alice, part(other), "scratch", KEPT)

    assert (len(truth()), counted()) == (1, {})


def test_rebuilt_every_version_that_spoke_is_measured(model: RegisteredModel, alice: User) -> None:
    review = part(model)
    say(alice, review, "scratch", KEPT)
    candidate = make.make_version(registered_model=model)
    make.make_prediction(version=candidate, inspection=review.inspection)
    assert rebuild_regions(model) == 1

    assert set(RegionMatch.objects.filter(label="").values_list("model_version", "n_matched", "n_missed")) == {
        (model.versions.earliest("number").pk, 1, 0), (candidate.pk, 0, 1),
    }  # fmt: skip
    assert Prediction.objects.filter(region_matches__label="").count() == 2
    assert Inspection.objects.count() == 1
