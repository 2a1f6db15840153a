"""The fleet: every model a person may see, most in need of attention first."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from labeling.access import models_for
from labeling.fleet_page import FleetFilter, fleet_page


@require_safe
@login_required
def fleet(request: HttpRequest) -> HttpResponse:
    """The whole page, or only the list when htmx asks for it (search and state filter)."""
    page = fleet_page(models_for(request.user, "view"), FleetFilter.from_query(request.GET), now=timezone.now())
    is_part = getattr(request, "htmx", False) and not request.htmx.history_restore_request  # type: ignore[attr-defined]
    return render(request, "labeling/_fleet_list.html" if is_part else "labeling/fleet.html", {"fleet": page})
