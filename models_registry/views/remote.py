"""What a trainer elsewhere calls: its data, its progress, its artifact. One run's token opens one run and no more."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import PurePosixPath
from typing import Annotated, Any, Concatenate, TypeVar
from uuid import UUID

import msgspec
from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET, require_POST

from models_registry import files, manifest
from models_registry.models import RemoteTraining
from models_registry.services import remote as service
from models_registry.services.pipeline import handover
from models_registry.tasks import nudge_trainer
from models_registry.training.declared import WebhookTrainer, find
from reviewapp.errors import NotFound, ReviewAppError

MOST_BODY = 64 * 1024
T = TypeVar("T")
Metrics = dict[str, float | int | str | None]
View = Callable[Concatenate[HttpRequest, RemoteTraining, ...], HttpResponseBase]


class Progress(msgspec.Struct):
    progress: Annotated[float, msgspec.Meta(ge=0, le=1)]
    message: str = ""
    metrics: dict[str, float | None] = {}


class Failure(msgspec.Struct):
    reason: Annotated[str, msgspec.Meta(min_length=1, max_length=2000)]


class BadBody(ReviewAppError):
    code = "invalid"
    http_status = 400


def _of_one_run(view: View) -> Callable[..., HttpResponseBase]:
    """Ask for the run's token; refusals are JSON."""

    @csrf_exempt  # no session opens this
    @functools.wraps(view)
    def answered(request: HttpRequest, uid: UUID, **parts: Any) -> HttpResponseBase:
        try:
            token = request.headers.get("Authorization", "").removeprefix("Bearer ").strip()
            return view(request, service.remote_of(uid, token), **parts)
        except ReviewAppError as error:
            return JsonResponse({"error": error.as_dict()}, status=error.http_status)

    return answered


@require_GET
@_of_one_run
def remote_training(request: HttpRequest, remote: RemoteTraining) -> HttpResponseBase:
    """Where the request stands."""
    said = {"id": remote.uid, "status": remote.status, "deadline": remote.deadline_at, "reason": remote.reason}
    return JsonResponse(said)


@require_GET
@_of_one_run
def remote_manifest(request: HttpRequest, remote: RemoteTraining) -> HttpResponseBase:
    """The training rows, one JSON object a line; images are addresses below this one."""
    header, rows = _read(remote)
    lines = [handover.header_line(remote.run, header.classes)]
    for row in handover.training_rows(rows):
        names = [reverse("remote-image", args=[remote.uid, handover.name_of(image)]) for image in row.images]
        lines.append(handover.row_line(row, names))
    content = b"\n".join(map(msgspec.json.encode, lines)) + b"\n"
    return HttpResponse(content, content_type="application/x-ndjson")


@require_GET
@_of_one_run
def remote_image(request: HttpRequest, remote: RemoteTraining, name: str) -> HttpResponseBase:
    """One image of the manifest, verified by its hash. What is held out is not given."""
    sha256 = PurePosixPath(name).stem
    _, rows = _read(remote)
    images = (image for row in handover.training_rows(rows) for image in row.images)
    found = next((image for image in images if image.sha256 == sha256), None)
    if found is None:
        raise NotFound("There is no such image in this manifest.")
    return HttpResponse(files.read(found.key, sha256=found.sha256), content_type="application/octet-stream")


def _read(remote: RemoteTraining) -> tuple[manifest.ManifestHeader, list[manifest.ManifestRow]]:
    dataset = remote.run.dataset
    return manifest.read(files.local_copy(dataset.manifest), expected_sha256=dataset.sha256)


@require_POST
@_of_one_run
def remote_progress(request: HttpRequest, remote: RemoteTraining) -> HttpResponseBase:
    said = _decoded(request, Progress)
    service.hear_progress(remote, share=said.progress, message=said.message, numbers=said.metrics, now=timezone.now())
    return JsonResponse({"status": "ok"})


@require_POST
@_of_one_run
def remote_failed(request: HttpRequest, remote: RemoteTraining) -> HttpResponseBase:
    reason = f"The trainer {remote.trainer} says: {_decoded(request, Failure).reason}"
    service.fail(remote, reason=reason, now=timezone.now())
    return JsonResponse({"status": "ok"})


@require_POST
@_of_one_run
def remote_artifact(request: HttpRequest, remote: RemoteTraining) -> HttpResponseBase:
    """The artifact as the body; its hash, format and metrics in headers. The run goes on from here."""
    trainer = find(settings.TRAINERS_FILE, remote.trainer)
    most = (trainer.artifact_mb if isinstance(trainer, WebhookTrainer) else 1) * 2**20
    content = request.read(most + 1)
    if len(content) > most:
        raise files.FileTooLarge(f"The artifact has more than {most // 2**20} MB.")
    try:
        metrics = msgspec.json.decode(request.headers.get("X-Metrics") or "{}", type=Metrics)
    except msgspec.DecodeError as error:
        raise BadBody(f"X-Metrics: {error}", fields={"X-Metrics": str(error)}) from error
    run = service.receive_artifact(
        remote, content=content, form=request.headers.get("X-Format", "onnx"),
        sha256=request.headers.get("X-Sha256", ""), metrics=metrics, now=timezone.now(),
    )  # fmt: skip
    nudge_trainer(run.pk)
    return JsonResponse({"status": "ok"})


def _decoded(request: HttpRequest, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(request.read(MOST_BODY), type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BadBody(f"The body is not as expected: {error}") from error
