"""The calls of the review station: claim, prolong, release, say, take back."""

from __future__ import annotations

import json
import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

import tests.factories as make
from labeling.models import Review, ReviewPolicy, Verdict
from models_registry.models import RegisteredModel
from tests.api.line import Line, error_of

CLAIM = "/api/v1/models/steel/reviews/claim/"


class Station:
    """A person at the review station."""

    def __init__(self, name: str, model: RegisteredModel, role: str = "inspector") -> None:
        self.user = make.make_member(role, user=make.make_user(name), registered_model=model)
        self.client = Client()
        self.client.force_login(self.user)

    def post(self, url: str, body: Any = None) -> Any:
        return self.client.post(url, json.dumps({} if body is None else body), content_type="application/json")

    def claim(self, n: int = 1) -> list[dict[str, Any]]:
        answer = self.post(CLAIM, {"n": n})
        assert answer.status_code == 200, answer.content
        return list(answer.json()["reviews"])

    def say(self, review: int, label: str = "ok", *, phase: str = "blind", client_id: str | None = None) -> Any:
        now = timezone.now()
        body = {
            "client_id": client_id or str(uuid.uuid4()), "review": review, "kind": "label", "label": label,
            "phase": phase,
            "shown_at": (now - timedelta(seconds=3)).isoformat(), "said_at": now.isoformat(),
        }  # fmt: skip
        return self.post("/api/v1/verdicts/", body)


@pytest.fixture
def alice(line: Line) -> Station:
    return Station("alice", line.model)


@pytest.fixture
def bob(line: Line) -> Station:
    return Station("bob", line.model)


def make_shown(line: Line, *, blind: bool) -> Review:
    inspection = make.make_inspection(metadata={"tool": 7, "secret": "x"})
    make.make_item(inspection=inspection, content=make.png())
    return make.make_review(prediction=make.make_prediction(version=line.champion, inspection=inspection), blind=blind)


def test_a_blind_review_says_nothing_of_the_prediction(line: Line, alice: Station) -> None:
    review = make_shown(line, blind=True)

    (claimed,) = alice.claim()
    seen = json.dumps([claimed, alice.client.get(f"/api/v1/reviews/{review.pk}/").json()])

    assert (claimed["prediction"], claimed["phase"]) == (None, "blind")
    assert "scratch" not in seen
    assert ": 0.9" not in seen


def test_metadata_is_shown_by_allow_list_and_the_prediction_where_it_may(line: Line, alice: Station) -> None:
    ReviewPolicy.objects.update(metadata_shown=["tool"])
    make_shown(line, blind=False)

    (claimed,) = alice.claim()

    assert claimed["metadata"] == {"tool": 7}
    assert (claimed["prediction"]["label"], claimed["phase"]) == ("scratch", "shown")
    original = alice.client.get(claimed["items"][0]["original_url"])
    assert original.getvalue() == make.png()


def test_a_verdict_is_said_replayed_and_taken_back(line: Line, alice: Station) -> None:
    review, client_id = make_shown(line, blind=True), str(uuid.uuid4())
    alice.claim()
    now = timezone.now()
    body = {
        "client_id": client_id, "review": review.pk, "kind": "label", "label": "ok", "phase": "blind",
        "shown_at": (now - timedelta(seconds=3)).isoformat(), "said_at": now.isoformat(), "shown": {"zoom": 2},
    }  # fmt: skip
    first, again = (alice.post("/api/v1/verdicts/", body) for _ in range(2))
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json() == again.json()
    assert error_of(alice.post("/api/v1/verdicts/", body | {"label": "dent"}), 409)["code"] == "client_id_taken"

    undo = f"/api/v1/verdicts/{client_id}/undo/"
    assert error_of(alice.post(undo, {"client_id": client_id}), 409)["code"] == "client_id_taken"
    back = alice.post(undo, {"client_id": str(uuid.uuid4())})
    assert back.json()["review"]["id"] == review.pk
    assert [one["id"] for one in alice.claim()] == [review.pk]


def test_a_list_of_verdicts_is_answered_one_by_one_and_sent_again_changes_nothing(line: Line, alice: Station) -> None:
    reviews = [make_shown(line, blind=True) for _ in range(3)]
    now = timezone.now()
    row = {
        "kind": "label", "label": "ok", "phase": "blind", "shown_at": (now - timedelta(seconds=3)).isoformat(),
        "said_at": now.isoformat(),
    }  # fmt: skip
    rows: list[dict[str, Any]] = [row | {"client_id": str(uuid.uuid4()), "review": one.pk} for one in reviews]

    first, again = (alice.post("/api/v1/verdicts/", rows) for _ in range(2))
    assert (first.status_code, again.status_code, first.json()) == (201, 200, again.json())
    assert [one["verdict"]["review"] for one in first.json()["results"]] == [one.pk for one in reviews]

    other = row | {"client_id": str(uuid.uuid4()), "review": make_shown(line, blind=True).pk}
    mixed = alice.post("/api/v1/verdicts/", [other | {"label": "rust"}, 7, other, rows[0] | {"label": "dent"}])
    assert mixed.status_code == 207
    told = mixed.json()["results"]
    assert [one.get("http_status") for one in told] == [400, 400, None, 409]
    assert [one["error"]["code"] for one in told if "error" in one] == ["unknown_label", "invalid", "client_id_taken"]
    assert [one["row"] for one in told if "error" in one] == [0, 1, 3]
    assert Verdict.objects.count() == 4


