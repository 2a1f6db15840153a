"""Shells around the loop: what beat calls."""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from datetime import timedelta

from celery import shared_task
from django.conf import settings
from django.db.models import Q
from django.utils import timezone

from labeling import dispositions, explaining, feedback, late_truth, learning_rounds, retention, shadow, tallies
from labeling.comparing.drawing import draw_for_comparison
from labeling.comparing.looking import look_at_comparisons
from labeling.exchange import jobs
from labeling.hourly import due_hourly, reckon
from labeling.images import fetch, quality, shown
from labeling.ingest import batches
from labeling.input_quality import look_at_cameras
from labeling.models import Item
from labeling.reports import addenda
from models_registry.models import RegisteredModel
from models_registry.services.nudges import send_after_commit
from models_registry.tasks import nudge_trainer

logger = logging.getLogger(__name__)
LOST_AFTER = timedelta(seconds=settings.IMPORT_LOST_AFTER_SECONDS)


EXPLAIN_EXPIRES = 600  # seconds: by then somebody has looked without a map
IMPORT_SLICE = 30.0  # seconds of an import before the next task of the queue gets its turn


@shared_task(name="labeling.run_import")
def run_import(import_id: int) -> None:
    """A slice of an import; what is left is a new message."""
    job = jobs.claim(import_id, now=timezone.now(), lost_after=LOST_AFTER)
    if job is not None and not jobs.work(job, clock=timezone.now, seconds=IMPORT_SLICE):
        run_import.delay(import_id)


def nudge_importer(import_id: int) -> None:
    """Tell a worker once the row is committed. A message that is lost is found by the sweeper."""
    send_after_commit(run_import.apply_async, (import_id,))


@shared_task(name="labeling.sweep_imports")
def sweep_imports() -> None:
    """Find imports whose message or worker was lost, and nudge again."""
    for import_id in jobs.lost(now=timezone.now(), lost_after=LOST_AFTER):
        run_import.apply_async((import_id,), expires=settings.SWEEP_SECONDS)


@shared_task(name="labeling.fetch_images")
def fetch_images() -> None:
    """Get images that are due, for one turn; what is left is a new message."""
    if fetch.drain(clock=timezone.now):
        nudge_fetcher()


def nudge_fetcher() -> None:
    """Tell a worker that images are to be fetched. A broker that does not answer undoes nothing: the sweeper looks."""
    send_after_commit(fetch_images.apply_async, expires=settings.IMAGE_SWEEP_SECONDS * 4)


@shared_task(name="labeling.make_derivatives")
def make_derivatives(items: list[int], reviews: list[int]) -> None:
    """What the station will show, and how good the images are. A message that is lost costs the first reader a moment,
    and the numbers of its images until `measure_images` looks for what is missing.
    """
    stored = Item.objects.filter(image_status=Item.ImageStatus.STORED)
    wanted = list(stored.filter(Q(pk__in=items) | Q(inspection__reviews__in=reviews)).distinct())
    shown.prepare(wanted)
    quality.measure_items(wanted, now=timezone.now())
    if asked := explaining.to_explain(reviews=reviews, items=items):
        explain_reviews.apply_async((asked,), expires=EXPLAIN_EXPIRES, retry=False)


@shared_task(name="labeling.explain_reviews")
def explain_reviews(reviews: list[int]) -> None:
    """Where the model looked, for reviews that show what it said. A message that is lost costs the map alone."""
    explaining.explain(reviews)


def nudge_maker(*, items: Collection[int] = (), reviews: Collection[int] = ()) -> None:
    """Tell a worker that images arrived which people will look at."""
    if items or reviews:
        said = {"items": list(items), "reviews": list(reviews)}
        send_after_commit(make_derivatives.apply_async, kwargs=said)


@shared_task(name="labeling.sweep_images")
def sweep_images() -> None:
    """Fetches that are due again, lost messages, and what a killed worker held."""
    if fetch.is_due(now=timezone.now()):
        nudge_fetcher()


