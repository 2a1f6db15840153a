"""What a line runs against what was decided."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from django.utils import timezone

from labeling.feedback import measure_champion
from labeling.models import Deployment
from labeling.not_deployed import Seen, others
from models_registry.models import Alert
from tests import factories as make

MINUTE = timedelta(minutes=1)


def seen(version: str, at: datetime, *, station: str = "line-1") -> Seen:
    return Seen(station, version, version == "v2", at)


@pytest.mark.parametrize(
    ("rows", "found"),
    [
        ([seen("v1", make.NOW + 4 * MINUTE)], {}),  # five minutes are given
        ([seen("v1", make.NOW + 6 * MINUTE)], {"line-1": "v1"}),
        ([seen("v1", make.NOW - MINUTE)], {}),  # nothing sent since
        ([seen("v1", make.NOW + 6 * MINUTE), seen("v2", make.NOW + 9 * MINUTE)], {}),  # changed late
        ([seen("v1", make.NOW + 9 * MINUTE), seen("v2", make.NOW + 9 * MINUTE)], {"line-1": "v1"}),  # two cameras
        ([seen("v2", make.NOW + 9 * MINUTE), seen("v1", make.NOW + 9 * MINUTE, station="b")], {"b": "v1"}),
    ],
)
def test_what_differs(rows: list[Seen], found: dict[str, str]) -> None:
    assert others(rows, since=make.NOW) == found


@pytest.mark.django_db
def test_the_alert_opens_for_its_station_and_is_resolved_when_the_champion_arrives() -> None:
    now = timezone.now()
    old = make.make_version(stage="retired")
    champion = make.make_version(registered_model=old.registered_model, stage="champion")
    make.make_promotion(version=champion, replaced=old, decided_at=now - 10 * MINUTE)
    deployed = make.make_deployment(station=make.make_station(), version=old)
    Deployment.objects.update(first_seen_at=now - 20 * MINUTE, last_seen_at=now)
    for _ in range(2):
        measure_champion(registered_model=old.registered_model, now=now)
    alert = Alert.objects.get(kind="not_deployed")
    assert alert.slice == deployed.station.slug
    later = make.make_deployment(version=champion, station=deployed.station)
    Deployment.objects.filter(pk=later.pk).update(last_seen_at=now + 10 * MINUTE)
    measure_champion(registered_model=old.registered_model, now=now + 10 * MINUTE)
    alert.refresh_from_db()
    assert alert.resolved_at is not None
