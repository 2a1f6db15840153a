"""A real worker delivers a burst; one that is killed in the middle of a delivery is replaced and nothing is lost."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator

import pytest

from models_registry.models import Delivery, DeliveryAttempt
from models_registry.services.outbox import emit
from models_registry.tasks import sweep_webhooks
from tests import factories as make
from tests.conftest import StartWorker
from tests.receiver import Received, Receiver, is_signed, receiving
from tests.story import wait_for

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]
QUICK = {"REVIEWAPP_WEBHOOK_TIMEOUT_SECONDS": "2"}


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as running:
        yield running


def test_a_burst_of_100_events_arrives_once_in_order_and_a_dead_receiver_holds_nobody_up(
    celery_worker_process: StartWorker, receiver: Receiver
) -> None:
    model, webhook = make.make_model(), make.make_webhook(url=receiver.url)
    dead = make.make_webhook(url="http://127.0.0.1:9/")
    celery_worker_process(queues="webhooks", environment=QUICK)
    for number in range(100):
        emit(
            event="model.alert", registered_model=model, object_id=f"alert/{number % 5}", payload={"n": number},
            now=make.NOW,
        )  # fmt: skip
    wait_for(lambda: len(receiver.got) >= 100, seconds=60, what="the burst did not arrive")
    assert [one.event["data"]["n"] for one in receiver.got] == list(range(100))
    assert all(is_signed(one, webhook.secret) for one in receiver.got)
    all_delivered = {"delivered"}  # a receiver has it a moment before its row says so
    wait_for(
        lambda: set(webhook.deliveries.values_list("status", flat=True)) == all_delivered,
        seconds=10,
        what="what arrived is not written down",
    )
    assert dead.deliveries.filter(status="waiting").count() == 100
    assert DeliveryAttempt.objects.filter(delivery__webhook=dead).count() <= 2


def test_a_worker_killed_in_the_middle_of_a_delivery_sends_it_again_under_the_same_id(
    celery_worker_process: StartWorker, receiver: Receiver
) -> None:
    hangs = threading.Event()

    def reply(received: Received) -> tuple[int, dict[str, str]]:
        if len(receiver.got) == 1:
            hangs.wait(30)
        return 200, {}

    receiver.reply = reply
    model, _ = make.make_model(), make.make_webhook(url=receiver.url)
    environment = {"REVIEWAPP_WEBHOOK_TIMEOUT_SECONDS": "4"}
    first = celery_worker_process(queues="webhooks", environment=environment)
    emit(event="model.alert", registered_model=model, object_id="alert/1", payload={}, now=make.NOW)
    wait_for(lambda: len(receiver.got) == 1, seconds=60, what="nothing was sent")
    os.kill(first.pid, signal.SIGKILL)
    celery_worker_process(queues="webhooks", environment=environment)

    def delivered() -> bool:
        sweep_webhooks.delay()  # as beat does
        return Delivery.objects.filter(status="delivered").exists()

    wait_for(delivered, seconds=60, what="nobody took the delivery over")
    hangs.set()
    assert len({one.id for one in receiver.got}) == 1
    assert len(receiver.got) == 2
    lost, done = DeliveryAttempt.objects.order_by("pk")
    assert (lost.status, lost.milliseconds, done.status) == (None, None, 200)
