"""A dataset keeps its hold-out apart, says what is in it, and what changed since the one before."""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models_registry.datasets.diff import diff
from models_registry.datasets.near_duplicates import MOST, find_alike
from models_registry.datasets.report import report
from models_registry.datasets.split import keep_apart, quick_learner, shuffled_labels_check, split_checks
from models_registry.manifest import Exclusion, ManifestImage, ManifestRow
from tests.unit.test_manifest import HEADER, make_row

FLAT = "00000000ffffffff"
NEAR = "000000000fffffff"  # four bits of FLAT
FAR = "f0f0f0f0f0f0f0f0"


def pictured(inspection: str, phash: str, **fields: object) -> ManifestRow:
    sha256 = f"{abs(hash(inspection)):064x}"[:64]
    return make_row(inspection, images=(ManifestImage(f"images/{inspection}", sha256, phash=phash),), **fields)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 3), st.lists(st.integers(0, 63), max_size=5)), max_size=30), st.integers(0, 9))
def test_every_pair_within_the_distance_is_joined_and_no_other(made: list[tuple[int, list[int]]], seed: int) -> None:
    """Against all pairs: who is reachable from whom is the same."""
    bases = np.random.default_rng(seed).integers(0, 2**63, 4, dtype=np.uint64)
    values = [int(bases[base]) ^ sum(1 << bit for bit in set(bits)) for base, bits in made]
    found = find_alike([f"{value:016x}" for value in values], [0] * len(values))
    assert found.distance == MOST
    assert all((values[i] ^ values[j]).bit_count() <= MOST for i, j in found.pairs)
    assert _parts(len(values), found.pairs.tolist()) == _parts(
        len(values),
        [[i, j] for i in range(len(values)) for j in range(i) if (values[i] ^ values[j]).bit_count() <= MOST],
    )


def _parts(n: int, pairs: list[list[int]]) -> list[int]:
    root = list(range(n))
    for _ in range(n):
        for i, j in pairs:
            root[i] = root[j] = min(root[i], root[j])
    return root


def test_fifty_thousand_images_take_seconds() -> None:
    rng = np.random.default_rng(3)
    values = rng.integers(0, 2**63, 50_000, dtype=np.uint64)
    values[1::1000] = values[::1000] ^ np.uint64(0b1011)
    start = time.perf_counter()
    found = find_alike([f"{int(value):016x}" for value in values], list(range(len(values))))
    assert len({tuple(sorted(pair)) for pair in found.pairs.tolist()}) == 50
    assert time.perf_counter() - start < 60  # pair by pair it is an hour


def test_where_all_parts_look_the_same_no_hash_is_believed() -> None:
    """A plain surface: else the whole production would be one part, and nothing would train."""
    rows = [pictured(f"i-{n:04}", FLAT, partition="holdout" if n % 7 == 0 else "train") for n in range(900)]
    apart = keep_apart(rows)
    assert (apart.distance, apart.excluded, len(apart.rows)) == (None, (), 900)
    same_part = [replace(row, group="one part") for row in rows]
    assert find_alike([FLAT] * 900, [0] * 900).distance == MOST
    assert keep_apart(same_part).n_joined == 0


def test_a_near_duplicate_of_a_held_out_part_is_left_out_of_training_and_the_hold_out_stays() -> None:
    held, late = pictured("i-1", FLAT, partition="holdout"), pictured("i-2", NEAR)
    chained = pictured("i-4", "0000000000ffffff")  # like i-2, not like i-1
    apart = keep_apart([held, late, pictured("i-3", FAR), chained])
    assert [(row.inspection, row.partition) for row in apart.rows] == [("i-1", "holdout"), ("i-3", "train")]
    assert apart.excluded == (Exclusion("i-2", "ok", "i-1"), Exclusion("i-4", "ok", "i-1"))


