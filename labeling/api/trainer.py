"""Who trains a model, and what the built-in trainer is told: chosen by name, from what the operator declared."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from django.db import transaction
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from msgspec import UNSET, UnsetType
from rest_framework.request import Request
from rest_framework.response import Response

from labeling.access import require
from labeling.api.authentication import person
from labeling.api.reviews import ReviewView
from models_registry.models import PolicyChange, RegisteredModel, RetrainingPolicy
from models_registry.models.policies import MOST_HOUR_PRICE
from models_registry.services.policies import change_policies, choose_trainer, offered_trainers
from models_registry.training.config import MOST_SECONDS


class TrainerBody(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """What is left out stays as it is. `balanced` and `search_seconds` are for the built-in trainer."""

    trainer: Annotated[str, msgspec.Meta(min_length=1, max_length=40)] | UnsetType = UNSET
    balanced: bool | UnsetType = UNSET
    search_seconds: Annotated[float, msgspec.Meta(ge=0, le=MOST_SECONDS)] | UnsetType = UNSET
    hour_price: Annotated[float, msgspec.Meta(ge=0, le=MOST_HOUR_PRICE)] | UnsetType | None = UNSET

    @property
    def options(self) -> dict[str, Any]:
        said = {name: getattr(self, name) for name in ("balanced", "search_seconds", "hour_price")}
        return {name: value for name, value in said.items() if value is not UNSET}


class TrainerAnswer(msgspec.Struct):
    """`trainers`: the names that may be chosen here."""

    trainer: str
    trainers: list[str]
    balanced: bool
    search_seconds: float
    hour_price: float | None


class Trainer(ReviewView):
    @extend_schema(summary="Which trainer a model has, and which there are", responses=TrainerAnswer)
    def get(self, request: Request, slug: str) -> Response:
        return _answer(require(person(request), "view", slug))

    @extend_schema(
        summary="Choose a declared trainer, and what the built-in one is told", request=TrainerBody,
        responses=TrainerAnswer,
    )  # fmt: skip
    def put(self, request: Request, slug: str) -> Response:
        found, by = require(person(request), "decide", slug), person(request)
        body: TrainerBody = self.body(request, TrainerBody)
        said: dict[str, Any] = {"by": by, "via": PolicyChange.Via.API, "now": timezone.now()}
        with transaction.atomic():
            if isinstance(body.trainer, str):
                choose_trainer(registered_model=found, name=body.trainer, **said)
            change_policies(registered_model=found, wanted={RetrainingPolicy: body.options}, **said)
        return _answer(found)


def _answer(registered_model: RegisteredModel) -> Response:
    policy = RetrainingPolicy.objects.filter(registered_model=registered_model).first() or RetrainingPolicy()
    answer = TrainerAnswer(
        registered_model.trainer, offered_trainers(registered_model), policy.balanced, policy.search_seconds,
        policy.hour_price,
    )  # fmt: skip
    return Response(msgspec.to_builtins(answer))
