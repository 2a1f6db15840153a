"""The fleet in numbers: what `loop_status` prints, for systems."""

from __future__ import annotations

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from labeling.access import models_for, require
from labeling.api import shapes
from labeling.status import fleet_status, status_payload
from models_registry.models import RegisteredModel


class Models(APIView):
    @extend_schema(summary="The state of every model you may see", responses=shapes.ModelStates)
    def get(self, request: Request) -> Response:
        statuses = fleet_status(models_for(request.user, "view"), now=timezone.now())
        return Response({"models": [status_payload(status) for status in statuses]})


class ModelDetail(APIView):
    @extend_schema(summary="The state of one model", responses=shapes.ModelState)
    def get(self, request: Request, slug: str) -> Response:
        registered_model = require(request.user, "view", slug)
        (status,) = fleet_status(RegisteredModel.objects.filter(pk=registered_model.pk), now=timezone.now())
        return Response(status_payload(status))
