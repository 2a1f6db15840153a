"""Images of one part are drawn together, and their errors are summed before anything is said of their spread."""

from __future__ import annotations

import numpy as np
import pytest

from labeling.routing import draw_groups, keyed_uniforms
from models_registry.estimation.groups import group_totals

SECRET = b"only this design knows"
NAMES = ["lot-b", "lot-a", "lot-b", "lot-c"]
PI = np.array([0.1, 0.2, 0.3, 1.0])


def test_each_group_is_drawn_once_whole_or_not_at_all() -> None:
    drawn = draw_groups(NAMES, PI, secret=SECRET, design_key="m/1")

    assert drawn.groups == ("lot-b", "lot-a", "lot-c")
    assert drawn.of_item.tolist() == [0, 1, 0, 2]
    assert drawn.pi.tolist() == [0.3, 0.2, 1.0]
    assert drawn.u.tolist() == keyed_uniforms(SECRET, drawn.groups, design_key="m/1").tolist()
    assert drawn.drawn.tolist() == (drawn.u < drawn.pi).tolist()


def test_a_groups_chance_may_be_that_of_touching_it() -> None:
    drawn = draw_groups(NAMES, PI, secret=SECRET, design_key="m/1", rule="union")
    assert drawn.pi == pytest.approx([1 - 0.9 * 0.7, 0.2, 1.0])


@pytest.mark.parametrize("pi", [[0.1, 0.2, 0.3, 0], [0.1, 0.2, 0.3, 1.1], [0.1, 0.2, 0.3, float("nan")], [0.1]])
def test_an_item_without_a_chance_is_refused(pi: list[float]) -> None:
    with pytest.raises(ValueError, match="above 0"):
        draw_groups(NAMES, np.array(pi), secret=SECRET, design_key="m/1")


def test_no_items_are_no_groups() -> None:
    assert draw_groups([], np.array([]), secret=SECRET, design_key="m/1").groups == ()


def test_errors_are_summed_inside_a_group() -> None:
    totals = group_totals(np.array([0, 1, 0, 2]), np.array([1.0, 0.0, 1.0, 1.0]), n_groups=4)
    assert totals.tolist() == [2, 0, 1, 0]
    with pytest.raises(ValueError, match="number"):
        group_totals(np.array([0, 4]), np.array([1.0, 1.0]), n_groups=4)
    with pytest.raises(ValueError, match="number"):
        group_totals(np.array([0]), np.array([1.0, 1.0]), n_groups=4)


def test_the_variance_of_group_totals_is_that_of_group_draws_and_the_items_own_is_not() -> None:
    """Parts of 4 views that fail together, groups drawn with pi .2: the variance over 2,000 repeats of the draw itself
    is what the group formula says, and four times what the formula over single views says."""
    rng = np.random.default_rng(3)
    k, size, pi, repeats = 400, 4, 0.2, 2000
    is_bad = rng.random(k) < 0.1
    of_item, errors = np.repeat(np.arange(k), size), np.repeat(is_bad, size).astype(float)
    totals = group_totals(of_item, errors, n_groups=k)
    estimates = ((rng.random((repeats, k)) < pi) @ totals) / pi / (k * size)

    by_group = (1 - pi) / pi * (totals**2).sum() / (k * size) ** 2
    by_item = (1 - pi) / pi * (errors**2).sum() / (k * size) ** 2
    assert np.mean(estimates) == pytest.approx(errors.mean(), abs=4 * (by_group / repeats) ** 0.5)
    assert np.var(estimates) == pytest.approx(by_group, rel=0.15)
    assert by_group == pytest.approx(4 * by_item)
