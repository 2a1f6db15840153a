"""Very large images in tiles, for zooming in to every pixel without a browser that holds them whole. Pure.

Level 0 is the image as it is, each further one half of the one before, as long as there is more to see than in the copy
for the screen. All tiles of a level lie in one file, row by row, behind the places where they begin: decoding is what
takes time, so it is done once, and one file is as easily stored and forgotten as any other derivative.
"""

from __future__ import annotations

import io
import math
import struct

from PIL import Image

from labeling.images.derivatives import RECIPE, RECIPES, eight_bits, upright

MORE_THAN = 40_000_000  # pixels: so many a browser can hold whole
SIDE = 512
QUALITY = 92
PLACE = struct.Struct(">Q")
PLACES = struct.Struct(">QQ")  # where a tile begins and ends


def has_mosaic(width: int | None, height: int | None) -> bool:
    return (width or 0) * (height or 0) > MORE_THAN


def n_levels(width: int, height: int) -> int:
    """How many there are; the last is at most twice as large as the copy for the screen."""
    return max(1, math.ceil(math.log2(max(width, height) / RECIPES["review"].side)))


def n_tiles(width: int, height: int, level: int) -> tuple[int, int]:
    """Columns and rows of a level."""
    return math.ceil(math.ceil(width / 2**level) / SIDE), math.ceil(math.ceil(height / 2**level) / SIDE)


def mosaic_key(sha256: str, level: int) -> str:
    """Where the tiles of a level lie: named by the original's content, as derivatives are."""
    return f"derived/{RECIPE}/{sha256[:2]}/{sha256}.mosaic{level}"


def place_of(n: int) -> int:
    """Where in a level's file it says where tile ``n`` begins and ends: `PLACES.size` bytes."""
    return n * PLACE.size


def make_level(data: bytes, level: int) -> bytes:
    """All tiles of a level, from the bytes of an image that was checked when it came.

    The image is decoded once and held once (four bytes a pixel, one if it is grey); a JPEG at the level's own size.
    """
    image = _reduced(data, level)
    columns, rows = n_tiles(image.width, image.height, 0)
    tiles = [_tile(image, column, row) for row in range(rows) for column in range(columns)]
    at, places = PLACE.size * (len(tiles) + 1), []
    for tile in tiles:
        places.append(at)
        at += len(tile)
    return b"".join([*map(PLACE.pack, [*places, at]), *tiles])


def _reduced(data: bytes, level: int) -> Image.Image:
    """The image at a level: half as large, rounded up, so many times."""
    opened = Image.open(io.BytesIO(data))
    whole = opened.width
    opened.draft(None, (opened.width >> level, opened.height >> level))  # JPEG only: decoded at 1/2, 1/4, 1/8
    done = round(whole / opened.width)
    image = eight_bits(upright(opened))
    return image if done == 2**level else image.reduce(2**level // done)


def _tile(image: Image.Image, column: int, row: int) -> bytes:
    box = (column * SIDE, row * SIDE, min((column + 1) * SIDE, image.width), min((row + 1) * SIDE, image.height))
    stream = io.BytesIO()
    image.crop(box).save(stream, "JPEG", quality=QUALITY, subsampling=0)
    return stream.getvalue()
