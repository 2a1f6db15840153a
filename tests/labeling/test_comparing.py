"""A candidate in the shadow is compared on the line: where the two differ people look, and the weights are right."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from labeling.comparing.drawing import draw_for_comparison
from labeling.comparing.looking import look_at_comparisons, settled_parts
from labeling.models import Prediction, Review, ShadowDesign, ShadowDraw
from labeling.routing_state import chances_of_drawn
from models_registry.models import Comparison, ModelVersion
from tests import factories as make

pytestmark = pytest.mark.django_db


class Line:
    """A champion and a candidate that judge the same parts of one camera."""

    def __init__(self, **promotion: Any) -> None:
        self.model = make.make_model(promotion={"comparison_budget": 0.2, **promotion})
        self.champion = make.make_version(registered_model=self.model)
        self.candidate = make.make_version(registered_model=self.model)
        self.source = make.make_source()

    def part(self, *, champion: str = "ok", candidate: str = "ok", drawn: bool = False) -> Prediction:
        inspection = make.make_inspection(station=self.source.station)
        make.make_item(inspection=inspection, source=self.source)
        make.make_selection(inspection=inspection, registered_model=self.model, u=0.1 if drawn else 0.9)
        said = make.make_prediction(version=self.champion, inspection=inspection, label=champion)
        make.make_shadow(
            prediction=said, model_version=self.candidate, label=candidate, disagrees=champion != candidate
        )
        return said

    def draw(self) -> list[int]:
        return draw_for_comparison(registered_model=self.model, now=make.NOW)

    def settle_all(self, truth: str) -> None:
        for review in Review.objects.all():
            if not review.inspection.ground_truths.exists():
                make.make_ground_truth(registered_model=self.model, inspection=review.inspection, label=truth)

    def look(self, **later: int) -> list[Comparison]:
        return look_at_comparisons(registered_model=self.model, now=make.NOW + timedelta(**later))


def test_where_the_two_differ_people_look_and_each_part_is_drawn_once() -> None:
    line = Line()
    for n in range(60):
        line.part(candidate="dent" if n % 6 == 0 else "ok")
    reviews = line.draw()
    draws = ShadowDraw.objects.all()
    assert draws.count() == 60
    assert {one.pi for one in draws if one.disagrees} == {1.0}
    assert 0.05 <= min(one.pi for one in draws) < 0.2
    assert len(reviews) == draws.filter(drawn=True).count() >= 10
    assert set(Review.objects.values_list("blind", "mode", "status")) == {(True, "measuring", "open")}
    assert line.draw() == []
    design = ShadowDesign.objects.get()
    assert (design.n_seen, design.n_disagree) == (60, 10)


def test_a_part_that_people_look_at_anyway_has_one_review_and_the_chance_of_both_draws() -> None:
    line = Line()
    line.part(candidate="dent")
    seen = line.part(candidate="dent", drawn=True)
    make.make_review(prediction=seen)
    line.draw()
    assert Review.objects.filter(inspection=seen.inspection).count() == 1
    assert chances_of_drawn(line.model)[seen.inspection_id] == pytest.approx(1.0)
    draw = ShadowDraw.objects.get(inspection=seen.inspection)
    draw_pi = 0.4
    ShadowDraw.objects.filter(pk=draw.pk).update(pi=draw_pi, u=0.1)
    assert chances_of_drawn(line.model)[seen.inspection_id] == pytest.approx(1 - (1 - 0.5) * (1 - draw_pi))


def test_a_part_whose_image_came_only_because_it_was_drawn_has_no_draw_of_its_own() -> None:
    line = Line()
    seen = line.part(candidate="dent", drawn=True)
    line.draw()
    assert not ShadowDraw.objects.exists()
    make.make_ground_truth(registered_model=line.model, inspection=seen.inspection, label="dent")
    (part,) = settled_parts(line.candidate, line.champion)
    assert (part.pi, part.truth, part.source) == (0.5, "dent", line.source.slug)


def test_a_comparison_on_the_line_is_looked_at_when_enough_is_settled_and_again_at_twice_as_much() -> None:
    line = Line(comparison_budget=1.0)
    for _ in range(50):
        line.part(champion="ok", candidate="dent")
    line.draw()
    assert line.look() == []
    line.settle_all("dent")
    (first,) = line.look(minutes=1)
    assert (first.kind, first.n, first.n_fixed, first.look) == ("live", 50, 50, 1)
    assert first.confidence == pytest.approx(0.975)
    assert first.sources[0]["source"] == line.source.slug
    assert first.verdict == "wait"
    assert line.look(minutes=2) == []
    for _ in range(50):
        line.part(champion="ok", candidate="dent")
    line.draw()
    line.settle_all("dent")
    (second,) = line.look(minutes=3)
    assert (second.look, second.n) == (2, 100)
    assert second.confidence == pytest.approx(0.9875)


def test_evidence_of_the_line_promotes_a_version_from_elsewhere_and_harm_refuses_it() -> None:
    for truth, stage in (("dent", "champion"), ("ok", "rejected")):
        line = Line(automatic=True, min_live_items=50, guard_defects=False)
        for _ in range(60):
            line.part(champion="ok", candidate="dent")
        line.draw()
        line.settle_all(truth)
        line.look()
        assert ModelVersion.objects.get(pk=line.candidate.pk).stage == stage


@pytest.mark.parametrize(
    ("rules", "stage"),
    [
        ({"automatic": True, "min_live_items": 0}, "candidate"),
        ({"automatic": True, "min_live_items": 50}, "champion"),
        ({"automatic": False, "min_live_items": 50}, "candidate"),
    ],
)
def test_for_a_version_registered_by_hand_only_the_line_speaks(rules: dict[str, Any], stage: str) -> None:
    """It may have learned from what is held out here, however well it does there."""
    line = Line(guard_defects=False, **rules)
    ModelVersion.objects.filter(pk=line.candidate.pk).update(metrics={"registered_by": "lena"})
    make.make_comparison(candidate=line.candidate, champion=line.champion)
    for _ in range(60):
        line.part(champion="ok", candidate="dent")
    line.draw()
    line.settle_all("dent")
    (look,) = line.look()
    assert look.n_fixed == 60
    assert ModelVersion.objects.get(pk=line.candidate.pk).stage == stage


def test_another_champion_begins_another_design_and_without_a_budget_nothing_is_drawn() -> None:
    line = Line()
    line.part(candidate="dent")
    line.part()
    line.draw()
    other = make.make_version(registered_model=line.model)
    ModelVersion.objects.filter(pk=line.champion.pk).update(stage="retired")
    ModelVersion.objects.filter(pk=other.pk).update(stage="champion")
    line.draw()
    assert ShadowDesign.objects.filter(ended_at=None).count() == 0
    line.champion = other
    line.part(candidate="dent")
    line.part()
    line.draw()
    assert ShadowDesign.objects.get(ended_at=None).champion == other
    line.model.promotion_policy.comparison_budget = 0
    line.model.promotion_policy.save()
    line.part()
    assert line.draw() == []
    assert ShadowDesign.objects.filter(ended_at=None).count() == 0


def test_parts_that_nobody_settles_are_spoken_for_by_those_like_them_and_not_by_others() -> None:
    """Of 40 that differ half are settled, of 40 that agree all: each of the former stands for two."""
    line = Line(comparison_budget=1.0)
    for n in range(80):
        line.part(champion="ok", candidate="dent" if n % 2 else "ok")
    line.draw()
    ShadowDraw.objects.update(pi=0.5, u=0.1, drawn=True)
    differ = [one.inspection_id for one in ShadowDraw.objects.filter(disagrees=True).order_by("inspection")]
    silent = set(differ[:20])
    for said in Prediction.objects.all():
        truth = None if said.inspection_id == differ[0] else "dent"
        if truth is None or said.inspection_id not in silent:
            make.make_ground_truth(registered_model=line.model, inspection=said.inspection, label=truth)
    parts = settled_parts(line.candidate, line.champion)
    shares = {one.candidate: one.answered for one in parts}
    assert shares == {"dent": pytest.approx(20 / 39), "ok": 1.0}
    (look,) = line.look(minutes=1)
    assert (look.n, look.n_fixed) == (60, 20)
    assert look.gain == pytest.approx(39 / 79)  # not 20 of 60
