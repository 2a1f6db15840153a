"""How the demo's model gets its first version: images without a prediction, labels, one training run."""

from __future__ import annotations

import itertools
import uuid
from collections.abc import Callable
from datetime import timedelta

from django.conf import settings
from django.contrib.auth.models import User
from django.utils import timezone

from labeling import queue, verdicts
from labeling.catalog import ModelCatalog
from labeling.demo.stream import DemoImage, DemoStream, inspection_id, key_of
from labeling.feedback import request_retraining
from labeling.images import check_image
from labeling.incoming import IncomingRow
from labeling.ingest import Ingest
from models_registry import serving
from models_registry.models import ModelVersion, RegisteredModel, TrainingRun
from models_registry.services import pipeline, training

N_FIRST_LABELS = 70
N_WAITING = 60
LOT = "first"

Report = Callable[[str, float], None]


def label_first_images(model: RegisteredModel, stream: DemoStream, *, labeller: User, report: Report) -> None:
    """Send the first images without a prediction; ``labeller`` says what they are, as at the station."""
    for position, image in itertools.islice(stream.from_position(0), N_FIRST_LABELS):
        _send(model, position, image, champion=None)
        report("Labelling the first images", (position + 1) / N_FIRST_LABELS)
    while reviews := queue.claim(user=labeller, registered_model=model, n=32, now=timezone.now()):
        for review in reviews:
            _say(review.pk, labeller, stream.truth[key_of(review.inspection.inspection_id)])


def _say(review_id: int, labeller: User, label: str) -> None:
    now = timezone.now()
    said = verdicts.Said(
        client_id=uuid.uuid4(), kind="label", label=label, phase="blind", shown_at=now - timedelta(seconds=1),
        said_at=now,
        shown={"by": "demo loader"},
    )  # fmt: skip
    verdicts.record_verdict(review_id=review_id, reviewer=labeller, said=said, now=now)


def train_first_version(model: RegisteredModel, *, by: User) -> None:
    """One run in this process, by the same code that a worker runs; one that was broken off is finished."""
    if ModelVersion.objects.champion_of(model) is not None:
        return
    cancel_broken_off(model)
    run = request_retraining(
        registered_model=model, by=by, reason="The first version, from the first labels.", now=timezone.now()
    )
    pipeline.execute(run.pk)


def cancel_broken_off(model: RegisteredModel) -> None:
    """A loader that was killed while it trained left an active run behind."""
    for run in TrainingRun.objects.active().filter(registered_model=model):
        training.cancel(run, reason="The loader was stopped during this run.", now=timezone.now())


def predict_some(model: RegisteredModel, stream: DemoStream, *, report: Report) -> None:
    """Let the champion judge the next images, so that reviews wait for whoever opens the station."""
    champion = ModelVersion.objects.champion_of(model)
    for position, image in itertools.islice(stream.from_position(N_FIRST_LABELS), N_WAITING):
        _send(model, position, image, champion=champion)
        report("Predicting the next images", (position + 1 - N_FIRST_LABELS) / N_WAITING)


def _send(model: RegisteredModel, position: int, image: DemoImage, *, champion: ModelVersion | None) -> None:
    now = timezone.now()
    checked = check_image(
        image.path.read_bytes(), max_bytes=settings.MAX_IMAGE_BYTES, max_pixels=settings.MAX_IMAGE_PIXELS
    )
    row = IncomingRow(
        inspection_id=inspection_id(position, image, shift="first"),
        source=image.camera,
        serial=f"D{position:06d}",
        lot=LOT,
        purpose="demo",
    )
    if champion is not None:
        scores = serving.predict(champion, [checked.data])[0]
        row = IncomingRow(
            **{name: getattr(row, name) for name in ("inspection_id", "source", "serial", "lot", "purpose")},
            label=max(scores, key=lambda name: scores[name]), scores=scores, version=champion.short_name,
        )  # fmt: skip
    ingest = Ingest(now=now)
    catalog = ModelCatalog(model)
    submission = ingest.prepare(row, position=0, catalog=catalog, image=checked, predicted=champion is not None)
    ingest.store([submission], atomic=True)
