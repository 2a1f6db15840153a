"""Badges and PINs: what they are, who finds them, and how often somebody may guess."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.auth.models import User

from labeling.models import Badge, Pin
from labeling.people.passes import BadPin, badge_of, badge_text, give_badge, person_by_pin, set_pin
from labeling.people.tries import LONGEST_WAIT, TooManyTries, wait_after
from reviewapp.errors import Conflict, ReviewAppError
from tests import factories as make
from tests.together import together

pytestmark = pytest.mark.django_db
MINUTE = timedelta(minutes=1)


@pytest.mark.parametrize("pin", ["123", "123456789", "47 11", "471a", "", "٤٧١١", "4711\n"])
def test_a_pin_is_four_to_eight_digits(pin: str) -> None:
    with pytest.raises(BadPin):
        set_pin(user=make.make_user(), pin=pin, now=make.NOW)


@pytest.mark.parametrize("pin", ["0000", "99999999", "1234", "4321", "7890"])
def test_the_first_pins_that_anybody_tries_are_refused(pin: str) -> None:
    with pytest.raises(BadPin, match="first PIN"):
        set_pin(user=make.make_user(), pin=pin, now=make.NOW)


def test_a_pin_is_kept_as_a_hash_and_finds_its_person_alone() -> None:
    alice, bob = make.make_user("alice"), make.make_user("bob")
    pin = make.make_pin(alice, "4711")
    make.make_pin(bob, "8052")
    assert "4711" not in pin.hash
    assert person_by_pin(user_id=alice.pk, pin="4711", now=make.NOW) == alice
    assert person_by_pin(user_id=bob.pk, pin="4711", now=make.NOW) is None
    assert person_by_pin(user_id=0, pin="4711", now=make.NOW) is None


def test_who_was_deactivated_has_neither_pin_nor_badge() -> None:
    alice = make.make_user()
    make.make_pin(alice)
    make.make_badge(alice, "blue-card-7")
    User.objects.update(is_active=False)
    assert person_by_pin(user_id=alice.pk, pin=make.PIN, now=make.NOW) is None
    assert badge_of("blue-card-7") is None


def guess(user: User, pin: str, *, minutes: float = 0) -> User | None:
    return person_by_pin(user_id=user.pk, pin=pin, now=make.NOW + minutes * MINUTE)


def test_after_five_wrong_pins_nobody_may_guess_and_the_right_one_waits_too() -> None:
    alice = make.make_user()
    make.make_pin(alice, "4711")
    assert [guess(alice, f"805{n}") for n in range(5)] == [None] * 5
    for pin in ("8059", "4711"):
        with pytest.raises(TooManyTries, match="Try again in 1 min"):
            guess(alice, pin)
    assert guess(alice, "8059", minutes=1) is None  # the sixth: two minutes now
    with pytest.raises(TooManyTries):
        guess(alice, "4711", minutes=2.9)
    assert guess(alice, "4711", minutes=3) == alice
    assert Pin.objects.get().n_failed == 0


def test_the_wait_doubles_up_to_a_day() -> None:
    assert wait_after(4, free=5) is None
    assert [wait_after(n, free=5) for n in (5, 6, 8)] == [MINUTE, 2 * MINUTE, 8 * MINUTE]
    assert wait_after(1_000_000, free=5) == LONGEST_WAIT
    waited, tries = timedelta(), 5
    while waited < timedelta(days=1):
        waited, tries = waited + (wait_after(tries, free=5) or timedelta()), tries + 1
    assert tries <= 16


@pytest.mark.django_db(transaction=True)
def test_guesses_at_the_same_moment_all_count() -> None:
    alice = make.make_user()
    make.make_pin(alice, "4711")
    found = together([lambda: guess(alice, "8050")] * 9)
    assert sum(one is None for one in found) == 5
    assert sum(isinstance(one, TooManyTries) for one in found) == 4
    assert Pin.objects.get().n_failed == 5


@pytest.mark.parametrize(
    ("typed", "text"),
    [("%0009-88213?", "0009-88213"), (";0009-88213?", "0009-88213"), (" 0009-88213 ", "0009-88213"), ("12345", None),
     ("with space", None), ("x" * 65, None), ("bädge-1", None), ("", None), ("\x00" * 8, None)],
)  # fmt: skip
def test_what_a_reader_types_is_a_badge_without_the_signs_around_it(typed: str, text: str | None) -> None:
    assert badge_text(typed) == text


def test_a_badge_finds_its_person_and_the_table_does_not_show_its_number() -> None:
    alice = make.make_user()
    badge = make.make_badge(alice, "%0009-88213?")
    assert "88213" not in badge.digest
    found = badge_of("0009-88213")
    assert found is not None
    assert (found.pk, found.user) == (badge.pk, alice)
    assert badge_of("0009-88214") is None


def test_a_badge_is_one_persons_until_it_is_revoked() -> None:
    make.make_badge(make.make_user("alice"), "0009-88213")
    bob, lena = make.make_user("bob"), make.make_user("lena")
    with pytest.raises(Conflict):
        give_badge(user=bob, typed="0009-88213", name="", by=lena, now=make.NOW)
    Badge.objects.update(revoked_at=make.NOW)
    assert badge_of("0009-88213") is None
    give_badge(user=bob, typed="0009-88213", name="", by=lena, now=make.NOW)
    found = badge_of("0009-88213")
    assert found is not None
    assert found.user == bob


def test_a_badge_of_nothing_is_refused_with_its_field() -> None:
    with pytest.raises(ReviewAppError) as refusal:
        give_badge(user=make.make_user(), typed="7", name="", by=make.make_user("lena"), now=make.NOW)
    assert "typed" in refusal.value.fields
