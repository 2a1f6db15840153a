"""What people disagree about, are unsure of or doubt is decided by somebody who has not spoken."""

from __future__ import annotations

import uuid
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from django.contrib.auth.models import User
from pytest_django import DjangoAssertNumQueries

import tests.factories as make
from labeling import adjudication
from labeling.adjudication import case, cases, challenge, take
from labeling.errors import LeaseLost, NoSuchReview, NotSettled
from labeling.models import Challenge, GroundTruth, Reveal, Review, ReviewPolicy
from labeling.reveal import reveal
from labeling.verdicts import Said, record_verdict
from models_registry.models import RegisteredModel
from reviewapp.errors import NotAllowed, NotFound, ReviewAppError
from tests.together import all_done

NOW = make.NOW


@pytest.fixture
def model(db: None) -> RegisteredModel:
    return make.make_model(review={"min_view_ms": 0, "votes_needed": 2, "lease_seconds": 60})


def member(name: str, model: RegisteredModel, role: str = "inspector") -> User:
    return make.make_member(role, user=make.make_user(name), registered_model=model)


@pytest.fixture
def alice(model: RegisteredModel) -> User:
    return member("alice", model)


@pytest.fixture
def bob(model: RegisteredModel) -> User:
    return member("bob", model)


@pytest.fixture
def lena(model: RegisteredModel) -> User:
    return member("lena", model, "adjudicator")


def part(model: RegisteredModel) -> Review:
    version = model.versions.first() or make.make_version(registered_model=model)
    return make.make_review(prediction=make.make_prediction(version=version))


def say(who: User, review: Review, word: str, *, phase: str = "blind", seconds: int = 3, note: str = "") -> None:
    kind = word if word in {"unsure", "bad_image"} else "label"
    label = word if kind == "label" else None
    said = Said(uuid.uuid4(), kind, label, phase, NOW - timedelta(seconds=seconds), NOW, note=note)
    record_verdict(review_id=review.pk, reviewer=who, said=said, now=NOW)


def disputed(model: RegisteredModel, alice: User, bob: User) -> Review:
    """The round that decides between a dent and a scratch."""
    first = part(model)
    say(alice, first, "dent", seconds=6, note="Soft edge")
    say(bob, first, "scratch")
    return Review.objects.get(inspection=first.inspection, reason="adjudication")


def truth() -> Any:
    found = GroundTruth.objects.select_related("label").get()
    return (found.label.slug if found.label else None, found.method, found.n_verdicts)


def test_a_case_has_the_words_side_by_side_and_no_names(
    model: RegisteredModel, alice: User, bob: User, lena: User
) -> None:
    deciding = disputed(model, alice, bob)
    (found,) = cases(lena, model, now=NOW)
    assert found.review == deciding
    assert [(one.letter, one.name, one.seconds, one.verdict.note) for one in found.voices] == [
        ("A", "Dent", 6, "Soft edge"),
        ("B", "Scratch", 3, ""),
    ]
    assert case(lena, model, deciding.pk, now=NOW).words == found.words


def test_the_decision_settles_and_the_verdicts_stay(model: RegisteredModel, alice: User, bob: User, lena: User) -> None:
    deciding = disputed(model, alice, bob)
    say(lena, deciding, "dent", note="It fades on both sides")
    assert truth() == ("dent", "adjudication", 3)
    assert set(Review.objects.values_list("status", flat=True)) == {"settled"}
    assert cases(lena, model, now=NOW) == []


def test_who_spoke_finds_no_case_and_cannot_take_it(model: RegisteredModel, alice: User, bob: User) -> None:
    carol = member("carol", model, "adjudicator")
    first = part(model)
    say(carol, first, "unsure")
    deciding = Review.objects.get(reason="adjudication")
    assert cases(carol, model, now=NOW) == []
    with pytest.raises(NotFound):
        case(carol, model, deciding.pk, now=NOW)
    with pytest.raises(NotAllowed):
        take(review_id=deciding.pk, user=carol, now=NOW)


def test_an_inspector_decides_nothing_and_a_stranger_finds_nothing(
    model: RegisteredModel, alice: User, bob: User
) -> None:
    deciding = disputed(model, alice, bob)
    dora = member("dora", model)
    assert cases(dora, model, now=NOW) == []
    with pytest.raises(NotAllowed):
        take(review_id=deciding.pk, user=dora, now=NOW)
    with pytest.raises(NoSuchReview):
        take(review_id=deciding.pk, user=make.make_user("charlie"), now=NOW)


def test_two_never_have_the_same_case_open(model: RegisteredModel, alice: User, bob: User, lena: User) -> None:
    deciding = disputed(model, alice, bob)
    other = member("olga", model, "adjudicator")
    assert take(review_id=deciding.pk, user=lena, now=NOW).claim_expires_at == NOW + timedelta(seconds=60)
    take(review_id=deciding.pk, user=lena, now=NOW)  # again, as after a reload
    with pytest.raises(LeaseLost):
        take(review_id=deciding.pk, user=other, now=NOW)
    (seen,) = cases(other, model, now=NOW)
    assert seen.is_held_by_another_than(other.pk)
    assert not seen.is_held_by_another_than(lena.pk)
    take(review_id=deciding.pk, user=other, now=NOW + timedelta(seconds=61))


