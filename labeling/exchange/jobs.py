"""The life of an import: asked for, claimed, looked through, stored batch by batch, finished. kill -9 loses nothing.

A batch and its progress are one transaction under the claim, so whoever goes on after a lost worker goes on exactly
there, and a worker that was only slow finds its claim gone and stops.
"""

from __future__ import annotations

import logging
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from typing import TYPE_CHECKING, Any

from django.core.files.storage import default_storage
from django.db import IntegrityError, transaction
from django.db.models import F, Q

from labeling.exchange import coco, cvat, folders, label_studio, tables, yolo
from labeling.exchange.importing import Importer
from labeling.exchange.opening import opened
from labeling.exchange.parts import ImportedPart, storable
from labeling.exchange.problems import LISTED, Problems
from labeling.exchange.sources import Source
from labeling.exchange.vocabulary import Survey, Vocabulary, settle_labels
from labeling.images import CheckedImage
from labeling.models import Import
from labeling.models import Source as Camera
from models_registry.models import RegisteredModel
from reviewapp.errors import ReviewAppError

if TYPE_CHECKING:
    from django.contrib.auth.models import User

logger = logging.getLogger(__name__)

READERS: dict[str, Callable[[Source, Problems], Iterator[ImportedPart]]] = {
    "folders": folders.read, "csv": tables.read_csv, "jsonl": tables.read_jsonl, "coco": coco.read, "yolo": yolo.read,
    "label-studio": label_studio.read, "cvat": cvat.read,
}  # fmt: skip
BATCH, BATCH_BYTES = 200, 64 * 2**20
RETRIES = 4
MAX_ATTEMPTS = 5  # workers that died over it
Clock = Callable[[], datetime]
Batch = list[tuple[ImportedPart, CheckedImage | None]]


class ClaimLost(Exception):
    """Somebody else has taken the import over."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What was asked for."""

    format: str
    file_name: str
    upload: str = ""
    path: str = ""
    dry_run: bool = False
    create_labels: bool = False
    ok_label: str = ""


def request_import(
    *, registered_model: RegisteredModel, camera: Camera, wanted: Wanted, requested_by: User | None, now: datetime
) -> Import:
    """The row, before any message. :raises ReviewAppError: a format that is not read."""
    if wanted.format not in READERS:
        raise ReviewAppError(
            f"There is no format “{wanted.format}”; there are {', '.join(READERS)}.", code="unknown_format",
            fields={"format": f"One of {', '.join(READERS)}."},
        )  # fmt: skip
    return Import.objects.create(
        registered_model=registered_model, source=camera, requested_by=requested_by, format=wanted.format,
        file_name=wanted.file_name[-300:], upload=wanted.upload, path=wanted.path, dry_run=wanted.dry_run,
        create_labels=wanted.create_labels, ok_label=wanted.ok_label, queued_at=now,
    )  # fmt: skip


def claim(import_id: int, *, now: datetime, lost_after: timedelta) -> Import | None:
    """Take an import that waits, or whose worker has been silent for so long. None: somebody has it, or it is over."""
    token = uuid.uuid4()
    free = Q(status=Import.Status.QUEUED) | Q(status=Import.Status.RUNNING, heartbeat_at__lt=now - lost_after)
    taken = Import.objects.filter(free, pk=import_id).update(
        status=Import.Status.RUNNING, claim=token, heartbeat_at=now, started_at=now, n_attempts=F("n_attempts") + 1
    )
    if not taken:
        return None
    return Import.objects.select_related("registered_model__label_set", "source__station__site").get(
        pk=import_id, claim=token
    )


def lost(*, now: datetime, lost_after: timedelta) -> list[int]:
    """Imports that wait for a worker, or lost theirs."""
    free = Q(status=Import.Status.QUEUED, queued_at__lt=now - lost_after)
    free |= Q(status=Import.Status.RUNNING, heartbeat_at__lt=now - lost_after)
    return list(Import.objects.filter(free).order_by("pk").values_list("pk", flat=True)[:100])


def work(
    job: Import, *, clock: Clock, seconds: float | None = None, tell: Callable[[Import], None] | None = None
) -> bool:
    """Do a claimed import, to its end or for about so many ``seconds``; then it waits for the next worker.

    Returns whether it is over. ``tell`` hears of every batch.
    """
    if job.n_attempts > MAX_ATTEMPTS:
        return _finish(job, Import.Status.FAILED, f"{MAX_ATTEMPTS} workers ended over it. See their logs.", clock)
    try:
        with opened(job) as source:
            is_over = _Run(job, source, clock, tell).go(seconds)
    except ClaimLost:
        return True
    except ReviewAppError as error:
        return _finish(job, Import.Status.FAILED, f"{error.message} (code {error.code})", clock)
    except Exception as error:
        logger.exception("import %s failed", job.pk)
        return _finish(job, Import.Status.FAILED, f"Something broke that should not: {type(error).__name__}.", clock)
    if is_over:
        return _finish(job, Import.Status.DONE, _words(job), clock)
    _keep(job, status=Import.Status.QUEUED, queued_at=clock(), n_attempts=0)  # it got on, so nothing is wrong with it
    return False


