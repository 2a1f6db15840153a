"""Incidents of input quality: a camera of which many new images are unusual. While one is open, nothing trains on it.

    few flagged ──surely more than a fifth──> open ──surely back below a tenth──> resolved

An incident whose camera has sent no image for a week holds nothing back: nobody can show that it is mended, and
nothing is added to what it took. It stays open until its images are looked at again.

Learned limits flag far below one image in a hundred where nothing has changed (`labeling.image_quality`).
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from labeling.models import Deployment, ItemQuality, Source
from models_registry.estimation.intervals import wilson
from models_registry.models import Alert, RegisteredModel
from models_registry.services.alerts import open_alert, resolve_alerts

NEWEST = 2000  # images that are looked at, of all cameras together
WITHIN = timedelta(days=1)
FEWEST = 50
OPENS, RESOLVES = 0.2, 0.1
SILENT = timedelta(days=7)
NOTED_EVERY = timedelta(hours=1)
LAST_IMAGE = "last_image_at"  # in an incident's evidence


def look_at_cameras(*, now: datetime) -> int:
    """Open and resolve incidents by the newest judged images. Returns how many cameras are unusual."""
    judged = ItemQuality.objects.filter(flags__isnull=False).order_by("-pk")
    rows = judged.values_list("item__source", "flags", "measured_at")[:NEWEST]
    images: defaultdict[int, list[list[str]]] = defaultdict(list)
    newest: dict[int, datetime] = {}
    for camera, flags, at in rows:
        newest[camera] = max(at, newest.get(camera, at))
        if now - at <= WITHIN:
            images[camera].append(flags or [])
    unusual = 0
    for source in Source.objects.filter(pk__in=[pk for pk, told in images.items() if len(told) >= FEWEST]):
        unusual += _judge(source, images[source.pk], now)
    _note(newest)
    return unusual


def holds_until(incident: Alert) -> datetime:
    """Until when an open incident holds training back, if its camera sends nothing more."""
    last = incident.evidence.get(LAST_IMAGE)
    return max(incident.opened_at, datetime.fromisoformat(last) if last else incident.opened_at) + SILENT


def _note(newest: Mapping[int, datetime]) -> None:
    """Keep with each open incident when its camera last sent an image, to the hour: it is looked for on every turn."""
    for incident in Alert.objects.filter(kind=Alert.Kind.INPUT_QUALITY, resolved_at=None):
        at = newest.get(incident.evidence.get("source", 0))
        if at is not None and at + SILENT >= holds_until(incident) + NOTED_EVERY:
            incident.evidence[LAST_IMAGE] = at.isoformat()
            incident.save(update_fields=["evidence"])


def _judge(source: Source, images: list[list[str]], now: datetime) -> bool:
    n, flagged = len(images), [flags for flags in images if flags]
    share = wilson(count=len(flagged), n=n)
    if share.low > OPENS:
        for model in _models_at(source):
            open_alert(
                registered_model=model, kind=Alert.Kind.INPUT_QUALITY, slice=source.slug, now=now,
                message=f"{len(flagged)} of the last {n} images of {source.name} are unusual: {_commonest(flagged)}.",
                evidence={"source": source.pk, "n": n, "n_flagged": len(flagged)},
            )  # fmt: skip
        return True
    if share.high < RESOLVES:
        for model in _models_at(source):
            resolve_alerts(registered_model=model, kind=Alert.Kind.INPUT_QUALITY, slice=source.slug, now=now)
    return False


def _models_at(source: Source) -> Iterable[RegisteredModel]:
    there = Deployment.objects.filter(station=source.station_id).values("registered_model")
    return RegisteredModel.objects.filter(pk__in=there, is_active=True)


def _commonest(flagged: list[list[str]]) -> str:
    counted = Counter(flag for flags in flagged for flag in flags)
    return ", ".join(flag for flag, _ in counted.most_common(2))
