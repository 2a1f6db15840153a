"""What MLflow knows of a version, for its page: where it lies there, since when, what went wrong."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.conf import settings

from models_registry.mlflow import page_of
from models_registry.models import MlflowPush, ModelVersion


@dataclass(frozen=True, slots=True)
class MlflowState:
    """``number``: of the version there, empty where it never arrived. Addresses: empty where nothing can be opened."""

    number: str
    pushed_at: datetime | None
    problem: str
    next_attempt_at: datetime | None
    version_page: str
    run_page: str


def mlflow_state(version: ModelVersion) -> MlflowState | None:
    """None: no server is told of versions, or it was never told of this one."""
    row: MlflowPush | None = getattr(version, "mlflow_push", None)
    url = settings.MLFLOW_URL
    if row is None or not (url or row.pushed_at):
        return None
    number, run = row.mlflow_version, row.run_id
    name = version.registered_model.slug
    return MlflowState(
        number=number, pushed_at=row.pushed_at, problem=row.problem, next_attempt_at=row.next_attempt_at,
        version_page=page_of(url, "models", name, "versions", number) if number else "",
        run_page=page_of(url, "experiments", row.experiment_id, "runs", run) if run and row.experiment_id else "",
    )  # fmt: skip
