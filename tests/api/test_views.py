"""`POST /predictions/`: several views of one part, and the images that belong to them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.conf import LazySettings

import tests.factories as make
from labeling.models import (
    Inspection,
    Item,
    Prediction,
    Selection,
)
from tests.api.line import Line, error_of, image


def error_of_list(answer: Any, status: int) -> list[str]:
    assert answer.status_code == status, answer.content
    return [one["error"]["code"] for one in answer.json()["results"]]


def test_another_image_under_a_taken_view_is_a_conflict_and_no_file_is_left(line: Line, store: Path) -> None:
    fields = line.row(scores=None, confidence=0.9)
    line.send_form({**fields, "image": image()})
    on_disk = sorted(store.rglob("*.png"))

    assert error_of(line.send_form({**fields, "image": image(shade=1)}), 409)["fields"].keys() == {"image"}
    assert (
        error_of(line.send_form({**fields, "view": "top", "label": "ok", "image": image(shade=2)}), 409)["code"]
        == "conflict"
    )
    assert sorted(store.rglob("*.png")) == on_disk


def test_an_image_that_comes_later_joins_its_part(line: Line) -> None:
    line.send(line.row(scores=None, confidence=0.9))

    answer = line.send_form({**line.row(scores=None, confidence=0.9), "image": image()})

    assert (answer.status_code, answer.json()["status"]) == (201, "created")
    assert Item.objects.get().width == 8


def test_the_same_image_is_stored_once(line: Line, store: Path) -> None:
    for number in range(3):
        line.send_form({**line.row(number, scores=None, confidence=0.9), "image": image(f"{number}.png")})

    assert Item.objects.count() == 3
    assert len([path for path in store.rglob("*") if path.is_file()]) == 1


def test_several_views_of_one_part_share_one_inspection_and_the_gravest_speaks(line: Line) -> None:
    rows = [
        line.row(view="top", label="ok", scores={"ok": 0.9, "scratch": 0.1}, captured_at="2026-11-24T06:00:01Z"),
        line.row(
            view="left", label="dent", scores={"ok": 0.4, "dent": 0.6}, captured_at="2026-11-24T06:00:02Z", serial="S1"
        ),
        line.row(view="right", label="scratch", captured_at="2026-11-24T06:00:03Z", lot="L1"),
    ]
    results = line.send(rows).json()["results"]

    inspection = Inspection.objects.get()
    assert [one["label"] for one in results] == ["dent"] * 3
    assert (inspection.serial, inspection.lot) == ("S1", "L1")
    assert inspection.items.count() == 3
    assert [finding["label"] for finding in Prediction.objects.get().findings] == ["ok", "dent", "scratch"]
    assert Selection.objects.count() == 1

    again = line.send(rows)
    assert again.status_code == 200
    assert {one["status"] for one in again.json()["results"]} == {"duplicate"}
    for row in rows:
        assert line.send(row).status_code == 200


def test_a_view_that_says_something_else_later_is_a_conflict_even_beside_the_known_ones(line: Line) -> None:
    rows = [line.row(view="top", label="ok", scores={"ok": 1}), line.row(view="left", label="dent", scores={"dent": 1})]
    line.send(rows)

    changed = [line.row(view="top", label="scratch", scores={"scratch": 1}), rows[1]]

    assert line.send(changed).json()["error"]["code"] == "conflict"


def test_a_late_view_that_agrees_is_written_down_once(line: Line) -> None:
    line.send(line.row(view="top", captured_at="2026-11-24T06:00:01Z"))
    late = line.row(view="left", captured_at="2026-11-24T06:00:02Z")

    statuses = [line.send(late).json()["status"] for _ in range(2)]

    assert statuses == ["created", "duplicate"]
    assert [finding["view"] for finding in Prediction.objects.get().findings] == ["top", "left"]


def test_views_that_name_two_lots_are_refused(line: Line) -> None:
    answer = line.send([line.row(view="top", lot="L1"), line.row(view="left", lot="L2")])

    assert error_of_list(answer, 409) == ["conflict", "conflict"]
    assert not Inspection.objects.exists()


def test_an_image_is_read_from_an_allowed_folder_of_the_server(
    line: Line, tmp_path: Path, settings: LazySettings
) -> None:
    (tmp_path / "drop").mkdir()
    (tmp_path / "drop" / "a.png").write_bytes(make.png())
    settings.IMAGE_ROOTS = [tmp_path / "drop"]

    assert line.send(line.row(image_path="a.png")).status_code == 201
    assert Item.objects.get().width == 8
