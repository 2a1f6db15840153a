"""An event is written with its cause or not at all, for who asked for it and nobody else."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.db import transaction

from models_registry.models import Delivery, Event, Webhook
from models_registry.services.alerts import open_alert
from models_registry.services.outbox import emit
from models_registry.services.promotion import promote, roll_back
from models_registry.services.training import cancel, fail
from tests import factories as make
from tests.together import all_done

pytestmark = pytest.mark.django_db
NOW = make.NOW


def sent(webhook: Webhook) -> list[dict[str, Any]]:
    return [json.loads(one.event.body) for one in webhook.deliveries.select_related("event").order_by("event_id")]


def test_without_a_webhook_an_event_costs_one_query_and_leaves_nothing(django_assert_num_queries: Any) -> None:
    model = make.make_model()
    make.make_webhook(is_active=False)
    make.make_webhook(events=["run.finished"])
    make.make_webhook(registered_model=make.make_model())
    with django_assert_num_queries(1):
        assert emit(event="model.alert", registered_model=model, object_id="alert/1", payload={}, now=NOW) is None
    assert not Event.objects.exists()


def test_an_event_goes_to_who_asked_for_it_and_says_what_happened() -> None:
    model = make.make_model(slug="surface")
    of_all, of_this = make.make_webhook(), make.make_webhook(registered_model=model)
    emit(event="model.alert", registered_model=model, object_id="alert/1", payload={"at": NOW}, now=NOW)
    event = Event.objects.get()
    assert (
        sent(of_all)
        == sent(of_this)
        == [
            {
                "id": str(event.uid),
                "type": "model.alert",
                "timestamp": "2026-11-23T14:00:00Z",
                "model": "surface",
                "object": "alert/1",
                "sequence": event.pk,
                "data": {"at": "2026-11-23T14:00:00Z"},
            }
        ]
    )


@pytest.mark.django_db(transaction=True)
def test_a_cause_that_is_rolled_back_leaves_no_delivery(engines: None) -> None:
    model, webhook = make.make_model(), make.make_webhook()

    @transaction.atomic
    def cause() -> None:
        open_alert(registered_model=model, kind="artifact_refused", message="It is gone.", now=NOW)
        assert webhook.deliveries.count() == 1
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        cause()
    assert not Event.objects.exists()
    assert not Delivery.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_events_of_one_object_that_come_together_all_get_in_with_rising_sequences(engines: None) -> None:
    model, webhook = make.make_model(), make.make_webhook()

    def one() -> int:
        found = emit(event="model.alert", registered_model=model, object_id="alert/1", payload={}, now=NOW)
        assert found is not None
        return found.pk

    keys = all_done([one] * 8)
    assert sorted(keys) == [body["sequence"] for body in sent(webhook)]
    assert len(set(keys)) == 8


def test_an_alert_is_told_once() -> None:
    model, webhook = make.make_model(), make.make_webhook()
    for _ in range(2):
        open_alert(
            registered_model=model, kind="artifact_refused", message="It is gone.", now=NOW, evidence={"key": "a"}
        )
    (body,) = sent(webhook)
    assert (body["type"], body["data"]["kind"], body["data"]["evidence"]) == (
        "model.alert",
        "artifact_refused",
        {"key": "a"},
    )


def test_a_promotion_and_its_way_back_are_told_in_order() -> None:
    champion = make.make_version()
    model, webhook = champion.registered_model, make.make_webhook()
    candidate = make.make_version(registered_model=model)
    promote(version=candidate, by=make.make_user("lena"), reason="Fewer escapes", now=NOW)
    roll_back(registered_model=model, by=make.make_user("lena"), reason="More overkill", now=NOW)
    told = sent(webhook)
    assert [(one["data"]["action"], one["data"]["version"], one["data"]["replaced"]) for one in told] == [
        ("promote", 2, 1), ("roll_back", 1, 2),
    ]  # fmt: skip
    assert {one["object"] for one in told} == {f"model/{model.slug}"}


def test_a_run_that_fails_or_is_cancelled_is_told_with_its_reason() -> None:
    webhook = make.make_webhook(events=["run.finished"])
    failed, cancelled = make.make_run(status="running"), make.make_run(status="running")
    fail(failed, step="fit", reason="Too few dents.", now=NOW)
    assert cancel(cancelled, reason="Wrong labels.", now=NOW)
    assert not cancel(cancelled, reason="Again.", now=NOW)
    told = [(one["data"]["run"], one["data"]["status"], one["data"]["outcome"]) for one in sent(webhook)]
    assert told == [(failed.pk, "failed", "Too few dents."), (cancelled.pk, "cancelled", "Wrong labels.")]
