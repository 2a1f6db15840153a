"""Cases side by side: what was said of a part, without names, and the decision of somebody who has not spoken."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import ensure_csrf_cookie
from django.views.decorators.http import require_safe

from labeling.access import require
from labeling.adjudication import SHOWN, Case, Voice, cases, has_looked
from labeling.keymap import Keys, cap, resolve
from labeling.models import Verdict
from labeling.own_keys import label_keys, own_keys
from labeling.queue import review_policy
from labeling.regions.settling import plainly
from labeling.views.case_words import CASE_WORDS
from labeling.views.station import api_urls, label_buttons, station_origins
from labeling.views.station_words import WORDS
from models_registry.models import RegisteredModel
from reviewapp.errors import NotFound

if TYPE_CHECKING:
    from django.contrib.auth.models import User

    from labeling.views.station import SignedInRequest

# What a case has keys for; the others of the station do nothing here.
KEYS = (
    "suggested", "unsure", "bad_image", "note", "hide", "full", "zoom_in", "zoom_out", "fit", "darker", "brighter",
    "contrast_less", "contrast_more", "invert", "pixels", "view", "bad_view", "keys",
)  # fmt: skip


@login_required
@never_cache
@ensure_csrf_cookie
@require_safe
def adjudicate(request: SignedInRequest, slug: str, pk: int | None = None) -> HttpResponse:
    """The open cases of a model, and one of them: the oldest, or the one that was asked for."""
    registered_model = require(request.user, "adjudicate", slug)
    now = timezone.now()
    found = cases(request.user, registered_model, now=now)
    one = next((case for case in found if pk in {None, case.review.pk}), None)
    if one is None and pk is not None:
        raise NotFound("This case is closed, or it is not yours to decide.")
    keys = _keys(request.user, registered_model)
    context = {
        "registered_model": registered_model,
        "rows": [_row(case, request.user.pk) for case in found],
        "n_cases": _n_cases(len(found)),
        "case": one,
        "voices": [_voice(voice) for voice in one.voices] if one else [],
        "labels": _labels(registered_model, one, keys),
        "caps": {name: cap(keys.actions[name][0]) for name in KEYS if keys.actions[name]},
        "config": _config(request, registered_model, one, keys),
    }
    response = render(request, "labeling/adjudicate.html", context)
    response._csp_update = {"img-src": station_origins(), "connect-src": station_origins()}  # type: ignore[attr-defined]
    return response


def _config(
    request: SignedInRequest, registered_model: RegisteredModel, case: Case | None, keys: Keys
) -> dict[str, Any]:
    policy = review_policy(registered_model)
    address = reverse("adjudicate", args=[registered_model.slug])
    urls = {
        **api_urls(registered_model),
        "next": address,
        "login": f"{reverse('login')}?next={address}",
        "take": reverse("api-take", args=[0]).replace("/0/", "/{id}/"),
        "reveal": reverse("api-reveal", args=[0]).replace("/0/", "/{id}/"),
    }
    return {
        "model": {"slug": registered_model.slug, "name": registered_model.name},
        "person": request.user.pk,
        "labels": label_buttons(registered_model.label_set.labels.all(), keys),
        "keys": {name: keys.actions[name] for name in KEYS},
        "policy": {"min_view_ms": policy.min_view_ms, "lease_seconds": policy.lease_seconds},
        "case": case.review.pk if case else None,
        "voices": [
            {"letter": one.letter, "findings": plainly(one.verdict.findings)} for one in (case.voices if case else ())
        ],
        "has_looked": case is not None and has_looked(request.user, case.review),
        "urls": urls,
        "words": WORDS | CASE_WORDS,
    }


def _keys(user: User, registered_model: RegisteredModel) -> Keys:
    """As this person has them."""
    return resolve(label_keys(registered_model.label_set.labels.all()), own_keys(user))


def _row(case: Case, user_id: int) -> dict[str, Any]:
    return {
        "case": case,
        "title": _title(case),
        "age": _age(case.seen_at - case.opened_at),
        "is_held": case.is_held_by_another_than(user_id),
    }


def _title(case: Case) -> str:
    """What it is between, in a few words."""
    if case.challenges and case.truth is not None:
        word = case.truth.label.display_name if case.truth.label else str(case.truth.get_outcome_display())
        return _("%(word)s, challenged") % {"word": word}
    words = [one.label.display_name if one.label else str(one.get_kind_display()) for one in case.words]
    if len(words) == 1 and len(case.voices) > 1:
        return _("%(word)s, %(n)d times") % {"word": words[0], "n": len(case.voices)}
    return _(" or ").join(words[:3]) or _("Asked for")


def _age(age: timedelta) -> str:
    hours, minutes = age // timedelta(hours=1), age // timedelta(minutes=1)
    if age.days:
        return _("%(days)d d %(hours)d h") % {"days": age.days, "hours": hours % 24}
    return _("%(hours)d h") % {"hours": hours} if hours else _("%(minutes)d min") % {"minutes": max(0, minutes)}


def _n_cases(n: int) -> str:
    if n >= SHOWN:
        return _("The oldest %(n)d open cases") % {"n": n}
    return ngettext("%(n)d open case", "%(n)d open cases", n) % {"n": n}


def _voice(voice: Voice) -> dict[str, Any]:
    hidden = voice.verdict.phase == Verdict.Phase.BLIND
    how = _("before the prediction was shown") if hidden else _("with the prediction shown")
    findings = plainly(voice.verdict.findings)
    bad = [one["view"] for one in findings if "bad_image" in one]
    n_regions = sum(len(one.get("regions", ())) for one in findings)
    return {"voice": voice, "how": how, "bad_views": ", ".join(bad), "n_bad": len(bad), "n_regions": n_regions}


def _labels(registered_model: RegisteredModel, case: Case | None, keys: Keys) -> list[dict[str, Any]]:
    """The decision's buttons, each with the letters of those who said so."""
    said: dict[str, str] = {}
    for voice in case.voices if case else ():
        if voice.verdict.label is not None:
            said[voice.verdict.label.slug] = said.get(voice.verdict.label.slug, "") + voice.letter
    buttons = label_buttons(registered_model.label_set.labels.all(), keys)
    return [one | {"letters": ", ".join(said.get(one["slug"], ""))} for one in buttons]
