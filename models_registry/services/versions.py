"""Make versions: trained here, registered from elsewhere, or merely observed."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Max

from models_registry.models import ModelVersion, RegisteredModel
from models_registry.services.alerts import open_alert


def next_number(registered_model: RegisteredModel) -> int:
    """The next version number. Call it with the model's row locked."""
    newest = ModelVersion.objects.filter(registered_model=registered_model).aggregate(Max("number"))["number__max"]
    return int(newest or 0) + 1


@transaction.atomic
def create_version(*, registered_model: RegisteredModel, origin: str, **fields: Any) -> ModelVersion:
    """A new version with the next number, under the model's lock."""
    RegisteredModel.objects.select_for_update(no_key=True).get(pk=registered_model.pk)
    return ModelVersion.objects.create(
        registered_model=registered_model, number=next_number(registered_model), origin=origin, **fields
    )


def observe_version(
    *, registered_model: RegisteredModel, external_name: str, score_kind: str, now: datetime
) -> ModelVersion:
    """The version a line claims to run though nobody registered it: stored under its name, with an alert."""
    known = ModelVersion.objects.filter(registered_model=registered_model, external_name=external_name).first()
    if known is not None:
        return known
    try:
        with transaction.atomic():
            version = create_version(
                registered_model=registered_model,
                origin=ModelVersion.Origin.OBSERVED,
                stage=ModelVersion.Stage.OBSERVED,
                external_name=external_name,
                score_kind=score_kind,
            )
    except IntegrityError:
        return ModelVersion.objects.get(registered_model=registered_model, external_name=external_name)
    open_alert(
        registered_model=registered_model,
        kind="unregistered_version",
        slice=external_name,
        message=f"Predictions arrive from version “{external_name}”, which nobody registered.",
        now=now,
    )
    return version
