"""Record what the estimators found. Append-only: the same inputs add nothing."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import fields
from datetime import datetime
from typing import Any

from models_registry.estimation import AccuracyEstimate, Cells, NaiveAccuracy
from models_registry.models import Evaluation, ModelVersion


def inputs_hash(cells: Cells, *extra: object) -> str:
    """A hash over everything that went into an estimate; sums to nine digits, since their order rounds them."""
    digest = hashlib.sha256()
    for column in fields(cells):
        digest.update(repr([f"{value:.9g}" for value in getattr(cells, column.name).tolist()]).encode())
    digest.update(repr((len(cells), *extra)).encode())
    return digest.hexdigest()


def rows_hash(rows: Sequence[Sequence[Any]], *extra: object) -> str:
    """The same for plain rows."""
    return hashlib.sha256(repr((list(rows), *extra)).encode()).hexdigest()


def record_evaluation(
    *,
    model_version: ModelVersion,
    estimate: AccuracyEstimate,
    naive: NaiveAccuracy,
    confusion: Sequence[Sequence[Any]],
    window: tuple[datetime, datetime],
    inputs: str,
    now: datetime,
    slice: str = "",
    designs: Sequence[int] = (),
) -> Evaluation | None:
    """Store the estimate unless nothing changed since the newest one of its slice. Returns the new row, if any."""
    newest = Evaluation.objects.filter(model_version=model_version, slice=slice).order_by("-pk").first()
    if newest is not None and newest.inputs_hash == inputs:
        return None
    return Evaluation.objects.create(
        model_version=model_version,
        method=estimate.method,
        slice=slice,
        window_start=window[0],
        window_end=window[1],
        n=estimate.n,
        n_found=estimate.n_found,
        n_arrived=estimate.n_arrived,
        value=estimate.value,
        ci_low=estimate.ci_low,
        ci_high=estimate.ci_high,
        lower_bound=estimate.lower_bound,
        bound_only=estimate.bound_only,
        provisional=estimate.provisional,
        response_rate=estimate.response_rate,
        n_eff=estimate.n_eff,
        naive_value=naive.value,
        naive_n=naive.n,
        label_free=estimate.label_free,
        confusion=[list(cell) for cell in confusion],
        designs=list(designs),
        inputs_hash=inputs,
        evaluated_at=now,
    )
