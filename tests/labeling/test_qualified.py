"""Where a model's policy demands a qualification, parts go to those who have one for them, as long as it holds."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User

import tests.factories as make
from labeling import adjudication, queue
from labeling.errors import NotQualified
from labeling.models import Review, Verdict
from labeling.queue import claim, count_open
from models_registry.models import RegisteredModel
from tests.labeling.test_adjudication import say
from tests.labeling.test_claim_reads_little import FEW, blocks, rare

__all__ = ["rare"]
NOW, TODAY = make.NOW, make.NOW.date()


@pytest.fixture
def model(db: None) -> RegisteredModel:
    return make.make_model(review={"min_view_ms": 0, "needs_qualification": True})


@pytest.fixture
def alice(model: RegisteredModel) -> User:
    return make.make_member("adjudicator", user=make.make_user("alice"), registered_model=model)


class Parts:
    """A dent and a scratch as shown, seen by one camera, a dent by another, and one of each camera that is blind."""

    def __init__(self, model: RegisteredModel) -> None:
        self.version = make.make_version(registered_model=model)
        self.one, self.other = make.make_source(), make.make_source()
        self.dent, self.scratch = self.part(self.one, "dent"), self.part(self.one, "scratch")
        self.elsewhere, self.blind = self.part(self.other, "dent"), self.part(self.one, "dent", blind=True)

    def part(self, source: Any, said: str, *, blind: bool = False) -> Review:
        inspection = make.make_inspection(station=source.station)
        make.make_item(inspection=inspection, source=source)
        prediction = make.make_prediction(version=self.version, inspection=inspection, label=said)
        return make.make_review(prediction=prediction, blind=blind)


@pytest.fixture
def parts(model: RegisteredModel) -> Parts:
    return Parts(model)


def handed(user: User, model: RegisteredModel) -> set[Review]:
    found = set(claim(user=user, registered_model=model, n=9, now=NOW))
    assert count_open(user, model) == len(found)
    Review.objects.update(claimed_by=None, claim_expires_at=None)
    return found


def label(model: RegisteredModel, slug: str) -> Any:
    return model.label_set.labels.get(slug=slug)


GRANTS: dict[str, tuple[Callable[[Parts, Any], list[dict[str, Any]]], set[str]]] = {
    "all": (lambda parts, dent: [{}], {"dent", "scratch", "elsewhere", "blind"}),
    "one camera": (lambda parts, dent: [{"source": parts.one}], {"dent", "scratch", "blind"}),
    "one label, so nothing blind": (lambda parts, dent: [{"label": dent}], {"dent", "elsewhere"}),
    "both at once": (lambda parts, dent: [{"label": dent, "source": parts.one}], {"dent"}),
    "either": (lambda parts, dent: [{"label": dent}, {"source": parts.one}], {"dent", "scratch", "elsewhere", "blind"}),
    "one that ran out": (
        lambda parts, dent: [{"valid_until": TODAY - timedelta(days=1)}, {"source": parts.other}],
        {"elsewhere"},
    ),
}


@pytest.mark.parametrize("what", GRANTS)
def test_a_person_is_handed_what_they_are_qualified_for(
    model: RegisteredModel, alice: User, parts: Parts, what: str
) -> None:
    rows, names = GRANTS[what]
    for fields in rows(parts, label(model, "dent")):
        make.make_qualification(user=alice, registered_model=model, **fields)
    assert handed(alice, model) == {getattr(parts, name) for name in names}


def test_who_has_none_is_told_so_and_may_neither_judge_nor_decide(
    model: RegisteredModel, alice: User, parts: Parts
) -> None:
    make.make_qualification(user=alice)  # of another model
    case = make.make_review(registered_model=model, reason="adjudication")
    with pytest.raises(NotQualified):
        claim(user=alice, registered_model=model, n=1, now=NOW)
    with pytest.raises(NotQualified):
        say(alice, parts.dent, "dent", phase="shown")
    with pytest.raises(NotQualified):
        adjudication.take(review_id=case.pk, user=alice, now=NOW)
    assert adjudication.cases(alice, model, now=NOW) == []
    assert not Verdict.objects.exists()

    make.make_qualification(user=alice, registered_model=model)
    adjudication.take(review_id=case.pk, user=alice, now=NOW)
    say(alice, parts.dent, "dent", phase="shown")
    assert Verdict.objects.count() == 1


def test_what_was_handed_out_may_be_judged_though_it_runs_out_meanwhile(
    model: RegisteredModel, alice: User, parts: Parts
) -> None:
    learnt = make.make_qualification(user=alice, registered_model=model, source=parts.other)
    assert claim(user=alice, registered_model=model, n=9, now=NOW) == [parts.elsewhere]
    learnt.delete()
    say(alice, parts.elsewhere, "dent", phase="shown")
    assert Verdict.objects.count() == 1


def test_a_model_that_demands_none_asks_nobody(alice: User) -> None:
    free = make.make_model()
    make.make_member(user=alice, registered_model=free)
    review = make.make_review(registered_model=free)
    assert claim(user=alice, registered_model=free, n=1, now=NOW) == [review]


@pytest.mark.django_db(transaction=True)
def test_few_blocks_answer_who_may_judge_the_last_hundred_of_a_long_queue(
    model: RegisteredModel, alice: User, rare: Any
) -> None:
    make.make_qualification(user=alice, registered_model=model, source=rare)
    touched, n = blocks(alice, model, queue.ANYTHING)
    assert n == 4
    assert touched < FEW
