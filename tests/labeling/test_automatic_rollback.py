"""The whole way back: a bad new champion, verdicts by the API, an alarm, the former champion once and for good."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.urls import reverse
from django.utils import timezone

from labeling.feedback import close_the_loop
from labeling.tallies import fold
from models_registry.models import Alert, Delivery, Event, ModelVersion, Monitor, Promotion
from models_registry.services.promotion import promote
from models_registry.services.recomparing import overtaken_comparisons, recompare
from tests import factories as make
from tests.api.line import Line, draw_everything, image, make_line
from tests.api.test_reviews import Station

pytestmark = pytest.mark.django_db
PARTS = 24


@pytest.fixture(autouse=True)
def store(tmp_path: Path, settings: Any) -> None:
    local = {"BACKEND": "django.core.files.storage.FileSystemStorage", "OPTIONS": {"location": tmp_path / "store"}}
    settings.STORAGES = {**settings.STORAGES, "default": local}


def turn(line: Line, *, hours: float = 0) -> None:
    """What beat does every minute."""
    fold()
    close_the_loop(registered_model=line.model, now=timezone.now() + timedelta(hours=hours))


def promoted_and_wrong() -> tuple[Line, ModelVersion]:
    """v2 became champion, calls every part scratched, and people say by the API that each was good."""
    line = make_line()
    draw_everything(line)
    type(line.model).objects.filter(pk=line.model.pk).update(target_accuracy=0.95)
    policy = line.model.promotion_policy
    policy.rolls_back, policy.automatic = True, True
    policy.save()
    bad = make.make_version(registered_model=line.model, external_name="v2-net")
    promote(version=bad, by=None, reason="Better on the hold-out.", now=timezone.now())
    turn(line)
    rows = [line.row(n, version="v2-net", serial=f"S{n}") for n in range(PARTS)]
    images = {f"image.{n}": image(f"{n}.png", shade=n) for n in range(PARTS)}
    assert line.send_form({"rows": json.dumps(rows), **images}).status_code == 201
    alice = Station("alice", line.model)
    while claimed := alice.claim(20):
        for review in claimed:
            assert alice.say(review["id"], phase=review["phase"]).status_code == 201
    return line, bad


def test_a_bad_champion_makes_way_once_with_reason_alert_and_webhook_stays_away_and_the_page_says_so() -> None:
    hook = make.make_webhook(events=["version.promoted", "model.alert"])
    line, bad = promoted_and_wrong()
    turn(line)

    back = Promotion.objects.get(action="roll_back")
    assert (back.version, back.replaced, back.automatic, back.decided_by) == (line.champion, bad, True, None)
    assert f"{PARTS} found in {PARTS} inspections" in back.reason
    assert Monitor.objects.get(model_version=bad, guard="").max_evidence >= 100
    alert = Alert.objects.get(kind="rolled_back", resolved_at=None)
    assert back.reason in alert.message
    told = [json.loads(one.body)["data"] for one in Event.objects.filter(name="version.promoted").order_by("pk")]
    assert [(one["action"], one["version"], one["replaced"]) for one in told] == [
        ("promote", 2, 1), ("roll_back", 1, 2),
    ]  # fmt: skip
    kinds = [json.loads(one.body)["data"]["kind"] for one in Event.objects.filter(name="model.alert")]
    assert kinds.count("rolled_back") == 1
    assert Delivery.objects.filter(webhook=hook, event__name="version.promoted").count() == 2

    # nothing brings it back: not the next turns, not its own parts, not a comparison that is asked for anew
    before = Promotion.objects.count()
    line.send([line.row(n, version="v2-net", serial=f"S{n}") for n in range(100, 104)])
    turn(line)
    turn(line, hours=3)
    assert overtaken_comparisons() == []
    assert recompare(version=bad, now=timezone.now()) is None
    bad.refresh_from_db()
    assert (bad.stage, Promotion.objects.count()) == ("retired", before)
    assert ModelVersion.objects.champion_of(line.model) == line.champion

    lena = Station("lena", line.model, "lead")
    page = lena.client.get(reverse("model", args=[line.model.slug])).content.decode()
    assert "Put back" in page
    assert back.reason.split(" (")[0] in page
    assert "put back by itself" in page
