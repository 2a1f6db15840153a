"""What should be looked at before a dataset trains: each question at its border, and what it names."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from models_registry.datasets.over_time import accuracy_over_time
from models_registry.datasets.soundness import findings, suspects
from models_registry.manifest import ManifestImage
from tests.unit.test_manifest import HEADER, make_row

LATER = "2999-01-01T00:00:00+00:00"


def test_a_sound_dataset_has_nothing_to_look_at_and_says_what_was_not_measured() -> None:
    found = findings(HEADER, [make_row("a"), make_row("b", images=(ManifestImage("images/b", "b" * 64),))])

    assert [(one.name, one.worrying, one.measured) for one in found] == [
        ("capture_times", False, "0"), ("one_image_one_label", False, "0"), ("image_quality", False, None),
    ]  # fmt: skip


def test_clocks_that_are_ahead_contradictions_and_unusual_images_are_named() -> None:
    image = (ManifestImage("images/one", "1" * 64),)
    usual = [make_row(f"u{n}", images=(), unusual=()) for n in range(3)]
    rows = [
        make_row("a", images=image, label="ok", captured_at=LATER), make_row("b", images=image, label="dent"),
        make_row("c", images=(), unusual=("blurred",)), *usual,
    ]  # fmt: skip

    moments, torn, quality = findings(HEADER, rows)

    assert (moments.worrying, moments.detail) == (True, "Captured after the cut-off: a.")
    assert (torn.worrying, torn.detail) == (True, "The same image with different labels: a and b (ok and dent).")
    assert (quality.worrying, quality.measured, quality.bound) == (True, "25.0%", "20%")
    assert "c (blurred)" in quality.detail
    at_bound = findings(HEADER, [*rows, replace(usual[0], inspection="z")])[2]
    assert (at_bound.worrying, at_bound.measured) == (False, "20.0%")


def test_labels_that_look_like_another_class_are_suspects() -> None:
    rng = np.random.default_rng(3)
    labels = np.repeat(["dent", "ok"], 40)
    features = (rng.normal(size=(80, 6)) + 6 * (labels == "ok")[:, None]).astype(np.float32)
    names = [f"p{n}" for n in range(80)]
    clean = suspects(features, labels, names)
    labels[[2, 5, 50, 60, 70]] = ["ok", "ok", "dent", "dent", "dent"]

    found = suspects(features, labels, names)

    assert (clean.worrying, clean.measured) == (False, "0.0%")
    assert (found.worrying, found.measured) == (True, "6.2%")
    assert "p2 (ok, its neighbours dent)" in found.detail
    assert suspects(features[:5], labels[:5], names[:5]).measured is None


def test_accuracy_on_what_came_later_is_told_with_its_n_and_is_none_without_data() -> None:
    held = [make_row(name, partition="holdout", arrived_at=at) for name, at in (
        ("a", ""), ("b", "2026-01-01T00:00:00+00:00"), ("c", "2026-06-01T00:00:00+00:00"),
        ("d", "2026-06-02T00:00:00+00:00"),
    )]  # fmt: skip
    right = np.array([True, True, True, False])

    recent, later = accuracy_over_time(held, right, newest_train="2026-06-01T00:00:00+00:00", since="2026-05-01")

    assert (recent.name, recent.n, recent.accuracy) == ("recent", 2, 0.5)
    assert recent.low is not None
    assert recent.low < 0.5
    assert (later.name, later.n, later.accuracy) == ("later", 1, 0.0)
    none = accuracy_over_time(held, right, newest_train=LATER, since=LATER)
    assert [(one.n, one.accuracy, one.low) for one in none] == [(0, None, None)] * 2
