"""The policy's page: saved with who and when, wrong values at their field, a preview that saves nothing."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

import tests.factories as make
from labeling.policy_forms import PolicyForms
from models_registry.models import PolicyChange, RegisteredModel, RetrainingPolicy

pytestmark = pytest.mark.django_db


@pytest.fixture
def model() -> RegisteredModel:
    return make.make_model(slug="steel", retraining={"min_total_labels": 2, "min_per_class": 1, "min_new_labels": 4})


@pytest.fixture
def lena(model: RegisteredModel) -> Client:
    client = Client()
    client.force_login(make.make_member("lead", registered_model=model, user=make.make_user("lena")))
    return client


def form(model: RegisteredModel, **said: Any) -> dict[str, Any]:
    """What the browser would send: everything as it stands, but for ``said``; None: a box without its tick."""
    forms = PolicyForms.of(model)
    fields = {field.html_name: field.value() for one in (forms.retraining, forms.promotion) for field in one}
    return {name: value for name, value in (fields | said).items() if value is not None and value is not False}


def test_a_change_is_saved_and_dated_and_nothing_else_is(lena: Client, model: RegisteredModel) -> None:
    said = form(model, min_new_labels=150, cooldown_minutes="0.5", margin="2", schedule="0 2 * * 1", on_drift=None)

    assert lena.post("/models/steel/policy/", said).status_code == 302

    policy = RetrainingPolicy.objects.get()
    assert (policy.min_new_labels, policy.cooldown_minutes, policy.on_drift) == (150, 30, False)
    assert policy.schedule_since is not None
    changes = {one.policy: (one.fields, str(one.changed_by), one.via) for one in PolicyChange.objects.all()}
    assert changes["promotion"] == ({"margin": [0.01, 0.02]}, "lena", "page")
    assert changes["retraining"][0]["min_new_labels"] == [4, 150]
    assert changes["retraining"][0].keys() == {"min_new_labels", "cooldown_minutes", "on_drift", "schedule"}
    assert b"0 2 * * 1" in lena.get("/models/steel/policy/").content
    lena.post("/models/steel/policy/", form(model))
    assert PolicyChange.objects.count() == 2


def test_of_two_who_change_at_once_the_later_one_is_told_and_decides_anew(lena: Client, model: RegisteredModel) -> None:
    opened = form(model, seen=0, min_new_labels=90, cooldown_minutes="0.2")
    assert lena.post("/models/steel/policy/", form(model, seen=0, min_new_labels=150)).status_code == 302
    bob = Client()
    bob.force_login(make.make_member("lead", registered_model=model, user=make.make_user("bob")))

    refused = bob.post("/models/steel/policy/", opened)
    page = refused.content.decode()

    assert (refused.status_code, RetrainingPolicy.objects.get().min_new_labels) == (409, 150)
    assert "lena changed these rules at" in page
    assert 'value="90"' in page
    assert "now: 150" in page
    newest = PolicyChange.objects.latest("pk").pk
    assert f'name="seen" value="{newest}"' in page
    assert bob.post("/models/steel/policy/", opened | {"seen": newest}).status_code == 302
    policy = RetrainingPolicy.objects.get()
    assert (policy.min_new_labels, policy.cooldown_minutes) == (90, 12)


def test_in_german_a_field_for_numbers_gets_a_number_that_it_can_read(lena: Client, model: RegisteredModel) -> None:
    RetrainingPolicy.objects.update(min_agreement=0.67, cooldown_minutes=1)
    page = lena.get("/models/steel/policy/", HTTP_ACCEPT_LANGUAGE="de").content.decode()
    assert "Regeln" in page
    assert 'name="min_agreement" id="id_min_agreement" value="0.67"' in page
    lena.post("/models/steel/policy/", form(model), HTTP_ACCEPT_LANGUAGE="de")
    assert RetrainingPolicy.objects.get().cooldown_minutes == 1


@pytest.mark.parametrize(
    "wrong", [{"min_new_labels": 0}, {"min_new_labels": "many"}, {"schedule": "soon"}, {"schedule_zone": "Mars"},
              {"margin": 51}, {"new_labels_share": -1}, {"min_agreement": 2}, {"min_new_labels": 2**31}]
)  # fmt: skip
def test_what_is_not_right_is_said_at_its_field(lena: Client, model: RegisteredModel, wrong: dict[str, Any]) -> None:
    answer = lena.post("/models/steel/policy/", form(model, **wrong))

    assert answer.status_code == 400
    assert f'id="id_{next(iter(wrong))}-wrong"'.encode() in answer.content
    assert not PolicyChange.objects.exists()
    assert lena.get("/models/steel/policy/preview/", form(model, **wrong)).status_code == 200


def test_the_preview_shows_what_other_thresholds_would_have_done(lena: Client, model: RegisteredModel) -> None:
    for n in range(4):
        make.make_ground_truth(
            registered_model=model, label="ok" if n % 2 else "dent", decided_at=timezone.now() - timedelta(days=9)
        )
    page = "/models/steel/policy/preview/"

    assert b"1 run would have started" in lena.get(page).content
    assert b"0 runs would have started" in lena.get(page, form(model, min_new_labels=5)).content
    assert RetrainingPolicy.objects.get().min_new_labels == 4


def test_the_preview_decides_about_past_comparisons_by_the_rules_of_the_form(
    lena: Client, model: RegisteredModel
) -> None:
    old, new = (make.make_version(registered_model=model, stage=stage) for stage in ("champion", "candidate"))
    row = make.make_comparison(candidate=new, champion=old, compared_at=timezone.now(), verdict="wait")
    address = "/models/steel/policy/preview/"

    calm = lena.get(address, form(model)).content.decode()
    eager = lena.get(address, form(model, automatic="on", guard_sources=None, guard_defects=None)).content.decode()
    wrong = lena.get(address, form(model, margin=51)).content.decode()

    assert f"/comparisons/{row.pk}/" in calm
    assert "0 would have been decided otherwise" in calm
    assert "would have become champion" in eager
    assert "Otherwise than then." in eager
    assert "would have become champion" not in wrong
    assert row.verdict == "wait"
