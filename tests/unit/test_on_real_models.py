"""On whole test sets of real models, drawn a thousand times, the interval holds what is known of them."""

from __future__ import annotations

import pytest

from benchmarks import tables

SOME = (
    "mnist_cleanlab_cv.npz",
    "cifar10_vgg16.npz",
    "xsdd_steel_oof_logreg.csv",
    "ir_solar_binary_extratrees_n2000.csv",
)


@pytest.mark.slow
@pytest.mark.skipif(not tables.HERE.is_dir(), reason=tables.ABSENT)
@pytest.mark.parametrize("budget", [0.02, 0.05])
@pytest.mark.parametrize("name", SOME)
def test_the_interval_holds_the_known_error_and_the_mean_is_right(name: str, budget: float) -> None:
    """In 93 to 99.5 % of the draws, and within two standard errors of the mean; the naive error is printed beside."""
    found = tables.draw_often(name, budget)
    print(  # noqa: T201
        f"{name} at {budget:.0%}: error {found.truth:.4f}, estimated {found.estimate:.4f}, naive {found.naive:.4f}, "
        f"covered {found.coverage:.1%}"
    )

    assert 0.93 <= found.coverage <= 0.995
    assert abs(found.off) <= 2
