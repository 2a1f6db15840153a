"""One's own page: what was done today, a pause, the PIN, the keys, and what is measured about oneself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST, require_safe

from labeling.decided import own_cases
from labeling.models import Pin
from labeling.people.day import today_of
from labeling.people.figures import figures_about, figures_of
from labeling.people.passes import remove_pin, set_pin
from labeling.people.pauses import begin_pause, end_pause, open_pause
from labeling.people.short_sessions import opening_of
from labeling.people.stations import MOST_STATIONS, stations_for
from reviewapp.errors import ReviewAppError

if TYPE_CHECKING:
    from labeling.views.station import SignedInRequest


@login_required
@never_cache
@require_safe
def me(request: SignedInRequest) -> HttpResponse:
    return render(request, "labeling/me.html", _context(request))


def _context(request: SignedInRequest) -> dict[str, object]:
    person, now = request.user, timezone.now()
    allowed = figures_about(person)
    return {
        "today": today_of(person, now=now),
        "pause": open_pause(person),
        "pin": Pin.objects.filter(user=person.pk).first(),
        "is_short": opening_of(request.session) is not None,
        "stations": stations_for(person, "review").order_by("name")[:MOST_STATIONS],
        "cases": own_cases(person),
        "allowed": allowed,
        "figures": figures_of(person, now=now) if allowed else None,
    }


@login_required
@require_POST
def pause(request: SignedInRequest) -> HttpResponse:
    """Begin or end one's pause; either twice changes nothing."""
    if request.POST.get("do") == "end":
        end_pause(user=request.user, now=timezone.now())
        return redirect("review")
    begin_pause(user=request.user, now=timezone.now())
    return redirect("me")


@sensitive_post_parameters("password", "pin")
@login_required
@require_POST
def own_pin(request: SignedInRequest) -> HttpResponse:
    """Set, change or remove one's PIN. Takes the password, so that a screen left alone gives nobody a PIN."""
    error = _why_no_pin(request)
    if error is None and request.POST.get("do") == "remove":
        remove_pin(user=request.user)
        messages.success(request, _("Your PIN is gone."))
    elif error is None:
        try:
            set_pin(user=request.user, pin=request.POST.get("pin", ""), now=timezone.now())
            messages.success(request, _("Your PIN holds from now on, at every station where you work."))
        except ReviewAppError as refusal:
            error = refusal.message
    if error is not None:
        return render(request, "labeling/me.html", {**_context(request), "pin_error": error}, status=400)
    return redirect("me")


def _why_no_pin(request: SignedInRequest) -> str | None:
    if opening_of(request.session) is not None:
        return _("You came by badge or PIN. Sign in with your password to change the PIN.")
    if not request.user.check_password(request.POST.get("password", "")):
        return _("The password is not right.")
    return None
