"""Why a model is trained now or not: the decision of this moment, the ledger, and systems that ask for a run."""

from __future__ import annotations

import hashlib
from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any

import msgspec
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from labeling.access import require
from labeling.api import filters
from labeling.api.authentication import person
from labeling.api.idempotency import HEADER, IDEMPOTENCY_KEY, answer_once
from labeling.api.lists import CURSOR, SIZE, Page, next_address
from labeling.api.reviews import ReviewView
from labeling.feedback import explain_retraining, request_recalibration
from labeling.paging import Position, newest
from models_registry.models import RetrainingDecision, RetrainingRequest
from models_registry.services.requests import ask_for_run
from models_registry.tasks import nudge_trainer
from reviewapp.errors import ReviewAppError


class Told(msgspec.Struct):
    """One thing that may ask for a run, or hold one back, and how it stands in words."""

    name: str
    passed: bool
    detail: str


class DecisionNow(msgspec.Struct):
    """`cause` names what asks, also while a guard holds it back; none where nothing does."""

    retrain: bool
    cause: str | None
    reason: str
    causes: list[Told]
    guards: list[Told]


class DecisionRow(DecisionNow):
    id: int
    n_new_labels: int
    n_labels: int
    n_repeats: int  # how often the decision before this one was come to again
    run: int | None
    decided_at: datetime


class DecisionPage(Page):
    results: list[DecisionRow]


class RequestBody(msgspec.Struct, forbid_unknown_fields=True):
    reason: Annotated[str, msgspec.Meta(min_length=1, max_length=2000)]


class RequestAnswer(msgspec.Struct):
    """`decision` is that of this moment, with the request among what asks: the loop acts on it with its next turn."""

    id: int
    requested_at: datetime
    expires_at: datetime
    decision: DecisionNow


class RunAnswer(msgspec.Struct):
    """A run that waits for a worker."""

    run: int
    number: int
    recalibrates: int  # the number of the version whose model is kept
    queued_at: datetime


class Retraining(APIView):
    @extend_schema(summary="Whether the model is due for training now, and why or why not", responses=DecisionNow)
    def get(self, request: Request, slug: str) -> Response:
        registered_model = require(request.user, "view", slug)
        return Response(asdict(explain_retraining(registered_model, now=timezone.now())))


class RetrainingDecisions(APIView):
    @extend_schema(
        operation_id="retraining_decisions_list",
        summary="What was decided about retraining, also against it, newest first",
        parameters=[CURSOR, SIZE],
        responses=DecisionPage,
    )
    def get(self, request: Request, slug: str) -> Response:
        registered_model = require(request.user, "view", slug)
        size, text = filters.page_size(request.query_params), request.query_params.get("cursor")
        after = Position.from_text(text, timed=False) if text is not None else None
        rows = RetrainingDecision.objects.filter(registered_model=registered_model)
        found = list(newest(rows, after=after, size=size + 1))
        cursor = Position(found[size - 1].pk).as_text() if len(found) > size else None
        page = DecisionPage(next_address(request, cursor), cursor, [_row(one) for one in found[:size]])
        return Response(msgspec.to_builtins(page, builtin_types=(datetime,)))


class RetrainingRequests(ReviewView):
    @extend_schema(
        summary="A system asks for a run, within the model's policy",
        request=RequestBody,
        responses={201: RequestAnswer},
        parameters=[IDEMPOTENCY_KEY],
    )
    def post(self, request: Request, slug: str) -> Any:
        registered_model = require(person(request), "retrain", slug)
        reason = _reason(self.body(request, RequestBody))

        def work() -> tuple[bytes, int]:
            now = timezone.now()
            asked = ask_for_run(registered_model=registered_model, by=person(request), reason=reason, now=now)
            answer = _answer(asked, now)
            return JSONRenderer().render(msgspec.to_builtins(answer, builtin_types=(datetime,))), 201

        digest = hashlib.sha256(f"{slug}\n{reason}".encode()).hexdigest()
        key = request.headers.get(HEADER)
        if key is None:
            answer, status = work()
            return Response(msgspec.json.decode(answer), status=status)
        return answer_once(request, key=key, sha256=lambda: digest, work=work)


class Recalibrations(ReviewView):
    @extend_schema(
        summary="Keep the champion's model and fit its confidence anew: a run is queued, whatever the policy waits for",
        request=RequestBody,
        responses={201: RunAnswer},
    )
    def post(self, request: Request, slug: str) -> Response:
        registered_model = require(person(request), "decide", slug)
        reason = _reason(self.body(request, RequestBody))
        run = request_recalibration(
            registered_model=registered_model, by=person(request), reason=reason, now=timezone.now()
        )
        nudge_trainer(run.pk)
        assert run.recalibrates is not None  # noqa: S101 - it is what was asked for
        answer = RunAnswer(run.pk, run.number, run.recalibrates.number, run.queued_at)
        return Response(msgspec.to_builtins(answer, builtin_types=(datetime,)), status=201)


def _reason(body: RequestBody) -> str:
    """:raises ReviewAppError: nothing is said, or what no database stores."""
    reason = body.reason.strip()
    if not reason or "\0" in reason:
        raise ReviewAppError("Say why.", code="invalid", fields={"reason": "Required, without control characters."})
    return reason


def _answer(asked: RetrainingRequest, now: datetime) -> RequestAnswer:
    decision = msgspec.convert(asdict(explain_retraining(asked.registered_model, now=now)), DecisionNow)
    return RequestAnswer(asked.pk, asked.requested_at, asked.expires_at, decision)


def _row(row: RetrainingDecision) -> DecisionRow:
    causes, guards = ([Told(**one) for one in told] for told in (row.causes, row.guards))
    return DecisionRow(
        row.retrain, row.cause or None, row.reason, causes, guards, row.pk, row.n_new_labels, row.n_labels,
        row.n_repeats, row.run_id, row.decided_at,
    )  # fmt: skip
