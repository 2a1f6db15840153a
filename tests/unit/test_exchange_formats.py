"""Written and read again, every format gives back what it can carry."""

from __future__ import annotations

import datetime as dt
import hashlib
import io
import json
import sys
import zipfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labeling.exchange import coco, cvat, label_studio, parquet, tables, yolo
from labeling.exchange.errors import ExportRefused, SourceRefused
from labeling.exchange.parts import ImportedPart
from labeling.exchange.problems import Problems
from labeling.exchange.regions import Region, findings_of, regions_of_view
from labeling.exchange.rows import ExportLabel, TruthImage, TruthPrediction, TruthRow
from labeling.exchange.zipped import into_folder, zipped

NOW = dt.datetime(2026, 11, 23, 14, tzinfo=dt.UTC)
LABELS = {slug: ExportLabel(slug, slug != "ok") for slug in ("ok", "scratch", "red iron", "Hot-Spot.Multi", "Blase ä")}
WIDTH, HEIGHT = 2800, 40
few = settings(deadline=None, max_examples=40)


class Memory:
    """A source that lies in memory."""

    def __init__(self, **files: bytes) -> None:
        self.files = files

    @property
    def names(self) -> list[str]:
        return sorted(self.files)

    def open(self, name: str) -> IO[bytes]:
        if name not in self.files:
            raise FileNotFoundError(name)
        return io.BytesIO(self.files[name])


def parts_of(parts: Iterator[ImportedPart], problems: Problems) -> list[ImportedPart]:
    found = list(parts)
    assert problems.listed == []
    return found


def in_pixels(part: ImportedPart) -> list[tuple[str, float, float, float, float]]:
    pixels = [region.in_pixels(WIDTH, HEIGHT) for region in part.regions]
    return sorted((one.label, one.x, one.y, one.width, one.height) for one in pixels)


@st.composite
def regions(draw: st.DrawFn) -> Region:
    """Boxes on hundredths of a pixel, inside the image."""
    x, y = draw(st.integers(0, WIDTH * 100 - 10)), draw(st.integers(0, HEIGHT * 100 - 10))
    width, height = draw(st.integers(5, WIDTH * 100 - x)), draw(st.integers(5, HEIGHT * 100 - y))
    label = draw(st.sampled_from([slug for slug in LABELS if slug != "ok"]))
    return Region(label, x / 100, y / 100, width / 100, height / 100)


@st.composite
def truths(draw: st.DrawFn) -> TruthRow:
    """Settled parts as the database tells them: a good one has no boxes, a bad image no label."""
    number = draw(st.integers(1, 10**9))
    boxes = draw(st.lists(regions(), max_size=4))
    label = draw(
        st.sampled_from([one.label for one in boxes])
        if boxes
        else st.sampled_from(["ok", "scratch", "Blase ä"]) | st.none()
    )
    digest = hashlib.sha256(str(number).encode()).hexdigest()
    image = TruthImage(
        view="main", source="cam-1", key=f"images/{digest[:2]}/{digest}.png", content_type="image/png", sha256=digest,
        width=WIDTH, height=HEIGHT,
    )  # fmt: skip
    said = TruthPrediction(
        version="cam-net 7.1", number=3, label="scratch", confidence=draw(st.none() | st.floats(0, 1))
    )
    text = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=12)
    return TruthRow(
        inspection_id=f"part {number}/ä", station="line-1", source="cam-1", serial=draw(text), attempt=1,
        lot=draw(text), recipe="", captured_at=NOW, day=NOW.date(), shift="", purpose="production", group=f"g{number}",
        partition=draw(st.sampled_from(["train", "holdout"])), label=label,
        outcome="bad_image" if label is None else "label", findings=findings_of(boxes if label else []),
        n_verdicts=2, n_reviewers=2, method="agreement", decided_at=NOW, verdicts=[1, 2], reviews=[1], pi=0.25,
        stratum="sampled", design=1, predictions=draw(st.sampled_from([[], [said]])), images=[image], dataset=None,
        dataset_sha256=None,
    )  # fmt: skip


rows_of_truth = st.lists(truths(), max_size=6, unique_by=lambda row: row.inspection_id)


def expected_boxes(row: TruthRow) -> list[tuple[str, float, float, float, float]]:
    found = regions_of_view(row.findings, "main", row.label)
    return sorted((one.label, one.x, one.y, one.width, one.height) for one in found)


@few
@given(rows_of_truth)
def test_coco_carries_labels_boxes_splits_and_the_part(rows: list[TruthRow]) -> None:
    written = b"".join(coco.write(rows, LABELS, now=NOW))
    document = json.loads(written)
    assert {one["category_id"] for one in document["annotations"]} <= {one["id"] for one in document["categories"]}
    problems = Problems()
    read = parts_of(coco.read(Memory(**{"truth.json": written}), problems), problems)
    assert [one.inspection_id for one in read] == [row.inspection_id for row in rows]
    for row, one in zip(rows, read, strict=True):
        assert (one.labels, one.is_bad_image) == ((row.label,) if row.label else (), row.label is None)
        assert (one.serial, one.lot, one.group, one.partition) == (row.serial, row.lot, row.group, row.partition)
        assert in_pixels(one) == expected_boxes(row)


