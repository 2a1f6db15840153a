"""Pictures for the demo: real surfaces, defects drawn in, three cameras of unequal quality.

Pure and seeded. The surfaces are cut from the photographs inside scikit-image's wheel (brick, gravel, grass:
CC0 textures), so that nothing is downloaded and no two parts look the same.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from PIL import Image, ImageFilter
from scipy.ndimage import uniform_filter1d
from skimage import data

from labeling.demo.defects import DEFECTS, SIZE, Drawn

CLASSES = ("ok", "scratch", "dent", "stain", "hole")
CAMERAS = ("cam-1", "cam-2", "cam-3")
JPEG_QUALITY = 90
SUBTLEST, STRONGEST = 0.5, 1.4
MOST_TRACES = 2
TRACE_STRENGTH = (0.02, 0.08)
"""Weak marks that are no defects (tool marks, dust shadows): what makes the task one for an inspector."""

Grey = NDArray[np.float32]


@dataclass(frozen=True)
class Material:
    """A photograph to cut from: contrast kept of it, level, and the tint of its red, green and blue."""

    photograph: str
    contrast: float
    level: float
    tint: tuple[float, float, float]
    brushed: int = 1


MATERIALS = (
    Material("brick", 0.4, 0.55, (1.04, 1.0, 0.95)),
    Material("gravel", 0.2, 0.52, (0.98, 1.0, 1.03)),
    Material("grass", 0.7, 0.55, (0.99, 1.0, 1.02), brushed=61),
)


@dataclass(frozen=True)
class Surface:
    """One picture of the demo, SIZE x SIZE: grey from cam-3, RGB from the others."""

    label: str
    camera: str
    image: Image.Image


def _usual_shares() -> Mapping[str, float]:
    return {"ok": 0.6, "scratch": 0.1, "dent": 0.1, "stain": 0.1, "hole": 0.1}


@dataclass(frozen=True)
class Mixture:
    """How often each class comes; shares need not sum to 1."""

    shares: Mapping[str, float] = field(default_factory=_usual_shares)

    def draw(self, rng: Generator) -> str:
        """One class."""
        names, shares = list(self.shares), np.fromiter(self.shares.values(), dtype=np.float64)
        return names[int(rng.choice(len(names), p=shares / shares.sum()))]


def generate(seed: int, index: int, *, mixture: Mixture | None = None) -> Surface:
    """Picture number `index` (from 0) of a stream: the same pixels for the same arguments, whatever was made before."""
    rng = np.random.default_rng([seed, index])
    label = (mixture or Mixture()).draw(rng)
    camera = CAMERAS[int(rng.integers(len(CAMERAS)))]
    material = MATERIALS[int(rng.integers(len(MATERIALS)))]
    grey = _cut(material, rng)
    for _ in range(int(rng.integers(MOST_TRACES + 1))):
        _add(grey, _trace(rng), float(rng.uniform(*TRACE_STRENGTH)))
    if label in DEFECTS:
        _add(grey, DEFECTS[label](rng), SUBTLEST * (STRONGEST / SUBTLEST) ** float(rng.random()))
    return Surface(label, camera, _photographed(grey, material, camera, rng))


def _add(grey: Grey, drawn: Drawn, strength: float) -> None:
    grey[drawn.window] += np.float32(strength) * drawn.change


def _trace(rng: Generator) -> Drawn:
    return list(DEFECTS.values())[int(rng.integers(len(DEFECTS)))](rng)


@lru_cache(maxsize=len(MATERIALS))
def _photograph(name: str, brushed: int) -> Image.Image:
    """A photograph as float grey 0..1; `brushed` smears it along its rows over so many px, as a grinding belt would."""
    loaders: dict[str, Callable[[], NDArray[np.uint8]]] = {
        "brick": data.brick,
        "gravel": data.gravel,
        "grass": data.grass,
    }
    grey = loaders[name]().astype(np.float32) / np.float32(255.0)
    smeared = uniform_filter1d(grey, brushed, axis=1, mode="wrap") if brushed > 1 else grey
    return Image.fromarray(smeared)


def _cut(material: Material, rng: Generator) -> Grey:
    """A random square of the photograph, mirrored and turned at random, at the material's level and contrast."""
    photograph = _photograph(material.photograph, material.brushed)
    side = int(rng.integers(200, 330))
    left, top = (int(rng.integers(0, length - side)) for length in photograph.size)
    cut = photograph.resize((SIZE, SIZE), Image.Resampling.BILINEAR, box=(left, top, left + side, top + side))
    grey = np.asarray(cut, dtype=np.float32)
    grey = np.rot90(grey[:, :: int(rng.choice([-1, 1]))], int(rng.integers(4)))
    level = material.level + float(rng.normal(0, 0.03))
    return np.asarray(np.float32(level) + np.float32(material.contrast) * (grey - grey.mean()), dtype=np.float32)


def _photographed(grey: Grey, material: Material, camera: str, rng: Generator) -> Image.Image:
    """What the camera makes of the surface: light falling off to the corners, its gain, its noise, its focus."""
    gain, noise = (0.42, 0.016) if camera == "cam-3" else (1.0, 0.008)
    seen = np.float32(gain * rng.uniform(0.93, 1.07)) * grey * _fall_off()
    seen = seen + np.float32(noise) * rng.standard_normal(grey.shape, dtype=np.float32)
    if camera == "cam-3":
        return _eight_bit(seen)
    coloured = _eight_bit(seen[..., None] * np.asarray(material.tint, dtype=np.float32))
    return coloured.filter(ImageFilter.GaussianBlur(1.4)) if camera == "cam-2" else coloured


@lru_cache(maxsize=1)
def _fall_off() -> Grey:
    axis = np.linspace(-1, 1, SIZE, dtype=np.float32)
    return np.float32(1.0) - np.float32(0.09) * (axis[:, None] ** 2 + axis[None, :] ** 2)


def _eight_bit(seen: Grey) -> Image.Image:
    return Image.fromarray((np.clip(seen, 0.0, 1.0) * np.float32(255.0) + np.float32(0.5)).astype(np.uint8))


def write_folder(
    root: Path,
    *,
    seed: int,
    count: int,
    mixture: Mixture | None = None,
    report: Callable[[int, int], None] | None = None,
) -> None:
    """Write `count` pictures as `root/class/cam-N_00001.jpg`; `report` hears how many of how many are written.

    The number is the place in the stream, never in the class: neither names nor order give a label away.
    Raises OSError when the folder cannot be written.
    """
    for index in range(count):
        surface = generate(seed, index, mixture=mixture)
        folder = root / surface.label
        folder.mkdir(parents=True, exist_ok=True)
        surface.image.save(folder / f"{surface.camera}_{index + 1:05d}.jpg", quality=JPEG_QUALITY)
        if report is not None:
            report(index + 1, count)
