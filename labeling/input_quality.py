"""Incidents of input quality: a camera of which many new images are unusual. While one is open, nothing trains on it.

    few flagged ──surely more than a fifth──> open ──surely back below a tenth──> resolved

Learned limits flag far below one image in a hundred where nothing has changed (`labeling.image_quality`).
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from datetime import datetime, timedelta

from labeling.models import Deployment, ItemQuality, Source
from models_registry.estimation.intervals import wilson
from models_registry.models import Alert, RegisteredModel
from models_registry.services.alerts import open_alert, resolve_alerts

NEWEST = 2000  # images that are looked at, of all cameras together
WITHIN = timedelta(days=1)
FEWEST = 50
OPENS, RESOLVES = 0.2, 0.1


def look_at_cameras(*, now: datetime) -> int:
    """Open and resolve incidents by the newest judged images. Returns how many cameras are unusual."""
    judged = ItemQuality.objects.filter(flags__isnull=False).order_by("-pk")
    rows = judged.values_list("item__source", "flags", "measured_at")[:NEWEST]
    images: defaultdict[int, list[list[str]]] = defaultdict(list)
    for camera, flags, at in rows:
        if now - at <= WITHIN:
            images[camera].append(flags or [])
    unusual = 0
    for source in Source.objects.filter(pk__in=[pk for pk, told in images.items() if len(told) >= FEWEST]):
        unusual += _judge(source, images[source.pk], now)
    return unusual


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
