"""A trainer elsewhere: ask it by a signed request, hear of it by callback, wait no longer than its deadline.

The request is a row before it is sent, sent again under the same id until the receiver takes it, and answered with a
token of this one run. The run holds no worker meanwhile; what arrives queues it again.
"""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.db.models.functions import Coalesce
from django.utils.crypto import constant_time_compare, salted_hmac

from models_registry import files
from models_registry.delivery import Attempts, decide, sign
from models_registry.models import RemoteTraining, TrainingRun, TrainingStep
from models_registry.sender import open_sender
from models_registry.services import training
from models_registry.training.declared import TrainerUnknown, WebhookTrainer, find
from models_registry.training.series import add_report
from reviewapp.errors import Conflict, NotFound, ReviewAppError

Status = RemoteTraining.Status
Clock = Callable[[], datetime]
FORMATS = ("onnx", "skops")
MOST_AT_ONCE = 20
MB = 2**20


class BadArtifact(ReviewAppError):
    """What came is not what was said, or not what can be served."""

    code = "artifact_refused"
    http_status = 422


def token_of(remote: RemoteTraining) -> str:
    """Good for this one run, and known to nobody who has not the request or the server's key."""
    return salted_hmac("models_registry.remote", str(remote.uid), algorithm="sha256").hexdigest()


def remote_of(uid: UUID, token: str) -> RemoteTraining:
    """:raises NotFound: no such request, or another's token."""
    found = RemoteTraining.objects.select_related("run__registered_model", "run__dataset").filter(uid=uid).first()
    if found is None or not constant_time_compare(token_of(found), token):
        raise NotFound("There is no such training request for you.")
    return found


def ask(*, run: TrainingRun, trainer: WebhookTrainer, now: datetime) -> RemoteTraining | None:
    """Write the request and let go of the run, together. None: the run is no longer this worker's."""
    with transaction.atomic():
        if not training.lock_own_run(run):
            return None
        remote, _ = RemoteTraining.objects.get_or_create(
            run=run,
            defaults={
                "trainer": run.backend,
                "created_at": now,
                "next_attempt_at": now,
                "deadline_at": now + timedelta(minutes=trainer.minutes),
            },
        )
        training.let_wait(run)
    return remote


def send_due(*, clock: Clock) -> int:
    """Send what is due, and end what has been waited for too long. Returns how many were sent."""
    _expire(clock())
    due = RemoteTraining.objects.filter(status=Status.WAITING, next_attempt_at__lte=clock(), run__status="waiting")
    return sum(_send(remote, clock) for remote in due.select_related("run__registered_model")[:MOST_AT_ONCE])


def _send(remote: RemoteTraining, clock: Clock) -> bool:
    """One attempt, recorded before it is made; a worker that is killed leaves it due again."""
    now = clock()
    lease = now + timedelta(seconds=1.5 * settings.WEBHOOK_TIMEOUT_SECONDS)
    mine = RemoteTraining.objects.filter(pk=remote.pk, status=Status.WAITING, n_attempts=remote.n_attempts)
    first = Coalesce("first_attempt_at", now)
    if not mine.update(n_attempts=F("n_attempts") + 1, next_attempt_at=lease, first_attempt_at=first):
        return False
    remote.refresh_from_db()
    try:
        trainer = _declared(remote)
    except TrainerUnknown as error:
        fail(remote, reason=str(error), now=now)
        return False
    body = _body(remote, trainer)
    uid, stamp = str(remote.uid), int(now.timestamp())
    headers = {
        "content-type": "application/json",
        "user-agent": "reviewapp-webhook/1",
        "webhook-id": uid,
        "webhook-timestamp": str(stamp),
        "webhook-signature": sign([trainer.secret], uid=uid, timestamp=stamp, body=body),
    }
    with open_sender(seconds=settings.WEBHOOK_TIMEOUT_SECONDS) as sender:
        answer = sender.send(trainer.url, body=body, headers=headers)
    chance = zlib.crc32(f"{uid} {remote.n_attempts}".encode()) / 2**32
    attempts = Attempts(remote.n_attempts, remote.first_attempt_at or now, remote.n_attempts, chance)
    decision = decide(answer, attempts, now=clock())
    if decision.status == "failed":
        fail(remote, reason=f"The trainer {remote.trainer} does not take the run. {decision.reason}", now=clock())
    elif decision.status == "delivered":
        _open(remote).filter(status=Status.WAITING).update(status=Status.SENT, reason=decision.reason)
    else:
        _open(remote).update(next_attempt_at=decision.retry_at, reason=decision.reason)
    _tell(remote, detail=f"{remote.trainer}: {decision.reason}")
    return True


