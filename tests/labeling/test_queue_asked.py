"""What a person may ask of a queue: where, when, which class, in which order. Nothing blind is told by any of it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection, transaction

import tests.factories as make
from labeling import queue
from labeling.models import Review, ReviewPolicy, Source
from labeling.queue import Asked
from labeling.seats import seat_at
from models_registry.models import ModelVersion, RegisteredModel
from tests.together import together

NOW = make.NOW


@pytest.fixture
def model(db: None) -> RegisteredModel:
    return make.make_model(review={"lease_seconds": 60})


@pytest.fixture
def source(db: None) -> Source:
    return make.make_source()


def review_at(
    source: Source, version: ModelVersion, *, label: str = "scratch", sure: float = 0.9, **fields: Any
) -> int:
    """A part with its view, its prediction and its draw, as ingest writes them, and then its review."""
    part = make.make_inspection(station=source.station, shift=fields.pop("shift", ""))
    make.make_item(inspection=part, source=source)
    said = make.make_prediction(version=version, inspection=part, label=label, confidence=sure)
    model = version.registered_model
    make.make_selection(inspection=part, registered_model=model, uncertainty=(sure * (1 - sure)) ** 0.5)
    return make.make_review(prediction=said, **{"blind": False, **fields}).pk


def claim(user: User, model: RegisteredModel, n: int = 9, *, seconds: int = 0, **asked: Any) -> list[int]:
    now = NOW + timedelta(seconds=seconds)
    return [
        one.pk for one in queue.claim(user=user, registered_model=model, n=n, now=now, asked=Asked(**asked))
    ]  # fmt: skip


def test_a_camera_a_station_and_a_shift_have_queues_of_their_own(
    model: RegisteredModel, version: ModelVersion, alice: User, source: Source
) -> None:
    beside, away = make.make_source(station=source.station), make.make_source()
    early = review_at(source, version, shift="early")
    late, other, far = review_at(source, version, shift="late"), review_at(beside, version), review_at(away, version)

    assert claim(alice, model, source=beside.pk) == [other]
    assert claim(alice, model, shift="late", source=source.pk) == [late]
    Review.objects.update(claimed_by=None, claim_expires_at=None)
    assert claim(alice, model, shift="early") == [early]
    assert claim(alice, model, station=away.station_id) == [far]
    assert claim(alice, model, station=source.station_id) == [early, late, other]


def test_a_class_is_asked_for_among_parts_that_show_it_and_a_blind_one_is_never_among_them(
    model: RegisteredModel, version: ModelVersion, alice: User, source: Source
) -> None:
    review_at(source, version, label="scratch", blind=True)
    shown, dent = review_at(source, version, label="scratch"), review_at(source, version, label="dent")
    labels = seat_at(alice, model).table.labels

    assert claim(alice, model, label=labels["scratch"].pk) == [shown]
    assert claim(alice, model, label=labels["dent"].pk, order="doubt") == [dent]


def test_the_most_doubtful_comes_first_after_what_waits_and_what_is_blind(
    model: RegisteredModel, version: ModelVersion, alice: User, source: Source
) -> None:
    sure, unsure = review_at(source, version, sure=0.99), review_at(source, version, sure=0.55)
    blind = review_at(source, version, sure=0.99, blind=True)
    certain = review_at(source, version, sure=0.9, priority=3)
    waits: dict[str, Any] = {"mode": "blocking", "priority": 0, "default_disposition": "hold"}
    second = review_at(source, version, deadline=NOW + timedelta(minutes=9), **waits)
    first = review_at(source, version, deadline=NOW + timedelta(minutes=5), **waits)

    assert claim(alice, model, order="doubt") == [first, second, certain, blind, unsure, sure]
    Review.objects.update(claimed_by=None, claim_expires_at=None)
    assert claim(alice, model) == [first, second, certain, sure, unsure, blind]
    Review.objects.update(claimed_by=None, claim_expires_at=None)
    assert claim(alice, model, order="doubt", source=source.pk) == [first, second, certain, blind, unsure, sure]


def test_a_person_of_one_site_asks_within_it(model: RegisteredModel, version: ModelVersion, source: Source) -> None:
    away = make.make_source()
    here, there = review_at(source, version), review_at(away, version)
    make.make_deployment(station=source.station, version=version)
    bob = make.make_member(user=make.make_user("bob"), site=source.station.site)

    assert claim(bob, model, source=away.pk) == claim(bob, model, station=away.station_id) == []
    assert claim(bob, model, source=source.pk) == claim(bob, model, order="doubt") == [here]
    assert there not in claim(bob, model)


def test_first_looks_and_second_opinions_are_asked_for_apart(
    model: RegisteredModel, version: ModelVersion, source: Source
) -> None:
    lena = make.make_member("lead", registered_model=model)
    first, asked = review_at(source, version), review_at(source, version)
    second = make.make_review(
        registered_model=model, inspection=Review.objects.get(pk=asked).inspection, round=2, reason="adjudication"
    ).pk

    assert claim(lena, model, only="second") == [second]
    assert claim(lena, model, only="first") == [first, asked]


def test_whoever_judged_the_whole_head_of_the_queue_gets_what_comes_after_it(
    model: RegisteredModel, version: ModelVersion, alice: User, source: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two votes are needed: what alice judged stays open, in front, for another person."""
    monkeypatch.setattr(queue, "NEAR", 2)
    bob = make.make_member(user=make.make_user("bob"), registered_model=model)
    head, fresh = [review_at(source, version) for _ in range(5)], review_at(source, version)
    again = review_at(source, version)
    for pk in [*head, again]:
        Review.objects.filter(pk=pk).update(spoken=True)
        make.make_verdict(review=Review.objects.get(pk=pk), reviewer=bob if pk == again else alice)

    assert claim(alice, model, 1) == [fresh]
    assert claim(alice, model, 2) == [fresh, again]  # far behind, and found all the same
    assert claim(bob, model, 9) == head


