"""Regions of several people become one truth by a rule that can be said in a sentence."""

from __future__ import annotations

from typing import Any

from labeling.regions.settling import plainly, settled_findings


def region(*box: float, label: str = "scratch", origin: str = "added") -> dict[str, Any]:
    return {"origin": origin, "label": label, "box": list(box)}


def word(*regions: dict[str, Any], view: str = "main") -> list[dict[str, Any]]:
    return [{"view": view, "regions": list(regions)}]


def boxes(*words: list[dict[str, Any]]) -> list[list[float]]:
    return [one["box"] for view in settled_findings(words) for one in view["regions"]]


def test_one_persons_regions_stand_without_those_that_were_removed() -> None:
    said = word(region(0, 0, 9, 9, origin="kept"), region(20, 0, 9, 9, origin="removed"))

    assert settled_findings([said]) == [{"view": "main", "regions": [{"label": "scratch", "box": [0, 0, 9, 9]}]}]


def test_what_both_drew_stands_with_the_first_ones_outline() -> None:
    assert boxes(word(region(0, 0, 10, 10)), word(region(1, 0, 10, 10))) == [[0, 0, 10, 10]]


def test_what_one_of_two_drew_does_not_stand() -> None:
    assert boxes(word(region(0, 0, 10, 10)), word()) == []
    assert boxes(word(region(0, 0, 10, 10)), word(region(30, 0, 10, 10))) == []
    assert boxes(word(region(0, 0, 10, 10)), word(region(0, 0, 10, 10, label="dent"))) == []


def test_two_of_three_are_enough() -> None:
    assert boxes(word(), word(region(0, 0, 10, 10)), word(region(2, 0, 10, 10))) == [[0, 0, 10, 10]]


def test_two_regions_of_one_person_are_two() -> None:
    one, other = word(region(0, 0, 10, 10), region(1, 0, 10, 10)), word(region(0, 0, 10, 10))
    assert boxes(one, other) == [[0, 0, 10, 10]]


def test_a_view_counts_the_voices_that_spoke_of_it() -> None:
    found = settled_findings([word(region(0, 0, 9, 9)), word(view="top")])

    assert found == [
        {"view": "main", "regions": [{"label": "scratch", "box": [0, 0, 9, 9]}]},
        {"view": "top", "regions": []},
    ]


def test_where_nobody_spoke_nothing_is_settled() -> None:
    assert settled_findings([]) == []


BAD = [{"view": "main", "bad_image": True}]


def test_a_view_is_a_bad_image_when_more_than_half_say_so() -> None:
    """Who says nothing of it could judge it."""
    drew = word(region(0, 0, 10, 10))

    assert settled_findings([BAD, BAD, drew]) == BAD
    assert boxes(BAD, drew) == [[0, 0, 10, 10]]  # of those who could judge it
    assert settled_findings([BAD, []]) == []


def test_a_voice_is_told_without_what_it_did_with_a_prediction() -> None:
    said = [{**word(region(0, 0, 9, 9, origin="kept"), region(5, 5, 9, 9, origin="removed"))[0], "version": "v3"}]

    assert plainly([*said, {"view": "side", "bad_image": True}]) == [
        {"view": "side", "bad_image": True},
        {"view": "main", "regions": [{"label": "scratch", "box": [0, 0, 9, 9]}]},
    ]