def test_an_empty_or_endless_list_of_verdicts_is_refused(line: Line, alice: Station) -> None:
    wrong: tuple[list[Any], ...] = ([], [{}] * 65)
    for rows in wrong:
        assert error_of(alice.post("/api/v1/verdicts/", rows), 400)["code"] == "invalid"


def test_a_lost_lease_gives_a_clear_message_and_the_verdict_is_kept(line: Line, alice: Station, bob: Station) -> None:
    review = make_shown(line, blind=True)
    alice.claim()
    Review.objects.update(claim_expires_at=timezone.now() - timedelta(seconds=1))
    bob.claim()

    assert error_of(alice.post(f"/api/v1/reviews/{review.pk}/heartbeat/"), 409)["code"] == "lease_lost"
    said = alice.say(review.pk)

    assert (said.status_code, said.json()["lease_lost"]) == (201, True)
    assert "kept" in said.json()["message"]
    assert Verdict.objects.get().lease_lost


def test_strangers_find_nothing(line: Line) -> None:
    review = make_shown(line, blind=True)
    charlie = Station("charlie", make.make_model(slug="other"))

    error_of(charlie.post(CLAIM), 404)
    error_of(charlie.say(review.pk), 404)
    error_of(charlie.client.get(f"/api/v1/reviews/{review.pk}/"), 404)
    error_of(charlie.post(f"/api/v1/verdicts/{uuid.uuid4()}/undo/", {"client_id": str(uuid.uuid4())}), 404)
    assert charlie.post("/api/v1/reviews/release/", {"ids": [review.pk]}).json() == {"released": 0}


def test_who_may_only_look_may_not_judge(line: Line) -> None:
    auditor = Station("auditor", line.model, "auditor")

    error_of(auditor.post(CLAIM), 403)
    error_of(auditor.say(make_shown(line, blind=True).pk), 403)


def test_an_inspector_does_not_settle_a_disagreement_by_its_number(line: Line, alice: Station, bob: Station) -> None:
    review = make_shown(line, blind=True)
    make.make_verdict(review=review, reviewer=alice.user)
    second = make.make_review(registered_model=line.model, inspection=review.inspection, round=2, reason="adjudication")

    assert error_of(bob.say(second.pk), 403)["code"] == "not_allowed"


def test_a_claim_says_only_what_was_asked_for_beside_the_reviews(line: Line, alice: Station) -> None:
    make_shown(line, blind=True)

    bare = alice.post(CLAIM, {"n": 1, "with": []}).json()
    whole = alice.post(CLAIM, {"n": 0}).json()

    assert set(bare) == {"reviews"}
    assert (whole["reviews"], whole["n_open"], whole["n_mine_today"], whole["recent"]) == ([], 1, 0, [])
    assert "recent" not in alice.post(CLAIM, {"n": 0, "with": ["counts"]}).json()


def test_a_claim_may_name_place_class_and_order(line: Line, alice: Station) -> None:
    shown, _ = make_shown(line, blind=False), make_shown(line, blind=True)
    source = shown.inspection.items.get().source

    asked = {"n": 5, "with": [], "source": source.slug, "label": "scratch", "order": "doubt"}
    found = alice.post(CLAIM, asked).json()["reviews"]

    assert [one["id"] for one in found] == [shown.pk]


@pytest.mark.parametrize(
    "asked",
    [
        {"source": "nowhere"}, {"station": "nowhere"}, {"label": "rust"}, {"shift": "\0"}, {"order": "price"},
        {"with": ["all"]}, {"only": "third"}, {"n": "x"},
    ],
)  # fmt: skip
def test_a_claim_that_asks_for_what_is_not_there_is_told_which(
    line: Line, alice: Station, asked: dict[str, Any]
) -> None:
    answer = alice.post(CLAIM, asked)
    assert error_of(answer, 400)["code"] == "invalid"
    assert next(iter(asked)) in str(answer.json()["error"]["fields"])


def test_claim_and_verdict_cost_few_queries(
    line: Line, alice: Station, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for _ in range(9):
        make_shown(line, blind=True)
    with django_assert_max_num_queries(20):
        (first,) = alice.claim(1)
    with django_assert_max_num_queries(20):
        assert len(alice.claim(8)) == 8
    with django_assert_max_num_queries(21):  # the part is locked before its reviews
        alice.say(first["id"])
