"""What can be measured of an image before anybody looks: blur, light, noise, clipping (STATISTICS §5). Pure.

All numbers but those of compression are taken from a grey copy of at most 512 pixels, so that they cost little and
two resolutions of one camera can be compared. None of them says that an image is bad: `limits_of` learns from a
source's own images what is usual there, and `flags` names what is not.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from math import log, log1p, pi, sqrt
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Floats = NDArray[np.float64]
Limits = dict[str, tuple[float, float]]
Flag = Literal["blurred", "dark", "bright", "flat", "noisy", "clipped", "tinted", "compressed"]
FLAGS: tuple[Flag, ...] = get_args(Flag)

RECIPE = 1  # stored with the numbers: those of two recipes are not compared, so a new one has all limits learned anew
SIDE = 512
MIN_REFERENCE = 200
WIDTH = 4 * 1.4826  # of the usual range, in median absolute deviations: four standard deviations of a normal
BLACK, WHITE = 2, 253
STANDARD_LUMINANCE = np.array([
    10, 11, 12, 12, 13, 14, 14, 14, 16, 16, 16, 17, 18, 19, 22, 22, 24, 24, 24, 26, 29, 35,
    37, 40, 40, 49, 51, 51, 55, 55, 56, 56, 57, 58, 60, 61, 62, 64, 64, 68, 69, 72, 77, 78,
    80, 81, 87, 87, 92, 92, 95, 98, 99, 100, 101, 103, 103, 103, 104, 109, 112, 113, 120, 121,
])  # fmt: skip
"""The luminance table of ITU T.81, annex K, sorted; quality 50 uses it as it is, others scale it and end at 255."""


@dataclass(frozen=True, slots=True)
class Features:
    """Grey levels run from 0 to 255. None: the image's format does not tell."""

    sharpness: float  # ln(1 + variance of the Laplacian)
    tenengrad: float  # ln(1 + mean squared Sobel gradient)
    brightness: float  # mean grey level
    darkest: float  # 1st percentile
    lightest: float  # 99th percentile
    contrast: float  # lightest - darkest
    variation: float  # standard deviation over mean; 0 for a black image
    clipped_dark: float  # share of pixels at 2 or below
    clipped_bright: float  # share of pixels at 253 or above
    noise: float  # standard deviation of the noise, in grey levels
    entropy: float  # bits, of a histogram of 64 bins
    red_cast: float  # ln of red over green, of the means; 0 for a grey image
    blue_cast: float  # ln of blue over green
    blockiness: float  # steps at the borders of JPEG's blocks over the steps elsewhere; 1 for none
    aspect: float  # width over height
    bytes_per_pixel: float
    jpeg_quality: float | None  # as libjpeg counts it, 1 to 100

    def as_dict(self) -> dict[str, float | None]:
        """By name, rounded to what is meaningful."""
        return {name: None if value is None else round(value, 6) for name, value in asdict(self).items()}


NAMES = tuple(field.name for field in fields(Features))

# What a limit keeps at least from the median, in the feature's unit: a source whose images are all but alike would
# otherwise flag the next one for a difference that nobody can see.
LEAST_DISTANCE = {
    "sharpness": 0.2, "brightness": 4.0, "contrast": 8.0, "noise": 0.5, "clipped_dark": 0.01, "clipped_bright": 0.01,
    "red_cast": 0.05, "blue_cast": 0.05, "blockiness": 0.2,
}  # fmt: skip


def measure(image: Image.Image, *, n_bytes: int) -> Features:
    """The features of a decoded image of eight bits, grey or RGB, of ``n_bytes`` as a file."""
    grey = grey_copy(image)
    darkest, lightest = (float(one) for one in np.percentile(grey, [1, 99]))
    mean = float(grey.mean())
    red, blue = _casts(image)
    return Features(
        sharpness=log1p(sharpness(grey)),
        tenengrad=log1p(_tenengrad(grey)),
        brightness=mean,
        darkest=darkest,
        lightest=lightest,
        contrast=lightest - darkest,
        variation=float(grey.std()) / mean if mean > 0 else 0.0,
        clipped_dark=float((grey <= BLACK).mean()),
        clipped_bright=float((grey >= WHITE).mean()),
        noise=noise(grey),
        entropy=_entropy(grey),
        red_cast=red,
        blue_cast=blue,
        blockiness=blockiness(_centre(image)),
        aspect=image.width / image.height,
        bytes_per_pixel=n_bytes / (image.width * image.height),
        jpeg_quality=jpeg_quality(image),
    )


def grey_copy(image: Image.Image) -> Floats:
    """Grey levels of a copy whose longest side has at most 512 pixels, (height, width). Made smaller by means."""
    grey = image.convert("L")
    if max(grey.size) > SIDE:
        scale = SIDE / max(grey.size)
        size = (max(1, round(grey.width * scale)), max(1, round(grey.height * scale)))
        grey = grey.resize(size, Image.Resampling.BOX)
    return np.asarray(grey, dtype=np.float64)


def sharpness(grey: Floats) -> float:
    """Variance of the Laplacian (Pech-Pacheco 2000), edges mirrored, as scipy.ndimage.laplace has them."""
    framed = np.pad(grey, 1, mode="symmetric")
    laplacian: Floats = _up(framed) + _down(framed) + _left(framed) + _right(framed) - 4 * grey
    return float(laplacian.var())


