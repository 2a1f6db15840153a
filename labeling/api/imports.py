"""Labels in from elsewhere: the file is kept, a row is made, a worker does the rest."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from django.core.files.storage import default_storage
from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from labeling.access import reach, require
from labeling.api import import_shapes, shapes
from labeling.api.authentication import person
from labeling.api.parsers import StrictJSONParser, Utf8MultiPartParser
from labeling.exchange import jobs
from labeling.exchange.places import allowed_path, import_camera
from labeling.incoming import why_unstorable
from labeling.models import Import
from labeling.models import Source as Camera
from labeling.tasks import nudge_importer
from models_registry.models import RegisteredModel
from reviewapp.errors import NotAllowed, NotFound, ReviewAppError

FIELDS = ("format", "path", "source", "dry_run", "create_labels", "ok_label")


class Imports(APIView):
    parser_classes = [Utf8MultiPartParser, StrictJSONParser]

    @extend_schema(
        summary="Import labels that were given elsewhere",
        description="A `file` (archive or document), or a `path` under REVIEWAPP_IMAGE_ROOTS. 202: a worker does it.",
        request={shapes.FORM: import_shapes.FORM_OF_IMPORT, "application/json": import_shapes.ImportBody},
        responses={202: import_shapes.ImportState},
    )
    def post(self, request: Request, slug: str) -> Response:
        registered_model = require(person(request), "decide", slug)
        said = _said(request)
        with transaction.atomic():
            camera = import_camera(registered_model, said["source"])
            _refuse_foreign_place(request, registered_model, camera)
            wanted = _wanted(request, said)
            job = jobs.request_import(
                registered_model=registered_model, camera=camera, wanted=wanted, requested_by=person(request),
                now=timezone.now(),
            )  # fmt: skip
            nudge_importer(job.pk)
        return Response(import_payload(job), status=202)


class ImportDetail(APIView):
    @extend_schema(summary="How an import goes, and what came of it", responses=import_shapes.ImportState)
    def get(self, request: Request, slug: str, pk: int) -> Response:
        registered_model = require(person(request), "view", slug)
        job = Import.objects.filter(registered_model=registered_model, pk=pk).select_related("source__station").first()
        mine = reach(person(request), registered_model)
        if job is None or not mine.covers("view", job.source.station.site_id):
            raise NotFound("There is no such import for you.")
        return Response(import_payload(job))


def _said(request: Request) -> dict[str, str]:
    """The fields as text. :raises ReviewAppError: what is no text, or not known."""
    data = request.data
    if not isinstance(data, Mapping):
        raise _wrong("body", "is an object")
    if strangers := sorted(set(data) - {*FIELDS, "file"}):
        raise _wrong(str(strangers[0]), "is not known")
    found = {name: data.get(name, "") for name in FIELDS}
    found |= {name: str(value).lower() for name, value in found.items() if isinstance(value, bool)}
    for name, value in found.items():
        if not isinstance(value, str):
            raise _wrong(name, "is text")
        if what := why_unstorable(value) or ("is too long" if len(value) > (80 if name != "path" else 1000) else ""):
            raise _wrong(name, what)
    return found


def _wanted(request: Request, said: dict[str, str]) -> jobs.Wanted:
    """Keeps the upload in the file store before the row that names it."""
    upload = request.FILES.get("file")
    if bool(upload) == bool(said["path"]):
        raise _wrong("file", "or path, one of them, is needed")
    if said["format"] not in jobs.READERS:
        raise _wrong("format", f"is one of {', '.join(jobs.READERS)}")
    chosen = {
        "format": said["format"], "ok_label": said["ok_label"], "dry_run": _yes(said, "dry_run"),
        "create_labels": _yes(said, "create_labels"),
    }  # fmt: skip
    if said["path"]:
        path = allowed_path(said["path"])
        return jobs.Wanted(path=str(path), file_name=path.name, **chosen)  # type: ignore[arg-type]
    assert isinstance(upload, UploadedFile)  # noqa: S101 - one of the two is there
    name = Path(str(upload.name or "file").replace("\\", "/")).name
    if what := why_unstorable(name):
        raise _wrong("file", what)
    return jobs.Wanted(upload=default_storage.save(f"imports/{uuid.uuid4()}", upload), file_name=name, **chosen)  # type: ignore[arg-type]


def _yes(said: dict[str, str], name: str) -> bool:
    text = said[name].lower()
    if text not in {"1", "true", "yes", "0", "false", "no", ""}:
        raise _wrong(name, "is true or false")
    return text in {"1", "true", "yes"}


def _wrong(name: str, what: str) -> ReviewAppError:
    return ReviewAppError(f"{name} {what}.", code="invalid", fields={name: what[:1].upper() + what[1:] + "."})


def _refuse_foreign_place(request: Request, registered_model: RegisteredModel, camera: Camera) -> None:
    if not reach(person(request), registered_model).covers("decide", camera.station.site_id):
        raise NotAllowed("Your role reaches only some sites: name a source of one of them.")


def import_payload(job: Import) -> dict[str, Any]:
    """How it goes. ``progress`` is None until the source was looked through."""
    return {
        "id": job.pk,
        "status": job.status,
        "outcome": job.outcome,
        "format": job.format,
        "file_name": job.file_name,
        "source": job.source.slug,
        "dry_run": job.dry_run,
        "progress": None if not job.n_total else round(job.n_done / job.n_total, 4),
        "counts": {
            "total": job.n_total, "done": job.n_done, "new": job.n_new, "known": job.n_known,
            "conflicts": job.n_conflicts, "refused": job.n_refused,
        },
        "problems": jobs.listed(job),
        "queued_at": job.queued_at,
        "started_at": job.started_at,
        "finished_at": job.finished_at,
    }  # fmt: skip
