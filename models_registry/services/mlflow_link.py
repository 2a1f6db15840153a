"""MLflow is told what stands here, and a version of its registry can be taken in by reference.

    version ──what would be told differs from what was──> told by a task ──refused, no answer──> again later, alert

The rows here are the truth; MLflow is told of them after they are committed, as often as it takes: each call finds what
it made before by a tag. Nothing waits for it, and nothing here changes by what it answers.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from models_registry.mlflow import MISSING, MlflowClient, MlflowError, pairs
from models_registry.models import Alert, MlflowPush, ModelVersion, RegisteredModel
from models_registry.services.alerts import open_alert, resolve_alerts
from models_registry.services.aliases import set_tag
from models_registry.services.versions import create_version
from reviewapp.errors import NotFound, ReviewAppError

if TYPE_CHECKING:
    from django.contrib.auth.models import User

OURS = "reviewapp.version"
PULLED = "mlflow.source"
MOST = 500  # versions that are looked at in one turn, the newest
LONGEST = timedelta(hours=1)
DIGEST = 36  # characters that MLflow allows
Stage = ModelVersion.Stage


@dataclass(frozen=True, slots=True)
class Told:
    """What MLflow is told of a version. Plain values, so that a hash of them says whether something changed."""

    model: str
    number: int
    stage: str
    source: str
    run: dict[str, str]
    dataset: str
    metrics: dict[str, float]
    aliases: list[str]
    tags: dict[str, str]

    @property
    def sha256(self) -> str:
        return hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()


def due(*, now: datetime) -> list[int]:
    """Versions, by key, of which MLflow knows less than stands here, without those that rest after a failure."""
    ready = Q(mlflow_push__isnull=True) | Q(mlflow_push__next_attempt_at__isnull=True)
    rows = _versions().filter(ready | Q(mlflow_push__next_attempt_at__lte=now)).order_by("-pk")[:MOST]
    return [one.pk for one in rows if told_of(one).sha256 != _known(one)]


def told_of(version: ModelVersion) -> Told:
    """What MLflow should know of a version now."""
    run = version.training_run
    aliases = sorted(one.name for one in version.aliases.all())
    if version.stage == Stage.CHAMPION:
        aliases.insert(0, "champion")
    facts = {"trigger": run.trigger, "seed": str(run.seed), "backend": run.backend} if run else {}
    numbers = {key: float(value) for key, value in version.metrics.items() if _is_number(value)}
    source = version.artifact or version.external_name or "nowhere"
    return Told(
        model=version.registered_model.slug, number=version.number, stage=version.stage,
        source=f"reviewapp:///{source}", run=facts, dataset=run.dataset.sha256 if run else "", metrics=numbers,
        aliases=aliases, tags={one.key: one.value for one in version.tags.all()},
    )  # fmt: skip


def push(*, version_id: int, client: MlflowClient, now: datetime) -> bool:
    """Tell MLflow of one version. False: there is nothing to tell, or it went wrong and is tried again later."""
    version = _versions().filter(pk=version_id).first()
    if version is None:
        return False
    told = told_of(version)
    row = MlflowPush.objects.get_or_create(version=version)[0]
    if row.state_sha256 == told.sha256:
        return False
    try:
        _tell(client, told, row, version)
    except MlflowError as error:
        _note_failure(row, version, error, now)
        return False
    row.state_sha256, row.pushed_at = told.sha256, now
    row.n_failed, row.problem, row.next_attempt_at = 0, "", None
    row.save()
    resolve_alerts(registered_model=version.registered_model, kind=Alert.Kind.MLFLOW, slice=version.short_name, now=now)
    return True


def _tell(client: MlflowClient, told: Told, row: MlflowPush, version: ModelVersion) -> None:
    name, mark = told.model, f"{told.model}/{told.number}"
    if told.run:
        if not (row.run_id and row.experiment_id):
            row.experiment_id, row.run_id = _run(client, told, mark, version)
        _log(client, told, row.run_id, version)
    client.registered(name)
    number = row.mlflow_version or client.version_tagged(name, OURS, str(told.number))
    number = number or client.make_version(name, source=told.source, run_id=row.run_id, tags={OURS: str(told.number)})
    row.mlflow_version = number
    row.save(update_fields=["experiment_id", "run_id", "mlflow_version"])
    for tag in pairs({"reviewapp.stage": told.stage, **told.tags}):
        client.call("POST", "model-versions/set-tag", {"name": name, "version": number, **tag})
    for alias in told.aliases:
        client.call("POST", "registered-models/alias", {"name": name, "alias": alias, "version": number})
    for alias in set(row.aliases) - set(told.aliases):
        if client.aliased(name, alias) == number:  # it may lead to another version by now
            client.call("DELETE", "registered-models/alias", {"name": name, "alias": alias})
    row.aliases = told.aliases


def _run(client: MlflowClient, told: Told, mark: str, version: ModelVersion) -> tuple[str, str]:
    """Experiment and run, found or made."""
    experiment = client.experiment(f"reviewapp/{told.model}")
    known = client.run_tagged(experiment, OURS, mark)
    began = _ms(version.training_run.started_at if version.training_run else None, version.created_at)
    tags = {OURS: mark, "reviewapp.dataset_sha256": told.dataset}
    return experiment, known or client.start_run(experiment, f"{told.model} v{told.number}", at_ms=began, tags=tags)


def _log(client: MlflowClient, told: Told, run_id: str, version: ModelVersion) -> None:
    ended = _ms(version.training_run.finished_at if version.training_run else None, version.created_at)
    metrics = [{"key": key, "value": value, "timestamp": ended, "step": 0} for key, value in told.metrics.items()]
    client.call("POST", "runs/log-batch", {"run_id": run_id, "metrics": metrics, "params": pairs(told.run)})
    dataset = {
        "name": told.model, "digest": told.dataset[:DIGEST], "source_type": "reviewapp",
        "source": f"datasets/{told.dataset}",
    }  # fmt: skip
    client.call("POST", "runs/log-inputs", {"run_id": run_id, "datasets": [{"dataset": dataset}]})
    client.call("POST", "runs/update", {"run_id": run_id, "status": "FINISHED", "end_time": ended})


def _note_failure(row: MlflowPush, version: ModelVersion, error: MlflowError, now: datetime) -> None:
    """Again after one, two, four … minutes, an hour at most. The alert opens once and is resolved by success."""
    row.n_failed += 1
    row.problem = error.message[:300]
    row.next_attempt_at = now + min(timedelta(minutes=2 ** min(row.n_failed - 1, 10)), LONGEST)
    row.save()
    open_alert(
        registered_model=version.registered_model, kind=Alert.Kind.MLFLOW, slice=version.short_name, now=now,
        message=f"MLflow was not told of {version.short_name}: {error.message} It is tried again by itself.",
        evidence={"version": version.number},
    )  # fmt: skip


@transaction.atomic
def pull(
    *,
    registered_model: RegisteredModel,
    name: str,
    wanted: str,
    client: MlflowClient,
    now: datetime,
    by: User | None = None,
) -> tuple[ModelVersion, bool]:
    """Take a version of MLflow's registry in as external: its name and where it lies, never its file.

    ``wanted``: a version number, or an alias as @alias. Returns the version and whether it is new.
    :raises ReviewAppError: no number and no alias. :raises NotFound: not there. :raises MlflowError: no answer, or
    one that says nothing of a version.
    """
    is_alias = len(wanted) > 1 and wanted.startswith("@")
    if not is_alias and not (wanted.isascii() and wanted.isdigit()):
        said = _("Say a version number, or an alias as @alias.")
        raise ReviewAppError(said, code="invalid", fields={"version": said})
    try:
        found = client.version_by_alias(name, wanted[1:]) if is_alias else client.version(name, wanted)
        external = f"{found['name']}/{found['version']}".replace("\x00", "")[:120]
    except (KeyError, TypeError) as error:
        raise MlflowError("MLflow's answer is not about a version.") from error
    except MlflowError as error:
        if error.answer in {MISSING, "INVALID_PARAMETER_VALUE"}:
            raise NotFound(error.message) from error
        raise
    RegisteredModel.objects.select_for_update(no_key=True).get(pk=registered_model.pk)
    known = ModelVersion.objects.filter(registered_model=registered_model, external_name=external).first()
    version = known or create_version(
        registered_model=registered_model, origin=ModelVersion.Origin.EXTERNAL, external_name=external
    )
    for key, value in ((PULLED, found.get("source", "")), ("mlflow.run_id", found.get("run_id", ""))):
        set_tag(version=version, key=key, value=str(value or "").replace("\x00", "")[:1000], by=by, now=now)
    return version, known is None


def _versions() -> QuerySet[ModelVersion]:
    """What was made or registered here. What only came by, and what was taken from MLflow, is not told."""
    rows = ModelVersion.objects.exclude(origin=ModelVersion.Origin.OBSERVED).exclude(tags__key=PULLED)
    rows = rows.filter(registered_model__is_active=True)
    return rows.select_related("registered_model", "training_run__dataset", "mlflow_push").prefetch_related(
        "aliases", "tags"
    )


def _known(version: ModelVersion) -> str:
    row: MlflowPush | None = getattr(version, "mlflow_push", None)
    return row.state_sha256 if row else ""


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and value == value


def _ms(moment: datetime | None, otherwise: datetime) -> int:
    return round((moment or otherwise).timestamp() * 1000)
