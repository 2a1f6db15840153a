"""What the endpoints of a version's accuracy answer, and how figures become it.

Shares lie between 0 and 1. Where too little is known for an estimate `value`, `low` and `high` are null and a bound
stands alone; where nothing is known all five are.
"""

from __future__ import annotations

from datetime import date

import msgspec

from labeling.accuracy.figures import Rate
from labeling.accuracy.slices import SliceAccuracy
from labeling.charts import Share
from models_registry.estimation import AccuracyEstimate, NaiveAccuracy
from models_registry.estimation.counts import Measured


class Number(msgspec.Struct):
    value: float | None
    low: float | None
    high: float | None
    lower_bound: float | None
    upper_bound: float | None
    n: int
    n_found: int | None
    method: str


class About(msgspec.Struct, kw_only=True):
    """What was asked for, and a hash of everything that went into the answer."""

    model: str
    version: int
    first_day: date
    last_day: date
    source: str | None
    inputs_hash: str


class Money(msgspec.Struct):
    currency: str
    a_day: Number
    a_day_without_model: Number


class AccuracyAnswer(About, kw_only=True):
    """`plain_share` is that of everything reviewed: biased, and why. `label_free` is the model's own word."""

    accuracy: Number
    n_arrived: int
    n_days: int
    n_eff: float | None
    response_rate: float | None
    provisional: bool
    worst_low: float | None
    worst_high: float | None
    label_free: float | None
    plain_share: Number
    why_not_plain: str
    escape_rate: Number
    overkill_rate: Number
    first_pass_yield: Number
    missed_per_million: Number
    cost: Money | None
    designs: list[int]


class ConfusionCell(msgspec.Struct):
    true: str
    predicted: str
    of_true: Number
    of_all: Number
    n: int


class EscapeShare(msgspec.Struct):
    label: str
    share: Number


class ConfusionAnswer(About, kw_only=True):
    labels: list[str]
    cells: list[ConfusionCell]
    escapes: list[EscapeShare]


class SliceAnswer(msgspec.Struct):
    """`state`: ok, watch, alert, critical, few (not measurable); empty without a target. `evidence`: so many to 1."""

    dimension: str
    key: str
    name: str
    accuracy: Number
    evidence: float | None
    state: str


class SlicesAnswer(About, kw_only=True):
    target: float | None
    slices: list[SliceAnswer]


class ConfidenceTenth(msgspec.Struct):
    low: float
    high: float
    mean_confidence: float | None
    right: Number


class ReliabilityAnswer(About, kw_only=True):
    """`too_sure`: mean confidence minus share right. `calibration_error`: without what chance adds to it."""

    n: int
    tenths: list[ConfidenceTenth]
    too_sure: float | None
    calibration_error: float | None
    calibration_error_low: float | None
    calibration_error_high: float | None
    brier: float | None


class RegionClass(msgspec.Struct):
    """`label` null: all classes together. Counts are of what was looked at, unweighted."""

    label: str | None
    precision: Number
    recall: Number
    n_matched: int
    n_missed: int
    n_false: int


class RegionsAnswer(About, kw_only=True):
    """`n`: reviews whose regions are settled; `response_rate`: their share of what was drawn and could be judged."""

    n: int
    response_rate: float | None
    classes: list[RegionClass]


def of_measured(one: Measured) -> Number:
    value, low, high = (None, None, None) if one.bound_only else (one.value, one.low, one.high)
    return Number(value, low, high, one.lower_bound, one.upper_bound, one.n, one.n_found, one.method)


def of_rate(one: Rate) -> Number:
    value, low, high = (one.value, one.low, one.high) if one.state == "estimate" else (None, None, None)
    lower, upper = (one.bound, None) if one.is_floor else (None, one.bound)
    return Number(value, low, high, lower, upper, one.n, one.n_found, one.method)


def of_accuracy(one: AccuracyEstimate | SliceAccuracy) -> Number:
    value, low, high = (None, None, None) if one.bound_only else (one.value, one.ci_low, one.ci_high)
    return Number(value, low, high, one.lower_bound, None, one.n, one.n_found, one.method)


def of_plain(one: NaiveAccuracy) -> Number:
    return Number(one.value, one.ci_low, one.ci_high, None, None, one.n, None, "plain share, biased")


def of_share(one: Share) -> Number:
    value, low, high = (one.value, one.low, one.high) if one.is_estimate else (None, None, None)
    return Number(value, low, high, None, None, one.n, None, "")
