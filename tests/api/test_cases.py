"""After the first word, over the API: the prediction revealed, a truth challenged, a case decided."""

from __future__ import annotations

import json
import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from labeling.models import GroundTruth, Review, Verdict
from tests.api.line import Line, error_of
from tests.api.test_reviews import Station, make_shown

CASES = "/api/v1/models/steel/cases/"


@pytest.fixture
def alice(line: Line) -> Station:
    return Station("alice", line.model)


@pytest.fixture
def lena(line: Line) -> Station:
    return Station("lena", line.model, "adjudicator")


def about(review: int, what: str) -> str:
    return f"/api/v1/reviews/{review}/{what}/"


def test_the_prediction_comes_after_the_verdict_and_a_revision_beside_it(line: Line, alice: Station) -> None:
    review = make_shown(line, blind=True)
    assert error_of(alice.post(about(review.pk, "reveal")), 409)["code"] == "not_judged"
    alice.say(review.pk, "dent")

    shown = alice.post(about(review.pk, "reveal")).json()
    assert (shown["differs"], shown["prediction"]["label"]) == (True, "scratch")

    assert alice.say(review.pk, "scratch", phase="revealed").status_code == 201
    assert error_of(alice.say(review.pk, "scratch"), 409)["code"] == "prediction_revealed"
    assert GroundTruth.objects.get().label.slug == "dent"  # type: ignore[union-attr]


def test_agreement_shows_nothing(line: Line, alice: Station) -> None:
    review = make_shown(line, blind=True)
    alice.say(review.pk, "scratch")
    assert alice.post(about(review.pk, "reveal")).json() == {"differs": False, "prediction": None}


def test_a_case_over_the_api_names_nobody_and_tells_no_prediction(line: Line, alice: Station, lena: Station) -> None:
    review = make_shown(line, blind=True)
    alice.say(review.pk, "dent")
    challenged = alice.post(about(review.pk, "challenge"), {"reason": " The rim looks bent "})
    assert (challenged.status_code, challenged.json()["is_new"]) == (201, True)
    assert alice.post(about(review.pk, "challenge"), {"reason": "Again"}).status_code == 200

    answer = lena.client.get(CASES)
    (case,) = answer.json()["cases"]

    assert case["review"] == challenged.json()["review"]
    assert (case["challenges"], case["settled_as"], case["is_held"]) == (["The rim looks bent"], "dent", False)
    assert [(voice["letter"], voice["label"], voice["phase"]) for voice in case["voices"]] == [("A", "dent", "blind")]
    assert "alice" not in answer.content.decode()
    assert "scratch" not in answer.content.decode()


def test_a_case_is_taken_and_decided_and_marked(line: Line, alice: Station, lena: Station) -> None:
    review = make_shown(line, blind=True)
    alice.say(review.pk, "dent")
    deciding = alice.post(about(review.pk, "challenge"), {"reason": "Rim"}).json()["review"]
    assert lena.post(about(deciding, "take")).status_code == 200
    other = Station("olga", line.model, "adjudicator")
    assert error_of(other.post(about(deciding, "take")), 409)["code"] == "lease_lost"
    assert other.client.get(CASES).json()["cases"][0]["is_held"]

    now = timezone.now()
    said = {
        "client_id": str(uuid.uuid4()), "review": deciding, "kind": "label", "label": "ok", "phase": "blind",
        "shown_at": (now - timedelta(seconds=3)).isoformat(), "said_at": now.isoformat(), "note": "A reflection",
        "surface": "adjudication",
    }  # fmt: skip
    assert lena.post("/api/v1/verdicts/", said).json()["settled"]
    assert Verdict.objects.get(review=deciding).surface == "adjudication"
    assert lena.client.get(CASES).json() == {"cases": []}


@pytest.mark.parametrize("reason", ["", "   ", "x" * 2001, "a\u0000b", 7, None])
def test_a_challenge_says_why(line: Line, alice: Station, reason: Any) -> None:
    review = make_shown(line, blind=True)
    alice.say(review.pk, "dent")
    assert "reason" in error_of(alice.post(about(review.pk, "challenge"), {"reason": reason}))["fields"]
    assert Review.objects.count() == 1


@pytest.mark.parametrize("what", ["reveal", "challenge", "take"])
def test_a_review_that_is_out_of_range_does_not_exist(line: Line, lena: Station, what: str) -> None:
    body = json.dumps({"reason": "Rim"} if what == "challenge" else {})
    for number in (2**63, 2**63 - 1, 0):
        answer = lena.client.post(about(number, what), body, content_type="application/json")
        assert answer.status_code == 404, (number, answer.content)


def test_a_surface_that_is_unknown_is_refused_by_field(line: Line, alice: Station) -> None:
    review = make_shown(line, blind=True)
    now = timezone.now().isoformat()
    said = {
        "client_id": str(uuid.uuid4()), "review": review.pk, "kind": "label", "label": "ok", "phase": "blind",
        "shown_at": "2026-11-23T14:00:00Z", "said_at": now,
    }  # fmt: skip
    for surface in ("phone", "", 4):
        assert error_of(alice.post("/api/v1/verdicts/", said | {"surface": surface}))["fields"].keys() == {"surface"}
    assert Verdict.objects.count() == 0
