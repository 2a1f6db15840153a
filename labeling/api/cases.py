"""After the first word: the prediction revealed, a truth challenged, and the cases that wait for a decision."""

from __future__ import annotations

from typing import Any

import msgspec
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from labeling import adjudication
from labeling.access import require
from labeling.adjudication import Case, checked_reason
from labeling.api import case_shapes
from labeling.api.authentication import person
from labeling.api.payloads import prediction_payload, review_payload
from labeling.api.reviews import ReviewView
from labeling.phases import phase_of_blind
from labeling.queue import review_policy
from labeling.regions.settling import plainly
from labeling.reveal import reveal


class ChallengeBody(msgspec.Struct, forbid_unknown_fields=True):
    reason: str


class Reveal(ReviewView):
    @extend_schema(
        summary="See what the model said, after a blind verdict",
        description="Once shown, it is written down: the first word stands, and a revision has the phase `revealed`.",
        request=None,
        responses=case_shapes.RevealAnswer,
    )
    def post(self, request: Request, pk: int) -> Response:
        user, now = person(request), timezone.now()
        found, prediction = reveal(review_id=pk, person=user, now=now), None
        if found.prediction:
            prediction = prediction_payload(found.review, found.prediction, user=user, now=now)
        return Response({"differs": found.differs, "prediction": prediction})


class Challenge(ReviewView):
    @extend_schema(
        summary="Doubt what was settled",
        description="Opens a round for somebody who has not spoken. The truth stands until that person decides.",
        request=ChallengeBody,
        responses={200: case_shapes.ChallengeAnswer, 201: case_shapes.ChallengeAnswer},
    )
    def post(self, request: Request, pk: int) -> Response:
        body: ChallengeBody = self.body(request, ChallengeBody)
        reason = checked_reason(body.reason)
        made, is_new = adjudication.challenge(review_id=pk, by=person(request), reason=reason, now=timezone.now())
        return Response({"review": made.review_id, "is_new": is_new}, status=201 if is_new else 200)


class Cases(ReviewView):
    @extend_schema(
        summary="Cases that you may decide, the oldest first",
        description=f"At most {adjudication.SHOWN}. Nobody is named, and no prediction is told.",
        responses=case_shapes.OpenCases,
    )
    def get(self, request: Request, slug: str) -> Response:
        registered_model = require(person(request), "adjudicate", slug)
        found = adjudication.cases(person(request), registered_model, now=timezone.now())
        return Response({"cases": [case_payload(one, person(request).pk) for one in found]})


class TakeCase(ReviewView):
    @extend_schema(
        summary="Lease a case",
        description="`phase` is what a verdict on it has to say: `shown` after a look at the prediction.",
        request=None,
        responses=case_shapes.TakenCase,
    )
    def post(self, request: Request, pk: int) -> Response:
        user, now = person(request), timezone.now()
        review = adjudication.take(review_id=pk, user=user, now=now)
        payload = review_payload(review, review_policy(review.registered_model), user=user, now=now)
        return Response({"review": payload | {"phase": phase_of_blind(review, user)}})


def case_payload(case: Case, user_id: int) -> dict[str, Any]:
    """Without names, and without the times of day, which would tell the shift."""
    truth = case.truth
    return {
        "review": case.review.pk,
        "part": case.review.inspection.part,
        "opened_at": case.opened_at,
        "is_late": case.is_late,
        "is_held": case.is_held_by_another_than(user_id),
        "challenges": [one.reason for one in case.challenges],
        "settled_as": (truth.label.slug if truth.label else truth.outcome) if truth else None,
        "voices": [
            {
                "letter": voice.letter,
                "phase": voice.verdict.phase,
                "kind": voice.verdict.kind,
                "label": voice.verdict.label.slug if voice.verdict.label else None,
                "name": voice.name,
                "note": voice.verdict.note,
                "findings": plainly(voice.verdict.findings),
                "seconds": voice.seconds,
            }
            for voice in case.voices
        ],
    }
