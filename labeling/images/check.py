"""Images as they arrive: checked in full before anything is written, then stored under their hash."""

from __future__ import annotations

import hashlib
import io
import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from labeling.errors import ImageRefused
from labeling.images.derivatives import eight_bits, upright, upright_size

# Our own limit is checked before a pixel is unpacked; Pillow's error at twice its limit stays in force.
warnings.simplefilter("ignore", Image.DecompressionBombWarning)

FORMATS = {
    "JPEG": ("image/jpeg", "jpg"),
    "PNG": ("image/png", "png"),
    "BMP": ("image/bmp", "bmp"),
    "TIFF": ("image/tiff", "tif"),
    "WEBP": ("image/webp", "webp"),
}

NOT_GREY = frozenset({"LAB", "HSV"})  # what training reads turns into grey; these do not


@dataclass(frozen=True, slots=True)
class CheckedImage:
    """An image whose every pixel could be decoded."""

    data: bytes
    content_type: str
    extension: str
    sha256: str
    phash: str
    width: int
    height: int

    @property
    def key(self) -> str:
        """Where it lies in the file store: the same bytes are stored once."""
        return f"images/{self.sha256[:2]}/{self.sha256}.{self.extension}"


def check_image(data: bytes, *, max_bytes: int, max_pixels: int) -> CheckedImage:
    """Decode ``data`` completely.

    :raises ImageRefused: code ``image_too_large`` (bytes or pixels: a decompression bomb is refused before it is
        unpacked), ``image_not_readable`` (no image, a format that is not taken, or cut off).
    """
    if not data:
        raise ImageRefused("The image file is empty.", fields={"image": "Empty."})
    if len(data) > max_bytes:
        raise ImageRefused(
            f"The image has {len(data) / 1e6:.1f} MB; at most {max_bytes / 1e6:.0f} MB are taken.",
            code="image_too_large", http_status=413, fields={"image": "Too large."},
        )  # fmt: skip
    image, phash = _decode(data, max_pixels)
    content_type, extension = FORMATS[str(image.format)]
    width, height = upright_size(image)
    return CheckedImage(
        data=data,
        content_type=content_type,
        extension=extension,
        sha256=hashlib.sha256(data).hexdigest(),
        phash=phash,
        width=width,
        height=height,
    )


def _decode(data: bytes, max_pixels: int) -> tuple[Image.Image, str]:
    """Every pixel and the hash of them; what cannot be turned to grey could be neither judged nor shown."""
    try:
        image = Image.open(io.BytesIO(data), formats=list(FORMATS))
        if image.width * image.height > max_pixels:
            raise _too_many_pixels(f"{image.width} by {image.height} pixels")
        if image.mode in NOT_GREY:
            raise ValueError(image.mode)
        image.load()
        return image, difference_hash(eight_bits(upright(image)))
    except Image.DecompressionBombError as error:
        raise _too_many_pixels("far too many pixels") from error
    except ImageRefused:
        raise
    except Exception as error:  # Pillow's plugins raise whatever a broken file makes them raise
        raise ImageRefused(
            f"The file is not an image that can be read to its end ({', '.join(FORMATS)} are taken).",
            fields={"image": "Not readable."},
        ) from error


def _too_many_pixels(what: str) -> ImageRefused:
    return ImageRefused(
        f"The image has {what}, more than are taken.",
        code="image_too_large", http_status=413, fields={"image": "Too many pixels."},
    )  # fmt: skip


def difference_hash(image: Image.Image) -> str:
    """The 64-bit dHash: which of two neighbouring cells of a 9 by 8 grey copy is brighter, as 16 hex digits."""
    grey = np.asarray(image.convert("L").resize((9, 8), Image.Resampling.BOX), dtype=np.int16)
    bits = (grey[:, 1:] > grey[:, :-1]).ravel()
    return np.packbits(bits).tobytes().hex()


def read_from_root(name: str, *, roots: list[Path], max_bytes: int) -> bytes:
    """The bytes of a file that a client names on the server.

    Links are followed before the check, so nothing outside the allowed roots can be named.

    :raises ImageRefused: code ``image_path_refused``; outside every root, missing, or not a file.
    """
    if "\0" in name:
        raise _path_refused("holds a null byte")
    for candidate in [root / name for root in roots]:  # an absolute name stays what it is
        try:
            data = _read_inside(candidate, roots, max_bytes)
        except (OSError, RuntimeError, ValueError) as error:  # no right to read, a name too long, links in a circle
            raise _path_refused("cannot be read") from error
        if data is not None:
            return data
    raise _path_refused("is not a file in an allowed folder (REVIEWAPP_IMAGE_ROOTS)")


def _read_inside(candidate: Path, roots: list[Path], max_bytes: int) -> bytes | None:
    """The bytes of the file, None when it is no file or lies outside. Read to the limit: it may still grow."""
    real = candidate.resolve()
    if not any(real.is_relative_to(root.resolve()) for root in roots) or not real.is_file():
        return None
    with real.open("rb") as file:
        data = file.read(max_bytes + 1)
    if len(data) > max_bytes:
        raise ImageRefused(
            "The image file is too large.", code="image_too_large", http_status=413, fields={"image_path": "Too large."}
        )
    return data


def _path_refused(why: str) -> ImageRefused:
    return ImageRefused(f"The image path {why}.", code="image_path_refused", fields={"image_path": "Not allowed."})
