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

FORMATS = {
    "JPEG": ("image/jpeg", "jpg"),
    "PNG": ("image/png", "png"),
    "BMP": ("image/bmp", "bmp"),
    "TIFF": ("image/tiff", "tif"),
    "WEBP": ("image/webp", "webp"),
}


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
    image = _open(data, max_pixels)
    content_type, extension = FORMATS[str(image.format)]
    return CheckedImage(
        data=data,
        content_type=content_type,
        extension=extension,
        sha256=hashlib.sha256(data).hexdigest(),
        phash=difference_hash(image),
        width=image.width,
        height=image.height,
    )


def _open(data: bytes, max_pixels: int) -> Image.Image:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # our own limit comes next
            image = Image.open(io.BytesIO(data), formats=list(FORMATS))
            if image.width * image.height > max_pixels:
                raise _too_many_pixels(image.width, image.height)
            image.load()
    except Image.DecompressionBombError as error:
        raise ImageRefused(
            "The image has far too many pixels.", code="image_too_large", http_status=413, fields={"image": "Too many pixels."}
        ) from error
    except ImageRefused:
        raise
    except Exception as error:  # Pillow's plugins raise whatever a broken file makes them raise
        raise ImageRefused(
            f"The file is not an image that can be read to its end ({', '.join(FORMATS)} are taken): {error}.",
            fields={"image": "Not readable."},
        ) from error
    return image


def _too_many_pixels(width: int, height: int) -> ImageRefused:
    return ImageRefused(
        f"The image has {width} × {height} pixels, more than are taken.",
        code="image_too_large", http_status=413, fields={"image": "Too many pixels."},
    )  # fmt: skip


def difference_hash(image: Image.Image) -> str:
    """The 64-bit dHash: which of two neighbouring cells of a 9 × 8 grey copy is brighter, as 16 hex digits."""
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
    wanted = Path(name)
    candidates = [wanted] if wanted.is_absolute() else [root / wanted for root in roots]
    for candidate in candidates:
        real = candidate.resolve()
        if any(real.is_relative_to(root.resolve()) for root in roots) and real.is_file():
            if real.stat().st_size > max_bytes:
                raise ImageRefused("The image file is too large.", code="image_too_large", http_status=413, fields={"image_path": "Too large."})
            return real.read_bytes()
    raise _path_refused("is not a file in an allowed folder (REVIEWAPP_IMAGE_ROOTS)")


def _path_refused(why: str) -> ImageRefused:
    return ImageRefused(f"The image path {why}.", code="image_path_refused", fields={"image_path": "Not allowed."})
