"""What is measured of an image, against numbers that were not written here, and which images get a flag."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageFilter
from scipy import ndimage

from labeling import image_quality as quality
from labeling.image_quality import blockiness, flags, grey_copy, jpeg_quality, limits_of, measure, noise, sharpness

RNG = np.random.default_rng(5)


def picture(*, level: float = 120, spread: float = 20, seed: int = 1, size: int = 200) -> Image.Image:
    """A textured plate."""
    rng = np.random.default_rng(seed)
    coarse = ndimage.gaussian_filter(rng.normal(size=(size, size)), 3)
    pixels = level + spread * coarse / coarse.std() + rng.normal(scale=2, size=(size, size))
    return Image.fromarray(pixels.clip(0, 255).astype(np.uint8))


def features(image: Image.Image) -> dict[str, Any]:
    return measure(image, n_bytes=40_000).as_dict()


def test_one_bright_pixel_has_the_sharpness_of_the_reference_case() -> None:
    """STATISTICS §7.1 R14: 20 * 255^2 / 25."""
    grey = np.zeros((5, 5))
    grey[2, 2] = 255
    assert sharpness(grey) == pytest.approx(52_020)
    assert sharpness(np.full((5, 5), 77.0)) == 0


@pytest.mark.parametrize("shape", [(7, 9), (1, 4), (2, 2), (50, 3)])
def test_the_laplacian_is_that_of_scipy(shape: tuple[int, int]) -> None:
    grey = RNG.uniform(0, 255, shape)
    assert sharpness(grey) == pytest.approx(ndimage.laplace(grey).var())


def test_the_gradient_is_that_of_scipys_sobel() -> None:
    image = picture()
    grey = grey_copy(image)
    expected = (ndimage.sobel(grey, axis=0) ** 2 + ndimage.sobel(grey, axis=1) ** 2).mean()
    assert features(image)["tenengrad"] == pytest.approx(np.log1p(expected), abs=1e-5)


@pytest.mark.parametrize("sigma", [1.0, 5.0, 15.0])
def test_noise_is_found_again_on_top_of_slopes_and_lines(sigma: float) -> None:
    slope = np.add.outer(np.linspace(20, 200, 300), np.linspace(0, 30, 400))
    slope[:, 200:] += 20
    assert noise(slope) < 0.2
    assert noise(slope + RNG.normal(scale=sigma, size=slope.shape)) == pytest.approx(sigma, rel=0.05)


@pytest.mark.parametrize("asked", [2, 10, 35, 50, 75, 90, 95])
def test_the_quality_of_a_jpeg_is_read_from_its_tables(asked: int) -> None:
    stream = io.BytesIO()
    picture().save(stream, "JPEG", quality=asked)
    assert jpeg_quality(Image.open(stream)) == pytest.approx(asked, abs=1.5)
    assert jpeg_quality(picture()) is None


def test_blocks_show_where_a_jpeg_was_squeezed() -> None:
    def steps(asked: int) -> float:
        stream = io.BytesIO()
        picture(size=256).save(stream, "JPEG", quality=asked)
        return float(features(Image.open(stream))["blockiness"])

    assert steps(5) > 1.5 > steps(95)
    assert blockiness(np.zeros((20, 20))) == 1
    assert blockiness(np.ones((1, 1))) == 1


def test_a_large_image_is_measured_on_a_small_copy() -> None:
    assert grey_copy(Image.new("L", (3000, 1000))).shape == (171, 512)
    assert grey_copy(Image.new("L", (4000, 1))).shape == (1, 512)
    assert grey_copy(Image.new("L", (30, 20))).shape == (20, 30)


@pytest.mark.parametrize("mode", ["L", "RGB"])
@pytest.mark.parametrize("size", [(1, 1), (2, 1), (1, 700), (2000, 3)])
@pytest.mark.parametrize("colour", ["black", "white", "#808080"])
def test_every_feature_of_every_image_is_a_finite_number(mode: str, size: tuple[int, int], colour: str) -> None:
    found = features(Image.new(mode, size, colour))
    assert set(found) == set(quality.NAMES)
    assert all(value is None or np.isfinite(value) for value in found.values())
    assert found["contrast"] == found["noise"] == found["entropy"] == 0


def test_a_tint_is_seen_and_grey_has_none() -> None:
    assert features(Image.new("RGB", (9, 9), (150, 100, 100)))["red_cast"] == pytest.approx(np.log(151 / 101), abs=1e-5)
    assert features(Image.new("RGB", (9, 9), (90, 90, 90)))["blue_cast"] == 0


@pytest.fixture(scope="module")
def usual() -> Any:
    """The limits of a camera from 200 of its images."""
    return limits_of([features(picture(level=120 + seed % 9, seed=seed)) for seed in range(200)])


def lights_on(image: Image.Image) -> Image.Image:
    return image.point(lambda level: min(255, level + 110))


def noisy(image: Image.Image) -> Image.Image:
    pixels = np.asarray(image, dtype=float) + np.random.default_rng(1).normal(scale=12, size=image.size[::-1])
    return Image.fromarray(pixels.clip(0, 255).astype(np.uint8))


def squeezed(image: Image.Image) -> Image.Image:
    stream = io.BytesIO()
    image.save(stream, "JPEG", quality=4)
    return Image.open(stream)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda image: image.filter(ImageFilter.GaussianBlur(3)), {"blurred"}),
        (lambda image: image.point(lambda level: level // 3), {"dark", "flat"}),
        (lights_on, {"bright", "clipped"}),
        (lambda image: image.point(lambda level: 120 + (level - 120) // 8), {"flat"}),
        (noisy, {"noisy"}),
        (squeezed, {"compressed"}),
        (lambda image: Image.merge("RGB", [image, image, image.point(lambda level: level * 2 // 3)]), {"tinted"}),
    ],
    ids=["out of focus", "lamp broken", "lights on", "fog", "gain too high", "squeezed", "wrong lamp"],
)
def test_what_goes_wrong_with_a_camera_gets_its_flag(change: Any, expected: set[str], usual: Any) -> None:
    assert flags(features(picture(seed=777)), usual) == []
    assert set(flags(features(change(picture(seed=777))), usual)) >= expected


def test_hardly_any_usual_image_is_flagged(usual: Any) -> None:
    flagged = [flags(features(picture(level=120 + seed % 9, seed=seed)), usual) for seed in range(1000, 1200)]
    assert sum(map(bool, flagged)) <= 2


def test_limits_belong_to_a_source_and_a_bad_image_in_the_reference_widens_them_little() -> None:
    good = [features(picture(seed=seed)) for seed in range(200)]
    bad = [features(Image.new("L", (50, 50), 250)) for _ in range(10)]
    low, high = limits_of(good)["brightness"]
    spoilt_low, spoilt_high = limits_of(good + bad)["brightness"]
    assert [spoilt_low, spoilt_high] == pytest.approx([low, high], abs=2)


def test_images_that_are_all_alike_do_not_make_limits_of_no_width() -> None:
    same = [features(Image.new("L", (50, 50), 100))] * 200
    limits = limits_of(same)
    assert flags(features(Image.new("L", (50, 50), 101)), limits) == []
    assert flags(features(Image.new("L", (50, 50), 200)), limits) == ["bright"]


def test_few_images_make_no_limits() -> None:
    with pytest.raises(ValueError, match="200 images, not 199"):
        limits_of([features(Image.new("L", (9, 9)))] * 199)
