"""What the station's requests remember of a person is short: two seconds at most, here a fraction of one."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.test import Client

import tests.factories as make
from labeling import memory
from labeling.models import Membership
from tests.api.line import Line
from tests.api.test_reviews import CLAIM, Station

SECONDS = 0.4


@pytest.fixture
def alice(line: Line, settings: Any) -> Iterator[Station]:
    settings.CATALOG_SECONDS = SECONDS
    memory.forget()
    yield Station("alice", line.model)
    memory.forget()


ENDS: dict[str, tuple[Callable[[User], Any], int]] = {
    "the membership is taken away": (lambda user: Membership.objects.filter(user=user).delete(), 404),
    "the account is closed": (lambda user: User.objects.filter(pk=user.pk).update(is_active=False), 401),
    "the session is ended": (lambda user: Session.objects.all().delete(), 401),
}


@pytest.mark.parametrize("what", ENDS)
def test_who_may_no_longer_is_refused_within_what_is_remembered(alice: Station, what: str) -> None:
    assert alice.post(CLAIM, {"n": 0}).status_code == 200
    end, status = ENDS[what]
    end(alice.user)
    time.sleep(SECONDS + 0.1)

    assert alice.post(CLAIM, {"n": 0}).status_code == status


def test_a_right_that_is_given_holds_at_once(line: Line, alice: Station) -> None:
    bob = Station("bob", make.make_model(slug="other"))
    assert bob.post(CLAIM, {"n": 0}).status_code == 404
    make.make_member(user=bob.user, registered_model=line.model)

    assert bob.post(CLAIM, {"n": 0}).status_code == 200


def test_a_remembered_session_is_asked_for_its_token_all_the_same(alice: Station) -> None:
    assert alice.post(CLAIM, {"n": 0}).status_code == 200
    strict = Client(enforce_csrf_checks=True)
    strict.cookies = alice.client.cookies

    assert strict.post(CLAIM, "{}", content_type="application/json").status_code == 403


def test_a_busy_claim_asks_the_database_one_thing(alice: Station, line: Line, django_assert_num_queries: Any) -> None:
    """Django's own queries; the statement that claims goes beside them."""
    for _ in range(3):
        make.make_item(inspection=make.make_review(registered_model=line.model).inspection)
    alice.post(CLAIM, {"n": 1, "with": []})
    with django_assert_num_queries(0):
        assert alice.post(CLAIM, {"n": 1, "with": []}).status_code == 200
