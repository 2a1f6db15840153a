"""Very large images in tiles: every pixel at its place, whatever the format and however the camera was held."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
from PIL import Image

from labeling.images.mosaic import PLACES, SIDE, has_mosaic, make_level, n_levels, n_tiles, place_of


def picture(width: int, height: int, kind: str, **options: Any) -> bytes:
    """Brightness falls from left to right, with one black square that shows which way up it is."""
    grey = np.tile(np.linspace(255, 100, width), (height, 1)).astype(np.uint8)
    grey[:40, :60] = 0
    stream = io.BytesIO()
    Image.fromarray(grey).save(stream, kind, **options)
    return stream.getvalue()


def put_together(level: bytes, width: int, height: int) -> np.ndarray[Any, Any]:
    """The level from its tiles, each where its number says."""
    columns, rows = n_tiles(width, height, 0)
    whole = np.zeros((height, width), np.uint8)
    for n in range(columns * rows):
        start, end = PLACES.unpack_from(level, place_of(n))
        tile = np.asarray(Image.open(io.BytesIO(level[start:end])).convert("L"))
        y, x = n // columns * SIDE, n % columns * SIDE
        whole[y : y + tile.shape[0], x : x + tile.shape[1]] = tile
    return whole


@pytest.mark.parametrize(("kind", "options"), [("JPEG", {"quality": 95}), ("PNG", {})])
@pytest.mark.parametrize("level", [0, 1, 4])
def test_a_level_is_the_image_reduced(kind: str, options: dict[str, Any], level: int) -> None:
    data = picture(1601, 1003, kind, **options)
    width, height = -(-1601 // 2**level), -(-1003 // 2**level)

    whole = put_together(make_level(data, level), width, height).astype(int)

    expected = np.asarray(Image.open(io.BytesIO(data)).reduce(2**level)).astype(int)
    assert expected.shape == whole.shape
    assert np.abs(whole - expected).mean() < 1.5


def test_an_image_that_was_turned_stands_upright_in_its_tiles() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # turn right to see it upright
    whole = put_together(make_level(picture(900, 700, "JPEG", exif=exif), 0), 700, 900)

    assert whole[:60, -40:].max() < 30
    assert whole[:60, :40].min() > 90


def test_only_what_no_browser_holds_whole_has_tiles_and_levels_end_where_the_copy_will_do() -> None:
    assert not has_mosaic(None, None)
    assert not has_mosaic(8000, 5000)
    assert has_mosaic(12_000, 9000)
    assert n_levels(12_000, 9000) == 3
    assert (n_tiles(12_000, 9000, 0), n_tiles(12_000, 9000, 2)) == ((24, 18), (6, 5))
