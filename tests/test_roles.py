"""Who may do what: every address and verb of the product, tried by every role, against one table.

An address or a verb that the table does not name fails. Strangers do not learn what exists (404), members whose role
lacks the verb are told so (403), pages send people without a session to the login (302), the API answers 401.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import transaction
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from labeling.access import roles_with
from labeling.models import Membership, Review
from models_registry.models import ModelVersion, RegisteredModel
from tests import factories as make

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("engines")]

ROLES = tuple(Membership.Role.values)
PEOPLE = (*ROLES, "superuser", "stranger", "anonymous")
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
Expected = dict[str, int]


def everyone(status: int, *, anonymous: int) -> Expected:
    """The same for all who are signed in."""
    return dict.fromkeys(PEOPLE, status) | {"anonymous": anonymous}


def who_may(verb: Any, status: int, *, anonymous: int, others: int = 403, stranger: int = 404) -> Expected:
    """``status`` for roles that have ``verb`` on the model and for superusers."""
    allowed = {*roles_with(verb), "superuser"}
    answers = {person: status if person in allowed else others for person in PEOPLE}
    return answers | {"stranger": stranger, "anonymous": anonymous}


LISTS = ("predictions", "inspections", "reviews", "ground-truth", "dispositions", "versions", "reports", "datasets")
DATASETS = ("dataset", "dataset-changes", *(f"api-dataset{of}" for of in ("", "-diff", "-manifest", "-archive")))
SEEN = ("run", "run-progress", "comparison", "versions", "version", "card-file")
STATIONS = ("change-person", "screens", "handover", "station-queue", "api-station-claim")
FIGURES = ("accuracy", "confusion", "slices", "reliability", "regions")
# what everybody may read who may see the model
READ = (
    "plan", "model", "export", "import", "designs", "campaigns", "learning-curve", "incidents", "monitors",
    "retraining", "retraining-decisions", "trainer", "golden", "canaries", "promotions", "aliases", "tags",
    "containment", "review",
)  # fmt: skip
REMOTE = ("training", "manifest", "progress", "failed", "artifact")
# their address names a model and nothing else
OF_A_MODEL = [f"api-{name}" for name in (*FIGURES, "recalibrations")]
OF_A_MODEL += [
    "model", "model-how", "model-learning", "model-outlook", "model-reviews", "model-slices", "plan", "api-plan",
    "retrain", "start-round", "station", "grid", "adjudicate", "api-model", "api-predict", "api-claim",
    "api-claim-tiles", "api-cases", "api-keys", "api-golden", "api-export", "api-imports", "api-incidents",
    "api-monitors", "api-declared", "api-designs", "api-issue-report", "api-campaigns", "api-roll-back",
    "api-promotions", "api-aliases", "canary", "canary-stop", "api-canaries", "api-serving", "api-learning-curve",
    "api-retraining", "api-retraining-decisions", "api-retraining-requests", "policy", "policy-preview", "versions",
    "alias", "api-mlflow-versions", "api-trainer", "register-version", "api-register-version",
]  # fmt: skip
REASONED = ("retrain", "approve", "refuse", "roll-back", "api-promote", "api-refuse", "api-roll-back")
LOGIN, KEY = 302, 401  # what people and systems without a session are answered

TABLE: dict[tuple[str, str], Expected] = {
    **{(name, "GET"): everyone(200, anonymous=LOGIN) for name in ("fleet", "datasets", "runs", "reports")},
    **{(name, "GET"): who_may("view", 200, anonymous=LOGIN) for name in ("model", "plan")},
    **{
        (f"model-{page}", "GET"): who_may("view", 200, anonymous=LOGIN)
        for page in ("how", "learning", "outlook", "reviews", "slices", "table")
    },
    ("retrain", "POST"): who_may("decide", 302, anonymous=LOGIN),
    ("policy", "GET"): who_may("decide", 200, anonymous=LOGIN),
    ("policy", "POST"): who_may("decide", 400, anonymous=LOGIN),  # an empty form
    ("policy-preview", "GET"): who_may("decide", 200, anonymous=LOGIN),
    ("start-round", "POST"): who_may("decide", 409, anonymous=LOGIN),  # nothing here is unlabelled
    # with one queue there is nothing to choose: on to the station
    ("review", "GET"): who_may("review", 302, others=200, stranger=200, anonymous=LOGIN),
    **{(name, "GET"): who_may("review", 200, anonymous=LOGIN) for name in ("station", "station-queue", "grid")},
    **{(name, "GET"): who_may("adjudicate", 200, anonymous=LOGIN) for name in ("adjudicate", "case")},
    **{(name, "GET"): who_may("view", 200, anonymous=KEY if "api" in name else LOGIN) for name in DATASETS},
    ("challenge", "POST"): who_may("review", 302, anonymous=LOGIN),
    **{(name, "GET"): who_may("view", 200, anonymous=LOGIN) for name in SEEN},
    **{
        (name, "POST"): who_may("decide", 302, anonymous=LOGIN)
        for name in ("approve", "refuse", "roll-back", "alias", "tag", "report-amend", "card-text")
    },
    ("reports", "POST"): who_may("decide", 302, anonymous=LOGIN),
    **{(f"report{of}", "GET"): who_may("view", 200, anonymous=LOGIN) for of in ("", "-pdf", "-csv")},
    # Django's view takes PUT for a POST
    **{("login", method): everyone(302, anonymous=200) for method in ("GET", "POST", "PUT")},
    ("logout", "POST"): everyone(302, anonymous=302),
    ("manifest", "GET"): everyone(200, anonymous=200),
    # at a registered screen for everybody, elsewhere for nobody: tests/people/test_changing.py
    **{("change-person", method): everyone(403, anonymous=403) for method in ("GET", "POST")},
    ("screens", "GET"): who_may("decide", 200, anonymous=LOGIN),
    ("screens", "POST"): who_may("decide", 302, anonymous=LOGIN),
    ("handover", "GET"): who_may("review", 200, anonymous=LOGIN),
    ("handover", "POST"): who_may("review", 302, anonymous=LOGIN),
    # for a trainer elsewhere with the token of its run, and for nobody else: tests/faults/test_remote_training.py
    **{(f"remote-{page}", "GET"): everyone(404, anonymous=404) for page in ("training", "manifest", "image")},
    **{(f"remote-{page}", "POST"): everyone(404, anonymous=404) for page in ("progress", "failed", "artifact")},
    ("me", "GET"): everyone(200, anonymous=LOGIN),
    ("pause", "POST"): everyone(302, anonymous=LOGIN),
    ("own-pin", "POST"): everyone(400, anonymous=LOGIN),  # without one's password
    ("language", "POST"): everyone(302, anonymous=302),
    ("healthz", "GET"): everyone(200, anonymous=200),
    ("api-predictions", "POST"): who_may("ingest", 201, anonymous=KEY),
    ("api-predictions-bulk", "POST"): who_may("ingest", 201, anonymous=KEY),
    ("api-inspections", "POST"): who_may("ingest", 201, anonymous=KEY),
    ("api-dispositions", "POST"): who_may("ingest", 201, others=404, anonymous=KEY),
    ("api-images", "POST"): who_may("ingest", 200, others=404, anonymous=KEY),
    ("api-heatmaps", "POST"): who_may("ingest", 200, others=404, anonymous=KEY),
    ("item-heatmap", "GET"): everyone(403, anonymous=403),  # only under a signed address
    ("api-predict", "POST"): who_may("ingest", 409, anonymous=KEY),  # this champion has no artifact here
    ("api-models", "GET"): everyone(200, anonymous=KEY),
    **{(f"api-{name}", "GET"): who_may("view", 200, anonymous=KEY) for name in (*FIGURES, *READ)},
    ("api-imports", "POST"): who_may("decide", 202, anonymous=KEY),
    ("api-outcomes", "POST"): who_may("ingest", 201, anonymous=KEY),
    ("api-declared", "POST"): who_may("decide", 400, anonymous=KEY),  # nothing was imported there
    ("api-designs", "POST"): who_may("decide", 201, anonymous=KEY),
    ("api-design-end", "POST"): who_may("decide", 200, anonymous=KEY),
    ("api-campaigns", "POST"): who_may("decide", 409, anonymous=KEY),  # nothing here is unlabelled
    ("api-retraining-requests", "POST"): who_may("retrain", 201, anonymous=KEY),
    ("register-version", "POST"): who_may("decide", 302, anonymous=LOGIN),
    ("api-register-version", "POST"): who_may("decide", 400, anonymous=KEY),  # without a file
    ("api-trainer", "PUT"): who_may("decide", 200, anonymous=KEY),
    ("api-recalibrations", "POST"): who_may("decide", 409, anonymous=KEY),  # the champion was not trained here
    ("api-issue-report", "POST"): who_may("decide", 201, anonymous=KEY),
    **{(f"api-report{of}", "GET"): who_may("view", 200, anonymous=KEY) for of in ("", "-pdf", "-csv")},
    **{("api-keys", method): who_may("review", 200, anonymous=KEY) for method in ("GET", "PUT")},
    ("api-claim", "POST"): who_may("review", 200, anonymous=KEY),
    ("api-claim-tiles", "POST"): who_may("review", 200, anonymous=KEY),
    ("api-cases", "GET"): who_may("adjudicate", 200, anonymous=KEY),
    ("api-take", "POST"): who_may("adjudicate", 200, anonymous=KEY),
    ("api-reveal", "POST"): who_may("review", 409, anonymous=KEY),  # nobody here has judged it
    ("api-challenge", "POST"): who_may("review", 201, anonymous=KEY),
    ("api-pause", "POST"): everyone(200, anonymous=KEY),  # one's own
    ("api-station-claim", "POST"): who_may("review", 200, anonymous=KEY),
    ("api-mlflow-versions", "GET"): who_may("view", 200, anonymous=KEY),
    ("api-mlflow-versions", "POST"): who_may("decide", 409, anonymous=KEY),  # no server is set up here
    ("api-promote", "POST"): who_may("decide", 200, anonymous=KEY),
    ("api-refuse", "POST"): who_may("decide", 200, anonymous=KEY),
    ("api-roll-back", "POST"): who_may("decide", 200, anonymous=KEY),
    ("canary", "GET"): who_may("view", 200, anonymous=LOGIN),
    ("canary", "POST"): who_may("decide", 400, anonymous=LOGIN),  # an empty form
    ("canary-stop", "POST"): who_may("decide", 302, anonymous=LOGIN),
    ("api-canaries", "POST"): who_may("decide", 409, anonymous=KEY),  # one runs already
    ("api-canary-stop", "POST"): who_may("decide", 200, anonymous=KEY),
    ("api-serving", "POST"): who_may("ingest", 200, anonymous=KEY),
    ("api-alias", "PUT"): who_may("decide", 200, anonymous=KEY),
    ("api-alias", "DELETE"): who_may("decide", 204, anonymous=KEY),
    ("api-tag", "PUT"): who_may("decide", 200, anonymous=KEY),
    ("api-tag", "DELETE"): who_may("decide", 204, anonymous=KEY),
    ("api-queues", "GET"): everyone(200, anonymous=KEY),
    **{(f"api-{name}", "GET"): everyone(200, anonymous=KEY) for name in LISTS},  # each its own rows
    ("api-release", "POST"): everyone(200, anonymous=KEY),  # gives back one's own, and nothing else
    ("api-heartbeat", "POST"): who_may("review", 409, anonymous=KEY),  # nobody here holds it
    ("api-verdicts", "POST"): who_may("review", 201, anonymous=KEY),
    ("api-undo", "POST"): everyone(404, anonymous=KEY),  # somebody else's verdict
    ("item-image", "GET"): who_may("view", 200, anonymous=KEY),
    ("item-tile", "GET"): everyone(404, anonymous=KEY),  # of an image that is shown whole
    ("schema", "GET"): everyone(200, anonymous=KEY),
    ("docs", "GET"): everyone(200, anonymous=LOGIN),
    ("admin", "GET"): everyone(302, anonymous=302) | {"superuser": 200},
}


def addresses(patterns: list[URLPattern | URLResolver] | None = None) -> Iterator[str]:
    """The name of every address in the URL configuration; the admin counts as one."""
    for pattern in get_resolver().url_patterns if patterns is None else patterns:
        if isinstance(pattern, URLResolver):
            yield from ["admin"] if pattern.namespace == "admin" else addresses(pattern.url_patterns)
        else:
            assert pattern.name, f"{pattern.pattern} has no name, so the table cannot say who may use it"
            yield pattern.name


class World:
    """One model with a champion, a candidate, a run, a part that waits for a look, and one person of every role."""

    def __init__(self) -> None:
        self.source = make.make_source()
        self.champion = make.make_version(stage="retired")
        self.model: RegisteredModel = self.champion.registered_model
        now = make.make_version(registered_model=self.model, stage="champion")
        make.make_promotion(version=now, replaced=self.champion)
        make.make_deployment(station=self.source.station, version=now)
        self.frozen = [make.make_frozen(registered_model=self.model, n=4) for _ in range(2)][-1]
        self.run = make.make_run(dataset=self.frozen, status="succeeded")
        self.candidate = make.make_version(registered_model=self.model, training_run=self.run)
        self.alias, self.tag = make.make_alias(version=self.candidate), make.make_tag(version=self.candidate)
        self.comparison = make.make_comparison(candidate=self.candidate, champion=now)
        self.canary = make.make_canary(candidate=self.candidate, champion=now)
        self.inspection = make.make_inspection(station=self.source.station)
        self.item = make.make_item(inspection=self.inspection, source=self.source, content=make.png())
        make.make_selection(inspection=self.inspection, registered_model=self.model)
        prediction = make.make_prediction(version=now, inspection=self.inspection, findings=make.drawn())
        self.review: Review = make.make_review(prediction=prediction)
        self.verdict = self._past_verdict()
        self.case = self._case()
        self.report = make.make_report(version=now)
        self.campaign = make.make_campaign(registered_model=self.model)
        self.an_import = make.make_import(registered_model=self.model, source=self.source)
        self.people = {name: self._person(name) for name in PEOPLE if name != "anonymous"}

    def _past_verdict(self) -> Any:
        """A part that is settled: something to learn from, and a verdict of somebody who is not in the table."""
        past = make.make_inspection(station=self.source.station)
        make.make_item(inspection=past, source=self.source, content=make.png(shade=90))
        make.make_ground_truth(registered_model=self.model, inspection=past)
        settled = make.make_review(registered_model=self.model, inspection=past, status="settled")
        return make.make_verdict(review=settled, reviewer=User.objects.create(username="bob"))

    def _case(self) -> Review:
        """A round that waits for somebody who decides."""
        part = make.make_inspection(station=self.source.station)
        return make.make_review(registered_model=self.model, inspection=part, reason="adjudication")

    def _person(self, name: str) -> User:
        flags = {"is_superuser": name == "superuser", "is_staff": name == "superuser"}
        user: User = User.objects.create(username=name, **flags)
        if name in ROLES:
            Membership.objects.create(user=user, role=name, registered_model=self.model)
        return user

    def path(self, name: str) -> str:
        by_slug = {"slug": self.model.slug}
        arguments: dict[str, dict[str, Any]] = {
            **dict.fromkeys(OF_A_MODEL, by_slug),
            **{key: {"pk": self.run.pk} for key in ("run", "run-progress")},
            **{
                key: {"pk": self.report.pk}
                for page in ("report", "report-pdf", "report-csv", "report-amend")
                for key in (page, f"api-{page}")
            },
            **{key: {"slug": self.source.station.slug} for key in STATIONS},
            **{key: {"pk": self.frozen.pk} for key in DATASETS},
            "comparison": {"pk": self.comparison.pk},
            "card-file": {"pk": self.candidate.pk, "extension": "pdf"},
            **{
                key: {"pk": self.candidate.pk}
                for key in ("approve", "refuse", "api-promote", "api-refuse", "api-tags", "version", "card-text", "tag")
            },
            "api-canary-stop": {**by_slug, "pk": self.canary.pk},
            "api-tag": {"pk": self.candidate.pk, "key": self.tag.key},
            "api-alias": {**by_slug, "alias": self.alias.name},
            "roll-back": {"pk": ModelVersion.objects.get(stage="champion").pk},
            **{key: {"pk": self.review.pk} for key in ("api-review", "api-heartbeat", "api-reveal")},
            "api-take": {"pk": self.case.pk},
            "case": {**by_slug, "pk": self.case.pk},
            **{key: {"pk": self.verdict.review_id} for key in ("challenge", "api-challenge")},
            "api-undo": {"client_id": self.verdict.client_id},
            "api-design-end": {**by_slug, "number": self.campaign.number},
            "api-import": {**by_slug, "pk": self.an_import.pk},
            "item-image": {"public_id": self.item.public_id},
            "item-tile": {"public_id": self.item.public_id, "level": 0, "column": 0, "row": 0},
            "item-heatmap": {"public_id": self.item.public_id, "sha256": "0" * 64},
            "model-table": {**by_slug, "name": "confusion"},
            **{f"remote-{page}": {"uid": uuid.UUID(int=1)} for page in REMOTE},
            "remote-image": {"uid": uuid.UUID(int=1), "name": "a.png"},
        }
        address = reverse("admin:index" if name == "admin" else name, kwargs=arguments.get(name, {}))
        station, times = self.source.station.slug, "from=2026-11-23T00:00:00Z&to=2026-11-24T00:00:00Z"
        query = f"?model={self.model.slug}&version=v2&station={station}&{times}"
        return address + (query if name == "api-containment" else "")

    def body(self, name: str) -> dict[str, Any]:
        """What a correct client would send; decisions about people are then the only ones left to make."""
        row = {"model": self.model.slug, "source": self.source.slug, "inspection_id": f"part-{uuid.uuid4()}"}
        days = {"first_day": "2026-11-23", "last_day": "2026-11-23"}
        said = {"kind": "label", "label": "dent", "phase": "blind", "client_id": str(uuid.uuid4())}
        seen = {"shown_at": "2026-11-23T14:00:00Z", "said_at": "2026-11-23T14:00:03Z"}
        bodies: dict[str, dict[str, Any]] = {
            **{key: {"reason": "The lamp was changed"} for key in REASONED},
            "api-alias": {"version": 1},
            "api-mlflow-versions": {"name": "vendor", "version": "@best"},
            "alias": {"name": "pilot", "version": "1"},
            "tag": {"key": "validated_by", "value": "bob"},
            **{key: {"reason": "The night shift asked"} for key in ("canary-stop", "api-canary-stop")},
            "api-canaries": {"version": 3, "lot_share": 0.2, "reason": "Two lots first"},
            "api-serving": {"source": self.source.slug},
            "api-tag": {"value": "lena"},
            "api-trainer": {"trainer": "builtin", "balanced": True},
            "card-text": {"part": "use", "text": "Rings"},
            "handover": {"text": "The lamp flickers"},
            "reports": {"model": self.model.slug, **days},
            "api-issue-report": days,
            "api-predictions": row | {"version": "v2", "label": "dent", "confidence": 0.9},
            "api-predictions-bulk": row | {"version": "v2", "label": "dent", "confidence": 0.9},
            "api-inspections": row,
            "api-dispositions": {
                "source": self.source.slug,
                "inspection_id": self.inspection.inspection_id,
                "disposition": "reject",
            },
            "api-declared": {
                "station": self.source.station.slug,
                "population": 9,
                "as_of": "2026-11-23",
                "note": "By lot",
            },
            "api-designs": {"budget": 0.2},
            "api-campaigns": {"n": 5},
            **{f"api-{of}": {"reason": "New material"} for of in ("retraining-requests", "recalibrations")},
            "api-outcomes": row | {"label": "dent", "origin": "rework", "observed_at": "2026-11-23T14:00:00Z"},
            "api-predict": row,
            "api-images": {"inspection_id": self.inspection.inspection_id, "source": self.source.slug},
            "api-heatmaps": row | {"inspection_id": self.inspection.inspection_id, "version": "v2"},
            "api-imports": {"format": "csv"},
            **{key: {"reason": "The rim looks bent"} for key in ("challenge", "api-challenge")},
            "api-pause": {"on": False},
            "api-keys": {"keys": {"unsure": "q"}},
            "api-release": {"ids": [self.review.pk]},
            "api-verdicts": {"review": self.review.pk, **said, **seen},
            "api-undo": {"client_id": str(uuid.uuid4())},
        }
        return bodies.get(name, {})


def ask(world: World, person: str, name: str, method: str) -> int:
    """The status of one request, whose effects are rolled back."""
    client = Client(raise_request_exception=False)
    if person != "anonymous":
        client.force_login(world.people[person])
    answer = answer_of(client, world, name, method)
    if person == "anonymous" and answer.status_code == 302 and name not in {"logout", "admin", "language"}:
        assert answer["Location"].startswith(reverse("login"))
    return int(answer.status_code)


def answer_of(client: Client, world: World, name: str, method: str) -> Any:
    """The answer to what a correct client would send; its effects are rolled back."""
    options: dict[str, Any] = {"data": world.body(name)}
    if name in {"api-heatmaps", "api-images", "api-inspections", "api-predict", "api-register-version"}:
        options["data"] = {**options["data"], "image": SimpleUploadedFile("part.png", make.png())}
    elif name == "api-imports":
        options["data"] = {**options["data"], "file": SimpleUploadedFile("labels.csv", b"inspection_id,label")}
    elif name.startswith("api-"):
        options["content_type"] = "application/json"
    with transaction.atomic():
        send = getattr(client, method.lower())
        answer = send(world.path(name), **(options if method in {"POST", "PUT"} else {}))
        transaction.set_rollback(True)
    return answer


def test_the_table_names_every_address_and_none_that_is_gone() -> None:
    assert {name for name, _ in TABLE} == set(addresses())


@pytest.mark.parametrize(("name", "method"), TABLE, ids=lambda part: part)
def test_each_role_is_answered_as_the_table_says(world: World, name: str, method: str) -> None:
    assert {person: ask(world, person, name, method) for person in PEOPLE} == TABLE[name, method]


@pytest.mark.parametrize("name", sorted({name for name, _ in TABLE} - {"admin"}))
def test_every_other_verb_is_refused_as_such(world: World, name: str) -> None:
    """As a superuser, so that the verb is the only thing that can be wrong; the login sends those on."""
    person = "anonymous" if name == "login" else "superuser"
    others = [method for method in METHODS if (name, method) not in TABLE]
    assert {method: ask(world, person, name, method) for method in others} == dict.fromkeys(others, 405)


@pytest.mark.parametrize(
    "name", ["model", "station", "run", "report", "api-model", "api-review", "api-report", "item-image"]
)
def test_a_stranger_cannot_tell_what_exists_from_what_does_not(world: World, name: str) -> None:
    client = Client(raise_request_exception=False)
    client.force_login(world.people["stranger"])
    real = client.get(world.path(name))
    world.model.slug, world.run.pk, world.review.pk = "steel", 4_000_000, 4_000_000
    world.report.pk = 4_000_000
    world.item.public_id = uuid.uuid4()
    invented = client.get(world.path(name))
    assert (real.status_code, invented.status_code) == (404, 404)


def test_someone_who_was_deactivated_is_a_stranger_with_a_dead_session(world: World) -> None:
    client = Client()
    client.force_login(world.people["lead"])
    User.objects.filter(username="lead").update(is_active=False)
    assert client.get(world.path("model")).status_code == 302
    assert client.get(world.path("api-model")).status_code == 401
