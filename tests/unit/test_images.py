"""Images are decoded to the last pixel before anything is written, and named files never lead out of their folder."""

from __future__ import annotations

import io
import os
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from labeling.errors import ImageRefused
from labeling.images import CheckedImage, check_image, read_from_root

LIMIT = 1_000_000


def noise(kind: str = "PNG", mode: str = "RGB", *, seed: int = 1) -> bytes:
    pixels = np.random.default_rng(seed).integers(0, 255, (40, 60, 3), dtype=np.uint8)
    stream = io.BytesIO()
    Image.fromarray(pixels).convert(mode).save(stream, kind)
    return stream.getvalue()


def check(data: bytes) -> CheckedImage:
    return check_image(data, max_bytes=LIMIT, max_pixels=10_000)


def bomb(side: int) -> bytes:
    """A PNG of a hundred bytes that says it has side * side pixels."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(b"\0" * 100)) + chunk(b"IEND", b"")


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "BMP", "TIFF", "WEBP"])
def test_the_formats_of_cameras_are_taken_and_measured(kind: str) -> None:
    image = check(noise(kind))

    assert (image.width, image.height) == (60, 40)
    assert image.key == f"images/{image.sha256[:2]}/{image.sha256}.{image.extension}"


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "BMP", "TIFF", "WEBP"])
@pytest.mark.parametrize("share", [0.02, 0.5, 0.9])
def test_a_truncated_image_is_refused(kind: str, share: float) -> None:
    data = noise(kind)

    with pytest.raises(ImageRefused) as refusal:
        check(data[: int(len(data) * share)])

    assert (refusal.value.code, refusal.value.http_status) == ("image_not_readable", 400)


@pytest.mark.parametrize("data", [b"", b"hello", b"\0" * 5000, b"<svg xmlns='http://www.w3.org/2000/svg'/>", b"GIF89a"])
def test_what_is_no_image_is_refused(data: bytes) -> None:
    with pytest.raises(ImageRefused, match="image"):
        check(data)


@pytest.mark.parametrize("side", [101, 12_000, 65_000])
def test_a_decompression_bomb_is_refused_before_it_is_unpacked(side: int) -> None:
    with pytest.raises(ImageRefused) as refusal:
        check(bomb(side))

    assert (refusal.value.code, refusal.value.http_status) == ("image_too_large", 413)


def test_too_many_bytes_are_refused() -> None:
    with pytest.raises(ImageRefused) as refusal:
        check_image(noise(), max_bytes=100, max_pixels=10_000)

    assert refusal.value.code == "image_too_large"


def test_an_image_that_has_no_grey_is_refused_and_not_a_server_error() -> None:
    stream = io.BytesIO()
    Image.new("LAB", (20, 20)).save(stream, "TIFF")

    with pytest.raises(ImageRefused):
        check(stream.getvalue())


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGBA", "I;16", "F"])
def test_every_depth_of_grey_and_colour_is_taken(mode: str) -> None:
    stream = io.BytesIO()
    Image.new(mode, (20, 10)).save(stream, "TIFF")

    assert check(stream.getvalue()).width == 20


def test_the_perceptual_hash_knows_the_same_picture_in_another_format() -> None:
    assert check(noise("PNG")).phash == check(noise("BMP")).phash
    assert check(noise("PNG")).phash != check(noise("PNG", seed=2)).phash
    assert check(noise("PNG")).sha256 != check(noise("BMP")).sha256


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "root" / "line").mkdir(parents=True)
    (tmp_path / "root" / "line" / "a.png").write_bytes(b"inside")
    (tmp_path / "secret").write_bytes(b"outside")
    return tmp_path / "root"


def read(name: str, *roots: Path) -> bytes:
    return read_from_root(name, roots=list(roots), max_bytes=100)


def test_a_file_in_an_allowed_folder_is_read_by_either_name(root: Path, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()

    assert read("line/a.png", tmp_path / "other", root) == b"inside"
    assert read(str(root / "line" / "a.png"), root) == b"inside"
    assert read("line/../line/a.png", root) == b"inside"


def test_no_name_leads_out_of_the_folder(root: Path, tmp_path: Path) -> None:
    (root / "link").symlink_to(tmp_path / "secret")
    (root / "up").symlink_to(tmp_path)
    (root / "circle").symlink_to(root / "circle")
    os.mkfifo(root / "pipe")
    (root / "closed").mkdir(mode=0o000)
    names = [
        "../secret", "line/../../secret", str(tmp_path / "secret"), "link", "up/secret", "circle", "pipe", "closed/x",
        "", ".", "/", "line", "missing", "x" * 300, "a\0b", "~/secret", "\ud800", "/etc/passwd", f"{root}/../secret",
    ]  # fmt: skip

    for name in names:
        with pytest.raises(ImageRefused) as refusal:
            read(name, root)
        assert refusal.value.code == "image_path_refused", name


def test_without_allowed_folders_no_file_is_read(root: Path) -> None:
    with pytest.raises(ImageRefused):
        read(str(root / "line" / "a.png"))


def test_a_file_that_is_too_large_is_not_read_to_its_end(root: Path) -> None:
    (root / "big.png").write_bytes(b"x" * 101)

    with pytest.raises(ImageRefused) as refusal:
        read("big.png", root)

    assert refusal.value.http_status == 413
