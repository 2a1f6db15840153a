"""A hundred verdicts in the same moment, with turns of the loop among them: one run, and no label is missed."""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import redis
from django.utils import timezone

import tests.factories as make
from labeling.models import GroundTruth, Review, Verdict
from labeling.tasks import close_the_loop
from labeling.verdicts import Said, record_verdict
from models_registry.models import Dataset, RegisteredModel, RetrainingDecision, TrainingRun
from models_registry.services import training
from tests.together import all_done

pytestmark = pytest.mark.django_db(transaction=True)
N, VOICES, NEEDED = 100, 20, 37  # the threshold divides nothing


@pytest.fixture(autouse=True)
def store(tmp_path: Path, settings: Any) -> None:
    local = {"BACKEND": "django.core.files.storage.FileSystemStorage", "OPTIONS": {"location": tmp_path}}
    settings.STORAGES = {**settings.STORAGES, "default": local}


@pytest.fixture
def model(engines: None) -> RegisteredModel:
    return make.make_model(
        retraining={"min_new_labels": NEEDED, "min_total_labels": 4, "min_per_class": 1, "cooldown_minutes": 0}
    )


def reviews(model: RegisteredModel) -> list[Review]:
    open_ones = [make.make_review(registered_model=model) for _ in range(N)]
    for shade, review in enumerate(open_ones):
        make.make_item(inspection=review.inspection, content=make.png(shade=shade))
    return open_ones


def voice(number: int, said_of: list[Review]) -> Callable[[], None]:
    """A person who judges part after part, as fast as it goes."""
    reviewer = make.make_user(f"voice-{number}")

    def speak() -> None:
        for place, review in enumerate(said_of):
            now = timezone.now()
            label = "ok" if place % 2 else "scratch"
            said = Said(uuid.uuid4(), "label", label, "blind", now - timedelta(seconds=2), now)
            record_verdict(review_id=review.pk, reviewer=reviewer, said=said, now=now)

    return speak


def messages() -> int:
    """How many nudges wait for a trainer."""
    with redis.Redis.from_url(os.environ["REDIS_URL"]) as client:
        return int(client.llen("training"))


def test_a_hundred_verdicts_at_once_make_one_run_and_none_is_missed(model: RegisteredModel) -> None:
    open_ones = reviews(model)
    for number in range(VOICES):
        make.make_member(user=make.make_user(f"voice-{number}"), registered_model=model)
    calls = [voice(number, open_ones[number::VOICES]) for number in range(VOICES)]
    calls += [partial(_turns, 6)] * 4  # more beats than anybody should have
    before = messages()

    all_done(calls)
    close_the_loop()

    assert Verdict.objects.count() == GroundTruth.objects.count() == N
    run = TrainingRun.objects.get()
    assert (run.trigger, Dataset.objects.count(), messages() - before) == ("new_labels", 1, 1)
    assert RetrainingDecision.objects.filter(retrain=True).count() == 1
    frozen = GroundTruth.objects.filter(frozen_in=run.dataset).count()
    assert NEEDED <= frozen == run.dataset.n_train + run.dataset.n_holdout

    _succeed(run)
    assert GroundTruth.objects.new_for_training(model).count() == N - frozen  # what was said meanwhile counts next time
    close_the_loop()
    assert TrainingRun.objects.count() == 1 + (N - frozen >= NEEDED)
    assert GroundTruth.objects.filter(frozen_in=None).count() in {0, N - frozen}


def test_a_threshold_that_is_jumped_over_is_reached_all_the_same(model: RegisteredModel) -> None:
    """A count that is asked only for `n % threshold == 0` would wait for ever."""
    open_ones = reviews(model)
    make.make_member(user=make.make_user("voice-0"), registered_model=model)
    voice(0, open_ones[: NEEDED - 1])()
    close_the_loop()
    assert not TrainingRun.objects.exists()

    voice(0, open_ones[NEEDED - 1 : NEEDED + 4])()
    close_the_loop()

    run = TrainingRun.objects.get()
    assert run.reason == f"{NEEDED + 4} new labels since the last dataset, {NEEDED} needed."


def _turns(n: int) -> None:
    for _ in range(n):
        close_the_loop()


def _succeed(run: TrainingRun) -> None:
    mine = training.claim_run(run.pk, now=timezone.now())
    assert mine is not None
    assert training.succeed(mine, outcome="Trained.", now=timezone.now())
