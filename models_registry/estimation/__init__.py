"""Estimates of how often a model errs, from inspections drawn with known chances. Numbers in, numbers out."""

from models_registry.estimation.accuracy import (
    AccuracyEstimate,
    NaiveAccuracy,
    estimate_accuracy,
    naive_accuracy,
    naive_of_cells,
)
from models_registry.estimation.cells import Cells, cells_of_items

__all__ = [
    "AccuracyEstimate",
    "Cells",
    "NaiveAccuracy",
    "cells_of_items",
    "estimate_accuracy",
    "naive_accuracy",
    "naive_of_cells",
]