@few
@given(rows_of_truth)
def test_label_studio_carries_labels_boxes_predictions_and_the_part(rows: list[TruthRow]) -> None:
    written = b"".join(label_studio.write(rows))
    problems = Problems()
    read = parts_of(label_studio.read(Memory(**{"truth.json": written}), problems), problems)
    for row, one in zip(rows, read, strict=True):
        assert (one.inspection_id, one.image) == (row.inspection_id, row.images[0].key)
        assert (one.labels, one.is_bad_image) == ((row.label,) if row.label else (), row.label is None)
        assert (one.serial, one.lot, one.group, one.partition) == (row.serial, row.lot, row.group, row.partition)
        assert in_pixels(one) == expected_boxes(row)
        said = [(said.version, said.labels, said.confidence) for said in one.predictions]
        assert said == [(said.version, (said.label,), said.confidence) for said in row.predictions]


@few
@given(rows_of_truth)
def test_yolo_carries_boxes_and_splits(rows: list[TruthRow]) -> None:
    members = {name: b"".join(blocks) for name, blocks in yolo.write(rows, LABELS, lambda key: key.encode())}
    problems = Problems()
    read = (
        {one.image: one for one in parts_of(yolo.read(Memory(**members), problems), problems)}
        if rows_with(rows)
        else {}
    )
    by_key = {members[name].decode(): one for name, one in read.items()}
    assert len(by_key) == len(rows_with(rows))
    for row in rows_with(rows):
        one = by_key[row.images[0].key]
        assert one.partition == row.partition
        assert in_pixels(one) == ([] if row.label == "ok" else expected_boxes(row))
        if not expected_boxes(row):
            assert one.labels == (() if row.label == "ok" else (row.label,))
        assert one.is_judged


def rows_with(rows: list[TruthRow]) -> list[TruthRow]:
    return [row for row in rows if row.label is not None]


@few
@given(rows_of_truth)
def test_parquet_is_read_by_others(rows: list[TruthRow]) -> None:
    arrow = pytest.importorskip("pyarrow.parquet", reason="pyarrow is not installed: Parquet was not tried")
    table = arrow.read_table(io.BytesIO(b"".join(parquet.write(rows)))).to_pylist()
    assert [row["inspection_id"] for row in table] == [row.inspection_id for row in rows]
    assert [json.loads(row["findings"]) for row in table] == [row.findings for row in rows]
    assert [row["decided_at"] for row in table] == [NOW] * len(rows)
    assert [row["images"][0]["width"] for row in table] == [WIDTH] * len(rows)


def test_parquet_without_pyarrow_is_refused_in_words(monkeypatch: Any) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(ExportRefused, match=r"requirements-parquet\.txt") as refused:
        next(parquet.write([]))
    assert (refused.value.code, refused.value.http_status) == ("parquet_missing", 501)


def test_an_archive_is_whole_for_others_and_its_stream_is_not_kept(tmp_path: Path) -> None:
    members = [("a/b.txt", [b"x" * 100, b"y"]), ("ü.jpg", [b"\xff\xd8"]), ("empty.txt", [])]
    blocks = list(zipped(members))
    archive = zipfile.ZipFile(io.BytesIO(b"".join(blocks)))
    assert archive.testzip() is None
    assert {name: archive.read(name) for name in archive.namelist()} == {name: b"".join(b) for name, b in members}
    assert list(into_folder(members, tmp_path)) == ["a/b.txt", "ü.jpg", "empty.txt"]
    assert (tmp_path / "a" / "b.txt").read_bytes() == b"x" * 100 + b"y"


@few
@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=30)), st.binary(max_size=200))
def test_no_reader_breaks_on_what_is_no_file_of_its_kind(words: list[str], noise: bytes) -> None:
    readers = {
        "x.json": (coco.read, label_studio.read), "x.csv": (tables.read_csv,), "x.jsonl": (tables.read_jsonl,),
        "x.xml": (cvat.read,), "data.yaml": (yolo.read,),
    }  # fmt: skip
    for content in (noise, ",".join(words).encode(), json.dumps(words).encode(), b"inspection_id,label\n" + noise):
        for name, several in readers.items():
            for read in several:
                with suppress(SourceRefused):
                    list(read(Memory(**{name: content}), Problems()))


@few
@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(max_size=5),
        lambda x: (
            st.lists(x, max_size=3)
            | st.dictionaries(st.sampled_from(["view", "regions", "box", "label", "confidence", "x"]), x, max_size=4)
        ),
        max_leaves=20,
    )
)
def test_findings_of_any_shape_give_boxes_or_nothing(value: Any) -> None:
    for region in regions_of_view(value if isinstance(value, list) else [value], "main", "scratch"):
        assert region.is_box
