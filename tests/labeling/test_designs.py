"""Designs at work: what is always checked, campaigns beside the main draw, thinning and budgets known from the past."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from django.utils import timezone

import tests.factories as make
from labeling.api.evidence import evidence
from labeling.catalog import ModelCatalog
from labeling.designs import MAX_CAMPAIGNS, end_campaign, save_design
from labeling.desk import forget
from labeling.feedback import close_the_loop
from labeling.models import DesignState, Inspection, Review, RoutingState, SamplingDesign, Selection
from labeling.routing import keyed_uniforms, union_probability
from labeling.routing_state import chances_of_drawn, refresh_design_states, refresh_mean_uncertainties
from models_registry.models import RegisteredModel
from reviewapp.errors import Conflict
from tests.api.line import Line, make_line
from tests.together import all_done

pytestmark = pytest.mark.django_db
SOON = timedelta(minutes=5)


@pytest.fixture(autouse=True)
def fresh() -> Iterator[None]:
    forget()
    yield
    forget()


@pytest.fixture
def line() -> Line:
    line = make_line()
    line.model.designs.update(budget=0.1, audit_share=1)
    return line


def campaign(line: Line, **fields: Any) -> SamplingDesign:
    forget()
    return make.make_campaign(registered_model=line.model, **{"name": "new alloy", "budget": 0.5, **fields})


def send(line: Line, start: int, n: int, *, bulk: bool = False, **fields: Any) -> list[dict[str, Any]]:
    url = "/api/v1/predictions/bulk/" if bulk else "/api/v1/predictions/"
    answer = line.send([line.row(number, **fields) for number in range(start, start + n)], url=url)
    assert answer.status_code in {200, 201}
    content = answer.getvalue() if answer.streaming else answer.content
    results: list[dict[str, Any]] = json.loads(content)["results"]
    return results


def loop(model: RegisteredModel, *, after: timedelta = SOON) -> None:
    refresh_design_states(model, now=timezone.now() + after)
    forget()


def test_a_customers_rule_and_a_camera_check_always_and_say_why(line: Line) -> None:
    rules = {"certainty_where": [{"metadata": {"alloy": "X7"}, "reason": "First week of X7"}]}
    line.model.designs.update(rules=rules | {"certainty_sources": ["cam-2"]})
    make.make_source(station=line.source.station, slug="cam-2")
    for name, fields, reason in (
        ("a", {"metadata": {"alloy": "X7"}}, "Always checked: First week of X7."),
        ("b", {"source": "cam-2"}, "What cam-2 sees is always checked."),
    ):
        answer = line.send(line.row(name, **fields)).json()
        assert (answer["reason"], answer["probability"], answer["review"]) == (reason, 1, "measuring")
        assert Selection.objects.latest("pk").stratum == "certainty"
    views = [line.row("c", view="top"), line.row("c", view="side", source="cam-2")]
    assert {one["probability"] for one in line.send(views).json()["results"]} == {1}


@pytest.mark.parametrize("bulk", [True, False])
def test_a_campaign_is_a_second_independent_draw_and_a_part_is_looked_at_once(line: Line, bulk: bool) -> None:
    main, other = line.model.designs.get(), campaign(line, max_draws=1000)
    send(line, 0, 200, bulk=bulk)
    for design in (main, other):
        mine = Selection.objects.filter(design=design).order_by("pk")
        keys = [f"{line.source.station_id}/part-{number}" for number in range(200)]
        u = keyed_uniforms(
            bytes.fromhex(design.secret), keys, design_key=f"steel/{design.number}", code_version="routing-2"
        )
        assert [one.u for one in mine] == u.tolist()
        assert {(one.pi, one.floor_pi) for one in mine} == {(design.budget, design.budget)}
    drawn = set(Selection.objects.filter(drawn=True).values_list("inspection", flat=True))
    assert set(Review.objects.values_list("inspection", flat=True)) == drawn
    assert Review.objects.count() == len(drawn) == len(chances_of_drawn(line.model))
    assert set(chances_of_drawn(line.model).values()) == {union_probability([0.1, 0.5])}
    by_campaign = Selection.objects.filter(design=other, drawn=True).exclude(
        inspection__in=Selection.objects.filter(design=main, drawn=True).values("inspection")
    )
    assert by_campaign.exists()
    assert set(
        Review.objects.filter(inspection__in=by_campaign.values("inspection")).values_list("blind", "reason")
    ) == {(True, "drawn")}


@pytest.mark.parametrize("bulk", [True, False])
def test_the_answer_of_a_part_in_two_designs_is_the_same_when_it_is_sent_again(line: Line, bulk: bool) -> None:
    campaign(line)
    first, again = send(line, 0, 40, bulk=bulk), send(line, 0, 40, bulk=bulk)
    keep = ("inspection_id", "review", "review_id", "reason", "probability")
    assert [{name: one.get(name) for name in keep} for one in first] == [
        {name: one.get(name) for name in keep} for one in again
    ]
    if not bulk:  # a bulk answer says only what a line has to do
        assert {one["probability"] for one in first} == {union_probability([0.1, 0.5])}
        assert any(one["reason"].startswith("Drawn for “new alloy”") for one in first)
    assert Selection.objects.count() == 80


def test_a_part_that_another_version_sees_later_is_not_drawn_again(line: Line) -> None:
    other = make.make_version(registered_model=line.model, external_name="other", stage="candidate")
    first = line.send(line.row(1)).json()
    campaign(line)
    again = line.send(line.row(1, version=other.external_name)).json()
    assert (again["status"], again["probability"]) == ("created", first["probability"])
    assert Selection.objects.count() == 1


def test_a_campaign_concerns_what_its_rules_say_and_nothing_else(line: Line) -> None:
    other = campaign(line, rules={"only": {"labels": ["scratch"], "confidence_to": 0.6}})
    send(line, 0, 3)
    send(line, 3, 3, scores={"ok": 0.5, "scratch": 0.5})
    send(line, 6, 3, label="ok", scores={"ok": 0.55, "scratch": 0.45})
    line.send({"model": "steel", "source": "cam-1", "inspection_id": "first"}, url="/api/v1/inspections/")
    concerned = Selection.objects.filter(design=other).values_list("inspection__inspection_id", flat=True)
    assert sorted(concerned) == ["part-3", "part-4", "part-5"]


@pytest.mark.parametrize("bulk", [True, False])
def test_a_campaign_stops_at_its_number_of_draws_and_chance_stays_chance(line: Line, bulk: bool) -> None:
    other = campaign(line, max_draws=5)
    send(line, 0, 60, bulk=bulk)
    forget()
    send(line, 60, 60, bulk=bulk)
    drawn = Selection.objects.filter(design=other, drawn=True)
    assert drawn.count() == 5
    last = drawn.latest("pk")
    assert last.inspection_id == Selection.objects.filter(design=other).latest("pk").inspection_id
    loop(line.model)
    other.refresh_from_db()
    assert not other.is_active


def test_a_campaign_ends_on_its_day_and_does_not_begin_again_when_the_clock_goes_back(line: Line) -> None:
    other = campaign(line, until=timezone.now() + timedelta(hours=1), max_draws=None)
    send(line, 0, 2)
    loop(line.model, after=timedelta(hours=2))
    send(line, 2, 2)
    loop(line.model, after=timedelta())
    send(line, 4, 2)
    assert Selection.objects.filter(design=other).count() == 2


def test_a_campaign_whose_end_has_come_draws_no_more_even_before_the_loop_says_so(line: Line) -> None:
    other = campaign(line, until=timezone.now() - timedelta(seconds=1), max_draws=None)
    send(line, 0, 2)
    assert not Selection.objects.filter(design=other).exists()


def test_changing_a_campaign_makes_the_next_one_and_leaves_the_main_design_alone(line: Line) -> None:
    main, other = line.model.designs.get(), campaign(line)
    send(line, 0, 2)
    other.budget = 0.2
    save_design(other)
    designs = list(line.model.designs.order_by("number").values_list("number", "kind", "budget", "is_active"))
    assert designs == [(1, "main", 0.1, True), (2, "campaign", 0.5, False), (3, "campaign", 0.2, True)]
    assert SamplingDesign.objects.get(number=3).secret != SamplingDesign.objects.get(number=2).secret
    assert end_campaign(other)
    assert not end_campaign(other)
    assert not end_campaign(main)
    main.refresh_from_db()
    assert main.is_active


def test_a_model_has_eight_campaigns_at_once_at_most(line: Line) -> None:
    for number in range(MAX_CAMPAIGNS):
        save_design(campaign_of(line.model, f"c{number}"))
    with pytest.raises(Conflict, match="End one first"):
        save_design(campaign_of(line.model, "one more"))
    save_design(campaign_of(line.model, "c3"))  # the next version of one that draws
    assert line.model.designs.filter(kind="campaign", is_active=True).count() == MAX_CAMPAIGNS


def campaign_of(model: RegisteredModel, name: str) -> SamplingDesign:
    return SamplingDesign(registered_model=model, kind="campaign", name=name, budget=0.5, audit_share=1, max_draws=9)


@pytest.mark.django_db(transaction=True)
def test_campaigns_that_begin_in_the_same_moment_get_numbers_of_their_own(line: Line) -> None:
    saved = all_done([partial(saved_or_refused, line.model, f"c{number}") for number in range(MAX_CAMPAIGNS + 2)])
    assert sorted(saved) == [False] * 2 + [True] * MAX_CAMPAIGNS
    assert line.model.designs.filter(kind="campaign", is_active=True).count() == MAX_CAMPAIGNS


def saved_or_refused(model: RegisteredModel, name: str) -> bool:
    try:
        save_design(campaign_of(model, name))
    except Conflict:
        return False
    return True


def test_reviews_that_pile_up_thin_every_chance_and_the_draws_say_so(line: Line) -> None:
    line.model.review_policy.max_open = 10
    line.model.review_policy.save()
    for _ in range(25):
        make.make_review(registered_model=line.model)
    loop(line.model)
    other = campaign(line)
    loop(line.model)
    send(line, 0, 50)
    main = Selection.objects.exclude(design=other)
    assert set(main.values_list("pi", "floor_pi", "thinning")) == {(0.025, 0.025, 0.25)}
    assert set(Selection.objects.filter(design=other).values_list("pi", "thinning")) == {(0.125, 0.25)}
    assert all("Too many reviews wait, so it was 0.25" in one.reason for one in main.filter(drawn=False))
    line.model.designs.update(rules={"certainty_labels": ["scratch"]})
    forget()
    send(line, 50, 1)
    assert main.latest("pk").pi == 1

    Review.objects.update(status="cancelled")
    loop(line.model)
    line.model.designs.update(rules={})
    forget()
    send(line, 51, 1)
    assert main.latest("pk").thinning == 1


def test_a_budget_that_was_overdrawn_leaves_the_audit_share_until_it_is_made_up(line: Line) -> None:
    line.model.designs.update(budget=0.1, audit_share=0.5, budget_feedback=True)
    design = line.model.designs.get()
    DesignState.objects.create(design=design, n_sampled=1000, n_drawn=101)
    send(line, 0, 2)
    assert set(Selection.objects.values_list("pi", "floor_pi")) == {(0.05, 0.05)}

    DesignState.objects.update(n_drawn=90)
    forget()
    send(line, 2, 2)
    assert min(Selection.objects.order_by("-pk")[:2].values_list("pi", flat=True)) > 0.05

    line.model.designs.update(budget_feedback=False)
    DesignState.objects.update(n_drawn=101)
    forget()
    send(line, 4, 2)
    assert min(Selection.objects.order_by("-pk")[:2].values_list("pi", flat=True)) > 0.05


def test_past_draws_are_counted_once_whoever_counts_and_only_from_the_first_count_on(line: Line) -> None:
    send(line, 0, 10)
    loop(line.model)
    state = DesignState.objects.get()
    assert (state.n_sampled, state.n_drawn) == (0, 0)

    send(line, 10, 20)
    line.model.designs.update(rules={"certainty_labels": ["scratch"]})
    forget()
    send(line, 30, 5)
    refresh_design_states(line.model, now=timezone.now())  # too young: one before may not be committed yet
    state.refresh_from_db()
    assert state.n_sampled == 0
    for _ in range(2):
        loop(line.model)
        state.refresh_from_db()
        ten_to_thirty = Selection.objects.order_by("pk")[10:30]
        assert (state.n_sampled, state.n_drawn) == (20, sum(one.drawn for one in ten_to_thirty))


def test_a_clock_that_goes_back_counts_nothing_twice(line: Line) -> None:
    loop(line.model)
    send(line, 0, 5)
    loop(line.model)
    refresh_design_states(line.model, now=timezone.now() - timedelta(days=3))
    loop(line.model)
    assert DesignState.objects.get().n_sampled == 5


def test_the_loop_remembers_the_mean_of_every_version_that_is_at_work(line: Line) -> None:
    other = make.make_version(registered_model=line.model, external_name="other", stage="candidate")
    send(line, 0, 60)
    send(line, 60, 60, version="other", scores={"ok": 0.5, "scratch": 0.5})
    campaign(line)
    send(line, 120, 10, scores={"ok": 0.5, "scratch": 0.5})
    close_the_loop(registered_model=line.model, now=timezone.now())
    means = dict(RoutingState.objects.values_list("model_version", "mean_uncertainty"))
    assert means[other.pk] == pytest.approx(0.5)
    assert means[line.champion.pk] == pytest.approx((60 * 0.3 + 10 * 0.5) / 70)


def test_a_mean_of_few_parts_is_not_believed(line: Line) -> None:
    send(line, 0, 49)
    refresh_mean_uncertainties(line.model)
    assert not RoutingState.objects.exists()


def test_an_older_way_of_drawing_goes_on_until_the_design_is_changed(line: Line) -> None:
    line.model.designs.update(code_version="routing-1")
    send(line, 0, 1)
    design = line.model.designs.get()
    one = Selection.objects.get()
    old = keyed_uniforms(
        bytes.fromhex(design.secret),
        [f"{line.source.station_id}/part-0"],
        design_key="steel/1",
        code_version="routing-1",
    )
    assert one.u == old[0]
    design.budget = 0.2
    save_design(design)
    assert line.model.designs.get(is_active=True).code_version == "routing-2"


def test_evidence_gives_the_chance_of_all_designs_together(line: Line) -> None:
    other, model = campaign(line), line.model
    inspection = make.make_inspection(station=line.source.station)
    prediction = make.make_prediction(version=line.champion, inspection=inspection)
    main = model.designs.get(kind="main")
    make.make_selection(inspection=inspection, registered_model=model, design=main, pi=0.1, floor_pi=0.1, u=0.9)
    make.make_selection(inspection=inspection, registered_model=model, design=other, pi=0.5, floor_pi=0.5, u=0.2)
    assert chances_of_drawn(model) == {inspection.pk: pytest.approx(0.55)}
    draw = evidence([prediction])[0].draw
    assert draw is not None
    assert (draw.drawn, draw.stratum) == (True, "sampled")
    assert draw.probability == pytest.approx(0.55)


def test_a_model_without_a_design_gets_one_even_when_a_campaign_is_there(line: Line) -> None:
    campaign(line)
    line.model.designs.filter(kind="main").update(is_active=False)
    catalog = ModelCatalog(line.model)
    assert [(one.design.kind, one.design.number) for one in catalog.designs] == [("main", 3), ("campaign", 2)]
    assert Inspection.objects.count() == 0
