"""MLflow by API: what it was told of a model's versions, and taking a version of its registry in."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import msgspec
from django.conf import settings
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from labeling.access import require
from labeling.api.authentication import person
from labeling.api.reviews import ReviewView
from labeling.api.versions import answer
from labeling.incoming import why_unstorable
from models_registry.mlflow import open_mlflow
from models_registry.models import MlflowPush
from models_registry.services.mlflow_link import pull
from reviewapp.errors import Conflict, ReviewAppError

MOST = 100
SECONDS = 10.0  # for one request


class PullBody(msgspec.Struct, forbid_unknown_fields=True):
    """`name`: the registered model in MLflow. `version`: its number, or an alias as `@alias`."""

    name: Annotated[str, msgspec.Meta(min_length=1, max_length=250)]
    version: Annotated[str, msgspec.Meta(min_length=1, max_length=250)]


class PulledRow(msgspec.Struct):
    id: int
    version: int
    external_name: str
    is_new: bool


class PushRow(msgspec.Struct):
    """`mlflow_version` and `run_id` are empty where they never arrived; `problem` is empty where the last attempt went
    well."""

    version: int
    mlflow_version: str
    run_id: str
    pushed_at: datetime | None
    problem: str
    next_attempt_at: datetime | None


class PushList(msgspec.Struct):
    pushes: list[PushRow]


class MlflowVersions(ReviewView):
    @extend_schema(
        operation_id="mlflow_versions_list", summary="What MLflow was told of a model's versions, newest first",
        responses=PushList,
    )  # fmt: skip
    def get(self, request: Request, slug: str) -> Response:
        found = MlflowPush.objects.filter(version__registered_model=require(person(request), "view", slug))
        rows = found.select_related("version").order_by("-version__number")[:MOST]
        return answer(PushList([_row(one) for one in rows]))

    @extend_schema(
        summary="Take a version of MLflow's registry in, by reference", request=PullBody,
        responses={200: PulledRow, 201: PulledRow},
    )  # fmt: skip
    def post(self, request: Request, slug: str) -> Response:
        user = person(request)
        registered_model = require(user, "decide", slug)
        body: PullBody = self.body(request, PullBody)
        for name, text in msgspec.structs.asdict(body).items():
            if what := why_unstorable(text):
                raise ReviewAppError(f"{name} {what}.", code="invalid", fields={name: what})
        if not settings.MLFLOW_URL:
            raise Conflict("No MLflow server is set up here (REVIEWAPP_MLFLOW_URL).", code="no_mlflow")
        with open_mlflow(settings.MLFLOW_URL, token=settings.MLFLOW_TOKEN, seconds=SECONDS) as client:
            version, is_new = pull(
                registered_model=registered_model, name=body.name, wanted=body.version, client=client, by=user,
                now=timezone.now(),
            )  # fmt: skip
        response = answer(PulledRow(version.pk, version.number, version.external_name, is_new))
        response.status_code = 201 if is_new else 200
        return response


def _row(one: MlflowPush) -> PushRow:
    return PushRow(one.version.number, one.mlflow_version, one.run_id, one.pushed_at, one.problem, one.next_attempt_at)
