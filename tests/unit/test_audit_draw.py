"""Exactly n of N by a keyed hash, and what the interval on such a sample holds: also on real predictions."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from labeling.audit.drawing import draw_exactly, secret_of_seed
from labeling.audit.rows import AuditRow, fingerprint
from models_registry.estimation.finite import finite_accuracy
from tests.labeling import xsdd

SECRET = bytes(range(32))


def test_exactly_so_many_are_drawn_and_drawn_means_u_below_pi() -> None:
    draws = draw_exactly([f"part-{number}" for number in range(816)], n=300, secret=SECRET)
    assert sum(one.drawn for one in draws) == 300
    assert all(one.drawn == (one.u < one.pi) for one in draws)
    assert {one.pi for one in draws} == {300 / 816}
    assert len({one.u for one in draws}) == 816


def test_all_of_them_are_drawn_with_certainty_when_the_budget_reaches() -> None:
    assert {(one.pi, one.drawn) for one in draw_exactly(list("abc"), n=3, secret=SECRET)} == {(1.0, True)}


def test_the_order_of_the_file_changes_no_draw() -> None:
    keys = [f"part-{number}" for number in range(50)]
    there = dict(zip(keys, draw_exactly(keys, n=20, secret=SECRET), strict=True))
    back = dict(zip(keys[::-1], draw_exactly(keys[::-1], n=20, secret=SECRET), strict=True))
    assert there == back


@pytest.mark.parametrize(("keys", "n"), [(["a", "b"], 0), (["a", "b"], 3), (["a", "a"], 1)])
def test_what_cannot_be_drawn_is_refused(keys: list[str], n: int) -> None:
    with pytest.raises(ValueError, match="cannot be drawn"):
        draw_exactly(keys, n=n, secret=SECRET)


def test_every_part_and_every_pair_has_the_same_chance() -> None:
    """2,000 secrets; the counts lie within five standard errors of what chance gives."""
    keys, parts, pairs = list("abcdef"), Counter[str](), Counter[tuple[str, str]]()
    for number in range(2000):
        draws = draw_exactly(keys, n=3, secret=bytes.fromhex(secret_of_seed(number, "x")))
        drawn = [key for key, one in zip(keys, draws, strict=True) if one.drawn]
        parts.update(drawn)
        pairs.update((one, other) for one in drawn for other in drawn if one < other)
    assert all(abs(n - 1000) < 5 * np.sqrt(2000 * 0.25) for n in parts.values())
    assert len(pairs) == 15
    assert all(abs(n - 400) < 5 * np.sqrt(2000 * 0.16) for n in pairs.values())


def test_the_fingerprint_is_that_of_the_rows_and_not_of_their_order() -> None:
    one, other = AuditRow(2, "a", "a.png", "ok"), AuditRow(3, "b", "b.png", "ok")
    assert fingerprint([one, other]) == fingerprint([AuditRow(2, "b", "b.png", "ok"), AuditRow(3, "a", "a.png", "ok")])
    assert fingerprint([one, other]) != fingerprint([one, AuditRow(3, "b", "b.png", "dent")])


@pytest.mark.slow
@xsdd.needs_xsdd
@pytest.mark.parametrize("name", xsdd.TABLES)
def test_on_real_predictions_the_interval_contains_the_truth_in_at_least_93_percent_of_200_seeds(name: str) -> None:
    rows = xsdd.table(name)
    keys, is_error = [row[0] for row in rows], np.array([row[1] != row[2] for row in rows])
    truth, hits, values = 1 - is_error.mean(), 0, []
    for seed in range(200):
        draws = draw_exactly(keys, n=300, secret=bytes.fromhex(secret_of_seed(seed, name)))
        found = finite_accuracy(is_error[np.array([one.drawn for one in draws])], n_population=len(rows))
        assert found.value is not None
        assert found.ci_low is not None
        assert found.ci_high is not None
        hits += found.ci_low <= truth <= found.ci_high
        values.append(found.value)
    print(f"{Path(name).name}: truth {truth:.4f}, covered {hits} of 200, mean {np.mean(values):.4f}")  # noqa: T201
    assert hits >= 0.93 * 200
    assert abs(np.mean(values) - truth) <= 3 * np.std(values) / np.sqrt(200)
