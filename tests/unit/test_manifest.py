"""The manifest is the same bytes for the same data, and refuses what training must not see."""

import hashlib
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models_registry.manifest import (
    SCHEMA_VERSION,
    ManifestError,
    ManifestHeader,
    ManifestImage,
    ManifestRow,
    check,
    measuring,
    read,
    write,
)

HEADER = ManifestHeader(
    schema_version=SCHEMA_VERSION,
    model="casting",
    label_set=3,
    classes=("ok", "dent"),
    cutoff="2030-01-02T03:04:05+00:00",
    code_version="1.0",
)


def make_row(inspection: str = "i-1", **changes: object) -> ManifestRow:
    row = ManifestRow(
        inspection=inspection,
        group=inspection,
        partition="train",
        label="ok",
        weight=1.0,
        pi=0.25,
        images=(ManifestImage(f"images/{inspection}.jpg", "ab" * 32),),
    )
    return replace(row, **changes)  # type: ignore[arg-type]


def make_rows() -> list[ManifestRow]:
    return [make_row("i-1"), make_row("i-2", label="dent", pi=None), make_row("i-3", partition="holdout")]


def write_lines(path: Path, *lines: bytes) -> str:
    content = b"".join(line + b"\n" for line in lines)
    path.write_bytes(content)
    return hashlib.sha256(content).hexdigest()


def refusal(path: Path, sha256: str) -> ManifestError:
    with pytest.raises(ManifestError) as refused:
        read(path, expected_sha256=sha256)
    return refused.value


def failed(rows: list[ManifestRow]) -> list[str]:
    return [one.name for one in check(HEADER, rows) if not one.passed]


def test_what_was_written_is_read(tmp_path: Path) -> None:
    path = tmp_path / "manifest.jsonl"
    sha256 = write(path, HEADER, iter(make_rows()))
    assert sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert read(path, expected_sha256=sha256) == (HEADER, make_rows())


def test_the_same_dataset_has_the_same_hash_and_another_weight_another(tmp_path: Path) -> None:
    first = write(tmp_path / "a", HEADER, make_rows())
    assert write(tmp_path / "b", HEADER, make_rows()) == first
    assert write(tmp_path / "c", HEADER, [make_row("i-1", weight=2.0), *make_rows()[1:]]) != first


def test_a_row_is_one_line_with_the_agreed_names(tmp_path: Path) -> None:
    write(tmp_path / "manifest.jsonl", HEADER, [make_row(pi=None)])
    assert (
        (tmp_path / "manifest.jsonl")
        .read_bytes()
        .splitlines()[1]
        .startswith(
            b'{"inspection":"i-1","group":"i-1","partition":"train","label":"ok","weight":1.0,"pi":null,'
            b'"images":[{"key":"images/i-1.jpg","sha256":"' + b"ab" * 32 + b'"'
        )
    )


@settings(max_examples=8, deadline=None)
@given(st.lists(st.text(max_size=8), max_size=5, unique=True), st.floats(1e-6, 1e6))
def test_any_names_survive_the_file(tmp_path_factory: pytest.TempPathFactory, names: list[str], weight: float) -> None:
    path = tmp_path_factory.mktemp("manifest") / "manifest.jsonl"
    rows = [make_row(name, label=name, weight=weight) for name in sorted(names)]
    assert read(path, expected_sha256=write(path, HEADER, rows))[1] == rows


def test_a_changed_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "manifest.jsonl"
    sha256 = write(path, HEADER, make_rows())
    path.write_bytes(path.read_bytes().replace(b"dent", b"ok  "))
    assert refusal(path, sha256).code == "hash_mismatch"


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    assert refusal(tmp_path / "manifest.jsonl", "0" * 64).code == "missing"


