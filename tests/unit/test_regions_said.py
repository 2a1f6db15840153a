"""What a person may say of regions, and which refusal names what was wrong."""

from __future__ import annotations

from typing import Any

import pytest

from labeling.regions.predicted import MOST_SHOWN, predicted_regions
from labeling.regions.said import Shown, checked
from reviewapp.errors import ReviewAppError

SIZE = (100, 80)
LABELS = {"ok", "scratch", "dent"}
FINDINGS: list[Any] = [
    {
        "view": "main",
        "label": "scratch",
        "regions": [
            {"box": [10, 10, 30, 20], "confidence": 0.8},
            "no region",
            {"label": "dent", "polygon": [[50, 50], [90, 50], [70, 79]]},
        ],
    }
]
SHOWN = {"main": Shown(SIZE, predicted_regions(FINDINGS, "main", SIZE)), "side": Shown(None)}


def said(*regions: dict[str, Any], view: str = "main") -> list[dict[str, Any]]:
    return [{"view": view, "regions": list(regions)}]


def stored(*regions: dict[str, Any], view: str = "main") -> list[dict[str, Any]]:
    (one,) = checked(said(*regions, view=view), views=SHOWN, labels=LABELS, version="v3")
    found: list[dict[str, Any]] = one["regions"]
    return found


def test_predicted_regions_have_their_place_in_what_was_sent_and_their_views_label() -> None:
    first, second = SHOWN["main"].predicted

    assert (first.index, first.label, first.box, first.confidence) == (0, "scratch", (10, 10, 30, 20), 0.8)
    assert (second.index, second.label, second.box) == (2, "dent", (50, 50, 40, 29))
    assert predicted_regions(FINDINGS, "side", SIZE) == []


def test_predicted_regions_are_cut_off_at_the_images_edge_and_dropped_beyond_it() -> None:
    findings = [
        {"regions": [{"label": "dent", "box": box} for box in ([-5, -5, 10, 10], [200, 0, 5, 5], [1, 2, 0, 4])]}
    ]

    assert [one.box for one in predicted_regions(findings, "main", SIZE)] == [(0, 0, 5, 5)]


@pytest.mark.parametrize(
    "raw",
    [
        None,
        7,
        "x",
        {},
        {"box": [1, 2, 3]},
        {"box": [1, 2, 3, "4"]},
        {"box": [1, 2, 3, True]},
        {"box": [0, 0, 1e999, 1]},
    ],
)
def test_what_is_no_region_is_passed_over(raw: Any) -> None:
    assert predicted_regions([{"label": "dent", "regions": [raw]}, raw, {"regions": raw}], "main", None) == []


def test_of_very_many_regions_the_surest_are_shown() -> None:
    many = [{"label": "dent", "box": [at % 90, 0, 5, 5], "confidence": at / 500} for at in range(300)]
    shown = predicted_regions([{"regions": many}], "main", SIZE)

    assert [one.index for one in shown] == list(range(300 - MOST_SHOWN, 300))


def test_kept_and_removed_regions_are_written_out_from_the_prediction() -> None:
    kept, removed = stored({"origin": "kept", "predicted": 0}, {"origin": "removed", "predicted": 2})

    assert kept == {"origin": "kept", "label": "scratch", "predicted": 0, "box": [10, 10, 30, 20]}
    assert removed["polygon"] == [[50, 50], [90, 50], [70, 79]]


def test_a_kept_region_may_have_another_label() -> None:
    assert stored({"origin": "kept", "predicted": 0, "label": "dent"})[0]["label"] == "dent"


def test_moved_and_added_regions_say_where_they_are() -> None:
    moved, added = stored(
        {"origin": "moved", "predicted": 0, "box": [11.239, 10, 30, 20]},
        {"origin": "added", "label": "dent", "polygon": [[1, 1], [9, 1], [5, 7]]},
    )

    assert moved == {"origin": "moved", "label": "scratch", "predicted": 0, "box": [11.24, 10, 30, 20]}
    assert added == {"origin": "added", "label": "dent", "box": [1, 1, 8, 6], "polygon": [[1, 1], [9, 1], [5, 7]]}


def test_of_which_version_the_prediction_was_is_stored_with_it() -> None:
    (one,) = checked(said({"origin": "kept", "predicted": 0}), views=SHOWN, labels=LABELS, version="v3")
    assert one["version"] == "v3"


