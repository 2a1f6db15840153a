"""The review station and the way to it. The page is a frame: its ES modules claim, show and send."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import ensure_csrf_cookie
from django.views.decorators.http import require_safe

from labeling.access import models_for, require
from labeling.models import ReviewPolicy, Station
from labeling.queue import count_open
from models_registry.models import Label, RegisteredModel

if TYPE_CHECKING:
    from django.contrib.auth.models import User

    class SignedInRequest(HttpRequest):
        user: User


RESERVED_KEYS = frozenset("ubzh?+-0")  # the station's own: see keys.js
MAX_STATIONS = 200  # their addresses stand in a header
NO_ID = "00000000-0000-0000-0000-000000000000"


@login_required
@require_safe
def review_queues(request: SignedInRequest) -> HttpResponse:
    """The queues of a person; with only one there is nothing to choose."""
    models = list(models_for(request.user, "review").filter(is_active=True).order_by("name", "pk"))
    if len(models) == 1:
        return redirect("station", slug=models[0].slug)
    queues = [{"model": one, "n_open": count_open(request.user, one)} for one in models]
    return render(request, "labeling/review_queues.html", {"queues": queues})


@login_required
@never_cache
@ensure_csrf_cookie
@require_safe
def station(request: SignedInRequest, slug: str) -> HttpResponse:
    """Where one model's images are judged."""
    registered_model = require(request.user, "review", slug)
    policy = ReviewPolicy.objects.filter(registered_model=registered_model).first() or ReviewPolicy()
    labels = label_buttons(registered_model.label_set.labels.all())
    context = {
        "registered_model": registered_model,
        "policy": policy,
        "good": [label for label in labels if not label["is_defect"]],
        "defects": [label for label in labels if label["is_defect"]],
        "config": {
            "model": {"slug": registered_model.slug, "name": registered_model.name},
            "person": request.user.pk,
            "labels": labels,
            "policy": policy_payload(policy),
            "urls": api_urls(registered_model),
            "words": WORDS,
        },
    }
    response = render(request, "labeling/station.html", context)
    response._csp_update = {"img-src": station_origins(), "connect-src": station_origins()}  # type: ignore[attr-defined]
    return response


def station_origins() -> list[str]:
    """Where images may lie that stayed at their stations: nothing else may be asked from the page."""
    addresses = Station.objects.exclude(image_address="").values_list("image_address", flat=True)[:MAX_STATIONS]
    return sorted({"/".join(address.split("/", 3)[:3]) for address in addresses})


def policy_payload(policy: ReviewPolicy) -> dict[str, Any]:
    return {
        "min_view_ms": policy.min_view_ms,
        "allow_suggestion": policy.allow_suggestion,
        "lease_seconds": policy.lease_seconds,
    }


def api_urls(registered_model: RegisteredModel) -> dict[str, str]:
    """Addresses the page calls; `{id}` stands where the page puts a review's or a verdict's id."""
    return {
        "claim": reverse("api-claim", args=[registered_model.slug]),
        "release": reverse("api-release"),
        "heartbeat": reverse("api-heartbeat", args=[0]).replace("/0/", "/{id}/"),
        "verdicts": reverse("api-verdicts"),
        "undo": reverse("api-undo", args=[NO_ID]).replace(NO_ID, "{id}"),
        "login": f"{reverse('login')}?next={reverse('station', args=[registered_model.slug])}",
    }


def label_buttons(labels: Iterable[Label]) -> list[dict[str, Any]]:
    """Labels in their order, each with the key that is printed on its button.

    A label set's own hotkeys hold, unless the station needs the key itself; labels without one get the free digits
    in order, so the same label has the same key on every image. The tenth has no key and is touched.
    """
    labels = list(labels)
    own = {
        label.pk: label.hotkey.upper() for label in labels if label.hotkey and label.hotkey.lower() not in RESERVED_KEYS
    }
    free = iter([digit for digit in "123456789" if digit not in own.values()])
    return [
        {
            "slug": label.slug,
            "name": label.display_name,
            "hotkey": own.get(label.pk) or next(free, ""),
            "is_defect": label.is_defect,
            "disposition": label.disposition,
            "colour": label.colour,
            "longest_word": max(map(len, label.display_name.split()), default=0),
        }
        for label in labels
    ]


