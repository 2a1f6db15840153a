"""What webhooks are told of verdicts: each settled label once, and each that stands anew."""

from __future__ import annotations

import json
import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User

import tests.factories as make
from labeling.models import Review
from labeling.verdicts import Said, record_verdict, undo
from models_registry.models import Webhook

pytestmark = pytest.mark.django_db
NOW = make.NOW


def say(who: User, review: Review, label: str, client_id: uuid.UUID | None = None) -> uuid.UUID:
    said = Said(client_id or uuid.uuid4(), "label", label, "blind", NOW - timedelta(seconds=2), NOW)
    record_verdict(review_id=review.pk, reviewer=who, said=said, now=NOW)
    return said.client_id


def told(webhook: Webhook) -> list[dict[str, Any]]:
    bodies = [json.loads(one.event.body) for one in webhook.deliveries.select_related("event").order_by("event_id")]
    return [body["data"] for body in bodies]


def test_a_settled_review_is_told_once_and_again_when_another_label_stands() -> None:
    review, webhook = make.make_review(), make.make_webhook(events=["review.settled"])
    alice = make.make_member(registered_model=review.registered_model)
    first = say(alice, review, "dent")
    say(alice, review, "dent", first)  # a replay
    undo(target=first, client_id=uuid.uuid4(), reviewer=alice, now=NOW)
    say(alice, review, "ok")
    one, two = told(webhook)
    assert (one["label"], one["is_defect"], one["disposition"]) == ("dent", True, "reject")
    assert (two["label"], two["is_defect"], two["disposition"]) == ("ok", False, "pass")
    assert {one["review_id"], two["review_id"]} == {review.pk}
    assert one["inspection_id"] == review.inspection.inspection_id
    assert not {"prediction", "confidence"} & set(one)


def test_a_second_vote_that_agrees_tells_nothing_new() -> None:
    review, webhook = make.make_review(), make.make_webhook()
    for name in ("alice", "bob"):
        say(make.make_member(user=make.make_user(name), registered_model=review.registered_model), review, "dent")
    assert len(told(webhook)) == 1
