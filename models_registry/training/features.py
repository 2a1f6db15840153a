"""Numbers that describe the texture of an image, for the built-in trainer.

Pure and made for speed, since an image is described while the line waits for its answer: the filter bank works in the
frequency domain with cached transfer functions, patterns and co-occurrences are whole-array counts, and every
percentile comes from one count of grey values. Energies and counts forget where a defect lies; one coarse grid
remembers.
"""

from collections.abc import Callable, Iterable
from typing import IO

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from models_registry.training import filter_bank, texture_counts

FEATURES_VERSION = "texture-1"
"""Changes with every change of a number below: a model is used only with the features that it was trained on."""

SHORTEST_LONG_SIDE = 64
LONGEST_SIDE = 256
LEAST_SIDE = 16
GRID = 4
PROFILE = 8
DEEP_MODES = ("I", "F")

Grey = NDArray[np.float32]
Features = NDArray[np.float32]


def read(stream: IO[bytes]) -> Image.Image:
    """Open an image file for `extract`; a large JPEG is decoded at a fraction of its size, for speed.

    Raises PIL.UnidentifiedImageError (an OSError) when the bytes are no image.
    """
    image = Image.open(stream)
    image.draft(None, (LONGEST_SIDE, LONGEST_SIDE))
    return image


def extract(image: Image.Image) -> Features:
    """Describe one image of any mode and size: float32 (N_FEATURES,), always finite. The image is unchanged."""
    grey = working_copy(image)
    spectrum = filter_bank.spectrum(grey)
    counts = texture_counts.grey_counts(grey)
    blocks = (
        filter_bank.energies(spectrum, grey.shape),
        filter_bank.rings_and_wedges(spectrum),
        texture_counts.local_binary_patterns(grey),
        texture_counts.co_occurrence(grey, counts),
        texture_counts.histogram(counts),
        coarse_grid(grey),
    )
    return np.nan_to_num(np.concatenate(blocks)).astype(np.float32)


def extract_many(images: Iterable[Image.Image], *, report: Callable[[int], None] | None = None) -> Features:
    """Describe images one after the other, (n, N_FEATURES); `report` hears the number done after each."""
    rows: list[Features] = []
    for image in images:
        rows.append(extract(image))
        if report is not None:
            report(len(rows))
    return np.stack(rows) if rows else np.empty((0, N_FEATURES), dtype=np.float32)


def working_copy(image: Image.Image) -> Grey:
    """Grey values 0..1, (height, width): the longer side between 64 and 256 px, no side under 16 px."""
    longest = max(image.size)
    scale = min(max(longest, SHORTEST_LONG_SIDE), LONGEST_SIDE) / longest
    width, height = (max(LEAST_SIDE, round(side * scale)) for side in image.size)
    grey = _grey(image)
    if grey.size != (width, height):
        grey = grey.resize((width, height), Image.Resampling.BILINEAR, reducing_gap=3.0)
    return np.asarray(grey, dtype=np.float32)


def _grey(image: Image.Image) -> Image.Image:
    """One float channel 0..1. Pillow clips 16-bit values at 255 when it converts them, so those are scaled by hand."""
    if image.mode.startswith(DEEP_MODES):
        deep = np.nan_to_num(np.asarray(image, dtype=np.float32))
        top = 65535.0 if deep.max(initial=0.0) > 255.0 else 255.0 if deep.max(initial=0.0) > 1.0 else 1.0
        return Image.fromarray(np.clip(deep / np.float32(top), 0.0, 1.0))
    if image.mode == "P" or image.has_transparency_data:
        opaque = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, (0, 0, 0, 255)), opaque)
    return Image.fromarray(np.asarray(image.convert("L"), dtype=np.float32) / np.float32(255.0))


def coarse_grid(grey: Grey) -> NDArray[np.float64]:
    """Where it is bright and busy: cells and two profiles of the standardised image, log contrast per cell."""
    spread = float(grey.std()) + 1e-3
    centred = (grey - grey.mean()) / np.float32(spread)
    bright, busy = Image.fromarray(centred), Image.fromarray(centred**2)
    cells = _boxes(bright, GRID, GRID)
    contrast = np.log(_boxes(busy, GRID, GRID) + 1e-2)
    return np.concatenate([cells, contrast, np.sort(contrast), _boxes(bright, PROFILE, 1), _boxes(bright, 1, PROFILE)])


def _boxes(image: Image.Image, columns: int, rows: int) -> NDArray[np.float64]:
    return np.asarray(image.resize((columns, rows), Image.Resampling.BOX), dtype=np.float64).ravel()


N_FEATURES = filter_bank.N_NUMBERS + texture_counts.N_NUMBERS + 3 * GRID * GRID + 2 * PROFILE
