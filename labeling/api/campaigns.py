"""Rounds of active learning: ask for one, and what the rounds before were worth."""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import Annotated, Literal

import msgspec
from django.http.response import HttpResponseBase
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from labeling.access import require
from labeling.api.authentication import person
from labeling.api.idempotency import HEADER, IDEMPOTENCY_KEY, answer_once
from labeling.api.reviews import ReviewView
from labeling.learning_rounds import MOST_ASKED, ArmFigures, arms_of, request_round
from labeling.models import LearningRound
from labeling.tasks import nudge_picker
from models_registry.models import RegisteredModel

MOST = 50


class CampaignBody(msgspec.Struct, forbid_unknown_fields=True):
    n: Annotated[int, msgspec.Meta(ge=1, le=MOST_ASKED)]
    random_share: Annotated[float, msgspec.Meta(ge=0, le=1)] = 0.2


class CampaignArm(msgspec.Struct):
    """`share` with its 95 % interval: of the labels that could be compared, those that corrected the model. Null while
    there are none. It speaks of the parts picked, not of production."""

    arm: Literal["active", "random"]
    n_picked: int
    n_labelled: int
    n_compared: int
    n_corrected: int
    share: float | None
    low: float | None
    high: float | None


class CampaignRow(msgspec.Struct):
    number: int
    status: Literal["queued", "done", "failed"]
    method: Literal["", "margin", "cold"]
    n_asked: int
    random_share: float
    n_pool: int
    version: int | None
    detail: str
    requested_at: datetime
    finished_at: datetime | None
    arms: list[CampaignArm]


class CampaignList(msgspec.Struct):
    campaigns: list[CampaignRow]


class Campaigns(ReviewView):
    @extend_schema(
        operation_id="campaigns_list",
        summary="A model's rounds of active learning, newest first, with what their arms were worth",
        responses=CampaignList,
    )
    def get(self, request: Request, slug: str) -> Response:
        registered_model = require(person(request), "view", slug)
        rounds = LearningRound.objects.filter(registered_model=registered_model).select_related("model_version")
        shown = list(rounds[:MOST])
        arms = arms_of(shown)
        answer = CampaignList([row_of(one, arms[one.pk]) for one in shown])
        return Response(msgspec.to_builtins(answer, builtin_types=(datetime,)))

    @extend_schema(
        summary="Pick unlabelled parts whose labels teach most, and ask people about them",
        parameters=[IDEMPOTENCY_KEY],
        request=CampaignBody,
        responses={202: CampaignRow},
    )
    def post(self, request: Request, slug: str) -> HttpResponseBase:
        registered_model = require(person(request), "decide", slug)
        body: CampaignBody = self.body(request, CampaignBody)
        key = request.headers.get(HEADER)
        if key is None:
            return Response(
                msgspec.to_builtins(_asked(request, registered_model, body), builtin_types=(datetime,)), 202
            )
        sha256 = hashlib.sha256(msgspec.json.encode((slug, body))).hexdigest()
        return answer_once(
            request,
            key=key,
            sha256=lambda: sha256,
            work=lambda: (msgspec.json.encode(_asked(request, registered_model, body)), 202),
        )


def _asked(request: Request, registered_model: RegisteredModel, body: CampaignBody) -> CampaignRow:
    made = request_round(
        registered_model=registered_model, n=body.n, random_share=body.random_share, by=person(request),
        now=timezone.now(),
    )  # fmt: skip
    nudge_picker(made.pk)
    return row_of(made, [])


def row_of(one: LearningRound, arms: list[ArmFigures]) -> CampaignRow:
    shown = [msgspec.convert(arm, CampaignArm, from_attributes=True) for arm in arms]
    version = one.model_version.number if one.model_version else None
    return CampaignRow(
        number=one.number, status=one.status, method=one.method, n_asked=one.n_asked,  # type: ignore[arg-type]
        random_share=one.random_share, n_pool=one.n_pool, version=version, detail=one.detail,
        requested_at=one.requested_at, finished_at=one.finished_at, arms=shown,
    )  # fmt: skip
