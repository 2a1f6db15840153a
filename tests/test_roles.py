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


LISTS = ("predictions", "inspections", "reviews", "ground-truth", "dispositions", "versions", "reports")
FIGURES = ("accuracy", "confusion", "slices", "reliability")
LOGIN, KEY = 302, 401  # what people and systems without a session are answered

TABLE: dict[tuple[str, str], Expected] = {
    ("fleet", "GET"): everyone(200, anonymous=LOGIN),
    ("model", "GET"): who_may("view", 200, anonymous=LOGIN),
    ("model-how", "GET"): who_may("view", 200, anonymous=LOGIN),
    ("model-outlook", "GET"): who_may("view", 200, anonymous=LOGIN),
    ("model-reviews", "GET"): who_may("view", 200, anonymous=LOGIN),
    ("model-slices", "GET"): who_may("view", 200, anonymous=LOGIN),
    ("model-table", "GET"): who_may("view", 200, anonymous=LOGIN),
    ("plan", "GET"): who_may("view", 200, anonymous=LOGIN),
    ("retrain", "POST"): who_may("decide", 302, anonymous=LOGIN),
    # with one queue there is nothing to choose: on to the station
    ("review", "GET"): who_may("review", 302, others=200, stranger=200, anonymous=LOGIN),
    ("station", "GET"): who_may("review", 200, anonymous=LOGIN),
    ("runs", "GET"): everyone(200, anonymous=LOGIN),
    ("run", "GET"): who_may("view", 200, anonymous=LOGIN),
    ("run-progress", "GET"): who_may("view", 200, anonymous=LOGIN),
    ("approve", "POST"): who_may("decide", 302, anonymous=LOGIN),
    ("refuse", "POST"): who_may("decide", 302, anonymous=LOGIN),
    ("roll-back", "POST"): who_may("decide", 302, anonymous=LOGIN),
    ("reports", "GET"): everyone(200, anonymous=LOGIN),
    ("reports", "POST"): who_may("decide", 302, anonymous=LOGIN),
    ("report", "GET"): who_may("view", 200, anonymous=LOGIN),
    ("report-pdf", "GET"): who_may("view", 200, anonymous=LOGIN),
    ("report-csv", "GET"): who_may("view", 200, anonymous=LOGIN),
    ("report-amend", "POST"): who_may("decide", 302, anonymous=LOGIN),
    ("login", "GET"): everyone(302, anonymous=200),
    ("login", "POST"): everyone(302, anonymous=200),
    ("login", "PUT"): everyone(302, anonymous=200),  # Django's view takes it for a POST
    ("logout", "POST"): everyone(302, anonymous=302),
    ("healthz", "GET"): everyone(200, anonymous=200),
    ("api-predictions", "POST"): who_may("ingest", 201, anonymous=KEY),
    ("api-predictions-bulk", "POST"): who_may("ingest", 201, anonymous=KEY),
    ("api-inspections", "POST"): who_may("ingest", 201, anonymous=KEY),
    ("api-dispositions", "POST"): who_may("ingest", 201, others=404, anonymous=KEY),
    ("api-images", "POST"): who_may("ingest", 200, others=404, anonymous=KEY),
    ("api-plan", "GET"): who_may("view", 200, anonymous=KEY),
    ("api-predict", "POST"): who_may("ingest", 409, anonymous=KEY),  # this champion has no artifact here
    ("api-models", "GET"): everyone(200, anonymous=KEY),
    ("api-model", "GET"): who_may("view", 200, anonymous=KEY),
    **{(f"api-{name}", "GET"): who_may("view", 200, anonymous=KEY) for name in FIGURES},
    ("api-export", "GET"): who_may("view", 200, anonymous=KEY),
    ("api-imports", "POST"): who_may("decide", 202, anonymous=KEY),
    ("api-import", "GET"): who_may("view", 200, anonymous=KEY),
    ("api-outcomes", "POST"): who_may("ingest", 201, anonymous=KEY),
    ("api-declared", "POST"): who_may("decide", 400, anonymous=KEY),  # nothing was imported there
    ("api-designs", "GET"): who_may("view", 200, anonymous=KEY),
    ("api-designs", "POST"): who_may("decide", 201, anonymous=KEY),
    ("api-design-end", "POST"): who_may("decide", 200, anonymous=KEY),
    ("api-incidents", "GET"): who_may("view", 200, anonymous=KEY),
    ("api-monitors", "GET"): who_may("view", 200, anonymous=KEY),
    ("api-issue-report", "POST"): who_may("decide", 201, anonymous=KEY),
    **{(f"api-report{of}", "GET"): who_may("view", 200, anonymous=KEY) for of in ("", "-pdf", "-csv")},
    ("api-claim", "POST"): who_may("review", 200, anonymous=KEY),
    ("api-containment", "GET"): who_may("view", 200, anonymous=KEY),
    ("api-queues", "GET"): everyone(200, anonymous=KEY),
    **{(f"api-{name}", "GET"): everyone(200, anonymous=KEY) for name in LISTS},  # each its own rows
    ("api-release", "POST"): everyone(200, anonymous=KEY),  # gives back one's own, and nothing else
    ("api-review", "GET"): who_may("view", 200, anonymous=KEY),
    ("api-heartbeat", "POST"): who_may("review", 409, anonymous=KEY),  # nobody here holds it
    ("api-verdicts", "POST"): who_may("review", 201, anonymous=KEY),
    ("api-undo", "POST"): everyone(404, anonymous=KEY),  # somebody else's verdict
    ("item-image", "GET"): who_may("view", 200, anonymous=KEY),
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
        self.run = make.make_run(registered_model=self.model, status="succeeded")
        self.candidate = make.make_version(registered_model=self.model, training_run=self.run)
        self.inspection = make.make_inspection(station=self.source.station)
        self.item = make.make_item(inspection=self.inspection, source=self.source, content=make.png())
        make.make_selection(inspection=self.inspection, registered_model=self.model)
        prediction = make.make_prediction(version=now, inspection=self.inspection)
        self.review: Review = make.make_review(prediction=prediction)
        self.verdict = self._past_verdict()
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

    def _person(self, name: str) -> User:
        flags = {"is_superuser": name == "superuser", "is_staff": name == "superuser"}
        user: User = User.objects.create(username=name, **flags)
        if name in ROLES:
            Membership.objects.create(user=user, role=name, registered_model=self.model)
        return user

    def path(self, name: str) -> str:
        by_slug, by_item = {"slug": self.model.slug}, {"public_id": self.item.public_id}
        arguments: dict[str, dict[str, Any]] = {
            **dict.fromkeys(
                (
                    "model",
                    "model-how",
                    "model-outlook",
                    "model-reviews",
                    "model-slices",
                    "plan",
                    "api-plan",
                    "retrain",
                    "station",
                    "api-model",
                    *(f"api-{name}" for name in FIGURES),
                    "api-predict",
                    "api-claim",
                    "api-export",
                    "api-imports",
                    "api-incidents",
                    "api-monitors",
                    "api-declared",
                    "api-designs",
                    "api-issue-report",
                ),
                by_slug,
            ),
            **{key: {"pk": self.run.pk} for key in ("run", "run-progress")},
            **{
                key: {"pk": self.report.pk}
                for page in ("report", "report-pdf", "report-csv")
                for key in (page, f"api-{page}")
            },
            "report-amend": {"pk": self.report.pk},
            **{key: {"pk": self.candidate.pk} for key in ("approve", "refuse")},
            "roll-back": {"pk": ModelVersion.objects.get(stage="champion").pk},
            **{key: {"pk": self.review.pk} for key in ("api-review", "api-heartbeat")},
            "api-undo": {"client_id": self.verdict.client_id},
            "api-design-end": {**by_slug, "number": self.campaign.number},
            "api-import": {**by_slug, "pk": self.an_import.pk},
            "item-image": by_item,
            "model-table": {**by_slug, "name": "confusion"},
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
            **{key: {"reason": "The lamp was changed"} for key in ("retrain", "approve", "refuse", "roll-back")},
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
            "api-outcomes": row | {"label": "dent", "origin": "rework", "observed_at": "2026-11-23T14:00:00Z"},
            "api-predict": row,
            "api-images": {"inspection_id": self.inspection.inspection_id, "source": self.source.slug},
            "api-imports": {"format": "csv"},
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
    if person == "anonymous" and answer.status_code == 302 and name not in {"logout", "admin"}:
        assert answer["Location"].startswith(reverse("login"))
    return int(answer.status_code)


def answer_of(client: Client, world: World, name: str, method: str) -> Any:
    """The answer to what a correct client would send; its effects are rolled back."""
    options: dict[str, Any] = {"data": world.body(name)}
    if name in {"api-images", "api-inspections", "api-predict"}:
        options["data"] = {**options["data"], "image": SimpleUploadedFile("part.png", make.png())}
    elif name == "api-imports":
        options["data"] = {**options["data"], "file": SimpleUploadedFile("labels.csv", b"inspection_id,label")}
    elif name.startswith("api-"):
        options["content_type"] = "application/json"
    with transaction.atomic():
        send = getattr(client, method.lower())
        answer = send(world.path(name), **(options if method == "POST" else {}))
        transaction.set_rollback(True)
    return answer


def test_the_table_names_every_address_and_none_that_is_gone() -> None:
    assert {name for name, _ in TABLE} == set(addresses())


@pytest.mark.parametrize(("name", "method"), TABLE, ids=lambda part: part)
def test_each_role_is_answered_as_the_table_says(name: str, method: str) -> None:
    world = World()
    assert {person: ask(world, person, name, method) for person in PEOPLE} == TABLE[name, method]


@pytest.mark.parametrize("name", sorted({name for name, _ in TABLE} - {"admin"}))
def test_every_other_verb_is_refused_as_such(name: str) -> None:
    """As a superuser, so that the verb is the only thing that can be wrong; the login sends those on."""
    world, person = World(), "anonymous" if name == "login" else "superuser"
    others = [method for method in METHODS if (name, method) not in TABLE]
    assert {method: ask(world, person, name, method) for method in others} == dict.fromkeys(others, 405)


@pytest.mark.parametrize(
    "name", ["model", "station", "run", "report", "api-model", "api-review", "api-report", "item-image"]
)
def test_a_stranger_cannot_tell_what_exists_from_what_does_not(name: str) -> None:
    world = World()
    client = Client(raise_request_exception=False)
    client.force_login(world.people["stranger"])
    real = client.get(world.path(name))
    world.model.slug, world.run.pk, world.review.pk = "steel", 4_000_000, 4_000_000
    world.report.pk = 4_000_000
    world.item.public_id = uuid.uuid4()
    invented = client.get(world.path(name))
    assert (real.status_code, invented.status_code) == (404, 404)


def test_someone_who_was_deactivated_is_a_stranger_with_a_dead_session() -> None:
    world = World()
    client = Client()
    client.force_login(world.people["lead"])
    User.objects.filter(username="lead").update(is_active=False)
    assert client.get(world.path("model")).status_code == 302
    assert client.get(world.path("api-model")).status_code == 401


class TwoSites:
    """A model that runs at two sites, and alice, who inspects at the first."""

    def __init__(self) -> None:
        self.version = make.make_version()
        self.here, self.there = self._part(), self._part()
        self.alice = User.objects.create(username="alice")
        site = self.here.inspection.station.site
        Membership.objects.create(user=self.alice, role="inspector", site=site)
        self.client = Client()
        self.client.force_login(self.alice)

    def _part(self) -> Review:
        source = make.make_source()
        make.make_deployment(station=source.station, version=self.version)
        inspection = make.make_inspection(station=source.station)
        make.make_item(inspection=inspection, source=source, content=make.png())
        prediction = make.make_prediction(version=self.version, inspection=inspection)
        return make.make_review(prediction=prediction)


def test_a_member_of_a_site_is_handed_only_that_sites_reviews() -> None:
    sites = TwoSites()
    claim = reverse("api-claim", args=[sites.version.registered_model.slug])
    answer = sites.client.post(claim, {"n": 10}, content_type="application/json").json()
    assert [review["id"] for review in answer["reviews"]] == [sites.here.pk]
    assert answer["n_open"] == 1


def test_a_member_of_a_site_sees_only_that_sites_images_and_reviews() -> None:
    sites = TwoSites()
    for review, status in ((sites.here, 200), (sites.there, 404)):
        item = review.inspection.items.get()
        assert sites.client.get(reverse("item-image", args=[item.public_id])).status_code == status
        assert sites.client.get(reverse("api-review", args=[review.pk])).status_code == status


def test_a_member_of_a_site_judges_only_that_sites_parts() -> None:
    sites = TwoSites()
    said = {"kind": "label", "label": "dent", "phase": "blind"}
    seen = {"shown_at": "2026-11-23T14:00:00Z", "said_at": "2026-11-23T14:00:03Z"}
    for review, status in ((sites.here, 201), (sites.there, 404)):
        body = {"review": review.pk, "client_id": str(uuid.uuid4()), **said, **seen}
        assert sites.client.post(reverse("api-verdicts"), body, content_type="application/json").status_code == status


def test_a_member_of_a_site_where_the_model_does_not_run_is_a_stranger_to_it() -> None:
    sites = TwoSites()
    elsewhere = User.objects.create(username="bob")
    Membership.objects.create(user=elsewhere, role="lead", site=make.make_site())
    sites.client.force_login(elsewhere)
    assert sites.client.get(reverse("model", args=[sites.version.registered_model.slug])).status_code == 404
