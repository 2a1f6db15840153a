"""Estimates of how often a model errs, from inspections drawn with known chances. Numbers in, numbers out."""

from models_registry.estimation.accuracy import (
    AccuracyEstimate,
    DrawnSample,
    NaiveAccuracy,
    estimate_accuracy,
    naive_accuracy,
)

__all__ = ["AccuracyEstimate", "DrawnSample", "NaiveAccuracy", "estimate_accuracy", "naive_accuracy"]
