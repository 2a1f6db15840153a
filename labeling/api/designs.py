"""Designs of the draw: who is looked at, and with what chance. Read by whoever may view, made by who may decide."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

import msgspec
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from labeling.access import require
from labeling.api.authentication import person
from labeling.api.reviews import ReviewView
from labeling.designs import end_campaign, save_design
from labeling.models import SamplingDesign
from labeling.proposals import Proposal, audit_share_from_numbers, design_of, problems_of
from models_registry.models import RegisteredModel
from reviewapp.errors import Conflict, NotFound, ReviewAppError

MOST = 50
SAID = ("kind", "name", "budget", "audit_share", "budget_feedback", "until", "max_draws", "rules")
UNCOUNTED = {"n_sampled": 0, "n_drawn": 0, "thinning": 1.0}
Kind = Literal["main", "campaign"]


class DesignBody(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    budget: Annotated[float, msgspec.Meta(gt=0, le=1)]
    kind: Kind = "main"
    name: Annotated[str, msgspec.Meta(max_length=80)] = ""
    audit_share: Annotated[float, msgspec.Meta(ge=0.5, le=1)] | None = None
    budget_feedback: bool = False
    until: datetime | None = None
    max_draws: Annotated[int, msgspec.Meta(ge=1, le=2**31 - 1)] | None = None
    rules: dict[str, Any] = {}


class DesignRow(msgspec.Struct):
    number: int
    kind: Kind
    name: str
    budget: float
    audit_share: float
    budget_feedback: bool
    until: datetime | None
    max_draws: int | None
    rules: dict[str, Any]
    is_active: bool
    created_at: datetime
    n_sampled: int  # counted by the loop since it first saw the design
    n_drawn: int
    thinning: float


class DesignList(msgspec.Struct):
    designs: list[DesignRow]
    advised_audit_share: float
    advised_because: str


class Designs(ReviewView):
    @extend_schema(
        operation_id="designs_list",
        summary="A model's sampling designs: those that draw now, then those that did, newest first",
        responses=DesignList,
    )
    def get(self, request: Request, slug: str) -> Response:
        registered_model = require(person(request), "view", slug)
        rows = SamplingDesign.objects.filter(registered_model=registered_model).select_related("state")
        share, why = audit_share_from_numbers(registered_model)
        answer = DesignList([row_of(one) for one in rows.order_by("-is_active", "-number")[:MOST]], share, why)
        return Response(msgspec.to_builtins(answer, builtin_types=(datetime,)))

    @extend_schema(
        summary="Draw by another main design from now on, or start or change a campaign",
        request=DesignBody,
        responses={200: DesignRow, 201: DesignRow},
    )
    def post(self, request: Request, slug: str) -> Response:
        registered_model = require(person(request), "decide", slug)
        body: DesignBody = self.body(request, DesignBody)
        proposal = Proposal(**{name: getattr(body, name) for name in SAID})
        if problems := problems_of(proposal, registered_model=registered_model, now=timezone.now()):
            name, what = next(iter(problems.items()))
            raise ReviewAppError(f"{name}: {what}", code="invalid", fields=problems)
        wanted = design_of(proposal, registered_model=registered_model)
        known = _active(registered_model, wanted)
        if known is not None and all(getattr(known, name) == getattr(wanted, name) for name in SAID):
            return _answer(known, 200)
        save_design(wanted)
        return _answer(wanted, 201)


class DesignEnd(ReviewView):
    @extend_schema(summary="End a campaign; what it drew is still reviewed", request=None, responses=DesignRow)
    def post(self, request: Request, slug: str, number: int) -> Response:
        registered_model = require(person(request), "decide", slug)
        designs = SamplingDesign.objects.filter(registered_model=registered_model).select_related("state")
        design = designs.filter(number=number).first() if number < 2**31 else None
        if design is None:
            raise NotFound(f"There is no design {number} of {registered_model}.")
        if design.kind != SamplingDesign.Kind.CAMPAIGN:
            raise Conflict("A main design draws until the next one does. Make another.", code="not_a_campaign")
        end_campaign(design)
        return _answer(designs.get(pk=design.pk), 200)


def _active(registered_model: RegisteredModel, wanted: SamplingDesign) -> SamplingDesign | None:
    """The design that this one would take the place of."""
    active = SamplingDesign.objects.filter(registered_model=registered_model, is_active=True)
    return active.filter(kind=wanted.kind, name=wanted.name).select_related("state").first()


def _answer(design: SamplingDesign, status: int) -> Response:
    return Response(msgspec.to_builtins(row_of(design), builtin_types=(datetime,)), status=status)


def row_of(design: SamplingDesign) -> DesignRow:
    state = getattr(design, "state", None)
    counted = {name: getattr(state, name, usual) for name, usual in UNCOUNTED.items()}
    said = {name: getattr(design, name) for name in (*SAID, "number", "is_active", "created_at")}
    return msgspec.convert(said | counted, DesignRow)
