"""A part waits until a person has looked or the deadline is past; what goes out goes out once, and late enough."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial

import pytest
from django.contrib.auth.models import User

import tests.factories as make
from labeling import dispositions, verdicts
from labeling.dispositions import due, release, report, standing
from labeling.errors import ContentConflict
from labeling.models import DispositionRecord, GroundTruth, Inspection, Review, ReviewPolicy
from labeling.tasks import release_dispositions
from labeling.verdicts import Recorded, Said, record_verdict
from models_registry.models import Event, RegisteredModel
from tests.together import all_done, together

NOW = make.NOW


@pytest.fixture
def model(db: None) -> RegisteredModel:
    model = make.make_model(review={"min_view_ms": 0, "release_seconds": 2, "blocking_minutes": 10})
    make.make_webhook(registered_model=None, events=["review.settled", "disposition.revoked"])
    return model


@pytest.fixture
def held(model: RegisteredModel) -> Review:
    """A part that waits."""
    return make_held(model)


def make_held(model: RegisteredModel, default: str = "hold") -> Review:
    version = model.versions.first() or make.make_version(registered_model=model)
    said = make.make_prediction(version=version, label="scratch")
    deadline = NOW + timedelta(minutes=10)
    return make.make_review(
        prediction=said, reason="certainty", mode="blocking", deadline=deadline, default_disposition=default, priority=0
    )


def at(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def say(who: User, review: Review, word: str, seconds: float = 0) -> Recorded:
    kind = word if word in {"unsure", "bad_image"} else "label"
    now = at(seconds)
    said = Said(uuid.uuid4(), kind, word if kind == "label" else None, "blind", shown_at=now, said_at=now)
    return record_verdict(review_id=review.pk, reviewer=who, said=said, now=now)


def take_back(who: User, said: Recorded, seconds: float) -> None:
    verdicts.undo(target=said.verdict.client_id, client_id=uuid.uuid4(), reviewer=who, now=at(seconds))


def tick(seconds: float) -> int:
    """What the clock does at a moment."""
    return sum(release(review_id=pk, now=at(seconds)) is not None for pk in due(now=at(seconds)))


def out() -> list[tuple[str, bool]]:
    """What went out, and whether it still stands."""
    return [(one.disposition, one.revoked_at is None) for one in DispositionRecord.objects.order_by("pk")]


def told() -> list[tuple[str, str]]:
    return [(one.name, json.loads(one.body)["data"]["disposition"]) for one in Event.objects.order_by("pk")]


def seen(review: Review) -> tuple[str | None, bool]:
    state = standing(Review.objects.get(pk=review.pk), answered=True)
    return state.disposition, state.is_final


def test_what_was_settled_goes_out_after_the_delay_and_only_then(held: Review, alice: User) -> None:
    say(alice, held, "ok")
    assert (tick(1.9), out(), told(), seen(held)) == (0, [], [], ("hold", False))

    assert tick(2) == 1
    assert (out(), told(), seen(held)) == ([("pass", True)], [("review.settled", "pass")], ("pass", True))
    assert tick(9) == 0


def test_an_undo_within_the_delay_changes_nothing_outside(held: Review, alice: User) -> None:
    said = say(alice, held, "ok")
    take_back(alice, said, 1)
    assert (tick(5), out(), told(), seen(held)) == (0, [], [], ("hold", False))

    say(alice, held, "scratch", 6)
    assert tick(8) == 1
    assert told() == [("review.settled", "reject")]


def test_an_undo_after_it_revokes_and_the_part_waits_anew(held: Review, alice: User) -> None:
    said = say(alice, held, "ok")
    tick(2)
    take_back(alice, said, 30 * 60)

    assert (out(), seen(held)) == ([("pass", False)], ("hold", False))
    assert told() == [("review.settled", "pass"), ("disposition.revoked", "pass")]
    assert tick(30 * 60 + 599) == 0  # the first deadline is long past: a new one was given
    assert tick(30 * 60 + 600) == 1
    assert out() == [("pass", False), ("hold", True)]


def test_another_word_after_it_revokes_only_what_it_changes(held: Review, alice: User) -> None:
    say(alice, held, "scratch")
    tick(2)
    say(alice, held, "dent", 10)
    assert (tick(60), out()) == (0, [("reject", True)])
    say(alice, held, "ok", 20)
    assert (seen(held), tick(22)) == (("hold", False), 1)
    assert out() == [("reject", False), ("pass", True)]
    assert [name for name, _ in told()] == ["review.settled"] * 2 + ["disposition.revoked", "review.settled"]


def test_a_measuring_review_is_out_at_once_and_delays_nothing(model: RegisteredModel, alice: User) -> None:
    review = make.make_review(prediction=make.make_prediction(version=make.make_version(registered_model=model)))
    say(alice, review, "ok")
    assert (told(), Review.objects.get().release_at, tick(99)) == ([("review.settled", "pass")], None, 0)


def test_at_the_deadline_the_default_goes_out_and_the_review_only_measures(held: Review, alice: User) -> None:
    assert (tick(599), tick(600), tick(601)) == (0, 1, 0)
    left = Review.objects.get()
    assert (out(), seen(held)) == ([("hold", True)], ("hold", True))
    assert (left.status, left.mode, left.deadline, left.default_disposition) == ("open", "measuring", None, "")
    assert json.loads(Event.objects.get().body)["data"]["outcome"] == "nobody_looked"

    say(alice, held, "ok", 700)
    assert (tick(800), out(), GroundTruth.objects.count()) == (0, [("hold", True)], 1)


def test_a_clock_that_was_away_for_hours_lets_out_at_once_and_once(model: RegisteredModel) -> None:
    parts = [make_held(model, default="reject") for _ in range(3)]
    assert (tick(9 * 3600), tick(9 * 3600), out()) == (3, 0, [("reject", True)] * 3)
    assert all(seen(one) == ("reject", True) for one in parts)


def test_a_disagreement_waits_for_the_second_opinion_or_the_deadline(held: Review, alice: User) -> None:
    lena = make.make_member("lead", registered_model=held.registered_model)
    say(alice, held, "unsure")
    second = Review.objects.get(round=2)
    assert (seen(held), seen(second)) == (("hold", False), ("hold", False))

    assert (tick(600), out()) == (1, [("hold", True)])
    assert set(Review.objects.values_list("mode", flat=True)) == {"measuring"}
    say(lena, second, "ok", 700)
    assert (tick(800), out()) == (0, [("hold", True)])


@pytest.mark.parametrize(("default", "goes_out"), [("pass", "hold"), ("hold", "hold"), ("reject", "reject")])
def test_an_unusable_image_never_passes(model: RegisteredModel, alice: User, default: str, goes_out: str) -> None:
    say(alice, make_held(model, default), "bad_image")
    tick(2)
    ReviewPolicy.objects.update(votes_needed=2)
    say(alice, make_held(model, default), "bad_image")
    tick(600)
    assert out() == [(goes_out, True)] * 2


def test_a_named_person_may_let_pass_and_nobody_else(held: Review, alice: User) -> None:
    policy = ReviewPolicy.objects.get()
    policy.blocking_default = "pass"
    dispositions.name_who_lets_pass(policy, by=alice, now=NOW)
    policy.save()
    assert (policy.default_pass_by, policy.default_pass_at) == (alice, NOW)
    dispositions.name_who_lets_pass(policy, by=make.make_user("lena"), now=at(60))
    assert policy.default_pass_by == alice
    policy.blocking_default = "reject"
    dispositions.name_who_lets_pass(policy, by=alice, now=at(60))
    policy.save()
    assert policy.default_pass_by is None


def test_what_the_line_reports_is_kept_once_and_ends_the_wait(held: Review, alice: User) -> None:
    said = partial(report, inspection=held.inspection, by=alice)
    record, is_new = said(disposition="hold", done_at=None, now=at(5))
    assert (is_new, record.done_at, seen(held)) == (True, at(5), ("hold", False))
    assert said(disposition="hold", done_at=None, now=at(6)) == (record, False)
    with pytest.raises(ContentConflict) as refusal:
        said(disposition="reject", done_at=None, now=at(7))
    assert refusal.value.fields.keys() == {"done_at"}
    with pytest.raises(ContentConflict) as refusal:
        said(disposition="reject", done_at=at(5), now=at(7))
    assert refusal.value.fields.keys() == {"disposition"}

    assert said(disposition="reject", done_at=at(8), now=at(9))[1]
    assert (tick(9999), Review.objects.get().mode) == (0, "measuring")


def test_a_part_that_left_in_the_delay_gets_no_disposition_and_its_verdict_is_told(held: Review, alice: User) -> None:
    say(alice, held, "ok")
    report(inspection=held.inspection, disposition="reject", done_at=None, by=alice, now=at(1))
    assert (tick(5), out(), told()) == (0, [("reject", True)], [("review.settled", "pass")])


def test_what_happened_to_a_part_is_what_was_reported_last_else_what_was_told_last(held: Review, alice: User) -> None:
    part, never = held.inspection, make.make_inspection()
    fields = {"inspection": part, "created_at": NOW}
    DispositionRecord.objects.create(disposition="hold", **fields)

    def happened() -> list[str | None]:
        found = Inspection.objects.annotate(done=DispositionRecord.objects.what_happened("pk"))
        return [found.values_list("done", flat=True).get(pk=one.pk) for one in (part, never)]

    assert happened() == ["hold", None]
    report(inspection=part, disposition="reject", done_at=at(20), by=alice, now=at(30))
    report(inspection=part, disposition="hold", done_at=at(10), by=alice, now=at(31))
    DispositionRecord.objects.create(disposition="pass", inspection=part, created_at=at(60))
    assert happened() == ["reject", None]


@pytest.mark.django_db(transaction=True)
def test_several_workers_let_out_once(model: RegisteredModel) -> None:
    for _ in range(5):
        make_held(model)
    counts = all_done([partial(tick, 600)] * 6)
    assert (sum(counts), len(out())) == (5, 5)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("turn", range(4))
def test_a_verdict_in_the_moment_of_the_deadline_comes_before_or_after(held: Review, alice: User, turn: int) -> None:
    calls: list[Callable[[], object]] = [partial(tick, 600), partial(say, alice, held, "ok", 600), partial(tick, 600)]
    together(calls)
    tick(605)
    first = Review.objects.get()
    by_verdict = first.mode == "blocking"
    assert out() == [("pass" if by_verdict else "hold", True)]
    assert (first.status, GroundTruth.objects.count()) == ("settled", 1)


def test_the_task_lets_out_what_is_due(held: Review) -> None:
    assert release_dispositions() == 1  # the test's NOW is long past
    assert release_dispositions() == 0
