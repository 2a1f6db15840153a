"""One row, as a client may send it: taken, or refused with its field named. Nothing else can happen."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labeling.errors import RowRefused
from labeling.incoming import IncomingRow, check_scores, decode_line, decode_row, why_unstorable

LEAST: dict[str, Any] = {"inspection_id": "88213", "source": "cam-1"}
LABELS = ["ok", "scratch", "dent"]

texts = st.text(max_size=30) | st.sampled_from(["\0", "a\0b", "\ud800", "\U0001f600", "null", "NaN", "1e999", "true"])
numbers = st.integers() | st.integers(min_value=2**62, max_value=2**70) | st.floats() | st.just(10**400)
anything = st.recursive(
    st.none() | st.booleans() | numbers | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)
fields = st.sampled_from(IncomingRow.__struct_fields__)


def nested(depth: int) -> Any:
    return {} if depth == 0 else {"a": nested(depth - 1)}


def refusal_of(**raw: Any) -> RowRefused:
    with pytest.raises(RowRefused) as caught:
        decode_row(LEAST | raw, position=7)
    assert caught.value.row == 7
    return caught.value


@settings(max_examples=150, deadline=None)
@given(st.dictionaries(fields | texts, anything, max_size=6))
def test_any_row_is_taken_or_refused_with_a_field(raw: dict[str, Any]) -> None:
    row = taken_or_refused(LEAST | raw)
    if isinstance(row, RowRefused):
        assert (row.row, bool(row.fields), row.http_status) == (3, True, 400)
        return
    assert why_unstorable(row.metadata) == ""
    assert len(row.digest()) == 64
    json.dumps(row.metadata, allow_nan=False).encode()


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=60) | st.dictionaries(fields | texts, anything, max_size=5))
def test_a_line_of_a_bulk_body_is_taken_as_its_row_is_or_refused(said: bytes | dict[str, Any]) -> None:
    """The fast way in lets nothing in that the careful one refuses, and reads it as the same."""
    text = (
        said if isinstance(said, bytes) else json.dumps(LEAST | said, ensure_ascii=False).encode(errors="surrogatepass")
    )
    try:
        row = decode_line(text, position=3)
    except RowRefused as error:
        refusal = error
    else:
        assert row == decode_row(json.loads(text), position=3)
        return
    assert (refusal.row, bool(refusal.fields)) == (3, True)


def taken_or_refused(raw: dict[str, Any]) -> IncomingRow | RowRefused:
    try:
        return decode_row(raw, position=3)
    except RowRefused as refusal:
        return refusal


@settings(max_examples=150, deadline=None)
@given(
    kind=st.sampled_from(["probabilities", "independent", "anomaly", "decision_only"]),
    label=st.none() | st.sampled_from(LABELS) | texts,
    confidence=st.none() | st.floats(),
    scores=st.none() | st.dictionaries(st.sampled_from(LABELS) | texts, st.floats(0, 1) | st.floats(), max_size=4),
)
def test_a_confidence_that_is_let_in_is_a_probability(kind: str, label: Any, confidence: Any, scores: Any) -> None:
    try:
        row = decode_row(LEAST | {"label": label, "confidence": confidence, "scores": scores}, position=0)
        sure = check_scores(row, score_kind=kind, labels=LABELS, position=0)
    except RowRefused:
        return
    assert row.label in LABELS
    assert sure is None or 0 <= sure <= 1
    assert scores is None or all(math.isfinite(score) for score in scores.values())


@pytest.mark.parametrize(
    ("raw", "field"),
    [
        ({"inspection_id": ""}, "inspection_id"),
        ({"inspection_id": "x" * 121}, "inspection_id"),
        ({"inspection_id": "a\0b"}, "inspection_id"),
        ({"inspection_id": 5}, "inspection_id"),
        ({"source": None}, "source"),
        ({"lable": "ok"}, "lable"),
        ({"confidence": True}, "confidence"),
        ({"confidence": math.nan}, "confidence"),
        ({"confidence": "NaN"}, "confidence"),
        ({"scores": [0.1]}, "scores"),
        ({"scores": {"ok": math.inf}}, "scores"),
        ({"scores": {"ok": "Infinity"}}, "scores"),
        ({"scores": {"ok": True}}, "scores"),
        ({"scores": {"ok": 10**400}}, "scores"),
        ({"metadata": []}, "metadata"),
        ({"metadata": {"a": {"b\0": 1}}}, "metadata"),
        ({"metadata": {"a": "\ud800"}}, "metadata"),
        ({"metadata": {"a": 2**63}}, "metadata"),
        ({"metadata": {"a": "x" * 20_000}}, "metadata"),
        ({"metadata": nested(17)}, "metadata"),
        ({"metadata": nested(900)}, "metadata"),
        ({"findings": [1]}, "findings"),
        ({"findings": {"a": 1}}, "findings"),
        ({"findings": [{"a": "x" * 300_000}]}, "findings"),
        ({"version": 2**63}, "version"),
        ({"version": True}, "version"),
        ({"version": ""}, "version"),
        ({"view": ""}, "view"),
        ({"captured_at": "2026-11-24T06:00:00"}, "captured_at"),
        ({"captured_at": "0001-01-01T00:00:00+14:00"}, "captured_at"),
        ({"captured_at": "9999-12-31T23:59:59-14:00"}, "captured_at"),
        ({"captured_at": "2026-11-24T06:00:00-20:50"}, "captured_at"),
        ({"captured_at": 10**30}, "captured_at"),
        ({"predicted_at": "yesterday"}, "predicted_at"),
        ({"purpose": "fun"}, "purpose"),
    ],
)
def test_what_is_wrong_is_named(raw: dict[str, Any], field: str) -> None:
    assert list(refusal_of(**raw).fields) == [field]


def test_what_forms_send_as_text_is_understood() -> None:
    row = decode_row(LEAST | {"confidence": "0.5", "captured_at": "2026-11-24T06:00:00+01:00"}, position=0)

    assert row.confidence == 0.5
    assert row.captured_at is not None


def checked(kind: str, **raw: Any) -> float | None:
    return check_scores(
        decode_row(LEAST | {"label": "scratch"} | raw, position=2), score_kind=kind, labels=LABELS, position=2
    )


@pytest.mark.parametrize(
    ("kind", "raw", "confidence"),
    [
        ("probabilities", {"scores": {"ok": 0.1, "scratch": 0.9}}, 0.9),
        ("probabilities", {"scores": {"ok": 0.105, "scratch": 0.9}}, 0.9),
        ("probabilities", {"confidence": 0.8}, 0.8),
        ("probabilities", {"scores": {"ok": 1.0}}, None),
        ("independent", {"scores": {"ok": 0.7, "scratch": 0.9}}, 0.9),
        ("independent", {}, None),
        ("anomaly", {"scores": {"distance": 1234.5}}, None),
        ("anomaly", {"scores": {"distance": -3}, "confidence": 0.4}, 0.4),
        ("decision_only", {}, None),
    ],
)
def test_scores_that_fit_what_the_version_declares(kind: str, raw: dict[str, Any], confidence: float | None) -> None:
    assert checked(kind, **raw) == confidence


@pytest.mark.parametrize(
    ("kind", "raw", "code", "field"),
    [
        ("probabilities", {"label": "crack"}, "unknown_label", "label"),
        ("probabilities", {"label": None}, "label_missing", "label"),
        ("probabilities", {}, "scores_missing", "scores"),
        ("probabilities", {"scores": {}}, "scores_do_not_fit", "scores"),
        ("probabilities", {"scores": {"ok": 0.1, "scratch": 0.8}}, "scores_do_not_fit", "scores"),
        ("probabilities", {"scores": {"ok": 1.5, "scratch": -0.5}}, "scores_do_not_fit", "scores"),
        ("probabilities", {"scores": {"ok": 0.1, "crack": 0.9}}, "unknown_score", "scores"),
        (
            "probabilities",
            {"scores": {"ok": 0.1, "scratch": 0.9}, "confidence": 0.8},
            "scores_do_not_fit",
            "confidence",
        ),
        ("independent", {"scores": {"ok": 1.1}}, "scores_do_not_fit", "scores"),
        ("anomaly", {}, "scores_do_not_fit", "scores"),
        ("anomaly", {"scores": {"a": 1, "b": 2}}, "scores_do_not_fit", "scores"),
        ("anomaly", {"scores": {"a" * 121: 1}}, "invalid", "scores"),
        ("decision_only", {"scores": {"ok": 1}}, "scores_do_not_fit", "scores"),
        ("decision_only", {"confidence": 1.01}, "invalid", "confidence"),
        ("independent", {"confidence": -0.01}, "invalid", "confidence"),
    ],
)
def test_scores_that_do_not_fit_are_named(kind: str, raw: dict[str, Any], code: str, field: str) -> None:
    with pytest.raises(RowRefused) as refusal:
        checked(kind, **raw)

    assert (refusal.value.code, list(refusal.value.fields), refusal.value.row) == (code, [field], 2)


def test_the_digest_tells_a_resend_from_other_content() -> None:
    first = decode_row(LEAST | {"label": "ok", "scores": {"ok": 0.7, "dent": 0.3}}, position=0)
    again = decode_row(LEAST | {"scores": {"dent": 0.3, "ok": 0.7}, "label": "ok"}, position=5)
    other = decode_row(LEAST | {"label": "ok", "scores": {"ok": 0.6, "dent": 0.4}}, position=0)

    assert first.digest() == again.digest() != other.digest()
