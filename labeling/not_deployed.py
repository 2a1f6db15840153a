"""Champion is our decision, observed is what arrives. A station that sends another version for long has an alert."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from labeling.models import Deployment
from models_registry.models import Alert, ModelVersion, Promotion, RegisteredModel
from models_registry.services.alerts import open_alert, resolve_alerts

TOLERATED = timedelta(minutes=5)
STILL = timedelta(minutes=2)  # what a station runs is noted once a minute
KIND = Alert.Kind.NOT_DEPLOYED.value


@dataclass(frozen=True, slots=True)
class Seen:
    """A version that a station sent, and when last."""

    station: str
    version: str
    wanted: bool
    last_seen_at: datetime


def others(seen: Iterable[Seen], *, since: datetime) -> dict[str, str]:
    """By station the version that it still sends though another has been champion, ``since`` then, for five minutes.

    A station that has sent nothing since differs from nothing; one whose cameras differ still differs.
    """
    rows = list(seen)
    newest: dict[str, datetime] = {}
    for row in rows:
        newest[row.station] = max(newest.get(row.station, row.last_seen_at), row.last_seen_at)
    return {
        row.station: row.version
        for row in sorted(rows, key=lambda row: row.last_seen_at)
        if not row.wanted and row.last_seen_at > since + TOLERATED and row.last_seen_at >= newest[row.station] - STILL
    }


def watch_deployments(
    *,
    registered_model: RegisteredModel,
    champion: ModelVersion | None,
    canaries: Collection[ModelVersion],
    now: datetime,
) -> dict[str, str]:
    """Open and resolve the alerts of a model, one for each station. Returns the stations that differ."""
    found: dict[str, str] = {}
    if champion is not None:
        wanted = {champion.pk, *(version.pk for version in canaries)}
        rows = Deployment.objects.filter(registered_model=registered_model).select_related("station", "model_version")
        seen = [
            Seen(row.station.slug, _name(row.model_version), row.model_version_id in wanted, row.last_seen_at)
            for row in rows
        ]
        found = others(seen, since=_champion_since(champion))
        for station, version in found.items():
            open_alert(
                registered_model=registered_model, kind=KIND, slice=station, now=now,
                message=f"{station} sends “{version}” though {champion.short_name} is champion. Deploy it there, or "
                "roll back.",
                evidence={"station": station, "observed": version, "champion": champion.number},
            )  # fmt: skip
    open_now = Alert.objects.filter(registered_model=registered_model, kind=KIND, resolved_at=None)
    for slice in open_now.exclude(slice__in=found).values_list("slice", flat=True):
        resolve_alerts(registered_model=registered_model, kind=KIND, slice=slice, now=now)
    return found


def _name(version: ModelVersion) -> str:
    return version.external_name or version.short_name


def _champion_since(champion: ModelVersion) -> datetime:
    decided = Promotion.objects.filter(version=champion).exclude(action=Promotion.Action.REFUSE)
    newest = decided.order_by("-decided_at").first()
    return newest.decided_at if newest else champion.created_at
