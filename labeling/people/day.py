"""What a person said today: their own count, for their own page. Nobody else's is shown beside it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, time
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from django.db.models import Count

from labeling.models import Site, Verdict

if TYPE_CHECKING:
    from django.contrib.auth.models import User


@dataclass(frozen=True, slots=True)
class Told:
    """How many verdicts on one model."""

    name: str
    n: int


def today_of(user: User, *, now: datetime) -> list[Told]:
    """Verdicts that stand, by model, since midnight on the sites' clock (UTC where they have several)."""
    zones = set(Site.objects.values_list("time_zone", flat=True).distinct()[:2])
    zone = ZoneInfo(zones.pop() if len(zones) == 1 else "UTC")
    midnight = datetime.combine(now.astimezone(zone).date(), time(), zone)
    said = Verdict.objects.current().filter(reviewer=user.pk, said_at__gte=midnight)
    by_model = said.order_by("review__registered_model__name").values_list("review__registered_model__name")
    return [Told(name, n) for name, n in by_model.annotate(n=Count("pk"))]
