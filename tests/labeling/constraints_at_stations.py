"""Attempts to break the constraints of screens, badges, pauses and notes; run by `test_constraints.py`."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from tests import factories as make
from tests.breaking import Attempt, change, copy

EARLIER = make.NOW - timedelta(seconds=1)

AT_STATIONS: dict[str, list[Callable[[], Attempt]]] = {
    "stationdevice_digest_hex": [lambda: change(make.make_device(), digest="secret")],
    "stationdevice_revoked_after_registered": [lambda: change(make.make_device(), revoked_at=EARLIER)],
    "badge_digest_hex": [lambda: change(make.make_badge(), digest="0009-88213")],
    "badge_of_one_person_at_a_time": [lambda: copy(make.make_badge(), user_id=make.make_user("bob").pk)],
    "badge_revoked_after_created": [lambda: change(make.make_badge(), revoked_at=EARLIER)],
    "qualification_once_for_the_same": [lambda: copy(make.make_qualification())],
    "qualification_has_a_proof": [lambda: change(make.make_qualification(), proof="")],
    "pin_is_hashed": [lambda: change(make.make_pin(), hash="4711")],
    "switch_method_known": [lambda: change(make.make_switch(), method="face")],
    "pause_one_open_per_person": [lambda: copy(make.make_pause())],
    "pause_ends_after_start": [lambda: change(make.make_pause(), ended_at=EARLIER)],
    "handovernote_says_something": [lambda: change(make.make_note(), text="")],
    "handovernote_shown_after_written": [lambda: change(make.make_note(), shown_until=make.NOW)],
    "personfigures_approved_by_somebody_at_some_time": [
        lambda: change(make.make_figures(), approver=make.make_user("bob")),
        lambda: change(make.make_figures(), approved_at=make.NOW),
    ],
    "personfigures_four_eyes": [
        lambda: change(
            make.make_figures(user=make.make_user("alice")), approver=make.make_user("alice"), approved_at=make.NOW
        ),
        lambda: change(make.make_figures(), approver=make.make_user("lena"), approved_at=make.NOW),
    ],
    "personfigures_have_a_purpose": [lambda: change(make.make_figures(), purpose="")],
    "personfigures_one_open_per_person": [lambda: copy(make.make_figures())],
}
