"""`POST /predictions/` with a list: every row gets its own answer, and none harms another."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest

import tests.factories as make
from labeling.models import (
    Inspection,
    Item,
    Prediction,
)
from tests.api.line import Line, counts, image


def test_a_list_of_mixed_rows_is_answered_row_by_row(line: Line) -> None:
    line.send(line.row(1))
    rows = [
        line.row(1),
        line.row(2, label="crack"),
        line.row(3),
        line.row(4, version=None),
        "nonsense",
        line.row(1, label="ok"),
    ]

    answer = line.send(rows)

    assert answer.status_code == 207
    body = answer.json()
    assert [one["status"] for one in body["results"]] == ["error", "error", "created", "error", "error", "error"]
    assert [one["row"] for one in body["results"]] == list(range(6))
    assert body["results"][1]["error"]["row"] == 1
    assert body["counts"] == {"created": 1, "duplicate": 0, "error": 5}


def test_the_rest_of_a_list_is_unharmed(line: Line) -> None:
    answer = line.send([line.row(1), line.row(2, label="crack"), line.row(3)])

    assert [one["status"] for one in answer.json()["results"]] == ["created", "error", "created"]
    assert sorted(Inspection.objects.values_list("inspection_id", flat=True)) == ["part-1", "part-3"]


@pytest.mark.parametrize("bad", [{"label": "crack"}, {"scores": {"ok": 1}, "label": "ok", "inspection_id": "part-0"}])
def test_atomic_stores_all_or_nothing(line: Line, bad: dict[str, Any]) -> None:
    """A row that is wrong by itself, and one that only the database shows to be in conflict."""
    line.send(line.row(0))
    before = counts()

    answer = line.send([line.row(1, version="new-1"), line.row(2, **bad), line.row(3)], query="?atomic=true")

    assert answer.status_code in {400, 409}
    assert answer.json()["error"]["row"] == 1
    assert counts() == before


def test_the_same_row_twice_in_a_list_is_stored_once(line: Line) -> None:
    answer = line.send([line.row(1), line.row(1)])

    assert [one["status"] for one in answer.json()["results"]] == ["created", "duplicate"]
    assert (Inspection.objects.count(), len(Prediction.objects.get().findings)) == (1, 1)


def test_one_key_with_two_contents_in_a_list_refuses_that_part_only(line: Line) -> None:
    answer = line.send([line.row(1), line.row(2), line.row(1, label="ok")])

    assert [one["status"] for one in answer.json()["results"]] == ["error", "created", "error"]
    assert answer.json()["results"][2]["error"]["code"] == "conflict"


def test_an_empty_list_is_answered_with_an_empty_list(line: Line) -> None:
    answer = line.send([])

    assert (answer.status_code, answer.json()["results"]) == (200, [])


def test_a_list_with_files_gives_each_row_its_own(line: Line) -> None:
    rows = [line.row(number) for number in range(3)]

    answer = line.send_form({"rows": json.dumps(rows), "image.0": image(shade=1), "image.2": image(shade=3)})

    assert answer.status_code == 201
    stored = dict(Item.objects.values_list("inspection__inspection_id", "sha256"))
    assert stored["part-0"] == hashlib.sha256(make.png(shade=1)).hexdigest()
    assert stored["part-1"] == ""
    assert stored["part-2"] == hashlib.sha256(make.png(shade=3)).hexdigest()
