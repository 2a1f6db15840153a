"""A pause at the station: what is held goes back, and nothing is handed out until it ends."""

from __future__ import annotations

import msgspec
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from labeling.access import require_verb
from labeling.api import case_shapes
from labeling.api.authentication import person
from labeling.api.reviews import ReviewView
from labeling.people.pauses import begin_pause, end_pause


class PauseBody(msgspec.Struct, forbid_unknown_fields=True):
    on: bool


class OwnPause(ReviewView):
    @extend_schema(
        summary="Begin or end your pause",
        description="What you hold goes back to the queue; claims are refused with `on_pause`. Either twice changes "
        "nothing.",
        request=PauseBody,
        responses=case_shapes.PauseAnswer,
    )
    def post(self, request: Request) -> Response:
        user, now = person(request), timezone.now()
        require_verb(user, "review")
        body: PauseBody = self.body(request, PauseBody)
        if body.on:
            return Response({"since": begin_pause(user=user, now=now).started_at})
        end_pause(user=user, now=now)
        return Response({"since": None})
