"""Health, and the pages for what went wrong outside a view."""

from __future__ import annotations

import logging
import secrets

import redis
from django.conf import settings
from django.db import DatabaseError, connection
from django.http import HttpRequest, HttpResponse, HttpResponseServerError, JsonResponse
from django.shortcuts import render
from django.template import loader
from django.templatetags.static import static
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from reviewapp.errors import NotAllowed, NotFound, ReviewAppError

logger = logging.getLogger(__name__)


@require_safe
@never_cache
def healthz(request: HttpRequest) -> JsonResponse:
    """200 when the database and Redis answer, else 503 with what does not. Needs no login and tells no secret."""
    checks = {"database": _database_answers(), "redis": _redis_answers()}
    return JsonResponse({"ok": all(checks.values()), **checks}, status=200 if all(checks.values()) else 503)


@require_safe
def manifest(request: HttpRequest) -> JsonResponse:
    """What a tablet needs to put the station on its home screen, full screen and without an address bar."""
    sizes = ((192, "any"), (512, "any"), (512, "maskable"))
    icons = [
        {"src": static(f"reviewapp/icon-{n}.png"), "sizes": f"{n}x{n}", "type": "image/png", "purpose": purpose}
        for n, purpose in sizes
    ]
    said = {
        "name": _("reviewapp station"), "short_name": "reviewapp", "description": _("Judge parts, one key each."),
        "start_url": reverse("review"), "scope": reverse("fleet"), "id": reverse("review"),
        "display": "fullscreen", "display_override": ["fullscreen", "standalone"], "orientation": "any",
        "background_color": "#141414", "theme_color": "#141414", "icons": icons,
    }  # fmt: skip
    return JsonResponse(said, content_type="application/manifest+json")


def _database_answers() -> bool:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError:
        return False
    return True


def _redis_answers() -> bool:
    try:
        with redis.Redis.from_url(settings.REDIS_URL, socket_timeout=2, socket_connect_timeout=2) as client:
            return bool(client.ping())
    except redis.RedisError:
        return False


def page_not_allowed(request: HttpRequest, exception: Exception) -> HttpResponse:
    error = NotAllowed(str(exception) or _("Your role does not allow this. An administrator can change that."))
    return render(request, "403.html", {"error": error}, status=403)


def form_too_old(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Django's CSRF check failed: most often a page that was open while somebody signed in or out."""
    error = NotAllowed(_("This page was too old to be sent. Nothing was changed: go back, reload it and try again."))
    return render(request, "403.html", {"error": error}, status=403)


def page_not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    error = NotFound(_("The address may be mistyped, or what it showed was removed. Nothing of your work is lost."))
    if _is_for_systems(request):
        return JsonResponse({"error": error.as_dict()}, status=404)
    return render(request, "404.html", {"error": error}, status=404)


def _is_for_systems(request: HttpRequest) -> bool:
    """Below /api/ everything answers in the one error shape, also what no view has seen."""
    return request.path.startswith("/api/")


def page_server_error(request: HttpRequest) -> HttpResponse:
    """A page that needs no database, no session and no sprite: any of them may be what is broken."""
    code = secrets.token_hex(4)
    logger.error("server error %s at %s", code, request.path)
    if _is_for_systems(request):
        error = ReviewAppError(f"Something failed here. The log has it as {code}.", code="server_error")
        return JsonResponse({"error": error.as_dict()}, status=500)
    return HttpResponseServerError(loader.get_template("500.html").render({"code": code}))
