"""Imported labels measure nothing, unless a named person declares them a simple random sample of N on a day.

The estimate is kept under the sample's own slice, apart from everything that was drawn, and says who stands for it.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from typing import TYPE_CHECKING

import numpy as np
from django.db import transaction
from django.db.models import F, FilteredRelation, Q, QuerySet

from labeling.models import DeclaredPart, DeclaredSample, GroundTruth, Inspection, Station
from models_registry.estimation import naive_accuracy
from models_registry.estimation.finite import METHOD_DECLARED, finite_accuracy
from models_registry.models import Evaluation, ModelVersion, RegisteredModel
from models_registry.services.evaluations import record_evaluation, rows_hash
from reviewapp.errors import Conflict, ReviewAppError

if TYPE_CHECKING:
    from django.contrib.auth.models import User


@transaction.atomic
def declare_sample(
    *,
    registered_model: RegisteredModel,
    station: Station,
    lot: str,
    population: int,
    as_of: date,
    note: str,
    by: User,
    now: datetime,
) -> DeclaredSample:
    """Fix which imported labels the declaration speaks of, and measure the versions that predicted them.

    :raises ReviewAppError: nothing was imported there, more was than the population holds, the day is to come, or it is
        not said how the sample was drawn.
    """
    keys = list(_imported(registered_model, station, lot).values_list("pk", flat=True))
    if wrong := _what_is_wrong(len(keys), population, as_of, note, now):
        raise ReviewAppError(" ".join(wrong.values()), code="invalid", fields=wrong)
    sample = DeclaredSample.objects.create(
        registered_model=registered_model, station=station, lot=lot, population=population, n_sampled=len(keys),
        as_of=as_of, note=note.strip(), declared_by=by, declared_at=now,
    )  # fmt: skip
    DeclaredPart.objects.bulk_create((DeclaredPart(sample=sample, inspection_id=key) for key in keys), batch_size=5000)
    measure_sample(sample, now=now)
    return sample


def why_no_sample(
    registered_model: RegisteredModel,
    station: Station,
    lot: str,
    *,
    population: int,
    as_of: date,
    note: str,
    now: datetime,
) -> dict[str, str]:
    """What is wrong with a declaration, by field, for a form that asks before it saves."""
    return _what_is_wrong(_imported(registered_model, station, lot).count(), population, as_of, note, now)


def _imported(registered_model: RegisteredModel, station: Station, lot: str) -> QuerySet[Inspection]:
    parts = Inspection.objects.filter(
        station=station, purpose=Inspection.Purpose.IMPORT, withdrawn_at__isnull=True,
        ground_truths__registered_model=registered_model,
    )  # fmt: skip
    return parts.filter(lot=lot) if lot else parts


def _what_is_wrong(n: int, population: int, as_of: date, note: str, now: datetime) -> dict[str, str]:
    wrong = {}
    if n == 0:
        wrong["lot"] = "No imported label of this model lies there."
    elif population < n:
        wrong["population"] = f"{n} labels were imported there; a sample is not larger than what it was drawn from."
    if as_of > now.date():
        wrong["as_of"] = "This day is to come."
    if not note.strip():
        wrong["note"] = "Say how the sample was drawn: your name stands for it."
    return wrong


def withdraw_sample(*, sample: DeclaredSample, now: datetime) -> None:
    """Take a declaration back: its numbers are shown no more. :raises Conflict: it was already."""
    standing = DeclaredSample.objects.filter(pk=sample.pk, withdrawn_at__isnull=True)
    if not standing.update(withdrawn_at=now):
        raise Conflict("It was withdrawn already.")


def measure_declared(registered_model: RegisteredModel, *, now: datetime) -> None:
    """Bring the numbers of all standing declarations of a model up to date."""
    for sample in DeclaredSample.objects.filter(registered_model=registered_model, withdrawn_at__isnull=True):
        measure_sample(sample, now=now)


def measure_sample(sample: DeclaredSample, *, now: datetime) -> list[Evaluation]:
    """Estimate every version that predicted the whole sample; what changed is recorded."""
    versions = ModelVersion.objects.filter(
        registered_model=sample.registered_model_id,
        pk__in=DeclaredPart.objects.filter(sample=sample).values("inspection__predictions__model_version"),
    )
    recorded = [_evaluate(sample, version, now) for version in versions]
    return [evaluation for evaluation in recorded if evaluation is not None]


def _evaluate(sample: DeclaredSample, version: ModelVersion, now: datetime) -> Evaluation | None:
    rows = _rows(sample, version)
    judged = [(true, said) for outcome, true, said in rows if outcome == GroundTruth.Outcome.LABEL]
    if not judged or any(said is None for _, said in judged):
        return None  # some parts were never shown to this version: what is left is no random sample
    population = max(round(sample.population * len(judged) / sample.n_sampled), len(judged))
    is_error = np.array([true != said for true, said in judged], dtype=bool)
    estimate = finite_accuracy(is_error, n_population=population, method=METHOD_DECLARED)
    day = datetime.combine(sample.as_of, time(), tzinfo=UTC)
    return record_evaluation(
        model_version=version, estimate=estimate, naive=naive_accuracy(is_error[:0]), confusion=[], window=(day, day),
        inputs=rows_hash(rows, population), now=now, slice=sample.slice,
    )  # fmt: skip


def _rows(sample: DeclaredSample, version: ModelVersion) -> list[tuple[str, str | None, str | None]]:
    """Outcome, label and what the version said of each part that may measure it.

    A version that was trained here has learned from what is not held out. The hold-out is chosen by a hash, whatever a
    part is, so the held-out parts of a random sample are one themselves.
    """
    model = sample.registered_model_id
    parts = Inspection.objects.filter(pk__in=sample.parts.values("inspection"), withdrawn_at__isnull=True)
    if version.origin == ModelVersion.Origin.TRAINED:
        parts = parts.filter(partition=Inspection.Partition.HOLDOUT)
    return list(
        parts.annotate(
            truth=FilteredRelation("ground_truths", condition=Q(ground_truths__registered_model=model)),
            said=FilteredRelation("predictions", condition=Q(predictions__model_version=version)),
        )
        .filter(truth__isnull=False)
        .order_by("pk")
        .values_list(F("truth__outcome"), F("truth__label__slug"), F("said__label__slug"))
    )


def declarations(version: ModelVersion | None) -> list[tuple[DeclaredSample, Evaluation]]:
    """The standing declarations that say something about a version, newest first."""
    if version is None:
        return []
    samples = DeclaredSample.objects.filter(
        registered_model=version.registered_model_id, withdrawn_at__isnull=True
    ).select_related("declared_by")[:5]
    by_slice = {sample.slice: sample for sample in samples}
    newest: dict[str, Evaluation] = {}
    for evaluation in Evaluation.objects.filter(model_version=version, slice__in=by_slice).order_by("pk"):
        newest[evaluation.slice] = evaluation
    return [(sample, newest[slice]) for slice, sample in by_slice.items() if slice in newest]
