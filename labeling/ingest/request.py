"""A request's rows: checked one by one, stored together."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from labeling.catalog import ModelCatalog, SourceCatalog
from labeling.errors import RowRefused
from labeling.images import CheckedImage
from labeling.incoming import IncomingRow, check_scores, why_not_yet
from labeling.ingest.chunk import store_chunk
from labeling.ingest.item import image_address
from labeling.ingest.submission import Answer, Submission
from labeling.models import Deployment
from models_registry.models import ModelVersion

CLOCKS_AHEAD = timedelta(days=1)
NOTED_EVERY = timedelta(minutes=1)


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
        self._refuse_future(row, position)
        source = self.sources.get(row.source, position=position)
        address = image_address(row, station=source.station, position=position)
        if not predicted:
            if row.label is not None or row.version is not None:
                raise RowRefused(
                    "A row with a label belongs to /predictions/.", row=position, fields={"label": "Not here."}
                )
            if row.late:
                raise RowRefused(
                    "A late row is a prediction that was answered.", row=position, fields={"late": "Not here."}
                )
            return Submission(position, row, catalog, source, image, image_address=address)
        version = version or catalog.version(row, position=position)
        confidence = check_scores(row, score_kind=version.score_kind, labels=catalog.labels, position=position)
        return Submission(position, row, catalog, source, image, version, confidence, address)

    def _refuse_future(self, row: IncomingRow, position: int) -> None:
        """A clock may run hours ahead (a time zone, a summer time): a line does not stop for that, but for days."""
        for name in ("captured_at", "predicted_at"):
            if what := why_not_yet(getattr(row, name), now=self.now, ahead=CLOCKS_AHEAD):
                raise RowRefused(
                    f"{name} {what}: the server's clock says {self.now:%Y-%m-%dT%H:%M}Z.", code="in_the_future",
                    row=position, fields={name: "Lies in the future."},
                )  # fmt: skip

    def store(self, submissions: Sequence[Submission], *, atomic: bool) -> list[Answer]:
        """Store the rows in one transaction; each part stands for itself unless ``atomic``.

        :raises ReviewAppError: ``atomic``, and a part was refused.
        """
        answers = store_chunk(submissions, now=self.now, atomic=atomic)
        note_deployments(submissions, answers, self.now)
        return answers


def note_deployments(submissions: Iterable[Submission], answers: Iterable[Answer], now: datetime) -> None:
    """What the lines really run; written once a minute, not once a part, and outside of the parts' transaction."""
    created = {answer.row for answer in answers if answer.status == "created"}
    seen = {
        (one.source.station_id, one.catalog.name_of(one.version)): (one.catalog, one.version)
        for one in submissions
        if one.version is not None and one.position in created
    }
    for (station_id, name), (catalog, version) in seen.items():
        noted = catalog.noted.get((station_id, name))
        if noted is None or now - noted >= NOTED_EVERY:
            # one that was promoted after the catalog was read is known here all the same; a new one was stored there
            _note_deployment(station_id, version if version.pk else catalog.versions[name], now)
            catalog.noted[station_id, name] = now


def _note_deployment(station_id: int, version: ModelVersion, now: datetime) -> None:
    seen = Deployment.objects.filter(station=station_id, model_version=version)
    if seen.filter(last_seen_at__gte=now - NOTED_EVERY).exists():
        return
    if not seen.filter(last_seen_at__lt=now).update(last_seen_at=now):  # a twin a moment ahead of us has noted it
        deployment = Deployment(
            station_id=station_id, registered_model_id=version.registered_model_id, model_version=version,
            first_seen_at=now, last_seen_at=now,
        )  # fmt: skip
        Deployment.objects.bulk_create([deployment], ignore_conflicts=True)
