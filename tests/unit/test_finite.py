"""The estimate on a simple random sample without replacement."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import hypergeom

from models_registry.estimation.finite import finite_accuracy, finite_share, most_marked
from models_registry.estimation.intervals import wilson


def errors(found: int, n: int) -> np.ndarray:
    return np.arange(n) < found


def test_of_a_large_population_it_is_wilsons_interval() -> None:
    found, plain = finite_accuracy(errors(12, 400), n_population=10**9), wilson(count=388, n=400)
    assert found.value == pytest.approx(0.97)
    assert (found.ci_low, found.ci_high) == pytest.approx((plain.low, plain.high), abs=1e-6)
    assert not found.bound_only


def test_a_larger_share_of_the_population_narrows_it_and_the_whole_is_exact() -> None:
    widths = []
    for population in (100_000, 800, 500, 400):
        found = finite_accuracy(errors(12, 400), n_population=population)
        assert found.ci_low is not None
        assert found.ci_high is not None
        widths.append(found.ci_high - found.ci_low)
    assert widths == sorted(widths, reverse=True)
    assert widths[-1] == 0


def test_no_end_leaves_what_is_possible() -> None:
    found = finite_accuracy(errors(0, 90), n_population=100)
    assert (found.ci_high, found.bound_only) == (1.0, True)
    assert found.ci_low is not None
    assert found.ci_low >= 0.9


@pytest.mark.parametrize(("n", "population"), [(0, 10), (11, 10)])
def test_what_is_no_sample_is_refused(n: int, population: int) -> None:
    with pytest.raises(ValueError, match="not one of a population"):
        finite_accuracy(errors(0, n), n_population=population)


def test_it_covers_95_percent_on_average_without_replacement() -> None:
    """Exact, over all samples of 300 of 1,000; like every interval of counts Wilson's dips here and there."""
    population, n, covered = 1000, 300, []
    intervals = [finite_accuracy(errors(x, n), n_population=population) for x in range(n + 1)]
    for n_wrong in range(0, 251, 5):
        holds = [one.ci_low <= 1 - n_wrong / population <= one.ci_high for one in intervals]  # type: ignore[operator]
        covered.append(float(hypergeom.pmf(np.arange(n + 1), population, n_wrong, n)[holds].sum()))
    assert 0.94 <= np.mean(covered) <= 0.97
    assert min(covered) >= 0.91


@pytest.mark.slow
@pytest.mark.parametrize(("n", "population"), [(20, 50), (300, 816), (300, 100_000)])
def test_the_one_sided_bound_holds_in_at_least_95_percent_of_all_samples(n: int, population: int) -> None:
    """Exact: over all samples, for every number of errors that could make it fail first."""
    bounds = np.array([most_marked(found=x, n=n, n_population=population) for x in range(n + 1)])
    for n_wrong in {*range(0, min(population, 60)), *range(0, population, max(population // 40, 1))}:
        holds = bounds >= n_wrong
        assert hypergeom.pmf(np.arange(n + 1), population, n_wrong, n)[holds].sum() >= 0.95 - 1e-9


def test_no_error_in_300_shows_at_most_one_percent() -> None:
    """The rule of three, 3/n; of a population that is not much larger somewhat less."""
    assert finite_share(found=0, n=300, n_population=10**7).upper == pytest.approx(0.00994, abs=2e-5)
    assert finite_share(found=0, n=300, n_population=816).upper < 0.009


def test_open_parts_widen_it_to_what_they_could_be() -> None:
    judged, waiting = finite_accuracy(errors(9, 290), n_population=2000), errors(9, 290)
    found = finite_accuracy(waiting, n_population=2000, n_open=10)
    assert found.ci_low is not None
    assert judged.ci_low is not None
    assert found.ci_low < judged.ci_low - 0.02
    assert found.ci_low == finite_accuracy(errors(19, 300), n_population=2000).ci_low
    assert found.ci_high == finite_accuracy(errors(9, 300), n_population=2000).ci_high
    assert (found.provisional, found.response_rate) == (True, 290 / 300)
