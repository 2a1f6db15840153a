"""What the review station and other clients ask for: claim, prolong, release, say, take back."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, time, timedelta
from typing import Any, Literal

import msgspec
from django.contrib.auth.models import User
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from labeling import queue, verdicts
from labeling.access import models_for, reach, require_review
from labeling.api import shapes
from labeling.api.asking import ASK_AGAIN, MAX_WAIT, ask_again, seconds_to_wait
from labeling.api.authentication import ApiKeyAuthentication, RememberedSession, person
from labeling.api.parsers import StrictJSONParser
from labeling.api.payloads import review_payload, review_state, verdict_payload
from labeling.api.recent import recent_verdicts
from labeling.api.row_answers import refused_row
from labeling.dispositions import standing
from labeling.incoming import why_no_moment, why_unstorable
from labeling.models import Review, Station, Verdict
from labeling.people.authors import HEADER, author_of
from labeling.people.stations import MOST_STATIONS, count_open_at, stations_for
from labeling.seats import Seat, place_of, seat
from labeling.sight import sight_of
from models_registry.models import RegisteredModel
from reviewapp.errors import ReviewAppError
from reviewapp.rendering import PlainRenderer


class ClaimBody(msgspec.Struct, forbid_unknown_fields=True, rename={"beside": "with"}):
    """What to hand out: parts of one station, camera, shift, or of a label that the model said (those parts alone on
    which that is shown). `order`: `doubt` is the most doubtful first. `with`: what the answer says beside the reviews.
    """

    n: int = 1
    holding: list[int] = []
    station: str | None = None
    source: str | None = None
    shift: str | None = None
    label: str | None = None
    order: Literal["drawn", "doubt"] = "drawn"
    only: Literal["first", "second"] | None = None
    beside: list[Literal["counts", "recent"]] = msgspec.field(default_factory=lambda: ["counts", "recent"])


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
    surface: str = "api"


class UndoBody(msgspec.Struct, forbid_unknown_fields=True):
    client_id: uuid.UUID


AUTHOR = OpenApiParameter(
    HEADER, str, "header", description="Whose word it is, where that is not who is signed in: the station's own token."
)
MAX_ID = 2**63 - 1
MAX_SAID = 64  # verdicts in one list
DAY = timedelta(days=1)
MAX_BYTES = 32_768  # of a note, of findings, of what was shown


class ReviewView(APIView):
    parser_classes = [StrictJSONParser]

    def body(self, request: Request, shape: type[msgspec.Struct]) -> Any:
        """The checked body. :raises ReviewAppError: names the field."""
        return self.shaped(request.data, shape)

    @staticmethod
    def shaped(raw: Any, shape: type[msgspec.Struct]) -> Any:
        """The same of a part of the body."""
        data = raw if isinstance(raw, dict) else {"body": raw}
        try:
            return msgspec.convert(dict(data), shape)
        except msgspec.ValidationError as error:
            field = str(error).rpartition("$.")[2].strip("`") if "$." in str(error) else "body"
            raise ReviewAppError(
                f"The body is not right: {error}.", code="invalid", fields={field: str(error)}
            ) from error


class AllDayView(ReviewView):
    """What the station asks for with every image."""

    renderer_classes = [PlainRenderer]
    authentication_classes = [ApiKeyAuthentication, RememberedSession]


class Claim(AllDayView):
    @extend_schema(summary="Lease the next reviews", request=ClaimBody, responses=shapes.ClaimAnswer)
    def post(self, request: Request, slug: str) -> Response:
        user, now = person(request), timezone.now()
        at = seat(user, slug)
        body: ClaimBody = self.body(request, ClaimBody)
        holding = [pk for pk in body.holding[:200] if 0 < pk <= MAX_ID]
        asked = asked_for(body, at)
        reviews = queue.claim_of([at], user=user, n=body.n, now=now, holding=holding, asked=asked)
        payload = [review_payload(one, at.table.policy, user=user, now=now) for one in reviews]
        return Response({"reviews": payload} | _beside(body, user, at.table.registered_model, now))


def asked_for(body: ClaimBody, at: Seat) -> queue.Asked:
    """The rows behind the words. :raises ReviewAppError: there are none for this person."""
    place = {"station": body.station, "source": body.source}
    known = {name: place_of(at, name, slug) for name, slug in place.items() if slug is not None}
    label = at.table.labels.get(body.label) if body.label is not None else None
    wrong = {name: "Unknown." for name, found in known.items() if found is None}
    if body.label is not None and label is None:
        wrong["label"] = "Not in the label set."
    if body.shift is not None and (why := why_unstorable(body.shift)):
        wrong["shift"] = why
    if wrong:
        raise ReviewAppError(f"There is no such {', '.join(wrong)} for you.", code="invalid", fields=wrong)
    return queue.Asked(
        **known, shift=body.shift or None, label=label.pk if label else None, order=body.order, only=body.only
    )


def _beside(body: ClaimBody, user: User, registered_model: RegisteredModel, now: datetime) -> dict[str, Any]:
    said: dict[str, Any] = {}
    if "counts" in body.beside:
        since = datetime.combine(now.date(), time(), tzinfo=UTC)
        today = Verdict.objects.counting().filter(reviewer=user, said_at__gte=since, said_at__lt=since + DAY)
        said["n_open"] = queue.count_open(user, registered_model)
        said["n_mine_today"] = today.filter(review__registered_model=registered_model).count()
    if "recent" in body.beside:
        mine = Verdict.objects.counting().filter(review__registered_model=registered_model)
        said["recent"] = recent_verdicts(user, mine, now=now)
    return said


class Heartbeat(AllDayView):
    @extend_schema(summary="Prolong a lease", request=None, responses=shapes.HeartbeatAnswer)
    def post(self, request: Request, pk: int) -> Response:
        until = queue.extend(review_id=pk, user=person(request), now=timezone.now())
        return Response({"lease_expires_at": until})


class Release(AllDayView):
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
        answer = Response(review_state(review, state, hidden=_is_hidden(person(request), review)))
        if wait and not state.is_final:
            answer[ASK_AGAIN] = ask_again(seconds=wait, due_at=state.due_at)
        return answer


def _is_hidden(user: User, review: Review) -> bool:
    return review.blind and Review.objects.filter(sight_of(user).hidden_reviews(), pk=review.pk).exists()


def _may_ingest(user: User, review: Review) -> bool:
    return reach(user, review.registered_model).covers("ingest", review.inspection.station.site_id)


class Verdicts(AllDayView):
    @extend_schema(
        summary="Say what the part is, or what several are",
        description=f"A list of at most {MAX_SAID}, as a station keeps them while the line is down, is answered one by "
        "one; 207: some were refused, and the others are stored.",
        parameters=[AUTHOR],
        request=shapes.one_or_many("VerdictRows", VerdictBody),
        responses=shapes.answers("VerdictsAnswer", shapes.VerdictAnswer),
    )
    def post(self, request: Request) -> Response:
        now = timezone.now()
        if not isinstance(request.data, list):
            body: VerdictBody = self.body(request, VerdictBody)
            author = author_of(request._request, user=person(request), now=now)
            answer, is_new = _said(body, author, now)
            return Response(answer, status=201 if is_new else 200)
        if not 0 < len(request.data) <= MAX_SAID:
            words = f"A list has 1 to {MAX_SAID} verdicts."
            raise ReviewAppError(words, code="invalid", fields={"body": words})
        author = author_of(request._request, user=person(request), now=now)
        results = [self._one(row, raw, author, now) for row, raw in enumerate(request.data)]
        refused = any(one.get("status") == "error" for one, _ in results)
        status = 207 if refused else 201 if any(is_new for _, is_new in results) else 200
        return Response({"results": [one for one, _ in results]}, status=status)

    def _one(self, row: int, raw: Any, author: User, now: datetime) -> tuple[dict[str, Any], bool]:
        """One of a list, in a transaction of its own: what is wrong with it harms no other."""
        try:
            return _said(self.shaped(raw, VerdictBody), author, now)
        except ReviewAppError as error:
            return refused_row(row, error), False


def _said(body: VerdictBody, author: User, now: datetime) -> tuple[dict[str, Any], bool]:
    """Record a verdict. Returns the answer, and whether it is new."""
    _refuse_odd(body)
    said = verdicts.Said(
        client_id=body.client_id, kind=body.kind, label=body.label, phase=body.phase, shown_at=body.shown_at,
        said_at=body.said_at, note=body.note, severity=body.severity, findings=body.findings, shown=body.shown,
        surface=body.surface,
    )  # fmt: skip
    recorded = verdicts.record_verdict(review_id=body.review, reviewer=author, said=said, now=now)
    answer = {
        "verdict": verdict_payload(recorded.verdict, part=recorded.part),
        "settled": recorded.settled,
        "lease_lost": recorded.verdict.lease_lost,
        "message": recorded.message,
    }
    return answer, recorded.is_new


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


class Undo(AllDayView):
    @extend_schema(summary="Take a verdict back", parameters=[AUTHOR], request=UndoBody, responses=shapes.UndoAnswer)
    def post(self, request: Request, client_id: uuid.UUID) -> Response:
        body: UndoBody = self.body(request, UndoBody)
        now = timezone.now()
        user = author_of(request._request, user=person(request), now=now)
        review = verdicts.undo(target=client_id, client_id=body.client_id, reviewer=user, now=now)
        policy = queue.review_policy(review.registered_model)
        payload = review_payload(review, policy, user=user, now=now) if review.claimed_by_id == user.pk else None
        return Response({"review": payload, "message": ""})


class MyModels(ReviewView):
    @extend_schema(summary="The models and the stations whose images you may judge", responses=shapes.Queues)
    def get(self, request: Request) -> Response:
        user = person(request)
        models = models_for(user, "review").filter(is_active=True)
        stations = stations_for(user, "review").order_by("name")[:MOST_STATIONS]
        return Response(
            {
                "models": [_queue(one, queue.count_open(user, one)) for one in models],
                "stations": [_queue(one, count_open_at(user, one)) for one in stations],
            }
        )


def _queue(place: RegisteredModel | Station, n_open: int) -> dict[str, Any]:
    return {"slug": place.slug, "name": place.name, "n_open": n_open}
