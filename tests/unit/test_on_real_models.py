"""On whole test sets of real models, drawn a thousand times, the interval holds what is known of them."""

from __future__ import annotations

import zlib

import numpy as np
import pytest

from benchmarks import tables
from benchmarks.streams import Frame, default_tau
from models_registry.estimation import estimate_accuracy, naive_of_cells

N_DRAWS = 1000
SOME = (
    "mnist_cleanlab_cv.npz",
    "cifar10_vgg16.npz",
    "xsdd_steel_oof_logreg.csv",
    "ir_solar_binary_extratrees_n2000.csv",
)


def errors_drawn(name: str, budget: float) -> tuple[float, np.ndarray]:
    """The known error rate; and of each draw of one design the estimate, both ends and the naive rate, (N_DRAWS, 4)."""
    stream = tables.table(name)
    truth, u = float(stream.is_error.mean()), stream.u
    tau = default_tau(budget * len(u), truth)
    pi = np.clip(tau * budget + (1 - tau) * budget * u / u.mean(), tau * budget, 1)
    frame, rng = Frame(stream, pi, floor=tau * budget), np.random.default_rng([zlib.crc32(name.encode()), 1])
    rows = []
    for _ in range(N_DRAWS):
        cells = frame.cells(frame.draw(rng))
        estimate, naive = estimate_accuracy(cells), naive_of_cells(cells)
        rows.append([estimate.value, estimate.ci_high, estimate.ci_low, naive.value])
    return truth, 1 - np.array(rows, dtype=np.float64)


@pytest.mark.slow
@pytest.mark.skipif(not tables.HERE.is_dir(), reason=tables.ABSENT)
@pytest.mark.parametrize("budget", [0.02, 0.05])
@pytest.mark.parametrize("name", SOME)
def test_the_interval_holds_the_known_error_and_the_mean_is_right(name: str, budget: float) -> None:
    """In 93 to 99.5 % of the draws, and within two standard errors of the mean; the naive error is printed beside."""
    truth, rows = errors_drawn(name, budget)
    estimate, low, high, naive = rows.T
    covered = float(((low <= truth) & (truth <= high)).mean())
    print(  # noqa: T201
        f"{name} at {budget:.0%}: error {truth:.4f}, estimated {estimate.mean():.4f}, naive {naive.mean():.4f}, "
        f"covered {covered:.1%}"
    )

    assert 0.93 <= covered <= 0.995
    assert abs(estimate.mean() - truth) <= 2 * estimate.std() / N_DRAWS**0.5
