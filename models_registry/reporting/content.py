"""The content of a report: plain values that are frozen as JSON, and the hash over them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from models_registry.estimation.accuracy import AccuracyEstimate
from models_registry.estimation.finite import FiniteShare

SCHEMA = "report-1"
DIGITS = 9  # of a share: far below what any review can show, and the same on every machine


class Figure(msgspec.Struct, frozen=True, kw_only=True):
    """A number with its 95 % interval. ``value`` and the interval are None where there is no data.

    ``unit``: ``share`` (0.953), ``per_million``, ``money``. ``bound``: the one-sided 95 % bound on the bad side.
    ``bound_only``: too little for an estimate, the bound alone is shown. ``of``: parts that the number speaks of.
    """

    key: str
    name: str
    value: float | None
    low: float | None
    high: float | None
    bound: float | None = None
    unit: str = "share"
    currency: str = ""
    n: int
    n_found: int
    of: int
    method: str
    bound_only: bool = False
    note: str = ""


class Content(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that a report says. ``truth``: counts of the judged by [true, predicted], "" where there was none."""

    schema: str = SCHEMA
    kind: str
    model: dict[str, str]
    version: dict[str, Any] | None
    label_set: dict[str, Any]
    window: dict[str, str]
    code_version: str
    designs: list[dict[str, Any]]
    evaluations: list[dict[str, Any]]
    facts: list[tuple[str, str]]
    figures: list[Figure]
    can: list[str]
    cannot: list[str]
    truth: list[tuple[str, str, int]]
    complaints: dict[str, Any] | None = None


def frozen(content: Content) -> dict[str, Any]:
    """The content as JSON values, floats rounded: what is stored, hashed and read by every page."""
    plain = msgspec.to_builtins(content)
    result: dict[str, Any] = _rounded(plain)
    return result


def _rounded(value: Any) -> Any:
    if isinstance(value, float):
        return round(value, DIGITS)
    if isinstance(value, Mapping):
        return {key: _rounded(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_rounded(one) for one in value]
    return value


def content_hash(content: Mapping[str, Any]) -> str:
    """SHA-256 of the canonical JSON: sorted keys, no spaces, UTF-8. The same whether from Python or the database."""
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


def read_content(content: Mapping[str, Any]) -> Content:
    """The content of a stored report. Raises msgspec.ValidationError for what no report holds."""
    return msgspec.convert(dict(content), Content)


def accuracy_figure(estimate: AccuracyEstimate, *, key: str = "accuracy", name: str = "Accuracy") -> Figure:
    return Figure(
        key=key, name=name, value=estimate.value, low=estimate.ci_low, high=estimate.ci_high,
        bound=estimate.lower_bound, n=estimate.n, n_found=estimate.n_found, of=estimate.n_arrived,
        method=estimate.method, bound_only=estimate.bound_only,
    )  # fmt: skip


def share_figure(share: FiniteShare, *, key: str, name: str, n: int, found: int, of: int, method: str) -> Figure:
    return Figure(
        key=key, name=name, value=share.value, low=share.low, high=share.high, bound=share.upper, n=n, n_found=found,
        of=of, method=method, bound_only=n < of and n < 30,
    )  # fmt: skip


def overturned(before: Sequence[Sequence[Any]], today: Sequence[Sequence[Any]]) -> tuple[int, int]:
    """How many labels have changed and how many were added, from counts by [true, predicted] then and now.

    A label that changes leaves one count for another with the same prediction. What leaves and is not made up for by
    what comes was taken back, and counts as changed. Changes that cancel out in every count change no number of a
    report and are not seen.
    """
    old = {(str(true), str(said)): int(n) for true, said, n in before}
    new = {(str(true), str(said)): int(n) for true, said, n in today}
    lost = sum(max(n - new.get(key, 0), 0) for key, n in old.items())
    added = max(sum(new.values()) - sum(old.values()), 0)
    return lost, added