class _Run:
    """One worker's turn at an import. The reader's problems are found again in each turn, those of the tables kept."""

    def __init__(self, job: Import, source: Source, clock: Clock, tell: Callable[[Import], None] | None) -> None:
        self.job, self.source, self.clock, self.tell = job, source, clock, tell
        self.of_reader, self.of_tables = Problems(), Problems.from_json(_kept(job))

    def go(self, seconds: float | None) -> bool:
        """Returns whether the source is read to its end."""
        start, job = time.monotonic(), self.job
        if job.n_total is None:
            self._survey()
        importer = Importer(self._vocabulary(), job.source, self.source, job.dry_run, self.of_tables)
        for n, batch in batches(islice(self._parts(self.of_reader), job.n_done, None), importer):
            self._store(importer, batch, n)
            if self.tell is not None:
                self.tell(job)
            if seconds is not None and time.monotonic() - start > seconds:
                return False
        _keep(job, n_refused=self._n_refused(), problems=self._problems())  # what came after the last part
        return True

    def _parts(self, problems: Problems) -> Iterator[ImportedPart]:
        return storable(READERS[self.job.format](self.source, problems), problems)

    def _vocabulary(self) -> Vocabulary:
        job = self.job
        return Vocabulary.of(job.registered_model, job.ok_label, invents=job.dry_run and job.create_labels)

    def _n_refused(self) -> int:
        return self.of_reader.n_refused + self.of_tables.n_refused

    def _problems(self) -> dict[str, Any]:
        return {"reader": self.of_reader.as_json(), "tables": self.of_tables.as_json()}

    def _survey(self) -> None:
        """Look through the whole source before anything is stored: every unknown label is told at once."""
        survey, job = Survey(), self.job
        for part in self._parts(Problems()):
            survey.see(part)
            if survey.n % 20_000 == 0:
                _keep(job, heartbeat_at=self.clock())
        with transaction.atomic():
            RegisteredModel.objects.select_for_update(no_key=True).get(pk=job.registered_model_id)
            settle_labels(survey, self._vocabulary(), create=job.create_labels, ok_label=job.ok_label)
            _keep(job, n_total=survey.n, heartbeat_at=self.clock())
        if self.tell is not None:
            self.tell(job)

    def _store(self, importer: Importer, batch: Batch, n: int) -> None:
        """A batch and how far the import is, in one transaction; again when a line took one of its keys meanwhile."""
        job, told = self.job, self.of_tables.as_json()
        before = {"n_done": job.n_done, "n_new": job.n_new, "n_known": job.n_known}
        for attempts_left in range(RETRIES, -1, -1):
            try:
                with transaction.atomic():
                    counts = importer.batch(batch, now=self.clock())
                    _keep(
                        job, heartbeat_at=self.clock(), n_done=before["n_done"] + n,
                        n_new=before["n_new"] + counts["new"], n_known=before["n_known"] + counts["known"],
                        n_conflicts=self.of_tables.n_conflicts, n_refused=self._n_refused(), problems=self._problems(),
                    )  # fmt: skip
                return
            except IntegrityError:
                if not attempts_left:
                    raise
                kept = Problems.from_json(told)
                self.of_tables.listed, self.of_tables.counts = kept.listed, kept.counts


def batches(parts: Iterator[ImportedPart], importer: Importer) -> Iterator[tuple[int, Batch]]:
    """Parts with their images, so many or so many bytes at a time, and how many were read for them. Views of one part
    stay together.
    """
    batch: Batch = []
    n = n_bytes = 0
    last = ""
    for part in parts:
        if (n >= BATCH or n_bytes >= BATCH_BYTES) and part.inspection_id != last:
            yield n, batch
            batch, n, n_bytes = [], 0, 0
        last, n = part.inspection_id, n + 1
        if (found := importer.with_image(part)) is not None:
            batch.append(found)
            n_bytes += len(found[1].data) if found[1] else 0
    if n:
        yield n, batch


def _kept(job: Import) -> Any:
    return job.problems.get("tables") if isinstance(job.problems, dict) else None


def listed(job: Import) -> list[dict[str, Any]]:
    """The problems of an import, the reader's first, bounded."""
    kept = job.problems if isinstance(job.problems, dict) else {}
    return [one for name in ("reader", "tables") for one in kept.get(name, {}).get("listed", [])][:LISTED]


def _keep(job: Import, **fields: Any) -> None:
    """Write to the row while it is ours. :raises ClaimLost: it is not any more."""
    mine = Import.objects.filter(pk=job.pk, claim=job.claim, status=Import.Status.RUNNING)
    if not mine.update(**fields):
        raise ClaimLost(str(job.pk))
    for name, value in fields.items():
        setattr(job, name, value)


def _finish(job: Import, status: str, outcome: str, clock: Clock) -> bool:
    """The last word. The upload has done its work."""
    try:
        _keep(job, status=status, outcome=outcome, finished_at=clock(), heartbeat_at=clock())
    except ClaimLost:
        return True
    if job.upload:
        default_storage.delete(job.upload)
    return True


def _words(job: Import) -> str:
    did = "would be new" if job.dry_run else "new"
    return (
        f"{job.n_done} read: {job.n_new} {did}, {job.n_known} known already, {job.n_conflicts} in conflict, "
        f"{job.n_refused} refused."
    )
