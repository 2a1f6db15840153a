"""Claims are leases: nobody shares one, nobody waits for one, and no sweeper is needed to end one."""

from __future__ import annotations

from datetime import timedelta
from functools import partial

import pytest
from django.contrib.auth.models import User
from django.db import connection, transaction
from pytest_django import DjangoAssertNumQueries

import tests.factories as make
from labeling import queue
from labeling.errors import LeaseLost
from labeling.models import Review
from models_registry.models import RegisteredModel
from tests.together import together

NOW = make.NOW


@pytest.fixture
def model(db: None) -> RegisteredModel:
    return make.make_model(review={"lease_seconds": 60})


def claim(
    user: User, model: RegisteredModel, *, n: int = 1, seconds: int = 0, holding: tuple[int, ...] = ()
) -> list[int]:
    now = NOW + timedelta(seconds=seconds)
    return [one.pk for one in queue.claim(user=user, registered_model=model, n=n, now=now, holding=holding)]


def reviews(model: RegisteredModel, n: int) -> list[int]:
    station = make.make_station()
    return [
        make.make_review(registered_model=model, inspection=make.make_inspection(station=station)).pk for _ in range(n)
    ]


def test_what_has_priority_comes_first_then_the_oldest(model: RegisteredModel, alice: User) -> None:
    first, second, last = reviews(model, 3)
    Review.objects.filter(pk=last).update(priority=0)

    assert claim(alice, model, n=3) == [last, first, second]


def test_what_one_holds_another_does_not_get(model: RegisteredModel, alice: User, bob: User) -> None:
    first, second = reviews(model, 2)

    assert (claim(alice, model), claim(bob, model), claim(bob, model, n=5)) == ([first], [second], [second])


def test_a_person_gets_back_what_they_hold_unless_it_is_on_their_screen(model: RegisteredModel, alice: User) -> None:
    first, second = reviews(model, 2)
    claim(alice, model)

    assert claim(alice, model) == [first]
    assert claim(alice, model, holding=(first,)) == [second]


def test_a_lease_ends_by_itself(model: RegisteredModel, alice: User, bob: User) -> None:
    (only,) = reviews(model, 1)
    claim(alice, model)

    assert claim(bob, model, seconds=59) == []
    assert claim(bob, model, seconds=60) == [only]
    with pytest.raises(LeaseLost):
        queue.extend(review_id=only, user=alice, now=NOW + timedelta(seconds=61))


def test_a_lease_is_prolonged_while_it_runs(model: RegisteredModel, alice: User, bob: User) -> None:
    (only,) = reviews(model, 1)
    claim(alice, model)
    queue.extend(review_id=only, user=alice, now=NOW + timedelta(seconds=50))

    assert claim(bob, model, seconds=100) == []


def test_only_the_holder_gives_a_review_back(model: RegisteredModel, alice: User, bob: User) -> None:
    (only,) = reviews(model, 1)
    claim(alice, model)

    assert queue.release(review_ids=[only], user=bob) == 0
    assert queue.release(review_ids=[only], user=alice) == 1
    assert claim(bob, model) == [only]


def test_nobody_gets_what_they_judged_and_only_adjudicators_get_second_opinions(
    model: RegisteredModel, alice: User, bob: User
) -> None:
    lena = make.make_member("lead", registered_model=model)
    judged = make.make_review(registered_model=model)
    make.make_verdict(review=judged, reviewer=alice)
    second = make.make_review(registered_model=model, inspection=judged.inspection, round=2, reason="adjudication")

    assert claim(alice, model, n=5) == []
    assert claim(bob, model, n=5) == [judged.pk]
    assert claim(lena, model, n=5) == [second.pk]


def test_people_of_one_site_get_that_sites_reviews_only(model: RegisteredModel) -> None:
    here, there = make.make_review(registered_model=model), make.make_review(registered_model=model)
    make.make_deployment(station=here.inspection.station, version=make.make_version(registered_model=model))
    alice = make.make_member(site=here.inspection.station.site)

    assert claim(alice, model, n=5) == [here.pk]
    assert there.pk not in claim(alice, model, n=5)
    assert claim(make.make_user("charlie"), model, n=5) == []


@pytest.mark.parametrize(("n", "got"), [(-5, 0), (0, 0), (10**9, 32)])
def test_the_number_asked_for_is_bounded(model: RegisteredModel, alice: User, n: int, got: int) -> None:
    reviews(model, 34)

    assert len(claim(alice, model, n=n)) == got


def test_a_claim_costs_a_fixed_number_of_queries(
    model: RegisteredModel, alice: User, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    reviews(model, 12)
    for n in (1, 8):
        with django_assert_max_num_queries(13):
            for review in queue.claim(user=alice, registered_model=model, n=n, now=NOW):
                assert review.inspection.station.site.name
                assert [item.source.name for item in review.inspection.items.all()] == []


@pytest.mark.django_db(transaction=True)
def test_eight_people_at_once_never_share_a_review(model: RegisteredModel) -> None:
    people = [make.make_member(user=make.make_user(f"inspector-{n}"), registered_model=model) for n in range(8)]
    wanted = set(reviews(model, 40))

    taken = together([partial(lambda one: claim(one, model, n=2) + claim(one, model, n=5), one) for one in people])

    mine = [set(one) for one in taken if not isinstance(one, Exception)]
    assert len(mine) == 8
    assert sum(len(one) for one in mine) == len(set.union(*mine)) == 40
    assert set.union(*mine) == wanted


@pytest.mark.django_db(transaction=True)
def test_a_claim_passes_over_what_is_locked_and_does_not_wait(model: RegisteredModel, alice: User) -> None:
    first, second = reviews(model, 2)
    with transaction.atomic():
        Review.objects.select_for_update().get(pk=first)

        def claim_without_waiting() -> list[int]:
            with connection.cursor() as cursor:
                cursor.execute("SET lock_timeout = '500ms'")
            return claim(alice, model, n=2)

        assert together([claim_without_waiting]) == [[second]]
