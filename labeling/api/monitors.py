"""How strong the evidence is that a model errs too often."""

from __future__ import annotations

from dataclasses import asdict

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from labeling.access import require
from labeling.api import shapes
from models_registry.watch import standings


class Monitors(APIView):
    @extend_schema(summary="What is watched of a model, with the evidence so far", responses=shapes.WatchedModel)
    def get(self, request: Request, slug: str) -> Response:
        registered_model = require(request.user, "view", slug)
        return Response({"monitors": [asdict(one) for one in standings(registered_model)]})
