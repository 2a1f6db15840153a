"""Where a model looked: what its score loses when a region of the image is hidden (Zeiler and Fergus 2014).

Coarse on purpose: the features describe texture, so a map finer than a patch would show what is not there.
"""

from collections.abc import Callable, Iterable, Iterator

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from models_registry.training.features import extract, working_copy

GRID = 8
"""Patches along the longer side."""
SOFT = 0.35
"""How far a patch fades into its neighbours, in patches: a hard edge would be a new texture."""

LONGEST = 512
"""Pixels of the longer side in which patches are hidden from a model that scales images itself."""

Pixels = NDArray[np.float32]
"""(rows, columns) in grey, or (rows, columns, 3), from 0 to 1."""
Scores = NDArray[np.float64]


def occlusion_map(image: Image.Image, predict: Callable[[NDArray[np.float32]], Scores], *, column: int) -> Scores:
    """1 - exp(-fall of the log odds of class `column`) for each hidden patch, (rows, columns), from 0 to below 1.

    0 means that hiding the patch changes nothing or speaks for the class; 0.5 that its odds halve. The scale is the
    same for all images. `predict` gives scores (n, k) for features (n, d). One extraction a patch, 65 at most.
    """
    grey = working_copy(image)
    features = np.stack([extract(Image.fromarray(one)) for one in (grey, *_hidden(grey))])
    return _falls(predict(features)[:, column], _grid(grey.shape))


def occlusion_map_of_pictures(
    image: Image.Image, predict: Callable[[Iterable[Image.Image]], Scores], *, column: int
) -> Scores:
    """The same for a model that looks at images itself, in colour: `predict` gives scores (n, k) for images."""
    small = image.convert("RGB")
    small.thumbnail((LONGEST, LONGEST))
    colour = np.asarray(small, dtype=np.float32) / np.float32(255)
    pictures = (Image.fromarray((255 * one).round().astype(np.uint8)) for one in (colour, *_hidden(colour)))
    return _falls(predict(pictures)[:, column], _grid(colour.shape[:2]))


def _hidden(pixels: Pixels) -> Iterator[Pixels]:
    """The image with each patch hidden, row by row."""
    rows, columns = _grid(pixels.shape[:2])
    blurred = _blurred(pixels)
    for row in range(rows):
        for column in range(columns):
            yield _hide(pixels, blurred, row, column, rows, columns)


def _falls(shares: Scores, grid: tuple[int, int]) -> Scores:
    """From the share of the whole image, then those with a patch hidden, to the map."""
    odds = _log_odds(shares)
    fall = np.maximum(odds[0] - odds[1:], 0.0)
    return np.asarray(1 - np.exp(-fall)).reshape(grid)


def as_picture(found: Scores, *, size: tuple[int, int]) -> Image.Image:
    """The map as 8-bit grey of `size` (width, height), smooth between the patches; 255 stands for 1."""
    return Image.fromarray((255 * found).round().astype(np.uint8)).resize(size, Image.Resampling.BICUBIC)


def _grid(shape: tuple[int, ...]) -> tuple[int, int]:
    """Patches that are about square, `GRID` along the longer side."""
    longest = max(shape)
    rows, columns = (max(1, round(GRID * side / longest)) for side in shape)
    return rows, columns


def _blurred(pixels: Pixels) -> Pixels:
    """What a hidden patch shows: the image without anything that is smaller than the patch."""
    radius = max(pixels.shape[:2]) / GRID
    eight = Image.fromarray((255 * pixels).astype(np.uint8)).filter(ImageFilter.GaussianBlur(radius))
    return np.asarray(eight, dtype=np.float32) / np.float32(255)


def _hide(pixels: Pixels, blurred: Pixels, row: int, column: int, rows: int, columns: int) -> Pixels:
    height, width = pixels.shape[:2]
    mask = np.outer(_window(height, row, rows), _window(width, column, columns)).astype(np.float32)
    return pixels + (mask if pixels.ndim == 2 else mask[..., None]) * (blurred - pixels)


def _window(side: int, place: int, places: int) -> NDArray[np.float64]:
    """1 inside the patch, falling to 0 over `SOFT` patches on both sides."""
    at = (np.arange(side) + 0.5) / side * places
    away = np.maximum(place - at, at - (place + 1))
    return np.clip(1 - away / SOFT, 0.0, 1.0)


def _log_odds(share: Scores) -> Scores:
    kept = np.clip(share, 1e-9, 1 - 1e-9)
    return np.asarray(np.log(kept) - np.log1p(-kept))
