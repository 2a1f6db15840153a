"""Surface defects drawn into a picture: scratches, dents, stains and holes, each with the light it would catch.

A defect is a signed change of brightness in units of full scale at strength 1, computed in a window around its centre
only; light comes from the upper left. Random numbers come from the caller's generator, so that a picture is a
function of its seed.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

SIZE = 256
LIGHT = np.float32(np.sqrt(0.5))
MARGIN = 40.0
"""Centres stay this far from the border (px), so that a defect is always mostly in the picture."""

Field = NDArray[np.floating[Any]]
Window = tuple[slice, slice]


@dataclass(frozen=True)
class Place:
    """A window of the picture and its pixels' coordinates turned and shifted into the defect: `along`, `across`, in
    px."""

    window: Window
    along: Field
    across: Field
    angle: float


@dataclass(frozen=True)
class Drawn:
    """Change of brightness (rows, columns) within a window of the picture."""

    window: Window
    change: Field


def _place(rng: Generator, reach: float) -> Place:
    """A random centre and turn; the window holds everything within `reach` px of the centre."""
    row, column = rng.uniform(MARGIN, SIZE - MARGIN, 2)
    angle = float(rng.uniform(0, 2 * np.pi))
    top, left = max(0, int(row - reach)), max(0, int(column - reach))
    bottom, right = min(SIZE, int(row + reach) + 2), min(SIZE, int(column + reach) + 2)
    dy = np.arange(top, bottom, dtype=np.float32)[:, None] - np.float32(row)
    dx = np.arange(left, right, dtype=np.float32)[None, :] - np.float32(column)
    cos, sin = np.float32(np.cos(angle)), np.float32(np.sin(angle))
    return Place((slice(top, bottom), slice(left, right)), cos * dx + sin * dy, cos * dy - sin * dx, angle)


def _bell(x: Field) -> Field:
    return np.asarray(np.exp(-(x**2)))


def _step(x: Field) -> Field:
    """Smooth 0..1 over x = 0..1."""
    inside = np.clip(x, 0.0, 1.0)
    return np.asarray(inside * inside * (3 - 2 * inside))


def _wave(x: Field, rng: Generator, period: float) -> Field:
    """A slow wander between about -1 and 1."""
    first, second = rng.uniform(0, 2 * np.pi, 2)
    turn = x * np.float32(2 * np.pi / period)
    return np.asarray(0.6 * np.sin(turn + np.float32(first)) + 0.4 * np.sin(2.3 * turn + np.float32(second)))


def scratch(rng: Generator) -> Drawn:
    """A curved groove: one flank bright, one dark, fading at its ends and wavering in depth."""
    half = float(rng.uniform(40, 100))
    place = _place(rng, half + 8)
    width = np.float32(rng.uniform(1.0, 2.2))
    bend = np.float32(rng.uniform(-0.3, 0.3) / half)
    line = bend * place.along**2 + np.float32(rng.uniform(0.2, 1.2)) * _wave(place.along, rng, half)
    away = (place.across - line) / (width * np.sqrt(1 + (2 * bend * place.along) ** 2))
    depth = _step((half - np.abs(place.along)) / np.float32(0.5 * half)) * (0.75 + 0.25 * _wave(place.along, rng, 30))
    lit = np.float32(1.0 if np.cos(place.angle + np.pi / 4) > 0 else -1.0)
    sign = np.float32(rng.choice([-1.0, 1.0]))
    change = depth * (sign * 0.34 * _bell(away) + 0.2 * lit * (_bell(away - 1.8) - _bell(away + 1.8)))
    return Drawn(place.window, change)


def dent(rng: Generator) -> Drawn:
    """A shallow pit without an edge: shaded on the side of the light, bright on the far side, a little darker
    within."""
    radius, flat = float(rng.uniform(14, 34)), float(rng.uniform(0.65, 1.0))
    place = _place(rng, 2.2 * radius)
    x, y = place.along / np.float32(radius), place.across / np.float32(radius * flat)
    squared = x**2 + y**2 + 0.12 * _wave(place.along, rng, 2 * radius)
    pit = np.exp(-(np.clip(squared, 0, 30) ** np.float32(1.35)))
    cos, sin = np.float32(np.cos(place.angle)), np.float32(np.sin(place.angle))
    towards = ((cos * x - sin * y) + (sin * x + cos * y)) * LIGHT
    return Drawn(place.window, pit * (0.55 * towards - 0.07 + 0.12 * _bell((towards - 0.75) * 3)))


def stain(rng: Generator) -> Drawn:
    """A dried spill: irregular outline, soft edge, a denser rim, patchy inside; mostly dark, sometimes pale."""
    radius = float(rng.uniform(20, 48))
    place = _place(rng, 1.6 * radius)
    turn = np.arctan2(place.across, place.along)
    outline = np.ones_like(turn)
    for lobes in range(2, 7):
        outline += np.float32(rng.uniform(0, 0.35) / lobes) * np.cos(
            lobes * turn + np.float32(rng.uniform(0, 2 * np.pi))
        )
    inward = outline - np.hypot(place.along, place.across) / np.float32(radius)
    soft = np.float32(rng.uniform(0.12, 0.45))
    body = _step(inward / soft)
    patchy = 0.8 + 0.2 * _wave(place.along, rng, radius) * _wave(place.across, rng, 1.3 * radius)
    rim = _bell((inward - soft) / (0.45 * soft))
    sign = np.float32(-1.0 if rng.random() < 0.8 else 0.6)
    return Drawn(place.window, sign * body * (0.22 * patchy + 0.08 * rim))


def hole(rng: Generator) -> Drawn:
    """A small pit with a floor in shadow: dark, sharp edged, not quite round, its lower right rim catching the
    light."""
    radius = float(rng.uniform(4.5, 12))
    place = _place(rng, 1.6 * radius + 5)
    turn = np.arctan2(place.across, place.along)
    outline = radius * (1 + np.float32(rng.uniform(0.02, 0.14)) * np.cos(2 * turn) + 0.05 * _wave(turn, rng, 2))
    inside = outline - np.hypot(place.along, place.across)
    floor = _step((inside + 1.2) / 2.6)
    lower_right = np.cos(turn + np.float32(place.angle - np.pi / 4))
    rim = _bell((inside + 1.5) / np.float32(1.0 + 0.09 * radius)) * (1 - floor)
    change = rim * (0.12 + 0.22 * np.clip(lower_right, -0.4, 1)) - 0.55 * floor * (0.88 + 0.12 * lower_right)
    return Drawn(place.window, change)


DEFECTS: dict[str, Callable[[Generator], Drawn]] = {"scratch": scratch, "dent": dent, "stain": stain, "hole": hole}
