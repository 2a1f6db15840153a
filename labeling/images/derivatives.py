"""What people are shown of an image: upright, eight bits, no metadata, in a size that fits. Pure: bytes to bytes."""

from __future__ import annotations

import io
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageOps

RECIPE = 1  # part of the key: a new recipe makes new files
LOW, HIGH = 0.1, 99.9  # percentiles of a deep image that become black and white
SAMPLE = 1_000_000  # pixels that the percentiles are taken from
BAND = 256  # rows
DEEP = frozenset({"I", "F", "I;16", "I;16B", "I;16L", "I;16N"})
TRANSPOSED = frozenset({5, 6, 7, 8})  # EXIF orientations that swap width and height
ORIENTATION = 0x0112


@dataclass(frozen=True, slots=True)
class Recipe:
    """The longest side in pixels, and how it is written."""

    side: int
    format: str
    quality: int

    @property
    def content_type(self) -> str:
        return f"image/{self.format.lower()}"


RECIPES = {
    "thumbnail": Recipe(256, "WEBP", 80),
    "tile": Recipe(640, "WEBP", 86),  # in a grid of four columns, also on a fine screen
    "review": Recipe(1600, "WEBP", 90),
    "full": Recipe(16_000, "JPEG", 92),  # for zooming in; WebP ends at 16,383 pixels and takes seconds
}


def derivative_key(sha256: str, size: str) -> str:
    """Where a derivative lies: named by the original's content, so it is made once whoever sent the image."""
    return f"derived/{RECIPE}/{sha256[:2]}/{sha256}.{size}.{RECIPES[size].format.lower()}"


def make_derivatives(data: bytes, sizes: list[str]) -> dict[str, bytes]:
    """From the bytes of an image that was checked when it came. The largest is made first and the others from it."""
    made = {}
    opened = Image.open(io.BytesIO(data))
    largest = max(RECIPES[size].side for size in sizes)
    opened.draft(None, (largest, largest))  # JPEG only: decoded at an eighth, a quarter, a half where that is enough
    image = eight_bits(upright(opened))
    for size in sorted(sizes, key=lambda size: -RECIPES[size].side):
        recipe, out = RECIPES[size], io.BytesIO()
        image.thumbnail((recipe.side, recipe.side), Image.Resampling.LANCZOS, reducing_gap=3.0)
        _bare(image).save(out, recipe.format, quality=recipe.quality, subsampling=0)
        made[size] = out.getvalue()
    return made


def upright(image: Image.Image) -> Image.Image:
    """As the camera was held. Of several pages the first."""
    return ImageOps.exif_transpose(image) if image.getexif().get(ORIENTATION, 1) != 1 else image


def upright_size(image: Image.Image) -> tuple[int, int]:
    """Width and height as people see them; no pixel is touched."""
    is_turned = image.getexif().get(ORIENTATION) in TRANSPOSED
    return (image.height, image.width) if is_turned else (image.width, image.height)


def eight_bits(image: Image.Image) -> Image.Image:
    """Grey or RGB. Deep images are stretched between two percentiles: a 12-bit camera in 16 bits would be black, and
    one hot pixel must not decide. Eight-bit images stay as they are. What is transparent becomes white.
    """
    if image.mode in DEEP:
        return _stretched(image)
    if image.mode in {"L", "RGB"}:
        return image
    if image.mode == "1":
        return image.convert("L")
    if "A" in image.getbands() or "transparency" in image.info:
        seen = image.convert("RGBA")
        paper = Image.new("RGBA", seen.size, "white")
        return Image.alpha_composite(paper, seen).convert("RGB")
    return image.convert("RGB")


def _stretched(image: Image.Image) -> Image.Image:
    pixels = np.asarray(image)
    some = pixels.ravel()[:: max(1, pixels.size // SAMPLE)].astype(np.float32)
    some = some[np.isfinite(some)]
    low, high = (float(one) for one in np.percentile(some, [LOW, HIGH])) if some.size else (0.0, 0.0)
    if high <= low and some.size:
        low, high = float(some.min()), float(some.max())  # nearly all pixels are alike
    if high <= low:
        return Image.new("L", image.size, 128)
    grey = np.empty(pixels.shape, dtype=np.uint8)
    for top in range(
        0, len(pixels), BAND
    ):  # as floats only a band at a time: a large image has four bytes a pixel then
        band = (pixels[top : top + BAND].astype(np.float32) - low) * (255 / (high - low))
        grey[top : top + BAND] = np.nan_to_num(band, nan=0, posinf=255, neginf=0).clip(0, 255)
    return Image.fromarray(grey)


def _bare(image: Image.Image) -> Image.Image:
    """The pixels and nothing else: no EXIF, no XMP, no colour profile, no comment."""
    bare = Image.new(image.mode, image.size)
    bare.paste(image)
    return bare
