"""A grid: parts of one predicted class, the most doubtful first, each with a verdict of its own that is marked."""

from __future__ import annotations

import uuid
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from django.contrib.auth.models import User
from pytest_django import DjangoAssertNumQueries

import tests.factories as make
from labeling import grid, queue
from labeling.grid import claim_tiles
from labeling.models import GroundTruth, Review, Tally, Verdict
from labeling.reviewed import SHOWN
from labeling.verdicts import Said, record_verdict
from models_registry.models import ModelVersion, RegisteredModel
from reviewapp.errors import ReviewAppError
from tests.labeling.sums import added_up_anew, numbers, told
from tests.together import all_done

NOW = make.NOW


@pytest.fixture
def model(db: None) -> RegisteredModel:
    return make.make_model(review={"min_view_ms": 0, "lease_seconds": 60})


def part(version: ModelVersion, label: str, confidence: float | None, **fields: Any) -> Review:
    said = make.make_prediction(version=version, label=label, confidence=confidence)
    doubt = 1 - (confidence or 0)
    make.make_selection(inspection=said.inspection, registered_model=version.registered_model, uncertainty=doubt)
    return make.make_review(prediction=said, **{"blind": False, **fields})


def tiles(user: User, model: RegisteredModel, n: int = 12, **fields: Any) -> list[int]:
    found = claim_tiles(user=user, registered_model=model, n=n, now=fields.pop("now", NOW), **fields)
    return [one.pk for one in found.reviews]


def say(who: User, review: Review, word: str, **fields: Any) -> Verdict:
    kind = word if word in {"unsure", "bad_image"} else "label"
    label = word if kind == "label" else None
    said = Said(uuid.uuid4(), kind, label, fields.pop("phase", "shown"), NOW, NOW, **{"surface": "grid", **fields})
    return record_verdict(review_id=review.pk, reviewer=who, said=said, now=NOW).verdict


def test_the_most_doubtful_of_the_commonest_class_come_first(version: ModelVersion, alice: User) -> None:
    model = version.registered_model
    sure, doubtful, middle = (part(version, "scratch", share).pk for share in (0.99, 0.52, 0.8))
    part(version, "dent", 0.1)
    found = claim_tiles(user=alice, registered_model=model, n=2, now=NOW)
    assert found.label is not None
    assert found.label.slug == "scratch"
    assert [one.pk for one in found.reviews] == [doubtful, middle]
    assert [(one.label.slug, one.n) for one in found.waiting] == [("scratch", 3), ("dent", 1)]
    assert Review.objects.get(pk=sure).claimed_by is None


def test_a_class_may_be_named_and_one_without_a_confidence_is_the_most_doubtful(
    version: ModelVersion, alice: User
) -> None:
    part(version, "scratch", 0.9)
    known, unknown = part(version, "dent", 0.3).pk, part(version, "dent", None).pk
    dent, good = (make.label_of(version.registered_model, slug) for slug in ("dent", "ok"))
    assert tiles(alice, version.registered_model, label=dent) == [unknown, known]
    assert tiles(alice, version.registered_model, label=good) == []


def test_blind_second_and_unpredicted_reviews_come_into_no_grid(version: ModelVersion, alice: User) -> None:
    model = version.registered_model
    part(version, "scratch", 0.5, blind=True)
    make.make_review(registered_model=model, blind=False)
    assert tiles(alice, model) == []


def test_what_a_colleague_holds_or_one_has_on_screen_does_not_come(version: ModelVersion, alice: User) -> None:
    model = version.registered_model
    bob = make.make_member(user=make.make_user("bob"), registered_model=model)
    reviews = [part(version, "scratch", share).pk for share in (0.5, 0.6, 0.7)]
    assert tiles(bob, model, 1) == reviews[:1]
    assert tiles(alice, model, holding=reviews[1:2]) == reviews[2:]
    assert tiles(alice, model, now=NOW + timedelta(seconds=61), holding=reviews[2:]) == reviews[:2]


def test_a_page_that_broke_off_comes_again(version: ModelVersion, alice: User) -> None:
    """All that there is was leased by a page that could not give it back."""
    pks = [part(version, "scratch", 0.5 + share / 10).pk for share in range(3)]
    assert tiles(alice, version.registered_model) == tiles(alice, version.registered_model) == pks
    assert tiles(alice, version.registered_model, holding=pks) == []


def test_what_is_taken_out_is_the_next_that_the_station_hands_to_the_same_person(
    version: ModelVersion, alice: User
) -> None:
    model = version.registered_model
    reviews = [part(version, "scratch", share) for share in (0.5, 0.6, 0.7, 0.8)]
    tiles(alice, model, 3)
    taken_out = reviews[1]
    for one in (reviews[0], reviews[2]):
        say(alice, one, "scratch")
    assert queue.claim(user=alice, registered_model=model, n=1, now=NOW) == [taken_out]


def test_a_verdict_of_a_grid_is_what_was_predicted_and_nothing_else(version: ModelVersion, alice: User) -> None:
    review = part(version, "scratch", 0.5)
    for word in ("dent", "unsure", "bad_image"):
        with pytest.raises(ReviewAppError) as refusal:
            say(alice, review, word)
        assert refusal.value.fields.keys() == {"label"}
    with pytest.raises(ReviewAppError):
        say(alice, part(version, "scratch", 0.5, blind=True), "scratch", phase="blind")
    assert say(alice, review, "scratch").surface == "grid"


def test_what_rests_on_a_grid_alone_is_a_slice_of_its_own(version: ModelVersion, alice: User) -> None:
    model = version.registered_model
    bob = make.make_member(user=make.make_user("bob"), registered_model=model)
    in_grid, one_by_one = part(version, "scratch", 0.5), part(version, "scratch", 0.6)
    say(alice, in_grid, "scratch")
    say(alice, one_by_one, "scratch", surface="station")
    assert kinds() == {"grid": 1, "shown": 1}

    say(bob, in_grid, "scratch", surface="station")  # a second voice that looked at it alone

    assert not GroundTruth.objects.filter(by_grid=True).exists()
    assert kinds() == {"shown": 2}
    assert numbers(told()) == pytest.approx(numbers(added_up_anew()), abs=1e-6)
    assert "grid" in SHOWN


def kinds() -> dict[str, int]:
    found: dict[str, int] = {}
    for key, n in Tally.objects.filter(dimension="shown").values_list("key", "n"):
        found[key] = found.get(key, 0) + n
    return {key: n for key, n in found.items() if n}


@pytest.mark.django_db(transaction=True)
def test_people_who_open_grids_in_the_same_moment_share_no_part(version: ModelVersion) -> None:
    model = version.registered_model
    people = [make.make_member(user=make.make_user(f"i{n}"), registered_model=model) for n in range(4)]
    for number in range(20):
        part(version, "scratch", number / 20)
    found: list[int] = []
    all_done([partial(lambda who: found.extend(tiles(who, model, 6)), who) for who in people])
    assert len(found) == len(set(found))
    assert len(found) >= 6


def test_a_grid_costs_the_same_queries_however_many_tiles(
    version: ModelVersion, alice: User, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(30):
        part(version, "scratch", number / 30)
    with django_assert_max_num_queries(14):
        assert len(tiles(alice, version.registered_model, 100)) == grid.MOST_TILES
