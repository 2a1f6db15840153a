"""Predicted and true regions are brought together as a person would do it by hand."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest

from models_registry.estimation.matching import Box, Matched, greedy_pairs, ious, match_regions


def box(
    x: float, y: float, width: float, height: float, label: str = "scratch", confidence: float | None = None
) -> Box:
    return Box(label, x, y, width, height, confidence)


def some(rng: np.random.Generator, most: int, confidence: float | None = None) -> Box:
    x, y, width, height = (float(side) for side in rng.integers(1, most, 4))
    return box(x, y, width, height, confidence=confidence)


def test_the_overlap_is_what_is_shared_of_what_both_cover() -> None:
    overlap = ious([box(0, 0, 10, 10)], [box(5, 0, 10, 10), box(0, 0, 10, 10), box(10, 0, 5, 5), box(2, 2, 5, 2)])

    assert overlap[0] == pytest.approx([50 / 150, 1.0, 0.0, 0.1])


def test_overlap_agrees_with_counting_pixels() -> None:
    rng = np.random.default_rng(4)
    for _ in range(50):
        both = [some(rng, 20) for _ in range(2)]
        grid = np.zeros((2, 60, 60), dtype=bool)
        for at, one in enumerate(both):
            grid[at, int(one.y) : int(one.y + one.height), int(one.x) : int(one.x + one.width)] = True
        counted = (grid[0] & grid[1]).sum() / (grid[0] | grid[1]).sum()
        assert ious(both[:1], both[1:])[0, 0] == pytest.approx(counted)


def test_the_surest_prediction_is_served_first() -> None:
    true = [box(0, 0, 10, 10)]
    predicted = [box(0, 0, 10, 10, confidence=0.6), box(1, 0, 10, 10, confidence=0.9), box(0, 0, 10, 10)]

    assert greedy_pairs(true, predicted) == [(0, 1)]
    assert match_regions(true, predicted) == {"scratch": Matched(n_matched=1, n_missed=0, n_false=2)}


def test_one_true_region_is_found_once_and_the_best_free_one_is_taken() -> None:
    true = [box(0, 0, 10, 10), box(2, 0, 10, 10)]
    predicted = [box(2, 0, 10, 10, confidence=0.9), box(2, 0, 10, 10, confidence=0.8)]

    assert greedy_pairs(true, predicted) == [(1, 0), (0, 1)]


def test_another_class_in_the_same_place_is_false_there_and_missed_here() -> None:
    found = match_regions([box(0, 0, 9, 9, "dent")], [box(0, 0, 9, 9, "scratch", 0.9)])

    assert found == {"dent": Matched(n_missed=1), "scratch": Matched(n_false=1)}


def test_just_half_of_an_overlap_is_enough() -> None:
    assert match_regions([box(0, 0, 10, 10)], [box(0, 0, 10, 5)])["scratch"].n_matched == 1
    assert match_regions([box(0, 0, 10, 10)], [box(0, 0, 10, 4.99)])["scratch"].n_matched == 0


def test_greedy_is_what_trying_every_order_by_confidence_gives() -> None:
    """Distinct confidences leave one order; boxes given in any order match alike."""
    rng = np.random.default_rng(9)
    for _ in range(30):
        true = [some(rng, 9) for _ in range(4)]
        predicted = [some(rng, 9, confidence) for confidence in (0.9, 0.7, 0.4)]
        results = {match_regions(true, order)["scratch"] for order in permutations(predicted)}
        assert results == {_by_hand(true, predicted)}


def _by_hand(true: list[Box], predicted: list[Box]) -> Matched:
    free = list(range(len(true)))
    for one in predicted:  # the surest first
        overlap = {at: float(ious([true[at]], [one])[0, 0]) for at in free}
        best = max(overlap, key=lambda at: overlap[at], default=None)
        if best is not None and overlap[best] >= 0.5:
            free.remove(best)
    n = len(true) - len(free)
    return Matched(n, len(true) - n, len(predicted) - n)


def test_nothing_there_and_nothing_said_is_nothing() -> None:
    assert match_regions([], []) == {}
    assert match_regions([], [box(0, 0, 1, 1)]) == {"scratch": Matched(n_false=1)}


def test_a_box_without_an_area_is_refused() -> None:
    with pytest.raises(ValueError, match="above 0"):
        ious([box(0, 0, 0, 5)], [])
