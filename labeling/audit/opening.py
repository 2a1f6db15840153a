"""An audit is opened: places, labels, version, design, parts and predictions, in one transaction or not at all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import connection, transaction
from django.utils.text import slugify

from labeling.audit import drawing
from labeling.audit.errors import AuditDiffers, FileRefused
from labeling.audit.folder import checked, located, rows_of_images
from labeling.audit.places import audit_model, audit_source, audit_version, finite_design
from labeling.audit.rows import AuditRow, fingerprint, read_rows
from labeling.catalog import ModelCatalog
from labeling.designs import as_active
from labeling.exchange.sources import Folder
from labeling.images import CheckedImage
from labeling.incoming import IncomingRow, why_not_yet
from labeling.ingest import Ingest
from labeling.ingest.request import CLOCKS_AHEAD
from labeling.ingest.submission import Submission
from labeling.models import Audit
from models_registry.models import ModelVersion

CHUNK = 2_000


@dataclass(frozen=True, slots=True)
class Wanted:
    """What was asked for. Without ``predictions`` every image of the folder is a part that nobody has judged."""

    images: Path
    predictions: Path | None = None
    budget: int | None = None
    seed: int | None = None
    model: str = ""
    version: str = ""
    labels: Sequence[str] = ()  # beside those that the file names
    ok_label: str = ""
    zone: str = "UTC"

    @property
    def file(self) -> Path:
        return self.predictions or self.images


DEFAULT_BUDGET = 300


def open_audit(wanted: Wanted, *, now: datetime) -> tuple[Audit, bool]:
    """The audit of a file, opened now unless it is open already, and whether it is new.

    :raises FileRefused: something in the file or the folder is not right. :raises AuditDiffers: the same file is being
        audited with another budget, seed or version. :raises ReviewAppError: labels that the model does not have.
    """
    folder, rows = _read(wanted, now)
    mark = fingerprint(rows)
    slug = wanted.model or f"audit-{slugify(wanted.file.stem)[:50] or 'file'}-{mark[:8]}"
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"audit {slug} {mark}"])
        known = Audit.objects.filter(registered_model__slug=slug, fingerprint=mark).first()
        if known is not None:
            _refuse_other_wish(known, wanted)
            return known, False
        rows = located(rows, folder, wanted.file.name)
        return _open(wanted, folder, rows, slug, mark, now), True


def _read(wanted: Wanted, now: datetime) -> tuple[Folder, list[AuditRow]]:
    folder = Folder(wanted.images)
    if wanted.predictions is None:
        return folder, rows_of_images(folder)
    rows = read_rows(wanted.predictions, zone=ZoneInfo(wanted.zone))
    late = [(row.line, "time", why_not_yet(row.time, now=now, ahead=CLOCKS_AHEAD)) for row in rows]
    if wrong := [one for one in late if one[2]]:
        raise FileRefused(wanted.file.name, wrong)
    return folder, rows


def _refuse_other_wish(known: Audit, wanted: Wanted) -> None:
    """More looks after a look at the number would make the interval a lie, so the budget stands."""
    wrong = {}
    if wanted.budget is not None and min(wanted.budget, known.n_population) != known.n_drawn:
        wrong["budget"] = f"{known.n_drawn} parts were drawn"
    if wanted.seed is not None and wanted.seed != known.seed:
        wrong["seed"] = "it was drawn with another secret"
    if wanted.version and (known.model_version is None or wanted.version != known.model_version.external_name):
        wrong["version"] = "it speaks of another version"
    if wrong:
        why = "; ".join(f"{name}: {what}" for name, what in wrong.items())
        raise AuditDiffers(
            f"This file is being audited as “{known.registered_model.slug}” ({why}). Leave these options out to go on "
            "with it, or audit it anew under another name (--model).", fields=wrong,
        )  # fmt: skip


def _open(wanted: Wanted, folder: Folder, rows: list[AuditRow], slug: str, mark: str, now: datetime) -> Audit:
    names = [*dict.fromkeys([*(row.label for row in rows if row.label), *wanted.labels])]
    registered_model = audit_model(slug, wanted.file.stem, names, wanted.ok_label)
    version = audit_version(registered_model, wanted.version or wanted.file.stem) if wanted.predictions else None
    source = audit_source(slug, mark, wanted.file.name, wanted.zone)
    n = min(wanted.budget or DEFAULT_BUDGET, len(rows))
    secret = None if wanted.seed is None else drawing.secret_of_seed(wanted.seed, mark)
    design = finite_design(registered_model, share=n / len(rows), secret=secret)
    routings = drawing.draw_exactly([row.id for row in rows], n=n, secret=bytes.fromhex(design.secret))
    draws = {f"{source.station_id}/{row.id}": routing for row, routing in zip(rows, routings, strict=True)}
    # in the order of the draw: reviews are handed out as they were made, and files are often sorted by class
    places = {row.id: routing.u for row, routing in zip(rows, routings, strict=True)}
    order = sorted(rows, key=lambda row: places[row.id])
    drawn = order[:n]
    images = checked(
        drawn, folder, wanted.file.name, max_bytes=settings.MAX_IMAGE_BYTES, max_pixels=settings.MAX_IMAGE_PIXELS
    )
    catalog = ModelCatalog(registered_model, made_draws=draws)
    catalog.designs = [as_active(design)]
    by_id = {row.id: image for row, image in zip(drawn, images, strict=True)}
    _store(order, by_id, catalog, version, source.slug, now)
    return Audit.objects.create(
        registered_model=registered_model, model_version=version, station=source.station, design=design,
        file_name=wanted.file.name[-300:], fingerprint=mark, n_population=len(rows), n_drawn=n, seed=wanted.seed,
        created_at=now,
    )  # fmt: skip


def _store(
    rows: Sequence[AuditRow],
    images: dict[str, CheckedImage],
    catalog: ModelCatalog,
    version: ModelVersion | None,
    source: str,
    now: datetime,
) -> None:
    """Through the ordinary ingest: it checks, draws (as was drawn), opens reviews and answers."""
    ingest = Ingest(now=now)
    for start in range(0, len(rows), CHUNK):
        part: list[Submission] = [
            ingest.prepare(
                _incoming(row, source, version), position=row.line, catalog=catalog, image=images.get(row.id),
                predicted=version is not None, version=version,
            )
            for row in rows[start : start + CHUNK]
        ]  # fmt: skip
        ingest.store(part, atomic=True)


def _incoming(row: AuditRow, source: str, version: ModelVersion | None) -> IncomingRow:
    return IncomingRow(
        inspection_id=row.id, source=source, serial=row.part, captured_at=row.time, predicted_at=row.time,
        label=row.label if version else None, confidence=row.score if version else None,
        version=version.external_name if version else None,
    )  # fmt: skip
