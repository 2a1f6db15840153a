"""The list behind every figure: who is in it, what narrows it, and what a person may not see yet."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

import tests.factories as make
from labeling.accuracy.asked import Asked
from labeling.models import Inspection, Membership
from labeling.reviewed import ReviewFilter, reviewed
from models_registry.models import ModelVersion
from reviewapp.errors import ReviewAppError

NOW = make.NOW


@pytest.fixture
def version(db: None) -> ModelVersion:
    return make.make_version()


@pytest.fixture
def lena(version: ModelVersion) -> User:
    return make.make_member("lead", registered_model=version.registered_model)


def part(version: ModelVersion, *, said: str = "ok", truth: str | None = "ok", **fields: Any) -> Inspection:
    """A part that was drawn at 0.5 and settled; ``truth`` None: not judgeable."""
    draw = {name: fields.pop(name) for name in ("pi", "u", "stratum") if name in fields}
    inspection = make.make_inspection(**fields)
    model = version.registered_model
    make.make_prediction(version=version, inspection=inspection, label=said)
    make.make_selection(inspection=inspection, registered_model=model, **{"pi": 0.5, **draw})
    make.make_ground_truth(registered_model=model, inspection=inspection, label=truth)
    return inspection


def asked(version: ModelVersion, /, **query: str) -> Asked:
    return Asked.from_query(version.registered_model, query, now=NOW)


def found(version: ModelVersion, user: User, /, after: str = "", **query: str) -> list[Inspection]:
    page = reviewed(asked(version, **query), ReviewFilter.from_query(query), user=user, after=after)
    return [row.truth.inspection for row in page.rows]


def test_it_holds_what_was_drawn_and_settled_in_the_window_and_nothing_else(version: ModelVersion, lena: User) -> None:
    mine = part(version)
    part(version, u=0.9)  # known, but not drawn
    part(version, captured_at=NOW - timedelta(days=40))
    part(version, withdrawn_at=NOW)
    part(version, purpose="challenge")
    part(make.make_version(registered_model=version.registered_model, stage="candidate"))

    assert found(version, lena) == [mine]
    assert len(found(version, lena, window="90")) == 2


@pytest.mark.parametrize(("kind", "n"), [("", 5), ("wrong", 3), ("right", 1), ("escape", 1), ("overkill", 1)])
def test_each_kind_of_error_has_its_list(version: ModelVersion, lena: User, kind: str, n: int) -> None:
    part(version, said="ok", truth="ok")
    part(version, said="ok", truth="dent")
    part(version, said="dent", truth="ok")
    part(version, said="dent", truth="scratch")
    part(version, said="dent", truth=None)  # neither right nor wrong

    assert len(found(version, lena, kind=kind)) == n


def test_a_cell_of_the_matrix_leads_to_its_parts(version: ModelVersion, lena: User) -> None:
    mine = part(version, said="ok", truth="dent")
    part(version, said="dent", truth="ok")

    assert found(version, lena, true="dent", said="ok") == [mine]


@pytest.mark.parametrize(
    ("name", "value", "fields"),
    [
        ("lot", "2290", {"lot": "2290"}),
        ("recipe", "A", {"recipe": "A"}),
        ("shift", "night", {"shift": "night"}),
        ("attempt", "2", {"attempt": 2}),
        ("day", "2026-10-01", {"day": "2026-10-01"}),
    ],
)
def test_a_slice_leads_to_its_parts(
    version: ModelVersion, lena: User, name: str, value: str, fields: dict[str, Any]
) -> None:
    mine = part(version, **fields)
    part(version)

    assert found(version, lena, **{name: value}) == [mine]


def test_cameras_and_lines_narrow_it(version: ModelVersion, lena: User) -> None:
    source = make.make_source()
    make.make_deployment(station=source.station, version=version)
    mine = part(version, station=source.station)
    make.make_item(inspection=mine, source=source)
    make.make_item(inspection=mine, source=make.make_source(station=source.station), view="side")
    part(version)

    assert found(version, lena, source=source.slug) == [mine]
    assert found(version, lena, station=source.station.slug) == [mine]


def test_blind_reviews_are_told_from_shown_ones(version: ModelVersion, lena: User) -> None:
    blind, shown = part(version), part(version)
    for inspection, is_blind in ((blind, True), (shown, False)):
        make.make_review(
            registered_model=version.registered_model, inspection=inspection, blind=is_blind, status="settled"
        )

    assert found(version, lena, shown="blind") == [blind]
    assert found(version, lena, shown="shown") == [shown]


def test_a_flag_of_image_quality_narrows_it_whichever_view_has_it(version: ModelVersion, lena: User) -> None:
    dark, clear = part(version), part(version)
    make.make_quality(item=make.make_item(inspection=dark), flags=[])
    make.make_quality(item=make.make_item(inspection=dark, view="side"), flags=["dark"])
    make.make_quality(item=make.make_item(inspection=clear), flags=[])

    assert found(version, lena, flag="dark") == [dark]


def test_confidence_narrows_it_by_tenths_and_the_last_holds_certainty(version: ModelVersion, lena: User) -> None:
    for confidence in (0.3, 0.39, 0.4, 1.0):
        part(version).predictions.update(confidence=confidence)

    assert [len(found(version, lena, confidence=tenth)) for tenth in ("3", "4", "9")] == [2, 1, 1]


def test_whoever_may_still_judge_a_part_does_not_find_it(version: ModelVersion, lena: User) -> None:
    """A second opinion is open: the list would say what the model thinks."""
    inspection = part(version)
    make.make_review(registered_model=version.registered_model, inspection=inspection, round=2)
    alice = make.make_member("inspector", registered_model=version.registered_model)

    assert found(version, lena) == [inspection]
    assert found(version, alice) == []


def test_a_member_of_a_site_finds_that_sites_parts(version: ModelVersion) -> None:
    here, there = make.make_station(), make.make_station()
    for station in (here, there):
        make.make_deployment(station=station, version=version)
    mine = part(version, station=here)
    part(version, station=there)
    bob = User.objects.create(username="bob")
    Membership.objects.create(user=bob, role="auditor", site=here.site)

    assert found(version, bob) == [mine]


def test_chances_of_several_draws_are_joined(version: ModelVersion, lena: User) -> None:
    inspection = part(version, pi=0.5)
    model = version.registered_model
    campaign = model.designs.create(number=2, is_active=False)
    make.make_selection(inspection=inspection, registered_model=model, design=campaign, pi=0.2, u=0.9)

    (row,) = reviewed(asked(version), ReviewFilter(), user=lena).rows
    assert row.chance == pytest.approx(0.6)
    assert row.stands_for == pytest.approx(1 / 0.6)


def test_pages_follow_each_other_without_loss(version: ModelVersion, lena: User) -> None:
    parts = [part(version) for _ in range(5)]
    first = reviewed(asked(version), ReviewFilter(), user=lena, size=3)
    second = reviewed(asked(version), ReviewFilter(), user=lena, size=3, after=first.next_cursor)

    assert [row.truth.inspection for row in (*first.rows, *second.rows)] == parts[::-1]
    assert second.next_cursor == ""


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("kind", "strange"), ("shown", "maybe"), ("flag", "odd"), ("confidence", "11"), ("attempt", "x"),
        ("attempt", "9" * 12), ("day", "yesterday"), ("lot", "x" * 121), ("lot", "\0"), ("window", "3"),
        ("source", "nowhere"), ("source", "\0"), ("version", "v99"), ("version", "²"), ("after", "nonsense"),
    ],
)  # fmt: skip
def test_what_is_not_right_is_refused_by_name(version: ModelVersion, lena: User, name: str, value: str) -> None:
    with pytest.raises(ReviewAppError) as refusal:
        found(version, lena, **{name: value})
    assert (refusal.value.http_status, set(refusal.value.fields)) == (400, {"cursor" if name == "after" else name})


def test_a_page_costs_as_many_queries_for_fifty_as_for_one(
    version: ModelVersion, lena: User, client: Client, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(52):
        part(version, captured_at=timezone.now(), lot=f"L{number}")
    client.force_login(lena)

    with django_assert_max_num_queries(20):
        html = client.get(f"/models/{version.registered_model.slug}/reviews/").content.decode()
    assert html.count("<tr>") == 51
    assert "Older" in html


def test_the_page_says_what_was_said_what_it_was_and_the_chance(
    version: ModelVersion, lena: User, client: Client
) -> None:
    part(version, said="ok", truth="dent", captured_at=timezone.now(), serial="S-88213", pi=0.25, u=0.1)
    client.force_login(lena)
    html = client.get(f"/models/{version.registered_model.slug}/reviews/?kind=escape").content.decode()
    text = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html)).replace("\u00a0", " ")

    assert "S-88213" in text
    assert "Dent OK 90 % Escape 25.0 % stands for 4" in text
    assert "Defects passed as good" in text
