"""Late truth trains where nobody judged, and moves no estimate, however biased its stream."""

from __future__ import annotations

from dataclasses import asdict
from datetime import timedelta
from typing import Any

import numpy as np
import pytest

import tests.factories as make
from labeling.feedback import explain_retraining, request_retraining
from labeling.measurement import measure
from labeling.models import Inspection, Outcome
from labeling.status import model_status
from labeling.windows import Window
from models_registry import files, manifest
from models_registry.models import Dataset, ModelVersion, RegisteredModel

pytestmark = pytest.mark.django_db
NOW = make.NOW


def measured(version: ModelVersion) -> dict[str, Any]:
    found = measure(version, Window.of_days(2, now=NOW))
    cells = {name: np.asarray(value).tolist() for name, value in asdict(found.cells).items()}
    return {"cells": cells, "estimate": asdict(found.estimate), "naive": asdict(found.naive), "c": found.confusion}


def test_a_biased_stream_of_outcomes_moves_no_estimate() -> None:
    """Sixty parts in every state; then each escape that was not drawn, and each that was, drawn and settled or not,
    comes back as a complaint."""
    version = make.make_version()
    model, parts = version.registered_model, []
    for number in range(60):
        inspection = make.make_inspection()
        make.make_prediction(version=version, inspection=inspection, label="ok")
        make.make_selection(inspection=inspection, registered_model=model, u=0.1 if number % 3 else 0.9)
        if number % 3 == 1:
            make.make_ground_truth(registered_model=model, inspection=inspection, label="dent" if number % 2 else "ok")
        elif number % 3 == 2:
            make.make_review(registered_model=model, inspection=inspection)
        parts.append(inspection)
    before = measured(version)
    assert (before["estimate"]["n"], before["estimate"]["n_arrived"]) == (20, 60)

    for inspection in parts:
        make.make_outcome(registered_model=model, inspection=inspection, label="dent")

    assert measured(version) == before


def rows_of_next_dataset(model: RegisteredModel) -> dict[str, manifest.ManifestRow]:
    request_retraining(registered_model=model, by=make.make_user("lena"), reason="Now", now=NOW)
    dataset = Dataset.objects.latest("pk")
    _, rows = manifest.read(files.local_copy(dataset.manifest), expected_sha256=dataset.sha256)
    return {row.inspection.partition("/")[2]: row for row in rows}


def with_image(name: str, **fields: Any) -> Inspection:
    inspection = make.make_inspection(inspection_id=name, **fields)
    make.make_item(inspection=inspection, content=make.png(shade=len(name)))
    return inspection


def test_an_outcome_trains_without_a_weight_of_the_draw_where_nobody_judged() -> None:
    model = make.make_model()
    parts = {name: with_image(name) for name in ("judged", "drawn", "undrawn", "spoilt")}
    held_out, gone = with_image("held-out", partition="holdout"), with_image("gone", withdrawn_at=NOW)
    make.make_ground_truth(registered_model=model, inspection=parts["judged"], label="ok")
    make.make_ground_truth(registered_model=model, inspection=parts["spoilt"], label=None)
    make.make_selection(inspection=parts["judged"], registered_model=model)
    make.make_selection(inspection=parts["drawn"], registered_model=model)
    make.make_selection(inspection=parts["undrawn"], registered_model=model, u=0.9)
    for inspection in (*parts.values(), held_out, gone):
        make.make_outcome(registered_model=model, inspection=inspection, label="dent")
    make.make_outcome(
        registered_model=model, inspection=parts["drawn"], label="scratch", observed_at=NOW + timedelta(days=2)
    )
    assert explain_retraining(model, now=NOW).reason
    assert model_status(model, now=NOW).n_new_labels == 3

    rows = rows_of_next_dataset(model)

    assert {name: (row.label, row.pi) for name, row in rows.items()} == {
        "judged": ("ok", 0.5), "drawn": ("scratch", None), "undrawn": ("dent", None),
    }  # fmt: skip
    assert Outcome.objects.filter(frozen_in__isnull=False).count() == 2


def test_a_verdict_on_what_was_not_drawn_has_no_inclusion_probability() -> None:
    model = make.make_model()
    inspection = with_image("by-hand")
    make.make_selection(inspection=inspection, registered_model=model, u=0.9)
    make.make_ground_truth(registered_model=model, inspection=inspection, label="ok")
    assert rows_of_next_dataset(model)["by-hand"].pi is None
