"""What people are shown: upright, eight bits, without metadata, whatever a camera sends."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageCms

from labeling.images import check_image
from labeling.images.derivatives import derivative_key, eight_bits, make_derivatives

SIZES = ["thumbnail", "review"]


def coded(image: Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


def shown(data: bytes, size: str = "review") -> Image.Image:
    return Image.open(io.BytesIO(make_derivatives(data, [size])[size]))


def ramp(low: int, high: int, dtype: type) -> Image.Image:
    return Image.fromarray(np.linspace(low, high, 64 * 48).reshape(48, 64).astype(dtype))


def test_sizes_fit_and_nothing_is_made_larger() -> None:
    made = make_derivatives(coded(Image.new("RGB", (4000, 1000))), [*SIZES, "full"])

    sizes = {size: Image.open(io.BytesIO(data)).size for size, data in made.items()}
    assert sizes == {"thumbnail": (256, 64), "review": (1600, 400), "full": (4000, 1000)}
    assert shown(coded(Image.new("L", (40, 30)))).size == (40, 30)


@pytest.mark.parametrize("dtype", [np.uint16, np.int32, np.float32])
def test_a_deep_image_of_a_twelve_bit_camera_uses_the_whole_range(dtype: type) -> None:
    data = coded(ramp(0, 4095, dtype), "TIFF")

    grey = np.asarray(shown(data).convert("L"))

    assert grey.min() < 8
    assert grey.max() > 247
    assert np.abs(grey[24].mean() - 127) < 6


def test_one_hot_pixel_does_not_make_a_deep_image_black() -> None:
    pixels = np.linspace(100, 900, 100 * 100).reshape(100, 100).astype(np.uint16)
    pixels[50, 50] = 65_535

    grey = np.asarray(eight_bits(Image.open(io.BytesIO(coded(Image.fromarray(pixels))))))

    assert 100 < np.median(grey) < 155


def test_a_deep_image_of_one_value_and_one_with_holes_can_be_shown() -> None:
    flat = Image.fromarray(np.full((20, 20), 700, dtype=np.uint16))
    holes = np.full((20, 20), np.nan, dtype=np.float32)
    holes[3:9] = 5.5
    holes[9:12] = np.inf

    assert np.unique(np.asarray(eight_bits(flat))).tolist() == [128]
    for pixels in (holes, np.full((20, 20), np.nan, dtype=np.float32)):
        assert shown(coded(Image.fromarray(pixels), "TIFF")).size == (20, 20)


def test_deep_images_have_a_perceptual_hash_that_tells_them_apart() -> None:
    rising, falling = ramp(0, 4095, np.uint16), ramp(4095, 0, np.uint16)
    hashes = {
        check_image(coded(image, "TIFF"), max_bytes=10**6, max_pixels=10**6).phash
        for image in (rising.transpose(Image.Transpose.ROTATE_90), falling.transpose(Image.Transpose.ROTATE_90))
    }

    assert len(hashes) == 2


def test_an_eight_bit_image_is_shown_as_the_camera_saw_it() -> None:
    assert eight_bits(Image.new("L", (9, 9), 30)).getpixel((4, 4)) == 30


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "PA", "RGB", "RGBA", "CMYK", "YCbCr", "I;16", "I", "F"])
def test_every_mode_is_shown(mode: str) -> None:
    kind = "PNG" if mode in {"P", "I;16"} else "TIFF"
    if mode in {"YCbCr", "PA"}:
        kind = "JPEG" if mode == "YCbCr" else "PNG"
        image = Image.new("RGB", (30, 20), "red") if mode == "YCbCr" else Image.new("P", (30, 20))
    else:
        image = Image.new(mode, (30, 20))

    picture = shown(coded(image, kind))

    assert (picture.size, picture.mode) == ((30, 20), "RGB")


def test_transparent_parts_are_white_with_and_without_a_palette() -> None:
    image = Image.new("RGBA", (10, 10), (255, 0, 0, 0))
    palette = image.convert("P")
    palette.info["transparency"] = palette.getpixel((0, 0))

    for data in (coded(image), coded(palette, transparency=palette.getpixel((0, 0)))):
        assert all(one > 250 for one in shown(data).convert("RGB").getpixel((5, 5)))  # type: ignore[union-attr]


def test_an_image_is_turned_upright_and_measured_upright() -> None:
    image = Image.new("RGB", (60, 40), "white")
    image.paste("black", (0, 0, 60, 10))  # black on top as it lies; the camera was turned
    exif = Image.Exif()
    exif[0x0112] = 6
    data = coded(image, "JPEG", exif=exif, quality=95)

    picture = shown(data).convert("L")
    checked = check_image(data, max_bytes=10**6, max_pixels=10**6)

    assert picture.size == (checked.width, checked.height) == (40, 60)
    assert picture.getpixel((38, 30)) < 40  # type: ignore[operator]
    assert picture.getpixel((5, 30)) > 215  # type: ignore[operator]


@pytest.mark.parametrize("size", ["thumbnail", "review", "full"])
def test_nothing_but_pixels_goes_out(size: str) -> None:
    exif = Image.Exif()
    exif[0x010F], exif[0x8298] = "secret camera", "secret owner"
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    data = coded(Image.new("RGB", (60, 40)), "JPEG", exif=exif, icc_profile=profile, comment=b"secret place")

    made = make_derivatives(data, [size])[size]

    assert b"secret" not in made
    picture = Image.open(io.BytesIO(made))
    assert not picture.getexif()
    assert not {"icc_profile", "exif", "xmp", "comment"} & set(picture.info)


def test_the_first_page_of_a_tiff_is_shown() -> None:
    pages = [Image.new("L", (20, 10), shade) for shade in (40, 200)]
    data = coded(pages[0], "TIFF", save_all=True, append_images=pages[1:])

    assert abs(shown(data).convert("L").getpixel((5, 5)) - 40) < 4  # type: ignore[operator]


def test_a_derivative_is_named_by_the_originals_content() -> None:
    assert derivative_key("ab" + "0" * 62, "review") == f"derived/1/ab/ab{'0' * 62}.review.webp"
