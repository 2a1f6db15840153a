"""The quick way of the usual verdict leaves the same rows as the long way, and stands aside for what is not usual."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection, transaction
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

import tests.factories as make
from labeling import verdicts
from labeling.first_word import first_word
from labeling.models import DispositionRecord, GroundTruth, Inspection, Review, ReviewPolicy, Tally, Verdict
from labeling.verdicts import Recorded, Said, record_any, record_verdict
from models_registry.models import Delivery, Event, ModelVersion, RegisteredModel
from reviewapp.errors import Conflict
from tests.together import together

NOW = make.NOW
Record = Callable[..., Recorded]
KEYS = {"id", "review_id", "inspection_id", "client_id", "supersedes_id", "prediction_id"}  # differ in any two parts


@pytest.fixture
def model(db: None) -> RegisteredModel:
    return make.make_model(slug="steel", review={"min_view_ms": 500})


def make_drawn(version: ModelVersion, **fields: Any) -> Review:
    """A part as ingest writes it: view, prediction, draw, review."""
    part = make.make_inspection()
    make.make_item(inspection=part)
    said = make.make_prediction(version=version, inspection=part)
    make.make_selection(inspection=part, registered_model=version.registered_model)
    return make.make_review(prediction=said, **fields)


def said_of(review: Review, word: str, **fields: Any) -> Said:
    kind = word if word in {"unsure", "bad_image"} else "label"
    phase = "blind" if review.blind else "shown"
    seen = {"shown_at": NOW - timedelta(seconds=2), "said_at": NOW, **fields}
    return Said(uuid.uuid4(), kind, word if kind == "label" else None, phase, **seen)


def rows_after(record: Record, review: Review, who: User, said: Said) -> list[Any]:
    """What stands in every table afterwards that a verdict touches, without the keys that differ anyway."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT coalesce(max(id), 0) FROM labeling_tally")
        (before,) = cursor.fetchone()
    answer = record(review_id=review.pk, reviewer=who, said=said, now=NOW)
    part = {"inspection": review.inspection}
    found: list[Any] = [answer.is_new, answer.settled, answer.message, answer.verdict.lease_lost]
    for rows in (
        Verdict.objects.filter(review__inspection=review.inspection),
        Review.objects.filter(**part),
        GroundTruth.objects.filter(**part),
        Tally.objects.filter(pk__gt=before),
        Event.objects.filter(object_id=f"inspection/{review.inspection_id}"),
    ):
        kept = [{name: value for name, value in row.items() if not is_own(name)} for row in rows.values()]
        found.append(sorted(kept, key=repr))
    found.append(Delivery.objects.filter(object_id=f"inspection/{review.inspection_id}").count())
    return found


def is_own(name: str) -> bool:
    return name in KEYS or name in {"uid", "object_id", "body", "source_id", "station_id"}


@settings(
    max_examples=20,
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.generate],
)
@given(
    word=st.sampled_from(["ok", "scratch", "bad_image", "unsure"]),
    blind=st.booleans(),
    held=st.sampled_from([None, "alice", "bob", "bob long ago"]),
    severity=st.sampled_from([None, 0, 3]),
    note=st.sampled_from(["", "„edge“ \\ 'x'"]),
    shown=st.sampled_from([{}, {"zoom": 2, "items": [None, "a"], "1": {"a": "ä"}}]),
    votes=st.sampled_from([1, 1, 2]),
    blocking=st.sampled_from([False, False, True]),
    told=st.booleans(),
)
def test_both_ways_leave_the_same_rows(
    model: RegisteredModel, version: ModelVersion, alice: User, word: str, blind: bool, held: str | None,
    severity: int | None, note: str, shown: dict[str, Any], votes: int, blocking: bool, told: bool,
) -> None:  # fmt: skip
    bob = User.objects.filter(username="bob").first() or make.make_user("bob")
    with transaction.atomic():
        ReviewPolicy.objects.update(votes_needed=votes)
        if told:
            make.make_webhook(events=["review.settled"])
        ends = NOW + timedelta(minutes=-1 if held == "bob long ago" else 1)
        fields: dict[str, Any] = {"blind": blind}
        if held:
            fields |= {"claimed_by": alice if held == "alice" else bob, "claim_expires_at": ends}
        if blocking:
            fields |= WAITS
        quick, slow = make_drawn(version, **fields), make_drawn(version, **fields)
        words = {"severity": severity, "note": note, "shown": shown}

        assert rows_after(record_verdict, quick, alice, said_of(quick, word, **words)) == rows_after(
            record_any, slow, alice, said_of(slow, word, **words)
        )
        assert Verdict.objects.count() == 2
        transaction.set_rollback(True)


WAITS = {"mode": "blocking", "deadline": NOW + timedelta(minutes=9), "default_disposition": "hold"}


