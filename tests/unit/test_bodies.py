"""A body in pieces becomes rows, however it is cut, and says clearly where it stops being one."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labeling.bodies import MAX_ROW_BYTES, BodyRefused, bounded, gunzipped, rows

quick = settings(max_examples=60, deadline=None)
values = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=8,
)


def pieces(body: bytes, size: int) -> Iterator[bytes]:
    for start in range(0, len(body), size):
        yield body[start : start + size]


def read(body: bytes, size: int = 7) -> list[Any]:
    return [json.loads(row) for row in rows(pieces(body, size))]


@given(st.lists(st.dictionaries(st.text(max_size=4), values, max_size=3), max_size=6), st.integers(1, 40))
@quick
def test_an_array_and_its_lines_are_the_same_rows_wherever_they_are_cut(sent: list[Any], size: int) -> None:
    array = json.dumps(sent, ensure_ascii=False, indent=1).encode()
    lines = b"\r\n\n".join(json.dumps(one).encode() for one in sent)

    assert read(array, size) == sent
    assert read(lines, size) == sent
    assert read(lines + b"\n", size) == sent


@given(st.binary(max_size=300), st.integers(1, 50))
@quick
def test_gzip_is_unpacked_wherever_it_is_cut_also_in_several_members(body: bytes, size: int) -> None:
    packed = gzip.compress(body) + gzip.compress(b"tail", mtime=0)

    assert b"".join(gunzipped(pieces(packed, size))) == body + b"tail"


@given(st.binary(max_size=60), st.integers(1, 9))
@quick
def test_any_bytes_are_rows_or_a_refusal(body: bytes, size: int) -> None:
    for text in (body, b"[" + body):
        with suppress(BodyRefused):
            list(rows(pieces(text, size)))


@pytest.mark.parametrize("body", [b"[1,2", b'["a', b"[{", b"[", b'[{"a": "]"'])
def test_an_array_that_does_not_end_was_cut_off(body: bytes) -> None:
    with pytest.raises(BodyRefused, match="cut off"):
        list(rows(pieces(body, 2)))


def test_rows_before_the_cut_are_given_first() -> None:
    stream = rows(pieces(b'[{"a": 1}, {"a": 2}, {"a"', 4))

    assert [next(stream), next(stream)] == [b'{"a": 1}', b'{"a": 2}']


@pytest.mark.parametrize("body", [b"[1] [2]", b"[1]]", b"[1],"])
def test_more_behind_the_array_is_refused(body: bytes) -> None:
    with pytest.raises(BodyRefused, match="behind the end"):
        list(rows(pieces(body, 3)))


def test_nothing_is_no_rows() -> None:
    assert read(b"") == read(b" \n ") == read(b"[]") == read(b"[ ]") == []


@pytest.mark.parametrize(
    "packed", [b"no gzip", gzip.compress(b"x" * 999, mtime=0)[:-9], gzip.compress(b"x", mtime=0)[:4], b""]
)
def test_broken_gzip_is_named(packed: bytes) -> None:
    with pytest.raises(BodyRefused) as refusal:
        list(gunzipped(pieces(packed, 5)))

    assert refusal.value.code == "broken_gzip"


def test_a_bomb_is_unpacked_piece_by_piece_and_stopped_at_the_limit() -> None:
    bomb = gzip.compress(b"0" * 50_000_000, mtime=0)
    unpacked: list[int] = []

    with pytest.raises(BodyRefused) as refusal:
        unpacked.extend(len(piece) for piece in bounded(gunzipped([bomb]), max_bytes=1_000_000))

    assert (refusal.value.code, refusal.value.http_status) == ("body_too_large", 413)
    assert 0 < max(unpacked) <= 65_536


@pytest.mark.parametrize("start", [b"", b"["])
def test_one_endless_row_is_refused_before_it_fills_the_memory(start: bytes) -> None:
    def endless() -> Iterator[bytes]:
        yield start + b'{"a": "'
        while True:
            yield b"x" * 65_536

    with pytest.raises(BodyRefused) as refusal:
        list(rows(endless()))

    assert (refusal.value.code, refusal.value.http_status) == ("row_too_large", 413)
    assert MAX_ROW_BYTES < 2**20
