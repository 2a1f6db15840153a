"""The two things that every page shares: what a refusal looks like, and what the admin may load."""

from __future__ import annotations

from collections.abc import Callable

from csp.constants import SELF, UNSAFE_EVAL, UNSAFE_INLINE
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from reviewapp.errors import ReviewAppError

GetResponse = Callable[[HttpRequest], HttpResponse]


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
