"""Active learning picks what teaches most, spreads it, and leaves a random arm that says what that is worth."""

import numpy as np
import pytest
from numpy.typing import NDArray

from models_registry.training.selection import margins, pick
from models_registry.training.views import pooled

Floats = NDArray[np.float32]


def clouds(n_each: int, n_clouds: int = 4, *, seed: int = 0) -> Floats:
    rng = np.random.default_rng(seed)
    centres = 30 * rng.normal(size=(n_clouds, 6))
    return (np.repeat(centres, n_each, axis=0) + rng.normal(size=(n_clouds * n_each, 6))).astype(np.float32)


def test_a_margin_is_the_lead_of_the_best_class() -> None:
    np.testing.assert_allclose(margins(np.array([[0.5, 0.3, 0.2], [0.1, 0.8, 0.1]])), [0.2, 0.7])
    assert margins(np.ones((2, 1))).tolist() == [1, 1]


def test_what_is_picked_is_torn_and_of_every_kind() -> None:
    features, torn = clouds(50), np.full(200, 0.9)
    torn[::5] = 0.1
    picked = pick(features, torn, n=4, random_share=0, seed=1)
    assert {one.place // 50 for one in picked} == {0, 1, 2, 3}
    assert all(torn[one.place] == 0.1 for one in picked)
    assert {(one.arm, one.why, one.pi, one.margin) for one in picked} == {("active", "margin", None, 0.1)}


def test_before_a_model_the_typical_of_each_kind_and_the_odd_ones_are_picked() -> None:
    features = np.concatenate([clouds(30), np.full((1, 6), 500, dtype=np.float32)])
    picked = pick(features, None, n=5, random_share=0, seed=1)
    assert [one.place for one in picked if one.why == "outlier"] == [120]
    assert {one.place // 30 for one in picked if one.why == "typical"} == {0, 1, 2, 3}


@pytest.mark.slow
def test_the_random_arm_is_drawn_from_all_with_the_chance_that_it_says() -> None:
    features, torn = clouds(5), np.linspace(0, 1, 20)
    counts = np.zeros(20)
    for seed in range(400):
        drawn = pick(features, torn, n=5, random_share=1, seed=seed)
        assert {(one.arm, one.pi) for one in drawn} == {("random", 0.25)}
        counts[[one.place for one in drawn]] += 1
    assert np.abs(counts / 400 - 0.25).max() < 0.09  # four standard errors


def test_each_image_once_the_same_for_the_same_seed_and_no_more_than_there_are() -> None:
    features, torn = clouds(5), np.linspace(0, 1, 20)
    first = pick(features, torn, n=9, random_share=0.2, seed=3)
    assert first == pick(features, torn, n=9, random_share=0.2, seed=3)
    assert len({one.place for one in first}) == 9
    assert sorted(one.place for one in pick(features, torn, n=500, random_share=0.2, seed=3)) == list(range(20))
    assert pick(features[:0], None, n=5, random_share=0.2, seed=3) == []


def test_repeats_of_one_part_are_picked_once() -> None:
    groups = ["the same"] * 19 + ["another"]
    picked = pick(clouds(5), np.linspace(0, 1, 20), n=6, random_share=0, seed=1, groups=groups)
    assert sorted(one.place for one in picked) == [0, 19]


@pytest.mark.parametrize("share", [-0.1, 1.1, float("nan")])
def test_a_share_is_a_share(share: float) -> None:
    with pytest.raises(ValueError, match="share"):
        pick(clouds(5), None, n=5, random_share=share, seed=1)


def test_views_of_a_part_are_pooled_and_counts_must_fit() -> None:
    views = np.array([[1, 3], [3, 5], [7, 7]], dtype=np.float32)
    assert pooled(views, [2, 1]).tolist() == [[2, 4], [7, 7]]
    for wrong in ([1, 1], [3, 0], [2, 2]):
        with pytest.raises(ValueError, match="views"):
            pooled(views, wrong)
