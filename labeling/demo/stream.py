"""The demo's endless line: images of a folder in `class/file` layout, in an order that says nothing.

The folder's names are the truth. It stays with the simulators; the product never sees it.
"""

from __future__ import annotations

import hashlib
import random
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from labeling.exchange.labels import is_good

SUFFIXES = {".jpg", ".jpeg", ".png", ".bmp", ".tif", ".tiff", ".webp"}
CAMERA = re.compile(r"^(cam-\d+)_")


@dataclass(frozen=True, slots=True)
class DemoImage:
    """One file: where it lies, what it is, which camera took it, and a key that names it without telling its class."""

    path: Path
    label: str
    camera: str
    key: str


class DemoStream:
    """The images of a folder as a line delivers them: shuffled by seed, from the start again after the last."""

    def __init__(self, folder: Path, *, seed: int = 1, cameras: int = 3) -> None:
        files = sorted(path for path in folder.glob("*/*") if path.suffix.lower() in SUFFIXES)
        if not files:
            raise FileNotFoundError(f"There are no images in {folder}; it needs the layout class/file.jpg.")
        random.Random(seed).shuffle(files)  # noqa: S311 - an order, not a secret
        self.images = [self._image(folder, path, cameras) for path in files]
        self.truth = {image.key: image.label for image in self.images}
        self.labels = sorted({image.label for image in self.images}, key=lambda name: (not is_good(name), name))

    @staticmethod
    def _image(folder: Path, path: Path, cameras: int) -> DemoImage:
        name = path.relative_to(folder).as_posix()
        key = hashlib.sha256(name.encode()).hexdigest()[:12]
        named = CAMERA.match(path.name)
        camera = named.group(1) if named else f"cam-{int(key, 16) % cameras + 1}"
        return DemoImage(path=path, label=path.parent.name, camera=camera, key=key)

    def __len__(self) -> int:
        return len(self.images)

    def from_position(self, start: int) -> Iterator[tuple[int, DemoImage]]:
        """Images from position ``start`` on, without end."""
        position = start
        while True:
            yield position, self.images[position % len(self.images)]
            position += 1


def inspection_id(position: int, image: DemoImage, *, shift: str) -> str:
    """An id that is new at every pass of the image and lets a simulated inspector look the truth up."""
    return f"{shift}-{position:06d}-{image.key}"


def key_of(inspection: str) -> str:
    """The image key in an id made by `inspection_id`."""
    return inspection.rpartition("-")[2]
