"""Actions of the admin do what they say and explain refusals; nothing they refuse changes anything."""

from __future__ import annotations

import re

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client

from labeling.keys import find_key
from labeling.models import ApiKey
from models_registry.models import Alert, ModelVersion, TrainingRun
from tests import factories as make
from tests.admin.doors import act, address
from tests.factories.everything import make_one_of_each

pytestmark = pytest.mark.django_db


def test_approving_makes_a_candidate_the_champion_and_says_who_and_why(root: Client) -> None:
    champion = make.make_version()
    candidate = make.make_version(registered_model=champion.registered_model)
    (message,) = act(root, [candidate], "approve", reason="Fewer escapes on line 3")
    assert "is the champion now" in message
    candidate.refresh_from_db()
    decision = candidate.promotions.get()
    assert (candidate.stage, decision.decided_by, decision.reason) == (
        "champion", make.make_user("root"), "Fewer escapes on line 3",
    )  # fmt: skip


@pytest.mark.parametrize("action", ["approve", "refuse"])
def test_a_decision_without_a_reason_is_explained_and_changes_nothing(action: str, root: Client) -> None:
    champion = make.make_version()
    candidate = make.make_version(registered_model=champion.registered_model)
    (message,) = act(root, [candidate], action)
    assert "Say why" in message
    assert set(ModelVersion.objects.values_list("stage", flat=True)) == {"champion", "candidate"}


def test_refusing_keeps_the_champion_and_doing_it_twice_is_explained(root: Client) -> None:
    champion = make.make_version()
    candidate = make.make_version(registered_model=champion.registered_model)
    assert "was refused" in act(root, [candidate], "refuse", reason="More dents are missed")[0]
    assert "not a candidate any more" in act(root, [candidate], "refuse", reason="Again")[0]
    assert ModelVersion.objects.champion_of(champion.registered_model) == champion


def test_one_refusal_does_not_stop_the_other_rows(root: Client) -> None:
    first, second = make.make_version(), make.make_version()
    candidate = make.make_version(registered_model=second.registered_model)
    messages = act(root, [first, candidate], "refuse", reason="Worse")
    assert len(messages) == 2
    assert sorted(ModelVersion.objects.values_list("stage", flat=True)) == ["champion", "champion", "rejected"]


def test_staff_who_may_look_but_not_decide_are_told_so(client: Client) -> None:
    lena = make.make_user("lena", is_staff=True)
    champion = make.make_version()
    candidate = make.make_version(registered_model=champion.registered_model)
    _allow(lena, "view_modelversion")
    client.force_login(lena)
    assert "nothing here for you" in act(client, [candidate], "approve", reason="Better")[0]
    make.make_member("auditor", user=lena, registered_model=champion.registered_model)
    assert "does not allow" in act(client, [candidate], "approve", reason="Better")[0]
    make.make_member("lead", user=lena, registered_model=champion.registered_model)
    assert "is the champion now" in act(client, [candidate], "approve", reason="Better")[0]


def _allow(user: User, codename: str) -> None:
    user.user_permissions.add(Permission.objects.get(codename=codename))


def test_a_version_trained_elsewhere_can_be_registered(root: Client) -> None:
    model = make.make_version().registered_model
    body = {"registered_model": model.pk, "external_name": "resnet-7", "score_kind": "independent"}
    assert root.post(address(ModelVersion, "add"), body).status_code == 302
    version = model.versions.get(external_name="resnet-7")
    assert (version.number, version.origin, version.stage) == (2, "external", "candidate")
    assert b"has a version of that name" in root.post(address(ModelVersion, "add"), body).content


def test_an_active_run_can_be_cancelled_once(root: Client) -> None:
    run = make.make_run(status="running")
    assert "was cancelled" in act(root, [run], "cancel", reason="Wrong labels")[0]
    assert "over already" in act(root, [run], "cancel", reason="Wrong labels")[0]
    run.refresh_from_db()
    assert (run.status, run.outcome) == ("cancelled", "Cancelled by root: Wrong labels")


def test_retraining_needs_a_reason_and_labels_and_then_is_queued(root: Client, engines: None) -> None:
    model = make.make_model()
    assert "Say why" in act(root, [model], "retrain_now")[0]
    assert "no label yet" in act(root, [model], "retrain_now", reason="New lamp")[0]
    inspection = make.make_inspection()
    make.make_item(inspection=inspection, content=make.png())
    make.make_ground_truth(registered_model=model, inspection=inspection)
    assert "is queued" in act(root, [model], "retrain_now", reason="New lamp")[0]
    assert "One run at a time" in act(root, [model], "retrain_now", reason="New lamp")[0]
    assert TrainingRun.objects.get().reason == "New lamp"


def test_resolving_alerts_closes_what_is_open(root: Client) -> None:
    alert = make.make_alert()
    assert act(root, [alert], "resolve") == ["1 alert resolved."]
    assert "Nothing to do" in act(root, [alert], "resolve")[0]
    assert Alert.objects.get().resolved_at is not None


def test_the_text_of_an_api_key_is_shown_exactly_once(root: Client) -> None:
    body = {"user": make.make_user("alice").pk, "name": "line 3", "expires_at_0": "", "expires_at_1": ""}
    page = root.post(address(ApiKey, "add"), body, follow=True).content.decode()
    (text,) = set(re.findall(r"rk_[0-9a-f]{8}_[\w-]+", page))
    key = find_key(text, now=make.NOW)
    assert key is not None
    assert key.pk == ApiKey.objects.get().pk
    assert text not in root.get(address(ApiKey, "changelist")).content.decode()
    assert text not in root.get(address(ApiKey, "change", ApiKey.objects.get().pk)).content.decode()
    assert (
        ApiKey.objects.get().digest not in root.get(address(ApiKey, "change", ApiKey.objects.get().pk)).content.decode()
    )


def test_an_api_key_is_narrowed_by_the_form_and_says_so(root: Client) -> None:
    model = make.make_model(slug="steel")
    body = {"user": make.make_user("alice").pk, "name": "line 3", "expires_at_0": "", "expires_at_1": ""}
    root.post(
        address(ApiKey, "add"),
        body | {"models": [model.pk], "verbs": ["ingest", "view"], "requests_per_minute": "90"},
    )
    key = ApiKey.objects.get()
    assert (key.only_models, key.only_verbs, key.requests_per_minute) == ([model.pk], ["ingest", "view"], 90)
    page = root.get(address(ApiKey, "change", key.pk)).content.decode()
    assert "steel" in page
    assert "ingest, view" in page
    assert b"At least 1" in root.post(address(ApiKey, "add"), body | {"requests_per_minute": "0"}).content


def test_an_api_key_that_would_never_work_is_refused(root: Client) -> None:
    body = {"user": make.make_user("alice").pk, "name": "line 3", "expires_at_0": "2020-01-01", "expires_at_1": "00:00"}
    assert b"is past" in root.post(address(ApiKey, "add"), body).content
    assert not ApiKey.objects.exists()


def test_a_revoked_api_key_is_refused_and_stays_on_record(root: Client) -> None:
    key = make_one_of_each()[ApiKey]
    assert "1 key revoked" in act(root, [key], "revoke")[0]
    assert "revoked already" in act(root, [key], "revoke")[0]
    assert root.post(address(ApiKey, "delete", key.pk), {"post": "yes"}).status_code == 403
    assert ApiKey.objects.get().revoked_at is not None
