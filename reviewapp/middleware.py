"""What every page shares: its language, what a refusal looks like, and what the admin may load."""

from __future__ import annotations

from collections.abc import Callable

from csp.constants import SELF, UNSAFE_EVAL, UNSAFE_INLINE
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.middleware.locale import LocaleMiddleware
from django.shortcuts import render
from django.utils import translation

from reviewapp.errors import ReviewAppError

GetResponse = Callable[[HttpRequest], HttpResponse]


class Language(LocaleMiddleware):
    """Pages speak the language that was chosen, else the browser's; systems are answered in English, always.

    A system is who comes to the API with a key or without a session. The schema is English for all: it is a contract.
    """

    def process_request(self, request: HttpRequest) -> None:
        if not _is_for_a_person(request):
            translation.activate(settings.LANGUAGE_CODE)
            request.LANGUAGE_CODE = settings.LANGUAGE_CODE
            return
        super().process_request(request)


def _is_for_a_person(request: HttpRequest) -> bool:
    if not request.path_info.startswith("/api/"):
        return True
    has_session = settings.SESSION_COOKIE_NAME in request.COOKIES and "Authorization" not in request.headers
    return has_session and not request.path_info.startswith("/api/schema/")


class RefusalPages:
    """Shows a `ReviewAppError` that a page's view raised as a page, with its code and status."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        if not isinstance(error, ReviewAppError):
            return None
        template = {403: "403.html", 404: "404.html"}.get(error.http_status, "refused.html")
        return render(request, template, {"error": error}, status=error.http_status)


class AdminContentSecurityPolicy:
    """The admin's theme (Alpine) evaluates expressions; its pages alone get a wider policy. See docs/decisions.md."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if request.path.startswith("/admin/"):
            response._csp_update = {  # type: ignore[attr-defined]
                "script-src": [SELF, UNSAFE_EVAL, UNSAFE_INLINE],
                "style-src": [SELF, UNSAFE_INLINE],
            }
        return response
