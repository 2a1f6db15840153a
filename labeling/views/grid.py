"""Many parts of one predicted class on one page; its ES module claims, shows and sends."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import ensure_csrf_cookie
from django.views.decorators.http import require_safe

from labeling.access import require
from labeling.queue import review_policy
from labeling.views.at_a_station import people_at
from labeling.views.grid_words import GRID_WORDS
from labeling.views.station import api_urls, label_buttons, station_origins
from labeling.views.station_words import WORDS

if TYPE_CHECKING:
    from labeling.views.station import SignedInRequest

TILES = (6, 12, 24)


@login_required
@never_cache
@ensure_csrf_cookie
@require_safe
def grid(request: SignedInRequest, slug: str) -> HttpResponse:
    registered_model = require(request.user, "review", slug)
    policy = review_policy(registered_model)
    address, station = (reverse(name, args=[slug]) for name in ("grid", "station"))
    urls = {
        **api_urls(registered_model),
        "claim": reverse("api-claim-tiles", args=[slug]),
        "station": station,
        "login": f"{reverse('login')}?next={address}",
    }
    config = {
        "model": {"slug": registered_model.slug, "name": registered_model.name},
        "person": request.user.pk,
        "author": people_at(request)["author"],
        "labels": label_buttons(registered_model.label_set.labels.all()),
        "policy": {"min_view_ms": policy.min_view_ms, "lease_seconds": policy.lease_seconds},
        "urls": urls,
        "words": WORDS | GRID_WORDS,
    }
    context = {"registered_model": registered_model, "config": config, "tiles": TILES}
    response = render(request, "labeling/grid.html", context)
    response._csp_update = {"img-src": station_origins(), "connect-src": station_origins()}  # type: ignore[attr-defined]
    return response
