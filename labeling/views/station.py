"""The review station and the way to it. The page is a frame: its ES modules claim, show and send."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import ensure_csrf_cookie
from django.views.decorators.gzip import gzip_page
from django.views.decorators.http import require_safe

from labeling.access import models_for, require
from labeling.keymap import NAMES, Keys, cap, resolve
from labeling.models import ReviewPolicy, Station
from labeling.own_keys import label_keys, own_keys
from labeling.people.stations import MOST_STATIONS, count_open_at, stations_for
from labeling.queue import count_open
from labeling.views.at_a_station import people_at
from labeling.views.station_words import WORDS
from models_registry.models import Label, RegisteredModel

if TYPE_CHECKING:
    from django.contrib.auth.models import User

    class SignedInRequest(HttpRequest):
        user: User


WITH_A_BUTTON = 9  # labels; the others are in the list
# All that station.js leads to, asked for at once. A test compares it with what the modules import.
MODULES = [
    f"labeling/{name}.js"
    for name in (
        "acts", "api", "awake", "away", "change", "changes", "chooser", "clock", "drawing", "editor", "golden",
        "heat", "image", "keys", "large", "line", "login", "models", "note", "others", "overlay", "page", "paint",
        "people", "queue", "regions", "reveal", "screen", "signs", "spoken", "stage", "store", "tabs", "tools",
        "verdict", "view", "views", "words",
    )
]  # fmt: skip
MAX_STATIONS = 200  # their addresses stand in a header
NO_ID = "00000000-0000-0000-0000-000000000000"


@login_required
@require_safe
def review_queues(request: SignedInRequest) -> HttpResponse:
    """The queues of a person; with only one there is nothing to choose."""
    models = list(models_for(request.user, "review").filter(is_active=True).order_by("name", "pk"))
    if len(models) == 1:
        return redirect("station", slug=models[0].slug)
    settles = set(models_for(request.user, "adjudicate").values_list("pk", flat=True))
    queues = [{"model": one, "n_open": count_open(request.user, one), "settles": one.pk in settles} for one in models]
    stations = stations_for(request.user, "review").order_by("name", "pk")[:MOST_STATIONS]
    places = [{"station": one, "n_open": count_open_at(request.user, one)} for one in stations]
    return render(request, "labeling/review_queues.html", {"queues": queues, "places": places})


@login_required
@gzip_page
@never_cache
@ensure_csrf_cookie
@require_safe
def station(request: SignedInRequest, slug: str) -> HttpResponse:
    """Where one model's images are judged."""
    registered_model = require(request.user, "review", slug)
    people = people_at(request)
    context = frame_of(request.user, registered_model) | people
    context["config"] |= {"person": request.user.pk, "author": people["author"]}
    context["ways"] = {"slug": slug, "settles": models_for(request.user, "adjudicate").filter(slug=slug).exists()}
    response = render(request, "labeling/station.html", context)
    response._csp_update = {"img-src": station_origins(), "connect-src": station_origins()}  # type: ignore[attr-defined]
    return response


def frame_of(user: User, registered_model: RegisteredModel) -> dict[str, Any]:
    """The page's context for one model: its buttons, keys and rules as this person has them."""
    policy = ReviewPolicy.objects.filter(registered_model=registered_model).first() or ReviewPolicy()
    labels = list(registered_model.label_set.labels.all())
    own = own_keys(user)
    keys = resolve(label_keys(labels), own)
    buttons = label_buttons(labels, keys)
    return {
        "name": registered_model.name,
        "policy": policy,
        "sets": [label_set(registered_model, buttons)],
        "modules": MODULES,
        "caps": {name: cap(pressed[0]) if pressed else "" for name, pressed in keys.actions.items()},
        "key_rows": key_rows(buttons, keys, policy),
        "config": {
            "model": {"slug": registered_model.slug, "name": registered_model.name},
            "labels": buttons,
            "keys": keys.actions,
            "own_keys": own,
            "policy": policy_payload(policy),
            "urls": api_urls(registered_model),
            "words": WORDS,
        },
    }


def label_set(registered_model: RegisteredModel, buttons: list[dict[str, Any]]) -> dict[str, Any]:
    """The buttons of one model's labels; those beyond the ninth are in a list."""
    return {
        "model": registered_model.slug,
        "good": [label for label in buttons[:WITH_A_BUTTON] if not label["is_defect"]],
        "defects": [label for label in buttons[:WITH_A_BUTTON] if label["is_defect"]],
        "has_more": len(buttons) > WITH_A_BUTTON,
    }


def station_origins() -> list[str]:
    """Where images may lie that stayed at their stations: nothing else may be asked from the page."""
    addresses = Station.objects.exclude(image_address="").values_list("image_address", flat=True)[:MAX_STATIONS]
    return sorted({"/".join(address.split("/", 3)[:3]) for address in addresses})


def policy_payload(policy: ReviewPolicy) -> dict[str, Any]:
    return {
        "min_view_ms": policy.min_view_ms,
        "allow_suggestion": policy.allow_suggestion,
        "lease_seconds": policy.lease_seconds,
        "buffer": policy.buffer,
    }


def api_urls(registered_model: RegisteredModel) -> dict[str, str]:
    """Addresses the page calls; `{id}` stands where the page puts a review's or a verdict's id."""
    return {
        "claim": reverse("api-claim", args=[registered_model.slug]),
        "release": reverse("api-release"),
        "pause": reverse("api-pause"),
        "heartbeat": reverse("api-heartbeat", args=[0]).replace("/0/", "/{id}/"),
        "verdicts": reverse("api-verdicts"),
        "keys": reverse("api-keys", args=[registered_model.slug]),
        "golden": reverse("api-golden", args=[registered_model.slug]),
        "reveal": reverse("api-reveal", args=[0]).replace("/0/", "/{id}/"),
        "challenge": reverse("api-challenge", args=[0]).replace("/0/", "/{id}/"),
        "undo": reverse("api-undo", args=[NO_ID]).replace(NO_ID, "{id}"),
        "login_page": reverse("login"),
        "login": f"{reverse('login')}?next={reverse('station', args=[registered_model.slug])}",
    }


def label_buttons(labels: Iterable[Label], keys: Keys | None = None) -> list[dict[str, Any]]:
    """Labels in their order, each with the key that is printed on its button: the same one on every image."""
    labels = list(labels)
    keys = keys or resolve(label_keys(labels), {})
    return [
        {
            "slug": label.slug,
            "name": label.display_name,
            "hotkey": cap(keys.labels[label.slug]),
            "is_defect": label.is_defect,
            "disposition": label.disposition,
            "colour": label.colour,
            "longest_word": max(map(len, label.display_name.split()), default=0),
        }
        for label in labels
    ]


def key_rows(buttons: Iterable[dict[str, Any]], keys: Keys, policy: ReviewPolicy) -> list[dict[str, Any]]:
    """The sheet of all keys: what each does, and what is printed on it."""
    rows = [{"action": f"label:{one['slug']}", "name": one["name"], "caps": [one["hotkey"]]} for one in buttons]
    rows += [
        {"action": name, "name": NAMES[name], "caps": list(dict.fromkeys(cap(key) for key in pressed))}
        for name, pressed in keys.actions.items()
        if name != "suggested" or policy.allow_suggestion
    ]
    return rows
