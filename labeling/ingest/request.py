"""A request's rows: checked, gathered into parts, stored part by part or all in one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db import IntegrityError, OperationalError, transaction
from psycopg.errors import DeadlockDetected, UniqueViolation

from labeling.catalog import ModelCatalog, SourceCatalog
from labeling.errors import RowRefused
from labeling.images import CheckedImage
from labeling.incoming import IncomingRow, check_scores
from labeling.ingest.part import store_part
from labeling.ingest.submission import Answer, Submission
from labeling.models import Deployment
from models_registry.models import ModelVersion
from reviewapp.errors import ReviewAppError

RETRIES = 4


@dataclass(slots=True)
class Ingest:
    """A request's worth of rows on their way in."""

    now: datetime
    sources: SourceCatalog = field(default_factory=SourceCatalog)

    def prepare(
        self,
        row: IncomingRow,
        *,
        position: int,
        catalog: ModelCatalog,
        image: CheckedImage | None,
        predicted: bool,
        version: ModelVersion | None = None,
    ) -> Submission:
        """Check a row against the model it names; nothing is written. ``version``: known already, no name is looked up.

        :raises RowRefused: names the field.
        """
        source = self.sources.get(row.source, position=position)
        if not predicted:
            if row.label is not None or row.version is not None:
                raise RowRefused(
                    "A row with a label belongs to /predictions/.", row=position, fields={"label": "Not here."}
                )
            if row.late:
                raise RowRefused(
                    "A late row is a prediction that was answered.", row=position, fields={"late": "Not here."}
                )
            return Submission(position, row, catalog, source, image)
        version = version or catalog.version(row, position=position)
        confidence = check_scores(row, score_kind=version.score_kind, labels=list(catalog.labels), position=position)
        return Submission(position, row, catalog, source, image, version, confidence)

    def store(self, submissions: Sequence[Submission], *, atomic: bool) -> list[Answer]:
        """Store every part in its own transaction, or all of them in one when ``atomic``: then in the order of their
        keys, so that two lists that cross wait for each other and do not end in a deadlock.
        """
        parts = _parts(submissions)
        answers = (
            self._store(sorted(parts, key=_key))
            if atomic
            else [one for part in parts for one in self._store_or_explain(part)]
        )
        _note_deployments(answers, self.now)
        return answers

    def _store_or_explain(self, part: Sequence[Submission]) -> list[Answer]:
        try:
            return self._store([part])
        except ReviewAppError as error:
            return [Answer(one.position, "error", error=error) for one in part]

    def _store(self, parts: Sequence[Sequence[Submission]]) -> list[Answer]:
        """One transaction, tried again when a twin request took the same keys (or locks) in the same moment."""
        for attempts_left in range(RETRIES, -1, -1):
            try:
                with transaction.atomic():
                    return [answer for part in parts for answer in store_part(part, now=self.now)]
            except (IntegrityError, OperationalError) as error:
                if not attempts_left or not isinstance(error.__cause__, UniqueViolation | DeadlockDetected):
                    raise
        raise AssertionError("unreachable")


def _parts(submissions: Iterable[Submission]) -> list[list[Submission]]:
    """Rows of one inspection and version travel together: several views of one part."""
    parts: dict[tuple[int, str, int, int, str], list[Submission]] = {}
    for one in sorted(submissions, key=lambda one: one.position):
        parts.setdefault(_key([one]), []).append(one)
    return list(parts.values())


def _key(part: Sequence[Submission]) -> tuple[int, str, int, int, str]:
    one = part[0]
    number, name = (one.version.number or 0, one.version.external_name) if one.version else (0, "")
    return (one.source.station_id, one.row.inspection_id, one.catalog.registered_model.pk, number, name)


def _note_deployments(answers: Iterable[Answer], now: datetime) -> None:
    """What the lines really run; written once a minute, not once a part, and outside of the parts' transactions."""
    said = [one.prediction for one in answers if one.status == "created" and one.prediction is not None]
    for prediction in {(one.inspection.station_id, one.model_version_id): one for one in said}.values():
        _note_deployment(prediction.inspection.station_id, prediction.model_version, now)


def _note_deployment(station_id: int, version: ModelVersion, now: datetime) -> None:
    seen = Deployment.objects.filter(station=station_id, model_version=version).first()
    if seen is None:
        deployment = Deployment(
            station_id=station_id, registered_model_id=version.registered_model_id, model_version=version,
            first_seen_at=now, last_seen_at=now,
        )  # fmt: skip
        Deployment.objects.bulk_create([deployment], ignore_conflicts=True)
    elif seen.last_seen_at < now - timedelta(minutes=1):
        Deployment.objects.filter(pk=seen.pk, last_seen_at__lt=now).update(last_seen_at=now)
