"""A round asks people about the parts that teach most, once, and leaves every estimate as it was."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core.files.storage import default_storage
from django.db.models import Sum
from django.utils import timezone

from labeling.feedback import request_retraining
from labeling.learning_rounds import arms_of, carry_out, lost_rounds, request_round
from labeling.learning_rounds.requesting import MAX_ATTEMPTS
from labeling.models import GroundTruth, Inspection, LearningRound, Review, Tally
from labeling.routing_state import chances_of_drawn
from models_registry.models import ModelVersion, RegisteredModel
from models_registry.services import pipeline
from reviewapp.errors import Conflict, ReviewAppError
from tests import factories as make
from tests.factories.labelled import label_images, make_labelled_model
from tests.together import all_done

pytestmark = pytest.mark.django_db(transaction=True)


def unlabelled(model: RegisteredModel, n: int, *, start: int = 500) -> list[Inspection]:
    """Parts with images in the store that the draw left alone, all of the training side."""
    truths = label_images(model, start=start, n=n)
    parts = [truth.inspection for truth in truths]
    GroundTruth.objects.filter(pk__in=[truth.pk for truth in truths]).delete()
    Inspection.objects.filter(pk__in=[part.pk for part in parts]).update(partition="train")
    for part in parts:
        make.make_selection(inspection=part, registered_model=model, u=0.9)
    return parts


def asked(model: RegisteredModel, n: int = 10, share: float = 0.2) -> LearningRound:
    return request_round(registered_model=model, n=n, random_share=share, by=make.make_user("lena"), now=make.NOW)


def test_a_round_asks_about_parts_on_which_the_champion_is_torn_and_some_by_chance() -> None:
    model = make_labelled_model(n=40, promotion={"automatic": True})
    run = request_retraining(registered_model=model, by=make.make_user("lena"), reason="First.", now=timezone.now())
    assert pipeline.execute(run.pk)
    parts = unlabelled(model, 30)
    held_out = parts.pop()
    Inspection.objects.filter(pk=held_out.pk).update(partition="holdout")
    done = carry_out(asked(model).pk, now=make.NOW)
    assert done is not None
    assert (done.status, done.method, done.n_pool) == ("done", "margin", 29)
    assert done.model_version == ModelVersion.objects.get()
    picks = list(done.picks.select_related("review", "predicted"))
    assert {pick.inspection_id for pick in picks} <= {part.pk for part in parts}
    assert sorted(pick.arm for pick in picks) == ["active"] * 8 + ["random"] * 2
    assert {pick.pi for pick in picks if pick.arm == "random"} == {2 / 29}
    assert all(pick.predicted and pick.margin is not None for pick in picks)
    assert {(p.review.reason, p.review.blind, p.review.status) for p in picks} == {("manual", True, "open")}


def test_its_labels_train_and_no_estimate_reads_them() -> None:
    model = make_labelled_model(n=0)
    champion = make.make_version(registered_model=model)
    parts = unlabelled(model, 12)
    for part in parts:
        make.make_prediction(version=champion, inspection=part, label="ok", scores={"ok": 0.6, "dent": 0.4})
    done = carry_out(asked(model, n=6).pk, now=make.NOW)
    assert done is not None
    for pick in done.picks.all():
        make.make_ground_truth(registered_model=model, inspection=pick.inspection, label="dent")
    assert Tally.objects.aggregate(arrived=Sum("n_arrived"), settled=Sum("n")) == {"arrived": 12, "settled": 0}
    assert not set(chances_of_drawn(model)) & set(done.picks.values_list("inspection", flat=True))
    assert GroundTruth.objects.trainable(model).count() == 6
    active, random = arms_of([done])[done.pk]
    assert (active.arm, active.n_picked, active.n_corrected, active.share) == ("active", 5, 5, 1.0)
    assert (random.arm, random.n_labelled) == ("random", 1)
    assert active.low is not None
    assert active.low < 1


def test_before_a_model_the_first_labels_that_wait_are_put_in_front() -> None:
    model = make_labelled_model(n=0)
    parts = unlabelled(model, 9)
    reviews = [
        make.make_review(registered_model=model, inspection=one, reason="first_labels", priority=3) for one in parts
    ]
    Review.objects.filter(pk=reviews[0].pk).update(spoken=True)
    done = carry_out(asked(model, n=4, share=0).pk, now=make.NOW)
    assert done is not None
    assert (done.method, done.n_pool) == ("cold", 8)
    assert Review.objects.count() == 9
    assert set(Review.objects.filter(priority=2)) == {pick.review for pick in done.picks.all()}
    assert {pick.predicted for pick in done.picks.all()} == {None}
    assert arms_of([done])[done.pk][0].share is None


def test_workers_that_meet_pick_once_and_broken_images_are_left_out() -> None:
    model = make_labelled_model(n=0)
    parts = unlabelled(model, 8)
    default_storage.delete(parts[0].items.get().image)
    round_ = asked(model, n=3)
    all_done([lambda: carry_out(round_.pk, now=make.NOW)] * 3)
    round_.refresh_from_db()
    assert (round_.status, round_.n_pool) == ("done", 7)
    assert round_.picks.count() == Review.objects.count() == 3


def test_a_round_that_lost_its_worker_is_found_and_given_up_in_the_end() -> None:
    model = make_labelled_model(n=0)
    unlabelled(model, 2)
    round_ = asked(model)
    with pytest.raises(Conflict) as second:
        asked(model)
    assert second.value.code == "round_active"
    assert lost_rounds(now=make.NOW) == []
    assert lost_rounds(now=make.NOW + timedelta(minutes=2)) == [round_.pk]
    LearningRound.objects.update(n_attempts=MAX_ATTEMPTS)
    assert carry_out(round_.pk, now=make.NOW) is None
    round_.refresh_from_db()
    assert round_.status == "failed"
    assert carry_out(round_.pk, now=make.NOW) is None


@pytest.mark.parametrize(("n", "share", "field"), [(0, 0.2, "n"), (501, 0.2, "n"), (5, 1.5, "random_share")])
def test_nonsense_is_refused_by_name_and_nothing_to_pick_is_said(n: int, share: float, field: str) -> None:
    model = make.make_model()
    with pytest.raises(ReviewAppError) as refused:
        asked(model, n=n, share=share)
    assert set(refused.value.fields) == {field}
    with pytest.raises(Conflict) as nothing:
        asked(model)
    assert nothing.value.code == "nothing_unlabelled"
