"""Cells of a window and of its slices, read from the rollups."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

import tests.factories as make
from labeling.models import Inspection, Source
from labeling.tallies import fold
from labeling.windows import Window, slice_cells, window_cells
from models_registry.estimation.cells import NOT_JUDGEABLE, UNSETTLED
from models_registry.models import ModelVersion

NOW = make.NOW
WINDOW = Window.of_days(28, now=NOW)


@pytest.fixture
def version(db: None) -> ModelVersion:
    return make.make_version()


def part(
    version: ModelVersion, *, said: str = "ok", truth: str | None = "", source: Source | None = None, **fields: Any
) -> Inspection:
    names = {name: fields.pop(name) for name in ("lot", "shift", "day") if name in fields}
    inspection = make.make_inspection(station=source.station if source else None, **names)
    if source:
        make.make_item(inspection=inspection, source=source)
    make.make_prediction(version=version, inspection=inspection, label=said)
    make.make_selection(inspection=inspection, registered_model=version.registered_model, **fields)
    if truth != "":
        make.make_ground_truth(registered_model=version.registered_model, inspection=inspection, label=truth)
    return inspection


def test_what_arrived_and_what_is_settled_stand_under_the_numbers_of_their_labels(version: ModelVersion) -> None:
    part(version, said="ok", truth="dent", pi=0.25, u=0.1)
    part(version, said="ok", truth=None, pi=0.25, u=0.1)
    part(version, said="ok", pi=0.25, u=0.9)

    found = window_cells(version, WINDOW)

    slugs = [label.slug for label in found.labels]
    ok, dent = slugs.index("ok"), slugs.index("dent")
    rows = {int(true): place for place, true in enumerate(found.cells.true)}
    assert set(rows) == {UNSETTLED, NOT_JUDGEABLE, dent}
    assert set(found.cells.predicted) == {ok}
    assert (found.cells.n_arrived[rows[UNSETTLED]], found.cells.n_drawn[rows[UNSETTLED]]) == (3, 2)
    assert (found.cells.n[rows[dent]], found.cells.w[rows[dent]]) == (1, 4)
    assert list(found.is_defect) == [label.is_defect for label in found.labels]


def test_days_outside_the_window_are_left_out(version: ModelVersion) -> None:
    part(version, day=(NOW - timedelta(days=29)).date())
    part(version, day=NOW.date())
    fold()

    assert window_cells(version, WINDOW).cells.n_arrived.sum() == 1
    assert window_cells(version, Window.of_days(90, now=NOW)).cells.n_arrived.sum() == 2


def test_a_window_without_anything_has_no_cells(version: ModelVersion) -> None:
    found = window_cells(version, WINDOW)

    assert len(found.cells) == 0
    assert [label.slug for label in found.labels]


def test_a_lot_knows_what_is_settled_and_a_camera_what_arrived_too(version: ModelVersion) -> None:
    camera, other = make.make_source(), make.make_source()
    for _ in range(2):
        part(version, truth="ok", lot="L1", source=camera)
    part(version, truth="dent", lot="L2", source=camera)
    part(version, u=0.9, source=camera)
    part(version, truth="ok", source=other)

    lots = slice_cells(version, WINDOW, "lot")[1]
    cameras = slice_cells(version, WINDOW, "source")[1]

    assert [(one.key, int(one.cells.n.sum()), int(one.cells.n_arrived.sum())) for one in lots] == [
        ("L1", 2, 0),
        ("L2", 1, 0),
    ]
    assert [(one.name, int(one.cells.n.sum()), int(one.cells.n_arrived.sum())) for one in cameras] == [
        (f"{camera.station.name}, {camera.name}", 3, 4),
        (f"{other.station.name}, {other.name}", 1, 1),
    ]
    assert len(slice_cells(version, WINDOW, "lot", source=other)[1]) == 0
    assert {one.name for one in slice_cells(version, WINDOW, "station")[1]} == {camera.station.name, other.station.name}
    assert [one.name for one in slice_cells(version, WINDOW, "class")[1]] == ["OK"]


def test_slices_by_something_unknown_are_refused(version: ModelVersion) -> None:
    for nothing in ("", "mood"):
        with pytest.raises(ValueError, match="no slices"):
            slice_cells(version, WINDOW, nothing)
