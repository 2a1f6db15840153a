"""Who judged or challenged a part reads what a colleague decided, and why; nobody reads who."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

import tests.factories as make
from labeling.models import Challenge, GroundTruth, Review, Verdict
from models_registry.models import RegisteredModel
from tests.api.test_reviews import Station
from tests.labeling.test_adjudication import say, settled

NOW = make.NOW


@pytest.fixture
def model(db: None) -> RegisteredModel:
    return make.make_model(slug="steel", review={"min_view_ms": 0, "votes_needed": 1, "undo_minutes": 10**6})


@pytest.fixture
def alice(model: RegisteredModel) -> Station:
    return Station("alice", model)


@pytest.fixture
def lena(model: RegisteredModel) -> User:
    return make.make_member("adjudicator", user=make.make_user("lena"), registered_model=model)


def last(alice: Station) -> dict[str, Any]:
    body = {"n": 0, "with": ["recent"]}
    (row,) = alice.post("/api/v1/models/steel/reviews/claim/", body).json()["recent"]
    return {name: row[name] for name in ("can_undo", "can_challenge", "case")}


def test_a_row_of_the_last_ten_is_challenged_waits_and_tells_the_reason(
    model: RegisteredModel, alice: Station, lena: User
) -> None:
    review = settled(model, alice.user)
    assert last(alice) == {"can_undo": True, "can_challenge": True, "case": None}

    assert alice.post(f"/api/v1/reviews/{review.pk}/challenge/", {"reason": "My finger slipped"}).status_code == 201
    waits = {"state": "waiting", "settled_as": None, "why": ""}
    assert last(alice) == {"can_undo": False, "can_challenge": False, "case": waits}

    say(lena, Review.objects.get(reason="adjudication"), "dent", note="The line is the rim")
    ended = {"state": "settled", "settled_as": "Dent", "why": "The line is the rim"}
    assert last(alice) == {"can_undo": False, "can_challenge": True, "case": ended}

    page = alice.client.get("/me/").content.decode()
    assert "Settled as Dent. You said OK." in page
    assert "The line is the rim" in page
    assert "lena" not in page.lower()


def test_a_case_that_others_made_is_not_told_before_it_is_decided(
    model: RegisteredModel, alice: Station, lena: User
) -> None:
    review = settled(model, alice.user)
    bob = Station("bob", model)
    assert bob.post(f"/api/v1/reviews/{review.pk}/challenge/", {"reason": "A dent"}).status_code == 201
    assert last(alice)["case"] is None
    assert "A dent" not in alice.client.get("/me/").content.decode()
    assert "It waits for somebody who has not spoken." in bob.client.get("/me/").content.decode()

    say(lena, Review.objects.get(reason="adjudication"), "ok")
    assert "Settled as OK, as you said." in alice.client.get("/me/").content.decode()
    assert "Settled as OK." in bob.client.get("/me/").content.decode()


def test_what_a_dataset_holds_or_was_said_too_long_ago_is_challenged_and_not_changed(
    model: RegisteredModel, alice: Station
) -> None:
    settled(model, alice.user)
    GroundTruth.objects.update(frozen_in=make.make_dataset(registered_model=model))
    assert (last(alice)["can_undo"], last(alice)["can_challenge"]) == (False, True)
    GroundTruth.objects.update(frozen_in=None)
    model.review_policy.undo_minutes = 5
    model.review_policy.save()
    Verdict.objects.update(received_at=timezone.now() - timedelta(minutes=6))
    assert (last(alice)["can_undo"], last(alice)["can_challenge"]) == (False, True)


def test_a_part_is_challenged_from_the_list_of_reviewed_parts_once_and_with_a_reason(
    model: RegisteredModel, lena: User, client: Client
) -> None:
    version = make.make_version(registered_model=model)
    inspection = make.make_inspection()
    prediction = make.make_prediction(version=version, inspection=inspection, label="ok")
    review = make.make_review(prediction=prediction, status="settled", settled_at=NOW)
    make.make_selection(inspection=inspection, registered_model=model, pi=0.5)
    make.make_ground_truth(registered_model=model, inspection=inspection, label="ok")
    inspection.day = timezone.now().date()
    inspection.save()
    client.force_login(make.make_member("lead", user=make.make_user("mia"), registered_model=model))
    page, address = f"/models/{model.slug}/reviews/", f"/reviews/{review.pk}/challenge/"
    assert f'action="{address}"' in client.get(page).content.decode()

    for reason, words in ((" ", "The reason is not right"), ("Bent", "goes to somebody"), ("Bent", "challenged part")):
        answer = client.post(address, {"reason": reason, "next": page}, follow=True)
        assert words in answer.content.decode()
    assert Challenge.objects.count() == 1
    assert client.post(address, {"reason": "x", "next": "https://elsewhere.example/"})["Location"] == page
    assert "A second opinion is open" in client.get(page).content.decode()
    client.force_login(lena)  # who decides it, and must not read what was predicted
    assert inspection.part not in client.get(page).content.decode()
