"""One error shape for Django REST framework and for ours."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import BadRequest, PermissionDenied, SuspiciousOperation
from django.http import Http404, UnreadablePostError
from django.http.multipartparser import MultiPartParserError
from rest_framework import exceptions
from rest_framework.response import Response
from rest_framework.views import exception_handler

from reviewapp.errors import ReviewAppError

# what Django raises while it reads a request, for which it would answer with a page
BROKEN_REQUESTS = (BadRequest, MultiPartParserError, SuspiciousOperation, UnreadablePostError)


def handle_exception(error: Exception, context: dict[str, Any]) -> Response | None:
    """Render every refusal as ``{"error": {"code", "message", "fields"}}``."""
    if isinstance(error, ReviewAppError):
        return Response({"error": error.as_dict()}, status=error.http_status)
    if isinstance(error, BROKEN_REQUESTS):
        return Response({"error": {"code": "bad_request", "message": _words(error), "fields": {}}}, status=400)
    answer = exception_handler(error, context)
    if answer is None:
        return None
    answer.data = {"error": _from_drf(error, answer.data)}
    return answer


def _words(error: Exception) -> str:
    return str(error) or "The request cannot be read."


def _from_drf(error: Exception, data: Any) -> dict[str, Any]:
    if isinstance(error, exceptions.ValidationError):
        return {"code": "invalid", "message": "Some fields are not right.", "fields": _field_messages(data)}
    if isinstance(error, Http404):
        return {"code": "not_found", "message": "There is no such thing here for you.", "fields": {}}
    if isinstance(error, PermissionDenied):
        return {"code": "not_allowed", "message": str(error) or "Your role does not allow this.", "fields": {}}
    detail = data.get("detail", "") if isinstance(data, dict) else data
    return {"code": getattr(detail, "code", "refused"), "message": str(detail), "fields": {}}


def _field_messages(data: Any, prefix: str = "") -> dict[str, str]:
    """Flatten nested messages to ``{"row.field": "what is wrong"}``."""
    if isinstance(data, dict):
        return {
            key: text for name, part in data.items() for key, text in _field_messages(part, _join(prefix, name)).items()
        }
    if isinstance(data, list) and data and isinstance(data[0], dict | list):
        return {
            key: text for i, part in enumerate(data) for key, text in _field_messages(part, _join(prefix, i)).items()
        }
    return {prefix or "non_field_errors": " ".join(str(part) for part in data) if isinstance(data, list) else str(data)}


def _join(prefix: str, name: object) -> str:
    return f"{prefix}.{name}" if prefix else str(name)
