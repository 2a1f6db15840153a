"""Who sits at a station: taking the screen by badge or PIN, registering a screen, notes for the next shift."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.contrib.auth.views import LoginView
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from labeling.models import Station, StationDevice
from labeling.people.devices import NotAtADevice, device_of, register, remember, require_device
from labeling.people.handover import LONGEST, standing_notes, write_note
from labeling.people.passes import PIN_SHAPE
from labeling.people.stations import people_with_pins, require_station
from labeling.people.switching import Shown, switch
from reviewapp.errors import ReviewAppError

if TYPE_CHECKING:
    from labeling.views.station import SignedInRequest

MAX_ID = 2**63 - 1
MOST_KEPT = 200


@sensitive_post_parameters("secret")
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def change_person(request: HttpRequest, slug: str) -> HttpResponse:
    """Badge, or name and PIN: who takes the screen. Nobody needs to be signed in; the screen must be registered."""
    now = timezone.now()
    device = require_device(request, now=now)
    if device.station.slug != slug:
        raise NotAtADevice(_("This screen is registered at another station."))
    if request.method != "POST":
        return render(request, "labeling/change_person.html", change_context(request, device))
    try:
        switch(request, device=device, shown=_shown(request), now=now, keep=_kept(request))
    except ReviewAppError as error:
        if _wants_json(request):
            return JsonResponse({"error": error.as_dict()}, status=error.http_status)
        context = {**change_context(request, device), "error": error}
        return render(request, "labeling/change_person.html", context, status=error.http_status)
    after = _next(request, device.station)
    return JsonResponse({"url": after}) if _wants_json(request) else redirect(after)


def change_context(request: HttpRequest, device: StationDevice) -> dict[str, object]:
    """What the number pad needs, on its own page and in the station's dialog."""
    return {"device": device, "people": people_with_pins(device.station), "next": _next(request, device.station)}


def _shown(request: HttpRequest) -> Shown:
    """A name and four to eight digits are a PIN; everything else is what a reader typed."""
    person, secret = request.POST.get("person", ""), request.POST.get("secret", "")
    if person.isdecimal() and person.isascii() and PIN_SHAPE.fullmatch(secret):
        return Shown(person=min(int(person), MAX_ID), pin=secret)
    return Shown(badge=secret or " ")


def _kept(request: HttpRequest) -> list[int]:
    """The reviews whose verdicts are on this screen and not sent yet."""
    said = request.POST.get("keep", "").split(",")[:MOST_KEPT]
    return [int(one) for one in said if one.isdecimal() and one.isascii() and int(one) <= MAX_ID]


def _next(request: HttpRequest, station: Station) -> str:
    wanted = request.POST.get("next") or request.GET.get("next") or ""
    if url_has_allowed_host_and_scheme(wanted, allowed_hosts={request.get_host()}, require_https=request.is_secure()):
        return wanted
    return reverse("station-queue", args=[station.slug])


def _wants_json(request: HttpRequest) -> bool:
    return "application/json" in request.headers.get("Accept", "")


@login_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def screens(request: SignedInRequest, slug: str) -> HttpResponse:
    """The screens of a station; posting registers the one that this page is on."""
    station, now = require_station(request.user, "decide", slug), timezone.now()
    if request.method == "POST":
        name = " ".join(request.POST.get("name", "").split())[:80] or _("Screen")
        device, secret = register(station=station, name=name.replace("\x00", ""), by=request.user, now=now)
        messages.success(request, _("This screen is registered as “%(name)s”.") % {"name": device.name})
        response = redirect("screens", slug=slug)
        remember(response, secret)
        return response
    living = station.devices.filter(revoked_at__isnull=True).select_related("registered_by")
    context = {"station": station, "screens": living, "here": device_of(request, now=now)}
    return render(request, "labeling/screens.html", context)


@login_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def handover(request: SignedInRequest, slug: str) -> HttpResponse:
    """The notes that stand at a station, and a form for one to the next shift."""
    station, now = require_station(request.user, "review", slug), timezone.now()
    context = {"station": station, "notes": standing_notes(station, now=now), "longest": LONGEST}
    if request.method != "POST":
        return render(request, "labeling/handover.html", context)
    text = request.POST.get("text", "").replace("\r\n", "\n")
    try:
        note = write_note(station=station, author=request.user, text=text, now=now)
    except ReviewAppError as error:
        return render(request, "labeling/handover.html", {**context, "error": error, "text": text}, status=400)
    messages.success(request, _("The next shift sees your note."))
    return redirect("handover", slug=note.station.slug)


class SignIn(LoginView):
    """The login; at a registered screen it leads to badge and PIN too."""

    redirect_authenticated_user = True

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(**kwargs) | {"device": device_of(self.request, now=timezone.now())}
