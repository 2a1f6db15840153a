"""Webhooks in the admin: a secret is shown once, a delivery is sent again on request."""

from __future__ import annotations

import re

import pytest
from django.contrib.auth.models import Permission
from django.test import Client

from models_registry.models import Delivery, Webhook
from tests import factories as make
from tests.admin.doors import act, address, form_of

pytestmark = pytest.mark.django_db
BODY = {"name": "MES", "url": "https://mes.example.com/hook", "events": ["review.settled"], "is_active": "on"}


def test_a_webhook_is_made_with_a_secret_that_is_shown_once(root: Client) -> None:
    page = root.post(address(Webhook, "add"), BODY, follow=True).content.decode()
    webhook = Webhook.objects.get()
    assert webhook.secret in page
    assert len(webhook.secret) == len("whsec_") + 44
    assert (webhook.created_by, webhook.events) == (make.make_user("root"), ["review.settled"])
    for again in (address(Webhook, "changelist"), address(Webhook, "change", webhook.pk)):
        assert webhook.secret not in root.get(again).content.decode()


@pytest.mark.parametrize(
    "change", [{"url": "ftp://mes.example.com/"}, {"url": "mes example"}, {"events": []}, {"events": ["moon.rose"]}]
)
def test_a_webhook_that_cannot_work_is_explained_by_the_form(change: dict[str, object], root: Client) -> None:
    answer = root.post(address(Webhook, "add"), BODY | change)
    assert (answer.status_code, Webhook.objects.count()) == (200, 0)
    assert b"errorlist" in answer.content or b"error" in answer.content


def test_saving_the_form_does_not_undo_what_a_worker_wrote_meanwhile(root: Client) -> None:
    webhook = make.make_webhook()
    body = form_of(root, webhook) | {"name": "MES 2"}
    Webhook.objects.update(n_failures=3, failing_since=make.NOW, rests_until=make.NOW)
    assert root.post(address(Webhook, "change", webhook.pk), body).status_code == 302
    webhook.refresh_from_db()
    assert (webhook.name, webhook.n_failures) == ("MES 2", 3)


def test_a_changed_secret_is_shown_once_and_the_old_one_stays_for_a_day(root: Client) -> None:
    webhook = make.make_webhook()
    (message,) = act(root, [webhook], "change_secret")
    old = webhook.secret
    webhook.refresh_from_db()
    assert re.findall(r"whsec_[\w+/=]+", message) == [webhook.secret]
    assert (webhook.former_secret, webhook.secret != old) == (old, True)


def test_a_delivery_that_is_over_is_sent_again(root: Client) -> None:
    delivery = make.make_delivery(status="failed", finished_at=make.NOW, n_attempts=1)
    make.make_attempt(delivery=delivery, status=404)
    assert "is sent again" in act(root, [delivery], "send_again")[0]
    assert "waits already" in act(root, [delivery], "send_again")[0]
    again = Delivery.objects.get()
    assert (again.status, again.event, again.attempts.count()) == ("waiting", delivery.event, 1)
    assert b"404" in root.get(address(Delivery, "change", delivery.pk)).content


def test_who_may_only_look_cannot_send_again(client: Client) -> None:
    lena = make.make_user("lena", is_staff=True)
    lena.user_permissions.add(Permission.objects.get(codename="view_delivery"))
    client.force_login(lena)
    delivery = make.make_delivery(status="failed", finished_at=make.NOW)
    client.post(address(Delivery, "changelist"), {"action": "send_again", "_selected_action": [delivery.pk]})
    assert Delivery.objects.get().status == "failed"


def test_no_webhook_is_deleted(root: Client) -> None:
    webhook = make.make_webhook()
    assert root.post(address(Webhook, "delete", webhook.pk), {"post": "yes"}).status_code == 403
