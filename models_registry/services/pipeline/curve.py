"""What fewer labels would have made, told with the version: the points of its learning curve."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

import numpy as np

from models_registry.models import TrainingStep
from models_registry.services.pipeline import stored
from models_registry.services.pipeline.workspace import Workspace
from models_registry.training.curve import full_point, nested_points

if TYPE_CHECKING:
    from models_registry.services.comparisons import HoldOut
    from models_registry.services.pipeline.workspace import StepReport

NAME = "learning_curve"
Table = np.ndarray[tuple[int, int], np.dtype[np.float64]]


def measure_curve(workspace: Workspace, report: StepReport, *, estimator: str, holdout: HoldOut) -> None:
    """Judge models of an eighth, a quarter and a half of the training rows on the hold-out, beside the whole's."""
    train = workspace.partition("train")
    points = nested_points(
        workspace.features_of(train),
        workspace.labels()[train],
        [row.group for row in workspace.rows if row.partition == "train"],
        held_out=holdout.features,
        truth=holdout.truth,
        pi=holdout.pi,
        estimator=estimator,
        seed=workspace.run.seed,
    )
    if not points:
        return
    points.append(full_point(int(train.sum()), holdout.candidate_words == holdout.truth, holdout.pi))
    table = np.array([(one.n_labels, one.accuracy, one.n) for one in points], dtype=np.float64)
    report.artifacts.append(stored.keep_array(NAME, table))
    report.say("; ".join(f"{one.accuracy:.1%} from {one.n_labels} labels" for one in points))
    _tell(workspace, table)


def known_curve(workspace: Workspace, step: TrainingStep) -> None:
    """The points that an attempt before measured, where it did."""
    with suppress(stored.NothingStored):
        _tell(workspace, stored.array_of(step, NAME))


def _tell(workspace: Workspace, table: Table) -> None:
    workspace.metrics[NAME] = [
        {"n_labels": int(n_labels), "accuracy": round(accuracy, 6), "n": int(n)}
        for n_labels, accuracy, n in table.tolist()
    ]