def test_rows_out_of_order_are_not_written_and_leave_no_file(tmp_path: Path) -> None:
    with pytest.raises(ManifestError) as refused:
        write(tmp_path / "manifest.jsonl", HEADER, [make_row("i-2"), make_row("i-1")])
    assert (refused.value.code, refused.value.line) == ("unsorted", 3)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "row",
    [make_row(weight=float("inf")), make_row(weight=float("nan")), make_row(pi=float("nan"))],
    ids=["infinite weight", "weight not a number", "pi not a number"],
)
def test_a_number_that_json_cannot_say_is_not_written(row: ManifestRow, tmp_path: Path) -> None:
    with pytest.raises(ManifestError) as refused:
        write(tmp_path / "manifest.jsonl", HEADER, [row])
    assert (refused.value.code, refused.value.line) == ("bad_row", 2)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'"partition":"train"', b'"partition":"test"'),
        (b'"weight":1.0', b'"weight":"1"'),
        (b'"label":"ok",', b""),
        (b"}]", b"]"),
    ],
)
def test_a_bad_row_is_named_by_its_line(old: bytes, new: bytes, tmp_path: Path) -> None:
    path = tmp_path / "manifest.jsonl"
    write(path, HEADER, make_rows())
    header, first, second, third = path.read_bytes().splitlines()
    broken = second.replace(b'"dent"', b'"ok"').replace(old, new)
    refused = refusal(path, write_lines(path, header, first, broken, third))
    assert (refused.code, refused.line) == ("bad_row", 3)
    assert str(refused).startswith("Line 3: ")


def test_an_unsorted_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "manifest.jsonl"
    write(path, HEADER, make_rows())
    header, first, second, _ = path.read_bytes().splitlines()
    assert refusal(path, write_lines(path, header, second, first)).code == "unsorted"


@pytest.mark.parametrize("content", [b"", b"{}", b"[]", b"\xff"])
def test_a_bad_header_is_refused(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "manifest.jsonl"
    path.write_bytes(content)
    assert refusal(path, hashlib.sha256(content).hexdigest()).code == "bad_header"


def test_another_schema_is_refused(tmp_path: Path) -> None:
    sha256 = write(tmp_path / "manifest.jsonl", replace(HEADER, schema_version=99), [])
    assert refusal(tmp_path / "manifest.jsonl", sha256).code == "schema_version"


def test_a_good_dataset_passes_every_check_in_words() -> None:
    checks = check(HEADER, make_rows())
    assert [one.name for one in checks if not one.passed] == []
    assert {one.name: one.detail for one in checks}["counts"] == "2 in train, 1 in hold-out."


@pytest.mark.parametrize(
    ("name", "row"),
    [
        ("known_classes", make_row("i-9", label="rust")),
        ("groups_apart", make_row("i-9", group="i-3")),
        ("no_duplicate_inspection", make_row("i-2", label="dent")),
        ("counts", make_row("i-9", images=())),
        ("weights", make_row("i-9", weight=0.0)),
        ("weights", make_row("i-9", weight=float("nan"))),
        ("weights", make_row("i-9", pi=1.5)),
    ],
)
def test_each_check_fails_for_its_own_reason_and_names_the_row(name: str, row: ManifestRow) -> None:
    assert failed([*make_rows(), row]) == [name]
    detail = {one.name: one.detail for one in check(HEADER, [*make_rows(), row])}[name]
    assert any(word in detail for word in (row.inspection, row.label, row.group))


def test_one_class_in_train_is_not_enough_whatever_the_hold_out_holds() -> None:
    assert failed([make_row("i-1"), make_row("i-2", label="dent", partition="holdout")]) == ["two_classes_in_train"]


def test_an_empty_dataset_fails_without_an_exception() -> None:
    assert failed([]) == ["two_classes_in_train", "counts"]


def test_what_nobody_drew_measures_only_while_nothing_else_is_held_out() -> None:
    imported = [make_row("i-1", pi=None), make_row("i-2", pi=None, partition="holdout")]
    assert measuring(imported) == [False, True]
    drawn = [*imported, make_row("i-3"), make_row("i-4", partition="holdout")]
    assert measuring(drawn) == [False, False, False, True]
