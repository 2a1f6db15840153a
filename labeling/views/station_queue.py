"""The review station across the models of one station: labels, policy and keys are those of the part on screen."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import ensure_csrf_cookie
from django.views.decorators.gzip import gzip_page
from django.views.decorators.http import require_safe

from labeling.models import Station
from labeling.people.stations import models_at, require_station
from labeling.views.at_a_station import people_at
from labeling.views.station import frame_of, station_origins

if TYPE_CHECKING:
    from labeling.views.station import SignedInRequest


@login_required
@gzip_page
@never_cache
@ensure_csrf_cookie
@require_safe
def station_queue(request: SignedInRequest, slug: str) -> HttpResponse:
    """Where the parts of one station are judged, whatever model they belong to."""
    station = require_station(request.user, "review", slug)
    people = people_at(request, station)
    models = models_at(request.user, "review", station).select_related("label_set").order_by("name", "pk")
    frames = [frame_of(request.user, one) for one in models]
    context = frames[0] | people | {"name": station.name, "sets": [one["sets"][0] for one in frames]}
    context |= {"key_rows": _key_rows(frames), "several": len(frames) > 1}
    context["config"] = _config(station, models, frames) | {"person": request.user.pk, "author": people["author"]}
    response = render(request, "labeling/station.html", context)
    response._csp_update = {"img-src": station_origins(), "connect-src": station_origins()}  # type: ignore[attr-defined]
    return response


def _config(station: Station, models: Any, frames: list[dict[str, Any]]) -> dict[str, Any]:
    """The first model's, where no part is on screen; below ``models`` each one's own."""
    own: dict[str, dict[str, Any]] = {}
    for model, frame in zip(models, frames, strict=True):
        own[model.slug] = {"name": model.name, **_rules(frame["config"])}
    policies = [frame["config"]["policy"] for frame in frames]
    shortest = {name: min(one[name] for one in policies) for name in ("lease_seconds", "buffer")}
    first = frames[0]["config"]
    here = reverse("station-queue", args=[station.slug])
    urls = {"claim": reverse("api-station-claim", args=[station.slug]), "login": f"{reverse('login')}?next={here}"}
    return {
        **first,
        "model": {"slug": f"station.{station.slug}", "name": station.name},
        "policy": first["policy"] | shortest,
        "urls": first["urls"] | urls,
        "models": own,
    }


def _key_rows(frames: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Every model's labels under its name, and what all have in common once."""
    if len(frames) == 1:
        return list(frames[0]["key_rows"])
    of_labels = [
        row | {"name": f"{frame['name']}: {row['name']}", "action": f"{frame['name']}:{row['action']}"}
        for frame in frames
        for row in frame["key_rows"]
        if row["action"].startswith("label:")
    ]
    return of_labels + [row for row in frames[0]["key_rows"] if not row["action"].startswith("label:")]


def _rules(config: dict[str, Any]) -> dict[str, Any]:
    return {name: config[name] for name in ("labels", "keys", "policy", "urls")}
