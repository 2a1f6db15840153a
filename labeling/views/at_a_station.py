"""What the station's page knows of its screen: who may take it, what the last shift left, whose word is sent."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.utils import timezone

from labeling.people.authors import author_token
from labeling.people.devices import device_of
from labeling.people.handover import standing_notes
from labeling.people.stations import people_with_pins

if TYPE_CHECKING:
    from labeling.models import Station
    from labeling.views.station import SignedInRequest


def people_at(request: SignedInRequest, station: Station | None = None) -> dict[str, Any]:
    """For the page's context. Notes are those of ``station``, else of where the screen stands."""
    now = timezone.now()
    device = device_of(request, now=now)
    here = station or (device.station if device else None)
    return {
        "device": device,
        "people": people_with_pins(device.station) if device else [],
        "next": request.path,
        "notes": standing_notes(here, now=now) if here else [],
        "author": author_token(request.user, device=device, now=now),
    }
