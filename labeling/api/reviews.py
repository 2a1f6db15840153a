"""What the review station and other clients ask for: claim, prolong, release, say, take back."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

import msgspec
from django.contrib.auth.models import User
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from labeling import queue, verdicts
from labeling.access import models_for, reach, require, require_review
from labeling.api import shapes
from labeling.api.asking import ASK_AGAIN, MAX_WAIT, ask_again, seconds_to_wait
from labeling.api.authentication import person
from labeling.api.parsers import StrictJSONParser
from labeling.api.payloads import recent_verdicts, review_payload, review_state, verdict_payload
from labeling.dispositions import standing
from labeling.incoming import why_no_moment, why_unstorable
from labeling.models import Review, Verdict
from reviewapp.errors import ReviewAppError


class ClaimBody(msgspec.Struct, forbid_unknown_fields=True):
    n: int = 1
    holding: list[int] = []


class ReleaseBody(msgspec.Struct, forbid_unknown_fields=True):
    ids: list[int]


class VerdictBody(msgspec.Struct, forbid_unknown_fields=True):
    client_id: uuid.UUID
    review: int
    kind: str
    phase: str
    shown_at: datetime
    said_at: datetime
    label: str | None = None
    note: str = ""
    severity: int | None = None
    findings: list[Any] = []
    shown: dict[str, Any] = {}


class UndoBody(msgspec.Struct, forbid_unknown_fields=True):
    client_id: uuid.UUID


MAX_ID = 2**63 - 1
MAX_BYTES = 32_768  # of a note, of findings, of what was shown


class ReviewView(APIView):
    parser_classes = [StrictJSONParser]

    def body(self, request: Request, shape: type[msgspec.Struct]) -> Any:
        """The checked body. :raises ReviewAppError: names the field."""
        data = request.data if isinstance(request.data, dict) else {"body": request.data}
        try:
            return msgspec.convert(dict(data), shape)
        except msgspec.ValidationError as error:
            field = str(error).rpartition("$.")[2].strip("`") if "$." in str(error) else "body"
            raise ReviewAppError(
                f"The body is not right: {error}.", code="invalid", fields={field: str(error)}
            ) from error


class Claim(ReviewView):
    @extend_schema(summary="Lease the next reviews", request=ClaimBody, responses=shapes.ClaimAnswer)
    def post(self, request: Request, slug: str) -> Response:
        registered_model = require(person(request), "review", slug)
        body: ClaimBody = self.body(request, ClaimBody)
        now = timezone.now()
        holding = [pk for pk in body.holding[:200] if 0 < pk <= MAX_ID]
        reviews = queue.claim(
            user=person(request), registered_model=registered_model, n=body.n, now=now, holding=holding
        )
        policy = queue.review_policy(registered_model)
        today = Verdict.objects.current().filter(
            reviewer=person(request), review__registered_model=registered_model, said_at__date=now.date()
        )
        return Response(
            {
                "reviews": [review_payload(review, policy, user=person(request), now=now) for review in reviews],
                "n_open": queue.count_open(person(request), registered_model),
                "n_mine_today": today.count(),
                "recent": recent_verdicts(person(request), registered_model),
            }
        )


class Heartbeat(ReviewView):
    @extend_schema(summary="Prolong a lease", request=None, responses=shapes.HeartbeatAnswer)
    def post(self, request: Request, pk: int) -> Response:
        until = queue.extend(review_id=pk, user=person(request), now=timezone.now())
        return Response({"lease_expires_at": until})


class Release(ReviewView):
    @extend_schema(summary="Give reviews back", request=ReleaseBody, responses=shapes.ReleaseAnswer)
    def post(self, request: Request) -> Response:
        body: ReleaseBody = self.body(request, ReleaseBody)
        ids = [pk for pk in body.ids[:200] if 0 < pk <= MAX_ID]
        return Response({"released": queue.release(review_ids=ids, user=person(request))})


class ReviewDetail(ReviewView):
    @extend_schema(
        summary="One review, what was settled, and what the line may do",
        description="With `wait` it answers when that stands, at the latest after so many seconds.",
        parameters=[OpenApiParameter("wait", int, description=f"Seconds, 0 to {MAX_WAIT}.")],
        responses=shapes.ReviewState,
    )
    def get(self, request: Request, pk: int) -> Response:
        """Never the prediction: whoever reads a review may judge it later."""
        wait = seconds_to_wait(request)
        review = require_review(person(request), "view", pk)
        state = standing(review, answered=_may_ingest(person(request), review))
        if state.is_final:  # read before what went out: it may have changed with it
            review.refresh_from_db(fields=["status", "mode", "deadline"])
        answer = Response(review_state(review, state))
        if wait and not state.is_final:
            answer[ASK_AGAIN] = ask_again(seconds=wait, due_at=state.due_at)
        return answer


def _may_ingest(user: User, review: Review) -> bool:
    return reach(user, review.registered_model).covers("ingest", review.inspection.station.site_id)


class Verdicts(ReviewView):
    @extend_schema(
        summary="Say what the part is",
        request=VerdictBody,
        responses={200: shapes.VerdictAnswer, 201: shapes.VerdictAnswer},
    )
    def post(self, request: Request) -> Response:
        body: VerdictBody = self.body(request, VerdictBody)
        _refuse_odd(body)
        said = verdicts.Said(
            client_id=body.client_id, kind=body.kind, label=body.label, phase=body.phase, shown_at=body.shown_at,
            said_at=body.said_at, note=body.note, severity=body.severity, findings=body.findings, shown=body.shown,
        )  # fmt: skip
        recorded = verdicts.record_verdict(
            review_id=body.review, reviewer=person(request), said=said, now=timezone.now()
        )
        return Response(
            {
                "verdict": verdict_payload(recorded.verdict),
                "settled": recorded.settled,
                "lease_lost": recorded.verdict.lease_lost,
                "message": recorded.message,
            },
            status=201 if recorded.is_new else 200,
        )


def _refuse_odd(body: VerdictBody) -> None:
    """What the shape cannot say: bounded sizes, moments with a zone, storable text."""
    wrong = {name: what for name in ("shown_at", "said_at") if (what := why_no_moment(getattr(body, name)))}
    for name in ("label", "note", "findings", "shown"):
        what = why_unstorable(getattr(body, name))
        if not what and len(msgspec.json.encode(getattr(body, name))) > MAX_BYTES:
            what = f"is larger than {MAX_BYTES} bytes"
        if what:
            wrong[name] = what
    if not 0 < body.review <= MAX_ID:
        wrong["review"] = "is out of range"
    if body.severity is not None and not 0 <= body.severity <= 3:
        wrong["severity"] = "is a number from 0 to 3"
    if wrong:
        words = "; ".join(f"{name} {what}" for name, what in wrong.items())
        raise ReviewAppError(f"The verdict is not right: {words}.", code="invalid", fields=wrong)


class Undo(ReviewView):
    @extend_schema(summary="Take a verdict back", request=UndoBody, responses=shapes.UndoAnswer)
    def post(self, request: Request, client_id: uuid.UUID) -> Response:
        body: UndoBody = self.body(request, UndoBody)
        user, now = person(request), timezone.now()
        review = verdicts.undo(target=client_id, client_id=body.client_id, reviewer=user, now=now)
        policy = queue.review_policy(review.registered_model)
        payload = review_payload(review, policy, user=user, now=now) if review.claimed_by_id == user.pk else None
        return Response({"review": payload, "message": ""})


class MyModels(ReviewView):
    @extend_schema(summary="The models whose images you may judge", responses=shapes.Queues)
    def get(self, request: Request) -> Response:
        models = models_for(person(request), "review").filter(is_active=True)
        return Response(
            {
                "models": [
                    {"slug": one.slug, "name": one.name, "n_open": queue.count_open(person(request), one)}
                    for one in models
                ]
            }
        )