def test_near_duplicates_that_train_become_one_group() -> None:
    apart = keep_apart([pictured("i-1", FLAT), pictured("i-2", NEAR), pictured("i-3", FAR)])
    assert [row.group for row in apart.rows] == ["i-1", "i-1", "i-3"]
    assert apart.n_joined == 1


@pytest.mark.parametrize(
    ("check", "leak"),
    [
        ("leak_inspections", make_row("i-1")),
        ("leak_groups", make_row("i-2", group="i-1")),
        ("leak_images", make_row("i-2", images=(ManifestImage("another/key", "ab" * 32),))),
        ("leak_near_duplicates", pictured("i-2", NEAR)),
    ],
)
def test_each_way_to_leak_is_found_and_named(check: str, leak: ManifestRow) -> None:
    held = replace(pictured("i-1", FLAT, partition="holdout"), group="i-1")
    held = replace(held, images=(*held.images, ManifestImage("images/held", "ab" * 32)))
    failed = {one.name: one.detail for one in split_checks(HEADER, [held, leak]) if not one.passed}
    assert check in failed
    assert ("i-1" if check != "leak_images" else "abab") in failed[check]
    assert all(one.passed for one in split_checks(HEADER, [held, pictured("i-3", FAR)]))


def test_shuffled_labels_score_at_chance_and_a_learner_that_saw_the_hold_out_is_found() -> None:
    rng = np.random.default_rng(1)
    labels = np.array(["ok", "dent"])[rng.integers(0, 2, 400)].astype(np.str_)
    trains = np.arange(400) < 300
    features = (rng.normal(size=(400, 5)) + (labels == "dent")[:, None]).astype(np.float32)
    assert shuffled_labels_check(quick_learner(features, trains), labels, trains, seed=1).passed
    leaks = shuffled_labels_check(lambda _: labels[~trains], labels, trains, seed=1)
    assert (leaks.passed, "leaks" in leaks.detail) == (False, True)
    one_class = np.full(400, "ok", dtype=np.str_)
    assert shuffled_labels_check(lambda said: said, one_class, trains, seed=1).detail.startswith("Not asked")


def test_the_report_counts_each_side_and_says_how_the_hold_out_lies_in_time() -> None:
    rows = [
        pictured("i-1", FAR, arrived_at="2029-06-01T00:00:00+00:00", partition="holdout", pi=0.1),
        pictured("i-2", FLAT, arrived_at="2029-12-01T00:00:00+00:00", label="dent"),
        pictured("i-3", NEAR, arrived_at="2030-01-01T00:00:00+00:00", partition="holdout", pi=0.5),
    ]
    found = report(replace(HEADER, excluded=(Exclusion("i-9", "dent", "i-1"),)), rows)
    ok, dent = found.classes
    assert (ok.label, ok.n_train, ok.n_holdout, ok.n_groups, ok.stands_for) == ("ok", 0, 2, 2, 12.0)
    assert (dent.n_train, dent.n_excluded, dent.stands_for) == (1, 1, None)
    assert (found.time.n, found.time.n_recent, found.time.n_later) == (2, 1, 1)
    assert found.lowest_pi == 0.1


def test_a_diff_names_what_was_added_removed_relabelled_and_moved() -> None:
    before = [make_row("i-1"), make_row("i-2"), make_row("i-3"), make_row("i-4")]
    after = [
        make_row("i-1"),
        make_row("i-2", label="dent", partition="holdout"),
        make_row("i-3", images=(ManifestImage("images/i-3.jpg", "cd" * 32),)),
        make_row("i-5"),
    ]
    found = diff(before, replace(HEADER, excluded=(Exclusion("i-4", "ok", "i-2"),)), after)
    assert [(one.kind, one.inspection, one.before, one.after) for one in found.changes] == [
        ("relabelled", "i-2", "ok", "dent"),
        ("moved", "i-2", "train", "holdout"),
        ("image_changed", "i-3", "ok", "ok"),
        ("removed", "i-4", "ok", None),
        ("added", "i-5", None, "ok"),
    ]
    assert found.changes[3].why == "i-2"
    assert found.n_same == 1
