"""What every page's frame shows: how much waits, and in which time zone times are written."""

from __future__ import annotations

from functools import partial
from typing import Any, TypedDict

from django.contrib.auth.models import User
from django.db.models import Count, Max, Min, QuerySet, Subquery, Value
from django.db.models.functions import Coalesce
from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from labeling.access import models_for
from labeling.models import Review, Site
from models_registry.models import TrainingRun


class Navigation(TypedDict):
    n_reviews_open: int
    n_runs_active: int
    time_zone: str


def navigation(request: HttpRequest) -> dict[str, Any]:
    """``nav``: one query, and only for a template that asks."""
    return {"nav": SimpleLazyObject(partial(_navigation, getattr(request, "user", None)))}


def _navigation(user: Any) -> Navigation:
    """Counts of what this person may see. The time zone is the sites' own if they share one, else UTC."""
    if user is None or not user.is_authenticated:
        return {"n_reviews_open": 0, "n_runs_active": 0, "time_zone": "UTC"}
    mine = models_for(user, "review").order_by().values("pk")
    reviews = Review.objects.open().filter(registered_model__in=mine, waits_for_image=False)
    runs = TrainingRun.objects.active().filter(registered_model__in=models_for(user, "view").order_by().values("pk"))
    zones = Site.objects.order_by().annotate(one=Value(1)).values("one")
    found = User.objects.filter(pk=user.pk).values_list(
        _count(reviews),
        _count(runs),
        Subquery(zones.annotate(zone=Min("time_zone")).values("zone")),
        Subquery(zones.annotate(zone=Max("time_zone")).values("zone")),
    )
    n_reviews, n_runs, first_zone, last_zone = found.get()
    zone = first_zone if first_zone and first_zone == last_zone else "UTC"
    return {"n_reviews_open": n_reviews, "n_runs_active": n_runs, "time_zone": zone}


def _count(rows: QuerySet[Any, Any]) -> Coalesce:
    counted = rows.order_by().annotate(one=Value(1)).values("one").annotate(n=Count("pk"))
    return Coalesce(Subquery(counted.values("n")), 0)
