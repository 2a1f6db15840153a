"""Whatever happens, and in whatever order: the rollups say what adding up the facts anew would say."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import tests.factories as make
from labeling.models import GroundTruth, Inspection, Review, SamplingDesign, Selection, Verdict
from labeling.tallies import fold
from labeling.verdicts import Said, record_verdict, undo
from models_registry.models import RegisteredModel
from reviewapp.errors import ReviewAppError
from tests.labeling.sums import added_up_anew, numbers, told
from tests.together import all_done

NOW = make.NOW
LABELS = ("ok", "scratch", "dent")
SMALL = st.integers(0, 5)
LABEL = st.sampled_from(LABELS)
WORD = st.sampled_from((*LABELS, "bad_image", "unsure"))
SHARE = st.sampled_from((0.05, 0.1, 0.3, 0.9))
ACTS = st.one_of(
    st.tuples(st.just("arrive"), LABEL, SHARE, SHARE, st.integers(0, 40)),
    st.tuples(st.just("say"), SMALL, st.sampled_from(("alice", "bob", "lena")), WORD),
    st.tuples(st.just("say_in_a_grid"), SMALL, st.sampled_from(("alice", "bob"))),
    st.tuples(st.just("undo"), SMALL),
    st.tuples(st.just("another_version"), SMALL, LABEL),
    st.tuples(st.just("campaign"), SMALL, SHARE, SHARE),
    st.tuples(st.just("withdraw"), SMALL),
    st.tuples(st.just("fold")),
)


class Plant:
    """A model with two versions, a campaign, and three people of whom one adjudicates."""

    def __init__(self) -> None:
        self.model: RegisteredModel = make.make_model(review={"votes_needed": 1, "undo_minutes": 60, "min_view_ms": 0})
        self.version = make.make_version(registered_model=self.model)
        self.challenger = make.make_version(registered_model=self.model)
        designs = SamplingDesign.objects.filter(registered_model=self.model)
        self.main = designs.get()
        self.other = SamplingDesign.objects.create(registered_model=self.model, number=7, is_active=False)
        self.people = {
            name: make.make_member(user=make.make_user(name), registered_model=self.model) for name in ("alice", "bob")
        }
        self.people["lena"] = make.make_member("lead", registered_model=self.model)
        self.parts: list[Inspection] = []

    def part(self, number: int) -> Inspection | None:
        return self.parts[number % len(self.parts)] if self.parts else None

    def arrive(self, label: str, pi: float, u: float, days_ago: int) -> None:
        inspection = make.make_inspection(day=(NOW - timedelta(days=days_ago)).date(), lot=f"L{days_ago % 3}")
        prediction = make.make_prediction(version=self.version, inspection=inspection, label=label, confidence=pi)
        make.make_selection(inspection=inspection, registered_model=self.model, pi=pi, floor_pi=0.05, u=u)
        if u < pi:
            make.make_review(prediction=prediction, blind=len(self.parts) % 2 == 0)
        self.parts.append(inspection)

    def say(self, number: int, who: str, word: str) -> None:
        inspection = self.part(number)
        review = Review.objects.filter(inspection=inspection).exclude(status="cancelled").order_by("-round").first()
        if review is None:
            return
        kind = word if word in {"unsure", "bad_image"} else "label"
        phase = "blind" if review.blind else "shown"
        said = Said(uuid.uuid4(), kind, word if kind == "label" else None, phase, NOW, NOW)
        try_to(lambda: record_verdict(review_id=review.pk, reviewer=self.people[who], said=said, now=NOW))

    def say_in_a_grid(self, number: int, who: str) -> None:
        review = Review.objects.filter(inspection=self.part(number), blind=False).first()
        if review is not None and review.prediction is not None:
            said = Said(
                uuid.uuid4(), "label", review.prediction.label.slug, "shown", NOW, NOW, surface=Verdict.Surface.GRID
            )
            try_to(lambda: record_verdict(review_id=review.pk, reviewer=self.people[who], said=said, now=NOW))

    def undo(self, number: int) -> None:
        said = Verdict.objects.current().filter(review__inspection=self.part(number)).first()
        if said is not None:
            try_to(lambda: undo(target=said.client_id, client_id=uuid.uuid4(), reviewer=said.reviewer, now=NOW))

    def another_version(self, number: int, label: str) -> None:
        inspection = self.part(number)
        if inspection and not inspection.predictions.filter(model_version=self.challenger).exists():
            make.make_prediction(version=self.challenger, inspection=inspection, label=label)

    def campaign(self, number: int, pi: float, u: float) -> None:
        inspection = self.part(number)
        if inspection and not Selection.objects.filter(inspection=inspection, design=self.other).exists():
            make.make_selection(
                inspection=inspection, registered_model=self.model, design=self.other, pi=pi, floor_pi=0.05, u=u
            )

    def withdraw(self, number: int) -> None:
        inspection = self.part(number)
        if inspection:
            stands = Inspection.objects.filter(pk=inspection.pk, withdrawn_at=None).exists()
            Inspection.objects.filter(pk=inspection.pk).update(withdrawn_at=NOW if stands else None)

    def fold(self) -> None:
        fold()


def try_to(act: Any) -> None:
    """What the product refuses changes nothing, and that is part of the story."""
    try:
        with transaction.atomic():
            act()
    except ReviewAppError:
        return


@pytest.mark.django_db
@settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(acts=st.lists(ACTS, min_size=4, max_size=25))
def test_the_sums_are_those_of_the_facts(acts: list[tuple[Any, ...]]) -> None:
    with transaction.atomic():
        plant = Plant()
        for name, *arguments in acts:
            getattr(plant, name)(*arguments)
        found = numbers(told())
        anew = numbers(added_up_anew())
        transaction.set_rollback(True)
    assert found == pytest.approx(anew, abs=1e-6)


@pytest.mark.django_db(transaction=True)
def test_a_verdict_and_another_versions_prediction_in_the_same_moment_are_both_counted() -> None:
    """Neither transaction sees the other's row: without waiting for each other the truth would be counted once."""
    plant = Plant()
    for _ in range(12):
        plant.arrive("ok", 0.9, 0.05, 0)
    calls: list[Any] = []
    for number, inspection in enumerate(plant.parts):
        calls += [
            lambda number=number: plant.another_version(number, "dent"),
            lambda inspection=inspection: make.make_ground_truth(
                registered_model=plant.model, inspection=inspection, label="dent"
            ),
        ]

    all_done(calls)

    assert GroundTruth.objects.count() == 12
    assert numbers(told()) == pytest.approx(numbers(added_up_anew()), abs=1e-6)