def noise(grey: Floats) -> float:
    """Standard deviation of the noise, whatever the picture shows (Immerkaer 1996). 0 below 3 by 3 pixels.

    sqrt(pi/2) / (6 (W-2)(H-2)) * sum|I * M| with M = [[1,-2,1],[-2,4,-2],[1,-2,1]]: lines and slopes cancel.
    """
    height, width = grey.shape
    if min(height, width) < 3:
        return 0.0
    rows = grey[:-2] - 2 * grey[1:-1] + grey[2:]
    both = rows[:, :-2] - 2 * rows[:, 1:-1] + rows[:, 2:]
    return float(sqrt(pi / 2) / (6 * (width - 2) * (height - 2)) * np.abs(both).sum())


def blockiness(grey: Floats) -> float:
    """Mean step at every eighth column and row over the mean step elsewhere; 1 where there is nothing to compare.

    ``grey`` begins at a border of the blocks and has its original size.
    """
    at_borders, elsewhere = [], []
    for steps in (np.abs(np.diff(grey, axis=1)), np.abs(np.diff(grey, axis=0)).T):
        is_border = np.arange(1, steps.shape[1] + 1) % 8 == 0
        at_borders.append(steps[:, is_border].ravel())
        elsewhere.append(steps[:, ~is_border].ravel())
    border, inside = np.concatenate(at_borders), np.concatenate(elsewhere)
    if not border.size or not inside.size or inside.mean() == 0:
        return 1.0
    return float(border.mean() / inside.mean())


def jpeg_quality(image: Image.Image) -> float | None:
    """How libjpeg would name the image's luminance table; None for other formats. The inverse of its scaling."""
    tables = getattr(image, "quantization", None)
    if not tables or 0 not in tables:
        return None
    table: Floats = np.sort(np.array(tables[0], dtype=np.float64))[: len(STANDARD_LUMINANCE)]
    told = (table < 255) & (table > 1)  # what was cut off says nothing of the scale
    if not told.any():
        return 100.0 if table[0] <= 1 else 1.0
    scale = 100 * float(table[told].sum() / STANDARD_LUMINANCE[: len(table)][told].sum())
    quality: float = (200 - scale) / 2 if scale <= 100 else 5000 / scale
    return min(max(quality, 1.0), 100.0)


def limits_of(reference: Sequence[Mapping[str, float | None]]) -> Limits:
    """What is usual at a source: median ± 4 standard deviations per feature that a flag reads, from >= 200 images.

    The deviation is 1.4826 times the median absolute deviation, which bad images among the reference do not widen.
    Raises ValueError for fewer images.
    """
    if len(reference) < MIN_REFERENCE:
        raise ValueError(f"limits need {MIN_REFERENCE} images, not {len(reference)}")
    limits = {}
    for name, least in LEAST_DISTANCE.items():
        values = np.array([one[name] for one in reference], dtype=np.float64)
        median = float(np.median(values))
        distance = max(WIDTH * float(np.median(np.abs(values - median))), least)
        limits[name] = (median - distance, median + distance)
    return limits


def flags(features: Mapping[str, float | None], limits: Mapping[str, Sequence[float]]) -> list[Flag]:
    """What is unusual about an image at its source, in the order of `FLAGS`. A hint and never a verdict."""

    def below(name: str) -> bool:
        return (features[name] or 0.0) < limits[name][0]

    def above(name: str) -> bool:
        return (features[name] or 0.0) > limits[name][1]

    said: dict[Flag, bool] = {
        "blurred": below("sharpness"),
        "dark": below("brightness"),
        "bright": above("brightness"),
        "flat": below("contrast"),
        "noisy": above("noise"),
        "clipped": above("clipped_dark") or above("clipped_bright"),
        "tinted": any(below(name) or above(name) for name in ("red_cast", "blue_cast")),
        "compressed": above("blockiness"),
    }
    return [flag for flag in FLAGS if said[flag]]


def _up(framed: Floats) -> Floats:
    return framed[:-2, 1:-1]


def _down(framed: Floats) -> Floats:
    return framed[2:, 1:-1]


def _left(framed: Floats) -> Floats:
    return framed[1:-1, :-2]


def _right(framed: Floats) -> Floats:
    return framed[1:-1, 2:]


def _tenengrad(grey: Floats) -> float:
    framed = np.pad(grey, 1, mode="symmetric")
    across = framed[:-2] + 2 * framed[1:-1] + framed[2:]
    along = framed[:, :-2] + 2 * framed[:, 1:-1] + framed[:, 2:]
    return float(((across[:, 2:] - across[:, :-2]) ** 2 + (along[2:] - along[:-2]) ** 2).mean())


def _entropy(grey: Floats) -> float:
    shares = np.histogram(grey, bins=64, range=(0, 256))[0] / grey.size
    shares = shares[shares > 0]
    return float(-(shares * np.log2(shares)).sum()) + 0.0  # one bin alone would give -0


def _casts(image: Image.Image) -> tuple[float, float]:
    if image.mode != "RGB":
        return 0.0, 0.0
    small = image.resize((min(image.width, 64), min(image.height, 64)), Image.Resampling.BOX)
    red, green, blue = np.asarray(small, dtype=np.float64).reshape(-1, 3).mean(axis=0) + 1  # black has no colour
    return log(red / green), log(blue / green)


def _centre(image: Image.Image) -> Floats:
    """The middle of the image in its original size, at most 512 pixels wide, begun at a border of JPEG's blocks."""
    left, top = (max(0, (side - SIDE) // 2 // 8 * 8) for side in image.size)
    return np.asarray(image.crop((left, top, *_end(image, left, top))).convert("L"), dtype=np.float64)


def _end(image: Image.Image, left: int, top: int) -> tuple[int, int]:
    return min(left + SIDE, image.width), min(top + SIDE, image.height)