@pytest.mark.django_db(transaction=True)
def test_of_two_who_take_a_case_in_the_same_moment_one_has_it(
    model: RegisteredModel, alice: User, bob: User, lena: User
) -> None:
    deciding = disputed(model, alice, bob)
    people = [lena, member("olga", model, "adjudicator"), member("mia", model, "adjudicator")]
    taken: list[User] = []

    def attempt(who: User) -> None:
        try:
            take(review_id=deciding.pk, user=who, now=NOW)
        except LeaseLost:
            return
        taken.append(who)

    all_done([partial(attempt, who) for who in people])
    assert [Review.objects.get(pk=deciding.pk).claimed_by] == taken


def test_looking_at_the_prediction_first_is_written_down_and_said(
    model: RegisteredModel, alice: User, bob: User, lena: User
) -> None:
    deciding = disputed(model, alice, bob)
    found = reveal(review_id=deciding.pk, person=lena, now=NOW)
    assert found.prediction is not None
    assert [(one.person, one.was_decided) for one in Reveal.objects.all()] == [(lena, False)]
    with pytest.raises(ReviewAppError):
        say(lena, deciding, "scratch")
    say(lena, deciding, "scratch", phase="shown")
    assert truth() == ("scratch", "adjudication", 3)


def test_the_prediction_is_shown_to_who_has_decided_also_where_the_policy_hides_it_at_the_station(
    model: RegisteredModel, alice: User, bob: User, lena: User
) -> None:
    ReviewPolicy.objects.update(reveal=False)
    deciding = disputed(model, alice, bob)
    say(lena, deciding, "scratch")
    assert reveal(review_id=deciding.pk, person=lena, now=NOW).prediction is not None


def test_who_spoke_before_is_shown_nothing_of_the_case(model: RegisteredModel, alice: User, bob: User) -> None:
    deciding = disputed(model, alice, bob)
    Review.objects.filter(pk=deciding.pk).update(status="open")
    with pytest.raises(NotAllowed):
        reveal(review_id=deciding.pk, person=alice, now=NOW)
    assert not Reveal.objects.exists()


def settled(model: RegisteredModel, alice: User) -> Review:
    ReviewPolicy.objects.update(votes_needed=1)
    review = part(model)
    say(alice, review, "ok")
    return review


def test_a_challenge_opens_a_case_and_the_truth_stands_until_it_is_decided(
    model: RegisteredModel, alice: User, bob: User, lena: User
) -> None:
    review = settled(model, alice)
    made, is_new = challenge(review_id=review.pk, by=bob, reason="A dent at the rim", now=NOW)
    again, is_new_again = challenge(review_id=review.pk, by=bob, reason="Still", now=NOW)
    assert (is_new, is_new_again, again) == (True, False, made)
    assert truth() == ("ok", "single", 1)

    (found,) = cases(lena, model, now=NOW)
    assert [one.reason for one in found.challenges] == ["A dent at the rim"]
    assert found.truth is not None

    say(lena, made.review, "dent")
    assert truth() == ("dent", "adjudication", 2)
    assert cases(lena, model, now=NOW) == []


def test_a_second_person_joins_an_open_challenge_and_neither_decides_it(
    model: RegisteredModel, alice: User, bob: User, lena: User
) -> None:
    review = settled(model, alice)
    first, _ = challenge(review_id=review.pk, by=bob, reason="Rim", now=NOW)
    second, _ = challenge(review_id=review.pk, by=lena, reason="Edge", now=NOW)
    assert first.review == second.review
    assert cases(lena, model, now=NOW) == []
    with pytest.raises(NotAllowed):
        take(review_id=first.review_id, user=lena, now=NOW)
    with pytest.raises(NotAllowed):
        say(lena, first.review, "dent")


def test_another_word_on_the_part_does_not_close_a_challenge(
    model: RegisteredModel, alice: User, bob: User, lena: User
) -> None:
    review = settled(model, alice)
    made, _ = challenge(review_id=review.pk, by=alice, reason="My finger slipped", now=NOW)
    say(bob, review, "ok")  # a lease that was lost, and the same word
    assert Review.objects.get(pk=made.review_id).status == "open"
    say(lena, made.review, "ok")
    assert truth() == ("ok", "adjudication", 3)


def test_what_is_not_settled_is_not_challenged_and_not_by_strangers(model: RegisteredModel, alice: User) -> None:
    review = part(model)
    with pytest.raises(NotSettled):
        challenge(review_id=review.pk, by=alice, reason="No", now=NOW)
    with pytest.raises(NoSuchReview):
        challenge(review_id=review.pk, by=make.make_user("charlie"), reason="No", now=NOW)
    assert not Challenge.objects.exists()


def test_the_oldest_case_comes_first_and_ages(model: RegisteredModel, alice: User, bob: User, lena: User) -> None:
    for days in (0, 3, 1):
        deciding = disputed(model, alice, bob)
        Review.objects.filter(pk=deciding.pk).update(created_at=NOW - timedelta(days=days))
    found = cases(lena, model, now=NOW + timedelta(hours=1))
    assert [one.is_late for one in found] == [True, True, False]
    assert [one.opened_at for one in found] == sorted(one.opened_at for one in found)


def test_a_list_of_cases_costs_as_many_queries_as_one(
    model: RegisteredModel, alice: User, bob: User, lena: User, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for _ in range(5):
        disputed(model, alice, bob)
    with django_assert_max_num_queries(7):
        assert len(cases(lena, model, now=NOW)) == 5
    assert adjudication.SHOWN >= 5