@shared_task(name="labeling.forget_batches")
def forget_batches() -> None:
    """Answers under an `Idempotency-Key` that are too old to be asked for again."""
    batches.forget_batches(now=timezone.now())


@shared_task(name="labeling.close_the_loop")
def close_the_loop() -> None:
    """Measure every model, decide, and start what is due. One model's trouble does not stop the others."""
    tallies.fold()
    models = list(RegisteredModel.objects.filter(is_active=True).select_related("label_set"))
    for model in models:
        with _trouble_of(model):
            feedback.measure_champion(registered_model=model, now=timezone.now())
    look_at_cameras(now=timezone.now())
    for model in due_hourly(models, now=timezone.now()):
        with _trouble_of(model):
            reckon(model, now=timezone.now())
    for model in feedback.due_for_retraining(models, now=timezone.now()):
        with _trouble_of(model):
            _, run = feedback.retrain_if_due(registered_model=model, now=timezone.now())
            if run is not None:
                nudge_trainer(run.pk)


@contextmanager
def _trouble_of(registered_model: RegisteredModel) -> Iterator[None]:
    """One model's trouble does not stop the others."""
    try:
        yield
    except Exception:
        logger.exception("the loop of %s failed", registered_model.slug)


@shared_task(name=dispositions.RELEASE)
def release_dispositions() -> int:
    """Let out what is due for parts that wait. One part's trouble does not stop the others. Returns how many left."""
    now, n = timezone.now(), 0
    for review_id in dispositions.due(now=now):
        try:
            n += dispositions.release(review_id=review_id, now=now) is not None
        except Exception:
            logger.exception("the disposition of review %s did not go out", review_id)
    return n


@shared_task(name="labeling.score_shadows")
def score_shadows() -> None:
    """Let candidates judge what the champions judged lately, draw where they differ, and compare what people said.
    One model's trouble does not stop the others.
    """
    for registered_model in shadow.models_with_shadows():
        try:
            shadow.score_shadows(registered_model=registered_model, now=timezone.now())
            nudge_maker(reviews=draw_for_comparison(registered_model=registered_model, now=timezone.now()))
            look_at_comparisons(registered_model=registered_model, now=timezone.now())
        except Exception:
            logger.exception("the shadows of %s failed", registered_model.slug)


@shared_task(name="labeling.pick_parts")
def pick_parts(round_id: int) -> None:
    """Carry out a round of active learning, and prepare the images that people will look at."""
    done = learning_rounds.carry_out(round_id, now=timezone.now())
    if done is not None:
        nudge_maker(reviews=list(done.picks.values_list("review", flat=True)))


def nudge_picker(round_id: int) -> None:
    """Tell a worker once the row is committed. A message that is lost is found by the sweeper."""
    send_after_commit(pick_parts.apply_async, (round_id,))


@shared_task(name="labeling.sweep_rounds")
def sweep_rounds() -> None:
    """Find rounds whose message or worker was lost, and nudge again."""
    for round_id in learning_rounds.lost_rounds(now=timezone.now()):
        pick_parts.apply_async((round_id,), expires=settings.SWEEP_SECONDS)


@shared_task(name="labeling.purge_images")
def purge_images() -> None:
    """Images that are older than they have to be kept. Two turns at once delete the same files, which does no harm."""
    if settings.KEEP_IMAGES_DAYS:
        retention.purge(settings.KEEP_IMAGES_DAYS, now=timezone.now())


@shared_task(name="labeling.amend_reports")
def amend_reports() -> None:
    """Note what has changed since reports were issued. One report's trouble does not stop the others."""
    for report in addenda.due(now=timezone.now()):
        try:
            addenda.amend(report, now=timezone.now())
        except Exception:
            logger.exception("the addenda of report %s failed", report.pk)


@shared_task(name="labeling.join_outcomes")
def join_outcomes() -> None:
    """Join outcomes that came before their parts."""
    late_truth.join_waiting(now=timezone.now())
