"""Shared screens, badges, PINs, pauses and notes: what people have to do with a station."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.contrib.auth.models import User
from django.test import Client

from labeling.models import Badge, HandoverNote, Pause, PersonFigures, Pin, Station, StationDevice, Switch
from labeling.people.devices import COOKIE, register
from labeling.people.passes import give_badge, set_pin
from tests.factories.base import NOW, next_number
from tests.factories.inspections import make_deployment, make_station
from tests.factories.people import make_member, make_user
from tests.factories.registry import make_version

PIN = "4711"
BADGE = "0009-88213"


def make_device(*, station: Station | None = None, client: Client | None = None, **fields: Any) -> StationDevice:
    """A registered screen. ``client``: the browser that carries its secret from now on."""
    lena = make_user("lena")
    device, secret = register(station=station or make_station(), name=f"Tablet {next_number()}", by=lena, now=NOW)
    StationDevice.objects.filter(pk=device.pk).update(**fields or {"n_failed": 0})
    if client is not None:
        client.cookies[COOKIE] = secret
    device.refresh_from_db()
    return device


def register_device(station: Station) -> tuple[StationDevice, str]:
    """The screen and its secret, for a browser's cookie."""
    return register(station=station, name="Tablet", by=make_user("lena"), now=NOW)


def make_pin(user: User | None = None, pin: str = PIN) -> Pin:
    return set_pin(user=user or make_user(), pin=pin, now=NOW)


def make_badge(user: User | None = None, typed: str = "") -> Badge:
    typed = typed or f"badge-{next_number():06}"
    return give_badge(user=user or make_user(), typed=typed, name="", by=make_user("lena"), now=NOW)


def make_inspector_at(station: Station, name: str = "alice", *, version: Any = None) -> User:
    """Somebody who judges what runs at ``station``, with the PIN that all have here."""
    version = version or make_version()
    if not station.deployments.filter(model_version=version).exists():
        make_deployment(station=station, version=version)
    user = make_member(user=make_user(name), registered_model=version.registered_model)
    if not Pin.objects.filter(user=user).exists():
        make_pin(user)
    return user


def make_switch(*, device: StationDevice | None = None) -> Switch:
    """alice came."""
    device = device or make_device()
    return Switch.objects.create(
        device=device, station=device.station, came=make_user(), method=Switch.Method.PIN, switched_at=NOW
    )


def make_pause(**fields: Any) -> Pause:
    """Of somebody new: a person has one pause at a time."""
    said = {"user": make_user(f"tired-{next_number()}"), "started_at": NOW}
    return Pause.objects.create(**{**said, **fields})


def make_note(*, station: Station | None = None, **fields: Any) -> HandoverNote:
    """From bob, at 14:00, to whoever is there until 6:00."""
    said = {"author": make_user("bob"), "text": "The lamp flickers", "day": NOW.date(), "written_at": NOW}
    said |= {"station": station or make_station(), "shown_until": NOW + timedelta(hours=16)}
    return HandoverNote.objects.create(**{**said, **fields})


def make_figures(**fields: Any) -> PersonFigures:
    """About somebody new unless said: asked for by lena, and approved by nobody."""
    said = {
        "user": make_user(f"new-{next_number()}"),
        "purpose": "Training plan",
        "asked_by": make_user("lena"),
        "asked_at": NOW,
    }
    return PersonFigures.objects.create(**{**said, **fields})
