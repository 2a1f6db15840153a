"""Deliveries to a real receiver on loopback. Time is passed in, so a day of retries takes a moment."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.test import override_settings

from models_registry.models import Delivery, DeliveryAttempt, Event, RegisteredModel, Webhook
from models_registry.services import deliveries
from models_registry.services.deliveries import change_secret, drain, send_again, sweep
from models_registry.services.outbox import emit
from reviewapp.errors import Conflict
from tests import factories as make
from tests.receiver import Receiver, is_signed, receiving
from tests.together import all_done

pytestmark = pytest.mark.django_db
NOW = make.NOW


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as running:
        yield running


@pytest.fixture
def webhook(db: None, receiver: Receiver) -> Webhook:
    return make.make_webhook(url=receiver.url)


@pytest.fixture
def model(db: None) -> RegisteredModel:
    return make.make_model()


def happens(model: RegisteredModel, what: str = "alert/1", **payload: object) -> Event:
    event = emit(event="model.alert", registered_model=model, object_id=what, payload=payload, now=NOW)
    assert event is not None
    return event


def drain_at(webhook: Webhook, seconds: float = 0) -> bool:
    return drain(webhook.pk, clock=lambda: NOW + timedelta(seconds=seconds))


def statuses(webhook: Webhook) -> list[str]:
    return list(webhook.deliveries.order_by("event_id").values_list("status", flat=True))


def test_an_event_is_delivered_once_signed_and_on_record(
    webhook: Webhook, receiver: Receiver, model: RegisteredModel
) -> None:
    event = happens(model, level=3)
    assert not drain_at(webhook)
    assert not drain_at(webhook)
    (received,) = receiver.got
    assert received.id == received.event["id"] == str(event.uid)
    assert received.body.decode() == event.body
    assert is_signed(received, webhook.secret)
    assert not is_signed(received, make.make_webhook().secret)
    delivery, attempt = Delivery.objects.get(), DeliveryAttempt.objects.get()
    assert (delivery.status, delivery.n_attempts, delivery.last_status) == ("delivered", 1, 200)
    assert (attempt.number, attempt.status, attempt.excerpt) == (1, 200, "ok")


def test_500_then_200_sends_the_same_bytes_under_the_same_id(
    webhook: Webhook, receiver: Receiver, model: RegisteredModel
) -> None:
    answers = [500, 500, 200]
    receiver.reply = lambda received: (answers.pop(0), {})
    happens(model)
    drain_at(webhook)
    drain_at(webhook, 3)  # not yet
    drain_at(webhook, 7)
    drain_at(webhook, 30)
    assert [one.status for one in DeliveryAttempt.objects.order_by("pk")] == [500, 500, 200]
    assert len({(one.id, one.body) for one in receiver.got}) == 1
    assert statuses(webhook) == ["delivered"]


def test_a_receiver_that_is_down_rests_as_a_whole_and_is_found_again(model: RegisteredModel) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    webhook = make.make_webhook(url=f"http://127.0.0.1:{port}/hook")
    for number in range(50):
        happens(model, f"alert/{number}")
    drain_at(webhook)
    assert DeliveryAttempt.objects.count() == 1  # one tried, 49 waited
    drain_at(webhook, 1)
    webhook.refresh_from_db()
    assert (DeliveryAttempt.objects.count(), webhook.n_failures, webhook.failing_since) == (1, 1, NOW)
    assert "No answer" in Delivery.objects.earliest("pk").outcome
    with receiving(port) as receiver:
        drain_at(webhook, 10)
        assert len(receiver.got) == 50
    webhook.refresh_from_db()
    assert (set(statuses(webhook)), webhook.n_failures, webhook.failing_since) == ({"delivered"}, 0, None)


def test_404_is_final_and_a_person_may_send_it_again(
    webhook: Webhook, receiver: Receiver, model: RegisteredModel
) -> None:
    answers = [404, 200]
    receiver.reply = lambda received: (answers.pop(0), {})
    happens(model)
    drain_at(webhook)
    drain_at(webhook, 90_000)
    delivery = Delivery.objects.get()
    assert (delivery.status, len(receiver.got)) == ("failed", 1)
    assert "final" in delivery.outcome
    send_again(delivery=delivery, now=NOW)
    with pytest.raises(Conflict, match="waits already"):
        send_again(delivery=delivery, now=NOW)
    drain_at(webhook)
    assert [one.id for one in receiver.got] == [str(delivery.event.uid)] * 2
    assert [one.number for one in delivery.attempts.order_by("pk")] == [1, 2]
    assert statuses(webhook) == ["delivered"]


def test_429_rests_as_long_as_it_asks_for(webhook: Webhook, receiver: Receiver, model: RegisteredModel) -> None:
    receiver.reply = lambda received: (429, {"retry-after": "60"})
    happens(model, "alert/1")
    happens(model, "alert/2")
    drain_at(webhook)
    receiver.reply = lambda received: (200, {})
    drain_at(webhook, 59)
    assert len(receiver.got) == 1
    drain_at(webhook, 61)
    assert statuses(webhook) == ["delivered", "delivered"]


def test_a_redirect_is_not_followed(webhook: Webhook, receiver: Receiver, model: RegisteredModel) -> None:
    receiver.reply = lambda received: (307, {"location": "/elsewhere"})
    happens(model)
    drain_at(webhook)
    assert (len(receiver.got), statuses(webhook), DeliveryAttempt.objects.get().status) == (1, ["waiting"], 307)


def test_a_later_event_of_an_object_waits_for_the_earlier_and_other_objects_do_not(
    webhook: Webhook, receiver: Receiver, model: RegisteredModel
) -> None:
    first = happens(model, "alert/1", n=1)
    happens(model, "alert/1", n=2)
    happens(model, "alert/2", n=3)
    refused = {str(first.uid)}
    receiver.reply = lambda received: (500 if received.id in refused else 200, {})
    drain_at(webhook)
    assert [one.event["data"]["n"] for one in receiver.got] == [1, 3]
    refused.clear()
    drain_at(webhook, 10)
    assert [one.event["data"]["n"] for one in receiver.got] == [1, 3, 1, 2]


def test_an_event_that_failed_for_good_lets_the_next_of_its_object_go(
    webhook: Webhook, receiver: Receiver, model: RegisteredModel
) -> None:
    first = happens(model, n=1)
    happens(model, n=2)
    receiver.reply = lambda received: (400 if received.id == str(first.uid) else 200, {})
    drain_at(webhook)
    assert statuses(webhook) == ["failed", "delivered"]


def test_a_message_that_is_never_taken_is_given_up_after_a_day(
    webhook: Webhook, receiver: Receiver, model: RegisteredModel
) -> None:
    receiver.reply = lambda received: (500, {})
    happens(model)
    for hour in range(30):
        drain_at(webhook, 3600 * hour + 3600 * 0.5 * (hour > 0))
    delivery = Delivery.objects.get()
    assert delivery.status == "failed"
    assert "Given up after 24 hours" in delivery.outcome


def test_what_waited_a_day_for_a_silent_receiver_is_given_up_and_a_weekend_off_is_no_silence(
    model: RegisteredModel,
) -> None:
    dead = make.make_webhook(n_failures=9, failing_since=NOW, rests_until=NOW)
    off = make.make_webhook(name="nobody has tried yet")
    happens(model, "alert/1")
    day = timedelta(days=1)
    assert sweep(now=NOW + day) == [off.pk]
    assert (statuses(dead), statuses(off)) == (["failed"], ["waiting"])


def test_a_trickling_answer_ends_with_the_deadline(
    webhook: Webhook, receiver: Receiver, model: RegisteredModel
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        Webhook.objects.update(url=f"http://127.0.0.1:{server.getsockname()[1]}/")

        def trickle() -> None:
            connection, _ = server.accept()
            with connection:
                for letter in b"HTTP/1.1 200 OK\r\nx: " + b"y" * 1200:
                    try:
                        connection.send(bytes([letter]))
                    except OSError:
                        return
                    time.sleep(0.05)

        thread = threading.Thread(target=trickle, daemon=True)
        thread.start()
        happens(model)
        started = time.monotonic()
        with override_settings(WEBHOOK_TIMEOUT_SECONDS=1):
            drain_at(webhook)
        assert time.monotonic() - started < 20  # it would trickle for a minute
        thread.join(20)
    assert (DeliveryAttempt.objects.get().status, statuses(webhook)) == (None, ["waiting"])


def test_an_endless_answer_is_read_a_little_way(webhook: Webhook, receiver: Receiver, model: RegisteredModel) -> None:
    receiver.reply = lambda received: (200, {"content-length": str(10**12)})
    happens(model)
    with override_settings(WEBHOOK_TIMEOUT_SECONDS=1):
        drain_at(webhook)
    assert statuses(webhook) == ["delivered"]


def test_a_metadata_address_is_never_spoken_to(model: RegisteredModel) -> None:
    webhook = make.make_webhook(url="http://169.254.169.254/latest/")
    happens(model)
    drain_at(webhook)
    assert "not an address that webhooks are sent to" in Delivery.objects.get().outcome


def test_both_secrets_sign_for_a_day_after_a_change(
    webhook: Webhook, receiver: Receiver, model: RegisteredModel
) -> None:
    old, new = webhook.secret, change_secret(webhook=webhook, now=NOW)
    happens(model)
    drain_at(webhook)
    happens(model)
    drain_at(webhook, 86_401)
    during, later = receiver.got
    assert (is_signed(during, old), is_signed(during, new)) == (True, True)
    assert (is_signed(later, old), is_signed(later, new)) == (False, True)


def test_a_webhook_that_is_switched_off_gets_nothing_and_goes_on_later(
    webhook: Webhook, receiver: Receiver, model: RegisteredModel
) -> None:
    happens(model)
    Webhook.objects.update(is_active=False)
    drain_at(webhook)
    assert (receiver.got, sweep(now=NOW)) == ([], [])
    with pytest.raises(Conflict, match="switched off"):
        send_again(delivery=Delivery.objects.get(), now=NOW)
    Webhook.objects.update(is_active=True)
    drain_at(webhook)
    assert len(receiver.got) == 1


def test_a_webhook_is_held_by_one_worker_until_its_lease_runs_out(
    webhook: Webhook, receiver: Receiver, model: RegisteredModel
) -> None:
    happens(model)
    first = deliveries._hold(webhook.pk, now=NOW)
    assert first is not None
    drain_at(webhook, 14)
    assert receiver.got == []
    drain_at(webhook, 16)
    assert len(receiver.got) == 1
    assert not deliveries._keep(first, now=NOW + timedelta(seconds=16))


def test_old_events_are_forgotten_but_not_while_they_wait(webhook: Webhook, model: RegisteredModel) -> None:
    done, waiting = happens(model, "alert/1"), happens(model, "alert/2")
    Delivery.objects.filter(event=done).update(status="delivered", finished_at=NOW)
    sweep(now=NOW + timedelta(days=29))
    assert Event.objects.count() == 2
    sweep(now=NOW + timedelta(days=31))
    assert list(Event.objects.all()) == [waiting]


@pytest.mark.django_db(transaction=True)
def test_many_workers_send_each_event_once_and_in_order(
    engines: None, webhook: Webhook, receiver: Receiver, model: RegisteredModel
) -> None:
    for number in range(40):
        happens(model, f"alert/{number % 4}", n=number)

    def work() -> None:
        for _ in range(20):
            drain_at(webhook)
            time.sleep(0.01)

    all_done([work] * 4)
    assert [one.event["data"]["n"] for one in receiver.got] == list(range(40))
