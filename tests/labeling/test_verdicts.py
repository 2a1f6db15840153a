"""A verdict is recorded once and for ever; ground truth follows from the standing ones, and nothing else."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import pytest
from django.contrib.auth.models import User
from pytest_django import DjangoAssertNumQueries

import tests.factories as make
from labeling import queue, verdicts
from labeling.errors import NoSuchReview, NotSeen, ReviewClosed, UndoRefused
from labeling.models import GroundTruth, Review, ReviewPolicy, Verdict
from labeling.verdicts import Recorded, Said, record_verdict
from models_registry.models import RegisteredModel
from reviewapp.errors import Conflict, NotAllowed, NotFound, ReviewAppError
from tests.together import together

NOW = make.NOW


@pytest.fixture
def model(db: None) -> RegisteredModel:
    return make.make_model(review={"lease_seconds": 60, "undo_minutes": 30, "min_view_ms": 500})


@pytest.fixture
def review(model: RegisteredModel) -> Review:
    return make.make_review(registered_model=model)


@pytest.fixture
def lena(model: RegisteredModel) -> User:
    return make.make_member("lead", registered_model=model)


def words(
    word: str, *, phase: str = "blind", client_id: uuid.UUID | None = None, now: datetime = NOW, **fields: Any
) -> Said:
    kind = word if word in {"unsure", "bad_image"} else "label"
    seen = {"shown_at": now - timedelta(seconds=2), "said_at": now, **fields}
    return Said(client_id or uuid.uuid4(), kind, word if kind == "label" else None, phase, **seen)


def say(who: User, review: Review, word: str, *, minutes: int = 0, **fields: Any) -> Recorded:
    now = NOW + timedelta(minutes=minutes)
    return record_verdict(review_id=review.pk, reviewer=who, said=words(word, now=now, **fields), now=now)


def take_back(who: User, said: Recorded, *, minutes: int = 0, client_id: uuid.UUID | None = None) -> Review:
    now = NOW + timedelta(minutes=minutes)
    return verdicts.undo(target=said.verdict.client_id, client_id=client_id or uuid.uuid4(), reviewer=who, now=now)


def truth() -> tuple[str, str | None, int] | None:
    known = GroundTruth.objects.select_related("label").first()
    return (known.outcome, known.label.slug if known.label else None, known.n_verdicts) if known else None


def status(review: Review) -> str:
    return Review.objects.get(pk=review.pk).status


def second_round(review: Review) -> Review:
    return Review.objects.filter(inspection=review.inspection, reason="adjudication").latest("round")


def test_a_verdict_settles_the_review(review: Review, alice: User) -> None:
    said = say(alice, review, "scratch")

    assert (said.is_new, said.settled, status(review), truth()) == (True, True, "settled", ("label", "scratch", 1))


def test_a_replay_changes_nothing(review: Review, alice: User) -> None:
    client_id = uuid.uuid4()
    first, again = (say(alice, review, "scratch", client_id=client_id) for _ in range(2))

    assert (again.is_new, again.settled, again.verdict) == (False, True, first.verdict)
    assert Verdict.objects.count() == 1


def test_a_client_id_with_other_content_is_refused(review: Review, alice: User, bob: User) -> None:
    client_id = uuid.uuid4()
    say(alice, review, "scratch", client_id=client_id)
    other = make.make_review(registered_model=review.registered_model)

    for who, which, word in (
        (alice, review, "ok"),
        (bob, review, "scratch"),
        (alice, other, "scratch"),
        (alice, review, "unsure"),
    ):
        with pytest.raises(Conflict) as refusal:
            say(who, which, word, client_id=client_id)
        assert refusal.value.code == "client_id_taken"
    with pytest.raises(Conflict):
        say(alice, review, "scratch", client_id=client_id, note="other")
    assert Verdict.objects.count() == 1


def test_undo_gives_the_review_back_to_the_same_person(review: Review, alice: User, bob: User) -> None:
    said = say(alice, review, "scratch")

    back = take_back(alice, said)

    assert (back.status, back.claimed_by, truth()) == ("open", alice, None)
    assert queue.claim(user=bob, registered_model=review.registered_model, n=1, now=NOW) == []
    assert queue.claim(user=alice, registered_model=review.registered_model, n=1, now=NOW) == [review]
    say(alice, review, "ok", minutes=600)
    assert truth() == ("label", "ok", 1)
    assert [one.kind for one in Verdict.objects.order_by("pk")] == ["label", "withdrawn", "label"]


def test_undo_is_replayed_and_its_client_id_is_nobody_elses(review: Review, alice: User) -> None:
    said, other = (
        say(alice, review, "scratch"),
        say(alice, make.make_review(registered_model=review.registered_model), "ok"),
    )
    with pytest.raises(Conflict) as refusal:
        take_back(alice, said, client_id=other.verdict.client_id)
    assert refusal.value.code == "client_id_taken"


def test_the_same_undo_twice_is_one_undo(review: Review, alice: User) -> None:
    said, client_id = say(alice, review, "scratch"), uuid.uuid4()

    assert take_back(alice, said, client_id=client_id) == take_back(alice, said, client_id=client_id)
    assert Verdict.objects.count() == 2
    with pytest.raises(UndoRefused, match="changed already"):
        take_back(alice, said)


def test_undo_has_a_window_and_is_for_ones_own_words(review: Review, alice: User, bob: User) -> None:
    said = say(alice, review, "scratch")

    with pytest.raises(UndoRefused) as refusal:
        take_back(alice, said, minutes=31)
    assert refusal.value.code == "undo_too_late"
    with pytest.raises(NotFound):
        take_back(bob, said)
    assert truth() == ("label", "scratch", 1)


@pytest.mark.parametrize("change", ["undo", "say again"])
def test_what_a_dataset_holds_is_neither_taken_back_nor_said_again(review: Review, alice: User, change: str) -> None:
    said = say(alice, review, "scratch")
    GroundTruth.objects.update(frozen_in=make.make_dataset(registered_model=review.registered_model))

    with pytest.raises(UndoRefused) as refusal:
        take_back(alice, said) if change == "undo" else say(alice, review, "ok")
    assert refusal.value.code == "verdict_frozen"
    assert truth() == ("label", "scratch", 1)


def test_a_second_word_changes_the_first_only_within_the_window(review: Review, alice: User) -> None:
    say(alice, review, "scratch")
    say(alice, review, "dent", minutes=5)
    assert truth() == ("label", "dent", 1)

    with pytest.raises(UndoRefused):
        say(alice, review, "ok", minutes=60)


def test_the_unsure_ask_an_adjudicator_who_decides(review: Review, alice: User, bob: User, lena: User) -> None:
    say(alice, review, "unsure")
    second = second_round(review)
    assert (status(review), second.status, second.round, second.blind, truth()) == ("escalated", "open", 2, True, None)

    for who in (alice, bob):
        with pytest.raises(NotAllowed):
            say(who, second, "ok")
    say(lena, second, "dent")

    assert truth() == ("label", "dent", 2)
    assert (status(review), status(second)) == ("settled", "settled")


def test_nobody_settles_their_own_disagreement(review: Review, lena: User) -> None:
    say(lena, review, "unsure")

    with pytest.raises(NotAllowed, match="somebody else"):
        say(lena, second_round(review), "ok")


def test_two_votes_are_needed_where_the_policy_says_so(review: Review, alice: User, bob: User) -> None:
    ReviewPolicy.objects.update(votes_needed=2)

    assert (say(alice, review, "scratch").settled, status(review)) == (False, "open")
    assert (say(bob, review, "scratch").settled, truth()) == (True, ("label", "scratch", 2))


def test_one_person_has_one_voice_though_there_are_phases(model: RegisteredModel, alice: User) -> None:
    ReviewPolicy.objects.update(votes_needed=2)
    review = make.make_review(registered_model=model, blind=False)
    say(alice, review, "scratch", phase="shown")

    for phase in ("blind", "revealed"):
        with pytest.raises(ReviewAppError) as refusal:
            say(alice, review, "scratch", phase=phase)
        assert "phase" in refusal.value.fields


def test_two_who_differ_escalate_and_undo_brings_the_first_round_back(review: Review, alice: User, bob: User) -> None:
    ReviewPolicy.objects.update(votes_needed=2)
    say(alice, review, "scratch")
    other = say(bob, review, "ok")
    second = second_round(review)
    assert (status(review), status(second)) == ("escalated", "open")

    take_back(bob, other)

    assert (status(review), status(second), truth()) == ("open", "cancelled", None)
    with pytest.raises(ReviewClosed):
        say(make.make_member("lead", registered_model=review.registered_model), second, "ok")


def test_a_verdict_after_the_lease_was_lost_is_kept_marked_and_escalates_when_it_differs(
    review: Review, alice: User, bob: User
) -> None:
    queue.claim(user=alice, registered_model=review.registered_model, n=1, now=NOW - timedelta(minutes=5))
    queue.claim(user=bob, registered_model=review.registered_model, n=1, now=NOW)
    late = say(alice, review, "scratch")

    assert (late.is_new, late.verdict.lease_lost, late.settled) == (True, True, True)
    assert "kept" in late.message
    say(bob, review, "ok")
    assert (status(review), truth(), Verdict.objects.count()) == ("escalated", None, 2)


def test_what_was_not_long_enough_on_screen_does_not_count(review: Review, alice: User) -> None:
    with pytest.raises(NotSeen):
        say(alice, review, "ok", shown_at=NOW - timedelta(milliseconds=499))
    with pytest.raises(NotSeen):
        say(alice, review, "ok", shown_at=NOW + timedelta(hours=1))
    assert say(alice, review, "ok", shown_at=NOW - timedelta(milliseconds=500)).is_new


def test_a_blind_review_refuses_a_verdict_with_the_prediction_shown(review: Review, alice: User) -> None:
    with pytest.raises(ReviewAppError, match="blind"):
        say(alice, review, "ok", phase="shown")


def test_strangers_have_no_review(review: Review) -> None:
    with pytest.raises(NoSuchReview):
        say(make.make_user("charlie"), review, "ok")


def test_bad_images_settle_without_a_label(review: Review, alice: User) -> None:
    say(alice, review, "bad_image")

    assert truth() == ("bad_image", None, 1)


def test_a_verdict_and_an_undo_cost_few_queries(
    review: Review, alice: User, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_max_num_queries(20):
        said = say(alice, review, "ok")
    with django_assert_max_num_queries(20):
        take_back(alice, said)


@pytest.mark.django_db(transaction=True)
def test_the_same_verdict_in_the_same_moment_is_stored_once(review: Review, alice: User) -> None:
    client_id = uuid.uuid4()

    found = together([partial(say, alice, review, "scratch", client_id=client_id)] * 6)

    assert sorted(one.is_new for one in found if isinstance(one, Recorded)) == [False] * 5 + [True]
    assert Verdict.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_a_chain_never_branches(review: Review, alice: User) -> None:
    found = together([partial(say, alice, review, word) for word in ("ok", "dent", "scratch") * 2])

    assert all(isinstance(one, Recorded) for one in found)
    assert Verdict.objects.count() == 6
    assert Verdict.objects.current().count() == 1
    standing = Verdict.objects.current().get()
    assert standing.label is not None
    assert truth() == ("label", standing.label.slug, 1)


@pytest.mark.django_db(transaction=True)
def test_one_client_id_for_two_reviews_in_the_same_moment_is_taken_once(model: RegisteredModel, alice: User) -> None:
    both, client_id = [make.make_review(registered_model=model) for _ in range(2)], uuid.uuid4()

    found = together([partial(say, alice, one, "ok", client_id=client_id) for one in both])

    assert sorted(type(one).__name__ for one in found) == ["Conflict", "Recorded"]
    assert (Verdict.objects.count(), GroundTruth.objects.count()) == (1, 1)


@pytest.mark.django_db(transaction=True)
def test_people_who_differ_in_the_same_moment_open_one_second_round(
    review: Review, alice: User, bob: User, lena: User
) -> None:
    found = together(
        [partial(say, who, review, word) for who, word in ((alice, "ok"), (bob, "dent"), (lena, "scratch"))]
    )

    assert all(isinstance(one, Recorded) for one in found)
    assert (Review.objects.filter(reason="adjudication").count(), truth()) == (1, None)


def test_ground_truth_rebuilt_from_the_verdicts_is_what_is_stored(
    model: RegisteredModel, alice: User, bob: User, lena: User
) -> None:
    ReviewPolicy.objects.update(votes_needed=2)
    words_of = [
        ("ok", "ok"),
        ("ok", "dent"),
        ("unsure", None),
        ("bad_image", "bad_image"),
        ("scratch", None),
        ("dent", "scratch"),
    ]
    for number, (first, second) in enumerate(words_of):
        review = make.make_review(registered_model=model)
        say(alice, review, first)
        if second:
            other = say(bob, review, second)
            if number == 5:
                take_back(bob, other)
    say(lena, Review.objects.filter(reason="adjudication", status="open").earliest("pk"), "dent")
    stored = list(
        GroundTruth.objects.order_by("inspection").values("inspection", "outcome", "label", "n_verdicts", "method")
    )
    assert [one["method"] for one in stored] == ["agreement", "adjudication", "agreement"]

    GroundTruth.objects.all().delete()
    for review in Review.objects.filter(round=1).select_related("registered_model", "inspection"):
        verdicts.apply_settlement(review, queue.review_policy(model), now=NOW)

    assert (
        list(
            GroundTruth.objects.order_by("inspection").values("inspection", "outcome", "label", "n_verdicts", "method")
        )
        == stored
    )


def test_a_clock_that_is_ahead_says_nothing_later_than_it_came(review: Review, alice: User) -> None:
    """How long the image was on screen stays. One that is behind cannot be told from a line that was down."""
    said_at = NOW + timedelta(hours=1)
    verdict = say(alice, review, "dent", shown_at=said_at - timedelta(seconds=2), said_at=said_at).verdict

    assert (verdict.shown_at, verdict.said_at) == (NOW - timedelta(seconds=2), NOW)