# What the page says by itself. `{name}` and the like are filled in by words.js.
WORDS = {
    "saved": _("Saved"),
    "saving": _("Saving"),
    "offline": _("Offline"),
    "signed_out": _("Signed out"),
    "sign_in": _("Sign in"),
    "no_answer_short": _("No answer"),
    "unsent_one": _("1 unsent"),
    "unsent_many": _("{n} unsent"),
    "kept_none": _("Nothing is lost"),
    "kept_one": _("1 verdict is kept here"),
    "kept_many": _("{n} verdicts are kept here"),
    "kept_memory": _("Keep this page open: this browser cannot store verdicts."),
    "ready_none": _("no image ready"),
    "ready_one": _("1 image ready"),
    "ready_many": _("{n} images ready"),
    "no_connection": _("No connection. {kept}, {ready}."),
    "no_answer": _("The server does not answer. {kept}. It is asked again by itself."),
    "session_over": _("You are signed out. {kept}."),
    "other_person": _("Somebody else signed in on this browser. {kept}."),
    "connected": _("Connected again. All verdicts are saved."),
    "lease_lost": _("The time for this part ran out, so it may be with a colleague. Your verdict is kept too."),
    "undone": _("Undone: {name} on part {part}. It is on screen again."),
    "undone_away": _("Undone: {name} on part {part}. The part is with a colleague now."),
    "not_undone": _("Not undone: {message}"),
    "not_undone_offline": _("Not undone: there is no connection. {name} on part {part} is saved."),
    "not_stored": _("Not stored: {name} on part {part}. {message}"),
    "undo_ago": _(", {ago}"),
    "undo_nothing": _("nothing"),
    "change": _("Change {name} on part {part}"),
    "change_short": _("Change"),
    "unsure": _("Unsure"),
    "bad_image": _("Bad image"),
    "seconds_ago": _("{n} s ago"),
    "minutes_ago": _("{n} min ago"),
    "hours_ago": _("{n} h ago"),
    "part": _("Part {part}"),
    "percent": _("{n} %"),
    "confidence": _("Confidence {n} percent"),
    "by_version": _("Said by version {version}"),
    "hidden": _("Hidden"),
    "hidden_why": _("Judge what you see. The prediction stays hidden for this part."),
    "second_opinion": _("Second opinion: judge what you see, without the first one."),
    "first_labels": _("None yet"),
    "first_labels_why": _("There is no model yet. Your labels are what the first one learns from."),
    "no_prediction": _("None"),
    "no_prediction_why": _("No model has judged this part."),
    "it_is": _("It is"),
    "or_it_is": _("Or it is"),
    "wait": _("Wait for the image"),
    "only_bad_image": _("Only Bad image here"),
    "alt": _("Part {part}, view {view}"),
    "today": _("{n} today"),
    "waiting_none": _("none waiting"),
    "waiting": _("{n} waiting"),
    "due": _("Part waits: {left} left"),
    "overdue": _("Part waits: time is over"),
    "broken": _("This image cannot be shown"),
    "broken_why": _("The file is damaged or cut off. Mark it as a bad image to go on, or try again."),
    "missing_why": _("The image was left at the station or is gone. Mark it as a bad image to go on, or try again."),
    "loading": _("Getting the image"),
    "loading_why": _("After this one, the next two are fetched ahead."),
    "late_why": _("The image does not arrive. It is asked for again by itself."),
    "empty": _("Nothing to review"),
    "empty_why": _("The next part that needs a person is shown here by itself."),
    "cut_off": _("Nothing more on this device"),
    "cut_off_why": _("The connection is gone. It goes on by itself when it is back."),
    "ended": _("You are signed out"),
    "ended_why": _("Sign in to go on. Nothing is lost."),
    "refused": _("This queue is closed to you"),
}