def _declared(remote: RemoteTraining) -> WebhookTrainer:
    found = find(settings.TRAINERS_FILE, remote.trainer)
    if not isinstance(found, WebhookTrainer):
        raise TrainerUnknown(f"The trainer “{remote.trainer}” is no webhook any more.")
    return found


def _body(remote: RemoteTraining, trainer: WebhookTrainer) -> str:
    """The same for every attempt; a receiver tells a resend by the id."""
    run = remote.run
    here = f"{trainer.callback.rstrip('/')}/training-requests/{remote.uid}/"
    said = {
        "type": "training.requested",
        "id": str(remote.uid),
        "model": run.registered_model.slug,
        "run": run.number,
        "seed": run.seed,
        "config": {**trainer.config, **run.config},
        "deadline": remote.deadline_at,
        "callback": here,
        "token": token_of(remote),
    }
    return msgspec.json.encode(said).decode()


@transaction.atomic
def hear_progress(
    remote: RemoteTraining, *, share: float, message: str, numbers: Mapping[str, Any], now: datetime
) -> None:
    """Move the bar and the curves on the run's page. :raises Conflict: the request is over."""
    held = _open(remote).select_for_update().first()  # two reports at a time lose no point
    if held is None:
        raise Conflict("This training request is over.", code="request_over")
    add_report(held.series, numbers)
    _open(remote).update(status=Status.SENT, heard_at=now, series=held.series)
    _tell(
        remote, detail=message[:200].replace("\x00", ""), progress=min(max(share, 0.0), 1.0),
        curves={"series": held.series} if held.series else {},
    )  # fmt: skip


def receive_artifact(
    remote: RemoteTraining, *, content: bytes, form: str, sha256: str, metrics: Mapping[str, Any], now: datetime
) -> TrainingRun:
    """Take the artifact and queue the run again; the caller nudges. The same bytes again change nothing.

    :raises BadArtifact: the hash differs, too large, or another format. :raises Conflict: the request is over.
    """
    if form not in FORMATS:
        raise BadArtifact("“format” is onnx or skops.", fields={"format": "Unknown."})
    if hashlib.sha256(content).hexdigest() != sha256:
        raise BadArtifact("The artifact has another sha256 than it says.", fields={"sha256": "Differs."})
    remote.refresh_from_db()
    if remote.status == Status.FINISHED and remote.artifact_sha256 == sha256:
        return remote.run
    key = f"artifacts/{sha256}.{form}"
    files.put(key, content, sure=True)
    with transaction.atomic():
        done = _open(remote).update(
            status=Status.FINISHED, artifact=key, artifact_sha256=sha256, n_bytes=len(content),
            metrics=dict(metrics), heard_at=now, finished_at=now, reason="",
        )  # fmt: skip
        if not done or not training.go_on(remote.run, now=now):
            raise Conflict("This training request is over.", code="request_over")
    return remote.run


@transaction.atomic
def fail(remote: RemoteTraining, *, reason: str, now: datetime) -> bool:
    """End the request and its run with a reason. False: it was over already."""
    done = _open(remote).update(status=Status.FAILED, reason=reason, finished_at=now)
    return bool(done) and training.fail_waiting(remote.run, step="fit", reason=reason, now=now)


def _expire(now: datetime) -> None:
    late = RemoteTraining.objects.filter(status__in=RemoteTraining.OPEN)
    for remote in late.filter(deadline_at__lt=now).select_related("run__registered_model"):
        fail(remote, reason=_why_late(remote), now=now)
    for remote in late.exclude(run__status__in=TrainingRun.ACTIVE):  # cancelled meanwhile
        _open(remote).update(status=Status.FAILED, reason="The run is over.", finished_at=now)


def _why_late(remote: RemoteTraining) -> str:
    said = f"The trainer {remote.trainer} did not finish before its deadline"
    if remote.status == Status.WAITING:
        return f"{said}: it never took the run. {remote.reason}"
    heard = "was never heard of" if remote.heard_at is None else f"was last heard of at {remote.heard_at:%H:%M} UTC"
    return f"{said} and {heard}. Look there, then start the run again."


def _open(remote: RemoteTraining) -> Any:
    return RemoteTraining.objects.filter(pk=remote.pk, status__in=RemoteTraining.OPEN)


def _tell(remote: RemoteTraining, **fields: Any) -> None:
    step = TrainingStep.objects.filter(run=remote.run_id, name="fit", run__status=TrainingRun.Status.WAITING)
    step.update(**fields)