def test_an_image_of_unknown_size_takes_any_place() -> None:
    assert stored({"origin": "added", "label": "dent", "box": [5000, 1, 9, 9]}, view="side")


def test_an_empty_list_says_that_nothing_is_there() -> None:
    assert stored() == []
    assert checked([], views=SHOWN, labels=LABELS, version="") == []


ADDED = {"origin": "added", "label": "dent"}
BOX = [1, 1, 9, 9]


@pytest.mark.parametrize(
    ("findings", "where"),
    [
        ([1], "findings[0]"),
        ([{"view": "main"}], "findings[0]"),
        ([{"view": "main", "regions": [], "note": "x"}], "findings[0]"),
        (said(view="top"), "findings[0].view"),
        (said() + said(), "findings[1].view"),
        (said({"origin": "guessed"}), "findings[0].regions[0].origin"),
        (said({"origin": "kept"}), "findings[0].regions[0].predicted"),
        (said({**ADDED, "box": BOX, "predicted": 0}), "findings[0].regions[0].predicted"),
        (said({"origin": "kept", "predicted": 1}), "findings[0].regions[0].predicted"),
        (said({"origin": "kept", "predicted": 0}, {"origin": "removed", "predicted": 0}), "regions[1].predicted"),
        (said({"origin": "kept", "predicted": 0, "box": BOX}), "findings[0].regions[0]"),
        (said({"origin": "added", "box": BOX}), "findings[0].regions[0].label"),
        (said({"origin": "added", "label": "dust", "box": BOX}), "findings[0].regions[0].label"),
        (said(ADDED), "findings[0].regions[0]"),
        (said({**ADDED, "box": BOX, "polygon": [[1, 1], [9, 1], [5, 7]]}), "findings[0].regions[0]"),
        (said({**ADDED, "box": [1, 1, 9]}), "findings[0].regions[0].box"),
        (said({**ADDED, "box": [1, 1, 0.9, 9]}), "findings[0].regions[0].box"),
        (said({**ADDED, "box": [95, 1, 9, 9]}), "findings[0].regions[0].box"),
        (said({**ADDED, "box": [-1, 1, 9, 9]}), "findings[0].regions[0].box"),
        (said({**ADDED, "box": [1, 1, float("nan"), 9]}), "findings[0].regions[0].box"),
        (said({**ADDED, "box": [1, 1, float("inf"), 9]}), "findings[0].regions[0].box"),
        (said({**ADDED, "polygon": [[1, 1], [9, 1]]}), "findings[0].regions[0].polygon"),
        (said({**ADDED, "polygon": [[1, 1], [9, 1], [5, 1.5]]}), "findings[0].regions[0].polygon"),
        (said({**ADDED, "polygon": [[1, 1], [9, 1], [5]]}), "findings[0].regions[0].polygon"),
        (said(*[{**ADDED, "box": BOX}] * 201), "findings hold more than 200"),
    ],
)
def test_a_refusal_names_the_region_and_what_is_wrong(findings: list[Any], where: str) -> None:
    with pytest.raises(ReviewAppError) as refusal:
        checked(findings, views=SHOWN, labels=LABELS, version="v3")

    assert (refusal.value.code, refusal.value.http_status) == ("invalid", 400)
    assert where in refusal.value.fields["findings"]


def test_a_predicted_label_that_is_in_no_set_may_stay_but_not_be_said() -> None:
    shown = {"main": Shown(SIZE, predicted_regions([{"regions": [{"label": "dust", "box": BOX}]}], "main", SIZE))}

    assert checked(said({"origin": "kept", "predicted": 0}), views=shown, labels=LABELS, version="v3")
    with pytest.raises(ReviewAppError):
        checked(said({**ADDED, "label": "dust", "box": BOX}), views=shown, labels=LABELS, version="v3")


def test_a_bad_image_of_a_view_says_that_alone() -> None:
    bad = [{"view": "side", "bad_image": True}, *said({"origin": "kept", "predicted": 0})]

    first, second = checked(bad, views=SHOWN, labels=LABELS, version="v3")

    assert first == {"view": "side", "bad_image": True}
    assert [one["origin"] for one in second["regions"]] == ["kept"]
    for wrong in ({"bad_image": True, "regions": [{"origin": "removed", "predicted": 0}]}, {}):
        with pytest.raises(ReviewAppError, match=r"findings\[0\] (is a bad image|says neither)"):
            checked([{"view": "main", **wrong}], views=SHOWN, labels=LABELS, version="v3")
