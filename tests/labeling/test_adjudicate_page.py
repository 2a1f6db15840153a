"""The page of open cases: who may open it, what stands on it, and what never does."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from labeling.models import Review
from models_registry.models import RegisteredModel
from tests import factories as make
from tests.labeling.test_station_page import as_member, config_of

pytestmark = pytest.mark.django_db
ADDRESS = "/adjudicate/flange/"


@pytest.fixture
def model() -> RegisteredModel:
    return make.make_model(slug="flange", name="Flange surface")


def make_case(model: RegisteredModel, words: dict[str, str | None], *, age: timedelta, **fields: Any) -> Review:
    """A round that decides about a part of which people said ``words`` (by name)."""
    now = timezone.now()
    version = model.versions.first() or make.make_version(registered_model=model)
    inspection = make.make_inspection()
    make.make_item(inspection=inspection, content=make.png())
    said = make.make_prediction(version=version, inspection=inspection, label="scratch", confidence=0.8731)
    first = make.make_review(prediction=said, status="escalated", created_at=now - age)
    for name, word in words.items():
        make.make_verdict(review=first, reviewer=make.make_user(name), label=word, note=f"{word} of the rim")
    return make.make_review(prediction=said, round=2, reason="adjudication", created_at=now - age, **fields)


def test_the_oldest_case_is_open_and_nobody_is_named(client: Client, model: RegisteredModel) -> None:
    make_case(model, {"alice": "ok", "bob": None}, age=timedelta(minutes=40))
    old = make_case(model, {"alice": "dent", "bob": "ok"}, age=timedelta(days=2, hours=4))

    page = as_member(client, model, "adjudicator", "lena").get(ADDRESS).content.decode()

    assert f"<b>Case {old.pk}</b>" in page
    assert "2 open cases" in page
    assert "Dent or OK" in page
    assert "OK or Unsure" in page
    assert "2 d 4 h, past the limit" in page
    assert "40 min" in page
    assert "dent of the rim" in page
    for name in ("alice", "bob"):
        assert name not in page


def test_the_prediction_is_not_on_the_page(client: Client, model: RegisteredModel) -> None:
    make_case(model, {"alice": "dent", "bob": "ok"}, age=timedelta(hours=1))
    answer = as_member(client, model, "adjudicator", "lena").get(ADDRESS)
    page = answer.content.decode()
    assert "0.8731" not in page
    assert "87" not in page.split('id="station-config"')[0]
    assert config_of(page)["has_looked"] is False


def test_a_case_has_an_address_and_one_that_is_decided_has_none(client: Client, model: RegisteredModel) -> None:
    deciding = make_case(model, {"alice": "dent", "bob": "ok"}, age=timedelta(hours=1))
    lena = as_member(client, model, "adjudicator", "lena")
    assert lena.get(f"{ADDRESS}{deciding.pk}/").status_code == 200
    Review.objects.filter(pk=deciding.pk).update(status="settled", settled_at=timezone.now())
    assert lena.get(f"{ADDRESS}{deciding.pk}/").status_code == 404
    assert lena.get(f"{ADDRESS}{2**63}/").status_code == 404
    assert "No open case" in lena.get(ADDRESS).content.decode()


def test_who_spoke_has_no_case_and_inspectors_have_no_page(client: Client, model: RegisteredModel) -> None:
    make_case(model, {"lena": "dent", "bob": "ok"}, age=timedelta(hours=1))
    assert "No open case" in as_member(client, model, "adjudicator", "lena").get(ADDRESS).content.decode()
    assert as_member(client, model, "inspector", "dora").get(ADDRESS).status_code == 403


def test_opening_the_page_leases_nothing(client: Client, model: RegisteredModel) -> None:
    deciding = make_case(model, {"alice": "dent", "bob": "ok"}, age=timedelta(hours=1))
    as_member(client, model, "adjudicator", "lena").get(ADDRESS)
    deciding.refresh_from_db()
    assert deciding.claimed_by is None


def test_words_of_people_are_text(client: Client, model: RegisteredModel) -> None:
    deciding = make_case(model, {"alice": "dent"}, age=timedelta(hours=1))
    make.make_challenge(review=deciding, reason="<script>alert(1)</script>", challenged_by=make.make_user("bob"))
    page = as_member(client, model, "adjudicator", "lena").get(ADDRESS).content.decode()
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert" in page
