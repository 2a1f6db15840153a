"""Features survive whatever a camera sends, and describe texture rather than exposure."""

import io

import numpy as np
import pytest
from PIL import Image

from models_registry.training.features import LONGEST_SIDE, N_FEATURES, extract, extract_many, read, working_copy
from models_registry.training.texture_counts import N_PATTERNS, UNIFORM


def make_noise(width: int = 64, height: int = 64, seed: int = 0) -> Image.Image:
    noise = np.random.default_rng(seed).integers(0, 256, (height, width), dtype=np.uint8)
    return Image.fromarray(noise)


def make_stripes(period: int, *, upright: bool = True) -> Image.Image:
    wave = 128 + 60 * np.sin(2 * np.pi * np.arange(96) / period)
    stripes = np.tile(wave, (96, 1)).astype(np.uint8)
    return Image.fromarray(stripes if upright else np.ascontiguousarray(stripes.T))


@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA", "P", "LA", "PA", "1", "CMYK", "YCbCr", "HSV", "I", "F", "I;16"])
def test_every_mode_gives_the_same_count_of_finite_numbers(mode: str) -> None:
    features = extract(make_noise().convert(mode))
    assert features.shape == (N_FEATURES,)
    assert features.dtype == np.float32
    assert np.isfinite(features).all()


@pytest.mark.parametrize("size", [(24, 40), (1, 1), (1, 300), (500, 3), (122, 128), (2800, 40), (256, 256), (257, 255)])
def test_every_size_gives_the_same_count_of_finite_numbers(size: tuple[int, int]) -> None:
    features = extract(make_noise(*size))
    assert features.shape == (N_FEATURES,)
    assert np.isfinite(features).all()


@pytest.mark.parametrize("value", [0, 128, 255])
def test_an_image_of_one_grey_has_finite_features(value: int) -> None:
    assert np.isfinite(extract(Image.new("L", (64, 64), value))).all()


def test_a_large_image_is_worked_on_at_limited_size() -> None:
    assert max(working_copy(Image.new("L", (2800, 1400))).shape) == LONGEST_SIDE


def test_sixteen_bits_are_scaled_and_not_clipped() -> None:
    eight = np.asarray(make_noise())
    sixteen = Image.fromarray(eight.astype(np.uint16) * 257)
    assert sixteen.mode == "I;16"
    np.testing.assert_allclose(working_copy(sixteen), working_copy(Image.fromarray(eight)), atol=1e-5)


def test_a_transparent_pixel_is_black_whatever_its_hidden_colour() -> None:
    hidden = Image.new("RGBA", (64, 64), (255, 255, 255, 0))
    assert working_copy(hidden).max() == 0


def test_float_values_that_are_no_numbers_are_tolerated() -> None:
    broken = np.full((64, 64), np.nan, dtype=np.float32)
    assert np.isfinite(extract(Image.fromarray(broken))).all()


def test_extraction_is_repeatable_and_leaves_the_image_alone() -> None:
    image = make_noise()
    before = image.tobytes()
    np.testing.assert_array_equal(extract(image), extract(image))
    assert image.tobytes() == before


def test_direction_and_pitch_of_stripes_are_told_apart() -> None:
    coarse, fine, lying = extract(make_stripes(24)), extract(make_stripes(6)), extract(make_stripes(24, upright=False))
    shifted = extract(Image.fromarray(np.roll(np.asarray(make_stripes(24)), 7, axis=1)))
    near = np.linalg.norm(coarse - shifted)
    assert np.linalg.norm(coarse - fine) > 2 * near
    assert np.linalg.norm(coarse - lying) > 2 * near


def test_a_large_jpeg_is_decoded_small() -> None:
    stream = io.BytesIO()
    make_noise(2048, 1024).save(stream, "JPEG")
    assert read(io.BytesIO(stream.getvalue())).size == (512, 256)


def test_bytes_that_are_no_image_are_an_os_error() -> None:
    with pytest.raises(OSError, match="cannot identify"):
        read(io.BytesIO(b"no image"))


def test_many_images_become_rows_and_are_counted_aloud() -> None:
    heard: list[int] = []
    images = [make_noise(seed=seed) for seed in range(3)]
    rows = extract_many(images, report=heard.append)
    np.testing.assert_array_equal(rows[1], extract(images[1]))
    assert heard == [1, 2, 3]


def test_no_images_are_no_rows() -> None:
    assert extract_many([]).shape == (0, N_FEATURES)


def test_fifty_eight_codes_are_uniform_and_the_rest_share_a_class() -> None:
    assert sorted(set(UNIFORM.tolist())) == list(range(N_PATTERNS))
    assert (UNIFORM == N_PATTERNS - 1).sum() == 256 - 58
