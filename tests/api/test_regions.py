"""Regions over the API: shown with a review, said with a verdict, measured for a model."""

from __future__ import annotations

import json
import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

import tests.factories as make
from labeling.models import RegionMatch, Review
from labeling.tallies import fold
from tests.api.line import Line, draw_everything, error_of

BOX = {"label": "scratch", "box": [1.0, 1, 4, 3], "confidence": 0.8}


@pytest.fixture
def detector(line: Line) -> Line:
    line.model.kind = "detection"
    line.model.save()
    draw_everything(line)
    return line


@pytest.fixture
def alice(detector: Line) -> Client:
    client = Client()
    client.force_login(make.make_member(registered_model=detector.model))
    return client


def claimed(client: Client) -> dict[str, Any]:
    answer = client.post("/api/v1/models/steel/reviews/claim/", "{}", content_type="application/json")
    assert answer.status_code == 200, answer.content
    (review,) = answer.json()["reviews"]
    return dict(review)


def said(client: Client, review: dict[str, Any], findings: Any, *, label: str = "scratch") -> Any:
    now = timezone.now()
    body = {
        "client_id": str(uuid.uuid4()), "review": review["id"], "kind": "label", "label": label,
        "phase": review["phase"], "shown_at": (now - timedelta(seconds=2)).isoformat(), "said_at": now.isoformat(),
        "findings": findings,
    }  # fmt: skip
    return client.post("/api/v1/verdicts/", json.dumps(body), content_type="application/json")


def sent(line: Line, *, blind: bool = False, **fields: Any) -> None:
    """A part with a picture of 8 by 6 pixels and one region."""
    inspection = line.row(findings=[BOX], **fields)
    assert line.send(inspection).status_code == 201
    part = Review.objects.latest("pk").inspection
    part.items.all().delete()
    make.make_item(inspection=part, source=line.source, content=make.png())
    Review.objects.filter(inspection=part).update(blind=blind, waits_for_image=False)


def test_a_shown_review_has_the_regions_in_pixels_of_the_original(detector: Line, alice: Client) -> None:
    sent(detector)

    (view,) = claimed(alice)["prediction"]["views"]
    assert view["view"] == "main"
    assert view["regions"] == [{"index": 0, "polygon": None, **BOX}]


def test_a_blind_review_has_none(detector: Line, alice: Client) -> None:
    sent(detector, blind=True)
    review = claimed(alice)

    assert review["prediction"] is None
    assert "0.8" not in json.dumps(review["items"] + [review["metadata"]])
    assert "regions" not in json.dumps(review)


def test_a_verdict_with_regions_is_stored_and_a_wrong_one_named(detector: Line, alice: Client) -> None:
    sent(detector)
    review = claimed(alice)
    wrong = error_of(said(alice, review, [{"view": "main", "regions": [{"origin": "kept", "predicted": 7}]}]))
    assert "findings[0].regions[0].predicted" in wrong["fields"]["findings"]

    assert said(alice, review, [{"view": "main", "regions": [{"origin": "kept", "predicted": 0}]}]).status_code == 201
    assert RegionMatch.objects.get(label="").n_matched == 1


def test_a_version_that_speaks_after_the_truth_is_measured_too(detector: Line, alice: Client) -> None:
    sent(detector)
    said(alice, claimed(alice), [{"view": "main", "regions": [{"origin": "kept", "predicted": 0}]}])
    candidate = make.make_version(registered_model=detector.model)
    assert detector.send(detector.row(version=candidate.number)).status_code == 201

    row = RegionMatch.objects.get(model_version=candidate, label="")
    assert (row.n_matched, row.n_missed, row.n_false) == (0, 1, 0)


def test_precision_and_recall_with_their_intervals(detector: Line, alice: Client) -> None:
    """40 parts drawn with one chance in two, of 80: 30 with a region found, 6 of them with one missed, 4 false."""
    now, champion = timezone.now(), detector.champion
    parts = make.make_judged(version=champion, n=40, said="scratch", pi=0.5, captured_at=now)
    make.make_judged(version=champion, n=40, said="scratch", pi=0.5, drawn=False, captured_at=now)
    fold()
    for at, part in enumerate(parts):
        prediction = part.predictions.get()
        numbers = {"n_matched": int(at < 30), "n_missed": int(at < 6), "n_false": int(at >= 36)}
        for label in ("", "scratch"):
            make.make_region_match(
                prediction=prediction, label=label, day=now.date(), pi=0.5, floor_pi=0.05, edge=6.0, **numbers
            )
    found = lena_of(detector).get("/api/v1/models/steel/regions/").json()

    assert (found["n"], found["response_rate"]) == (40, 1.0)
    whole, scratch = found["classes"]
    assert (whole["label"], scratch["label"]) == (None, "scratch")
    assert (whole["n_matched"], whole["n_missed"], whole["n_false"]) == (30, 6, 4)
    assert whole["precision"]["value"] == pytest.approx(30 / 34)
    assert whole["recall"]["value"] == pytest.approx(30 / 36)
    assert whole["recall"]["low"] < 30 / 36 < whole["recall"]["high"]
    assert whole["precision"]["n"] == 34


def lena_of(line: Line) -> Client:
    client = Client()
    client.force_login(make.make_member("lead", registered_model=line.model))
    return client


def test_the_models_page_has_a_card_and_a_table_for_a_detector_alone(detector: Line) -> None:
    lena = lena_of(detector)
    page = lena.get("/models/steel/").content.decode()
    assert "No regions settled yet" in page

    make.make_judged(version=detector.champion, n=1, said="scratch", captured_at=timezone.now())
    fold()
    prediction = detector.champion.predictions.get()
    make.make_region_match(prediction=prediction, day=timezone.now().date(), pi=0.5, edge=6.0)
    assert "No regions settled yet" not in lena.get("/models/steel/").content.decode()
    assert b"recall" in lena.get("/models/steel/tables/regions.csv").content
    assert "Ratios of weighted sums" in lena.get("/models/steel/how/").content.decode()

    detector.model.kind = "classification"
    detector.model.save()
    assert "h-reg" not in lena.get("/models/steel/").content.decode()
    assert lena.get("/api/v1/models/steel/regions/").json()["classes"] == []
