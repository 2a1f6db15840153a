"""Rows that are each answered for themselves: how many are taken, what a refused one says, the status of them all."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from rest_framework.request import Request
from rest_framework.response import Response

from reviewapp.errors import ReviewAppError


def rows_in(request: Request) -> tuple[list[Any], bool]:
    """The rows of a JSON body, and whether they came as a list. :raises ReviewAppError: ``too_many_rows``."""
    if not isinstance(request.data, list):
        return [request.data], False
    refuse_too_many(request.data)
    return request.data, True


def refuse_too_many(rows: list[Any]) -> None:
    if len(rows) > settings.MAX_ROWS_PER_REQUEST:
        raise ReviewAppError(
            f"{len(rows)} rows in one request; at most {settings.MAX_ROWS_PER_REQUEST} are taken.",
            code="too_many_rows", http_status=413,
        )  # fmt: skip


def refused_row(position: int, error: ReviewAppError) -> dict[str, Any]:
    described = error.as_dict() | {"row": position}
    return {"row": position, "status": "error", "http_status": error.http_status, "error": described}


def respond_to_rows(answers: list[dict[str, Any]], *, is_list: bool) -> Response:
    """201 something is new, 200 all known, 207 some were refused, the first refusal's status when all were."""
    n_refused = sum(answer["status"] == "error" for answer in answers)
    if answers and n_refused == len(answers):
        first = answers[0]
        body = {"error": first["error"]} | ({"results": answers} if is_list else {})
        return Response(body, status=first["http_status"])
    is_new = any(answer["status"] == "created" for answer in answers)
    status = 207 if n_refused else 201 if is_new else 200
    return Response({"results": answers} if is_list else answers[0], status=status)