def test_a_lease_that_ran_out_is_handed_on_in_the_order_of_the_queue(
    model: RegisteredModel, version: ModelVersion, alice: User, source: Source
) -> None:
    bob = make.make_member(user=make.make_user("bob"), registered_model=model)
    first, second = review_at(source, version), review_at(source, version)

    assert claim(alice, model, 1) == [first]
    assert claim(bob, model, 2, seconds=61) == [first, second]


@pytest.mark.django_db(transaction=True)
def test_a_claim_whose_transaction_dies_holds_nothing(
    model: RegisteredModel, version: ModelVersion, alice: User, source: Source
) -> None:
    only = review_at(source, version)
    bob = make.make_member(user=make.make_user("bob"), registered_model=model)

    def claim_and_die() -> None:
        with transaction.atomic():
            assert claim(bob, model) == [only]
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_terminate_backend(pg_backend_pid())")

    (died,) = together([claim_and_die])
    assert isinstance(died, Exception)
    assert claim(alice, model) == [only]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("asked", [{}, {"order": "doubt"}, {"order": "doubt", "source": True}, {"shift": "early"}])
def test_a_crowd_that_asks_alike_shares_nothing(
    model: RegisteredModel, version: ModelVersion, source: Source, asked: dict[str, Any]
) -> None:
    asked = asked | ({"source": source.pk} if "source" in asked else {})
    people = [make.make_member(user=make.make_user(f"inspector-{n}"), registered_model=model) for n in range(6)]
    wanted = {review_at(source, version, shift="early", sure=0.5 + n / 100) for n in range(30)}

    def work(one: User) -> list[int]:
        return claim(one, model, 2, **asked) + claim(one, model, 5, **asked)

    taken = together([lambda one=one: work(one) for one in people])  # type: ignore[misc]
    mine = [set(one) for one in taken if not isinstance(one, Exception)]

    assert len(mine) == 6
    assert sum(map(len, mine)) == len(set.union(*mine)) == 30
    assert set.union(*mine) == wanted


def test_what_a_claim_gives_is_what_the_tables_say(
    model: RegisteredModel, version: ModelVersion, alice: User, source: Source, django_assert_num_queries: Any
) -> None:
    """Made from one statement's rows, a review is the one that the ORM would have read."""
    ReviewPolicy.objects.update(metadata_shown=["tool"])
    pk = review_at(source, version)
    part = Review.objects.get(pk=pk).inspection
    make.make_item(inspection=part, source=source, view="back", content=make.png())
    type(part).objects.update(metadata={"tool": 7})
    (review,) = queue.claim(user=alice, registered_model=model, n=1, now=NOW)
    known: list[Any]
    with django_assert_num_queries(0):
        known = [review.inspection.station.site.slug, [one.source.name for one in review.inspection.items.all()]]
        known += [review.prediction and (review.prediction.label.slug, review.prediction.model_version.short_name)]
    again = Review.objects.select_related("inspection", "prediction").get(pk=pk)

    assert known == [source.station.site.slug, [source.name, source.name], ("scratch", version.short_name)]
    for one, other in [(review, again), (review.inspection, again.inspection), (review.prediction, again.prediction)]:
        assert one is not None
        assert other is not None
        fields = [field.attname for field in one._meta.concrete_fields]
        assert [getattr(one, name) for name in fields] == [getattr(other, name) for name in fields]