@pytest.mark.parametrize("waits", [{}, WAITS], ids=["measuring", "blocking"])
def test_the_usual_verdict_goes_the_quick_way_and_says_the_same_to_the_client(
    version: ModelVersion, alice: User, monkeypatch: pytest.MonkeyPatch, waits: dict[str, Any]
) -> None:
    monkeypatch.setattr(verdicts, "record_any", lambda **_: pytest.fail("the long way"))
    review = make_drawn(version, **waits)

    said = record_verdict(review_id=review.pk, reviewer=alice, said=said_of(review, "scratch"), now=NOW)
    stored = Verdict.objects.get()

    assert (said.verdict, said.part, said.is_new, said.settled) == (stored, review.inspection.part, True, True)
    fields = [one.attname for one in Verdict._meta.concrete_fields]
    assert [getattr(said.verdict, name) for name in fields] == [getattr(stored, name) for name in fields]
    assert said.verdict.label == stored.label


def let_out(review: Review) -> None:
    Review.objects.filter(pk=review.pk).update(**WAITS)
    DispositionRecord.objects.create(inspection=review.inspection, review=review, disposition="hold", created_at=NOW)


UNUSUAL: dict[str, Callable[[Review, User], Any]] = {
    "settled already": lambda review, who: make.make_ground_truth(
        inspection=review.inspection, registered_model=review.registered_model
    ),
    "a second round": lambda review, who: make.make_review(
        inspection=review.inspection, registered_model=review.registered_model, round=2
    ),
    "somebody spoke": lambda review, who: make.make_verdict(review=review, reviewer=make.make_user("bob")),
    "a second opinion": lambda review, who: Review.objects.filter(pk=review.pk).update(reason="adjudication"),
    "out already": lambda review, who: let_out(review),
    "cancelled": lambda review, who: Review.objects.filter(pk=review.pk).update(status="cancelled"),
    "no right": lambda review, who: who.memberships.all().delete(),
    "two votes": lambda review, who: ReviewPolicy.objects.update(votes_needed=2),
    "a short look": lambda review, who: ReviewPolicy.objects.update(min_view_ms=5000),
    "the other phase": lambda review, who: Review.objects.filter(pk=review.pk).update(blind=not review.blind),
}


@pytest.mark.parametrize("why", UNUSUAL)
def test_what_is_not_usual_is_left_alone(version: ModelVersion, alice: User, why: str) -> None:
    review = make_drawn(version)
    said = said_of(review, "scratch")
    UNUSUAL[why](review, alice)
    before = (Verdict.objects.count(), GroundTruth.objects.count(), list(Review.objects.values().order_by("pk")))

    assert first_word(review_id=review.pk, reviewer=alice, said=said, now=NOW) is None
    assert before == (
        Verdict.objects.count(), GroundTruth.objects.count(), list(Review.objects.values().order_by("pk"))
    )  # fmt: skip


@pytest.mark.django_db(transaction=True)
def test_of_many_who_speak_at_once_each_is_kept_and_one_settles(model: RegisteredModel, version: ModelVersion) -> None:
    people = [make.make_member(user=make.make_user(f"inspector-{n}"), registered_model=model) for n in range(6)]
    review = make_drawn(version)

    def say(who: User, now: datetime = NOW) -> Recorded:
        return record_verdict(review_id=review.pk, reviewer=who, said=said_of(review, "scratch"), now=now)

    done = together([partial(say, one) for one in people])

    assert [one for one in done if isinstance(one, Exception)] == []
    assert Verdict.objects.count() == 6
    assert GroundTruth.objects.values_list("n_verdicts", flat=True).get() == 6
    assert Inspection.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_one_client_id_on_two_parts_at_once_is_one_verdict(version: ModelVersion, alice: User) -> None:
    reviews = [make_drawn(version) for _ in range(4)]
    said = said_of(reviews[0], "ok")
    calls = [partial(record_verdict, review_id=one.pk, reviewer=alice, said=said, now=NOW) for one in reviews]

    done = together(calls)

    assert (Verdict.objects.count(), GroundTruth.objects.count()) == (1, 1)
    assert sum(isinstance(one, Conflict) for one in done) == 3


@pytest.mark.django_db(transaction=True)
def test_a_verdict_that_dies_before_its_commit_never_was(version: ModelVersion, alice: User) -> None:
    review = make_drawn(version)

    def say_and_die() -> None:
        with transaction.atomic():
            record_verdict(review_id=review.pk, reviewer=alice, said=said_of(review, "ok"), now=NOW)
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_terminate_backend(pg_backend_pid())")

    (died,) = together([say_and_die])
    assert isinstance(died, Exception)
    assert (Verdict.objects.count(), Review.objects.get().status) == (0, "open")
    assert record_verdict(review_id=review.pk, reviewer=alice, said=said_of(review, "ok"), now=NOW).settled
