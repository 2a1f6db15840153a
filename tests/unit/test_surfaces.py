"""The demo's pictures are repeatable, mixed as asked, and show what their label says."""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from labeling.demo.defects import DEFECTS, SIZE
from labeling.demo.surfaces import CAMERAS, CLASSES, Mixture, Surface, generate, write_folder


@pytest.fixture(scope="module")
def surfaces() -> list[Surface]:
    return [generate(3, index) for index in range(90)]


def mean_grey(surface: Surface) -> float:
    return float(np.asarray(surface.image.convert("L")).mean())


def test_a_picture_is_a_function_of_seed_and_index() -> None:
    first, again, other = generate(3, 5), generate(3, 5), generate(4, 5)
    assert (first.label, first.camera, first.image.tobytes()) == (again.label, again.camera, again.image.tobytes())
    assert first.image.tobytes() != other.image.tobytes()


def test_every_class_and_camera_occurs_and_good_parts_are_the_most(surfaces: list[Surface]) -> None:
    labels = Counter(surface.label for surface in surfaces)
    assert set(labels) == set(CLASSES)
    assert labels.most_common(1)[0][0] == "ok"
    assert {surface.camera for surface in surfaces} == set(CAMERAS)


def test_pictures_are_of_one_size_and_the_dark_camera_is_dark_and_grey(surfaces: list[Surface]) -> None:
    assert {surface.image.size for surface in surfaces} == {(SIZE, SIZE)}
    dark = [surface for surface in surfaces if surface.camera == "cam-3"]
    assert {surface.image.mode for surface in dark} == {"L"}
    brightest = max(mean_grey(surface) for surface in dark)
    assert brightest < 0.7 * min(mean_grey(surface) for surface in surfaces if surface.camera != "cam-3")


def test_the_mixture_can_be_chosen() -> None:
    only_holes = Mixture({"hole": 3.0})
    assert {generate(1, index, mixture=only_holes).label for index in range(5)} == {"hole"}


@pytest.mark.parametrize("kind", sorted(DEFECTS))
def test_a_defect_changes_some_of_the_picture_and_fades_before_the_edge_of_its_window(kind: str) -> None:
    for seed in range(20):
        drawn = DEFECTS[kind](np.random.default_rng(seed))
        rows, columns = drawn.window
        assert drawn.change.shape == (rows.stop - rows.start, columns.stop - columns.start)
        assert 0.1 < np.abs(drawn.change).max() < 1.2
        inner = [
            drawn.change[0, :] if rows.start > 0 else np.zeros(1),
            drawn.change[-1, :] if rows.stop < SIZE else np.zeros(1),
            drawn.change[:, 0] if columns.start > 0 else np.zeros(1),
            drawn.change[:, -1] if columns.stop < SIZE else np.zeros(1),
        ]
        assert np.abs(np.concatenate(inner)).max() < 0.03


def test_a_hole_is_darker_than_its_rim() -> None:
    drawn = DEFECTS["hole"](np.random.default_rng(1)).change
    assert drawn.min() < -0.4
    assert drawn.max() > 0.1


def test_a_folder_is_written_class_by_class_with_numbers_of_the_stream(tmp_path: Path) -> None:
    heard: list[tuple[int, int]] = []
    write_folder(tmp_path, seed=3, count=6, report=lambda done, count: heard.append((done, count)))
    expected = {
        f"{surface.label}/{surface.camera}_{index + 1:05d}.jpg"
        for index, surface in enumerate(generate(3, index) for index in range(6))
    }
    written = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*.jpg")}
    assert written == expected
    assert heard[-1] == (6, 6)
    with Image.open(tmp_path / sorted(written)[0]) as image:
        assert image.format == "JPEG"
