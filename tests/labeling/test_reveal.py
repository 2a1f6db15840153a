"""The first word is blind; what the model said comes after it, to its author, and what follows is kept apart."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User

import tests.factories as make
from labeling import verdicts
from labeling.errors import NothingToReveal, PredictionRevealed
from labeling.models import GroundTruth, Reveal, Review, ReviewPolicy, Tally, Verdict
from labeling.reveal import reveal
from labeling.verdicts import Recorded, Said, record_verdict
from models_registry.models import RegisteredModel
from reviewapp.errors import NotAllowed, NotFound, ReviewAppError
from tests.together import all_done

NOW = make.NOW


@pytest.fixture
def model(db: None) -> RegisteredModel:
    return make.make_model(review={"min_view_ms": 0})


@pytest.fixture
def review(model: RegisteredModel) -> Review:
    """Blind; the model says scratch."""
    prediction = make.make_prediction(version=make.make_version(registered_model=model))
    make.make_selection(inspection=prediction.inspection, registered_model=model)
    return make.make_review(prediction=prediction)


def say(who: User, review: Review, word: str, *, phase: str = "blind", **fields: Any) -> Recorded:
    kind = word if word in {"unsure", "bad_image"} else "label"
    said = Said(uuid.uuid4(), kind, word if kind == "label" else None, phase, NOW - timedelta(seconds=2), NOW, **fields)
    return record_verdict(review_id=review.pk, reviewer=who, said=said, now=NOW)


def show(who: User, review: Review) -> str | None:
    found = reveal(review_id=review.pk, person=who, now=NOW).prediction
    return found.label.slug if found else None


def take_back(said: Recorded) -> Review:
    return verdicts.undo(target=said.verdict.client_id, client_id=uuid.uuid4(), reviewer=said.verdict.reviewer, now=NOW)


def test_a_difference_is_shown_to_who_has_judged_and_written_down_once(alice: User, review: Review) -> None:
    say(alice, review, "dent")
    assert [show(alice, review), show(alice, review)] == ["scratch", "scratch"]
    assert [(one.person, one.was_decided) for one in Reveal.objects.all()] == [(alice, True)]


def test_before_the_verdict_nothing_is_shown(alice: User, review: Review) -> None:
    with pytest.raises(NothingToReveal) as refusal:
        show(alice, review)
    assert refusal.value.code == "not_judged"
    assert not Reveal.objects.exists()


@pytest.mark.parametrize("word", ["scratch", "unsure", "bad_image"])
def test_where_nothing_differs_nothing_is_shown_and_a_slip_is_taken_back_as_ever(
    word: str, alice: User, review: Review
) -> None:
    said = say(alice, review, word)
    assert show(alice, review) is None
    assert not Reveal.objects.exists()
    take_back(said)
    assert say(alice, review, "ok").settled


def test_the_policy_keeps_predictions_hidden(alice: User, review: Review) -> None:
    ReviewPolicy.objects.update(reveal=False)
    say(alice, review, "dent")
    with pytest.raises(NotAllowed) as refusal:
        show(alice, review)
    assert refusal.value.code == "reveal_off"


def test_somebody_elses_verdict_opens_nothing_and_strangers_learn_nothing(
    model: RegisteredModel, alice: User, review: Review
) -> None:
    say(alice, review, "dent")
    bob = make.make_member(user=make.make_user("bob"), registered_model=model)
    with pytest.raises(NothingToReveal):
        show(bob, review)
    with pytest.raises(NotFound):
        show(make.make_user("charlie"), review)


def test_without_a_prediction_or_with_one_that_was_shown_there_is_nothing_to_reveal(
    model: RegisteredModel, alice: User
) -> None:
    first_label = make.make_review(registered_model=model)
    said = make.make_prediction(version=make.make_version(registered_model=model))
    shown = make.make_review(prediction=said, blind=False)
    say(alice, first_label, "dent")
    say(alice, shown, "dent", phase="shown")
    for one, code in ((first_label, "no_prediction"), (shown, "not_blind")):
        with pytest.raises(NothingToReveal) as refusal:
            show(alice, one)
        assert refusal.value.code == code


def test_a_revision_is_a_second_row_that_neither_truth_nor_estimate_reads(alice: User, review: Review) -> None:
    say(alice, review, "dent")
    show(alice, review)
    before = list(Tally.objects.order_by("pk").values())

    revised = say(alice, review, "scratch", phase="revealed")

    assert list(Verdict.objects.order_by("pk").values_list("phase", "label__slug")) == [
        ("blind", "dent"),
        ("revealed", "scratch"),
    ]
    assert revised.settled
    truth = GroundTruth.objects.get()
    assert (truth.label and truth.label.slug, truth.n_verdicts) == ("dent", 1)
    assert list(Tally.objects.order_by("pk").values()) == before


def test_after_the_reveal_nothing_blind_is_said_or_taken_back(alice: User, review: Review) -> None:
    said = say(alice, review, "dent")
    show(alice, review)
    with pytest.raises(PredictionRevealed):
        take_back(said)
    with pytest.raises(PredictionRevealed):
        say(alice, review, "scratch")
    assert Verdict.objects.get() == said.verdict


def test_a_revision_is_taken_back_and_opens_nothing(model: RegisteredModel, alice: User, review: Review) -> None:
    ReviewPolicy.objects.update(votes_needed=2)
    say(alice, review, "dent")
    show(alice, review)
    revised = say(alice, review, "scratch", phase="revealed")
    take_back(revised)
    review.refresh_from_db()
    assert review.claimed_by is None
    assert not Verdict.objects.current().filter(phase="revealed").exists()


def test_nobody_revises_who_was_shown_nothing(alice: User, review: Review) -> None:
    for before in (lambda: None, lambda: say(alice, review, "dent")):
        before()
        with pytest.raises(ReviewAppError) as refusal:
            say(alice, review, "scratch", phase="revealed")
        assert "phase" in refusal.value.fields


def test_a_revision_does_not_touch_the_lease_of_who_speaks_next(
    model: RegisteredModel, alice: User, review: Review
) -> None:
    ReviewPolicy.objects.update(votes_needed=2)
    bob = make.make_member(user=make.make_user("bob"), registered_model=model)
    say(alice, review, "dent")
    show(alice, review)
    Review.objects.update(claimed_by=bob, claim_expires_at=NOW + timedelta(minutes=5))
    revised = say(alice, review, "scratch", phase="revealed")
    assert (revised.verdict.lease_lost, revised.settled) == (False, False)
    assert Review.objects.get().claimed_by == bob


@pytest.mark.django_db(transaction=True)
def test_a_reveal_and_an_undo_in_the_same_moment_never_both_happen(alice: User, review: Review) -> None:
    said = say(alice, review, "dent")
    all_done([lambda: quietly(lambda: show(alice, review)), lambda: quietly(lambda: take_back(said))])
    stands = Verdict.objects.current().exists()
    assert Reveal.objects.exists() == stands


def quietly(act: Any) -> None:
    try:
        act()
    except ReviewAppError:
        return
