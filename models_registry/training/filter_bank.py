"""Energies of a bank of oriented band-pass filters (log-Gabor, Field 1987), computed on the Fourier spectrum.

A filter costs one multiplication and one inverse transform. Transfer functions are cached per image shape (a camera
has one), and each filter's spectrum is cropped to its pass band, so that a coarse filter is answered by a small
image.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy import fft

N_ORIENTATIONS = 6
CENTRES = (0.32, 0.2, 0.125, 0.078, 0.045)
"""Centre frequencies in cycles per pixel."""
BANDWIDTH = 0.65
"""Ratio of the standard deviation of the logarithmic radial bell to its centre (0.65: about 1.6 octaves)."""
ANGULAR_SPREAD = 0.7
"""Standard deviation of the angular bell in steps between orientations."""
STATISTICS = 3
N_RINGS = 10
N_WEDGES = 12
LOWEST_RING = 0.01
FINE = 0.12
"""Cycles per pixel that part coarse from fine in the wedge energies."""
FLOOR = 1e-4
"""Added before logarithms: half a grey level of 255 is 2e-3, so this only steadies empty bands."""
N_NUMBERS = len(CENTRES) * N_ORIENTATIONS * STATISTICS + N_RINGS + 2 * N_WEDGES

Spectrum = NDArray[np.complex64]


@dataclass(frozen=True)
class Band:
    """One centre frequency: which rows and columns of the spectrum pass, and (orientations, rows, columns) factors."""

    rows: NDArray[np.int64]
    columns: NDArray[np.int64]
    transfer: NDArray[np.float32]


def spectrum(grey: NDArray[np.float32]) -> Spectrum:
    """Transform of the image without its mean, (height, width), divided by the number of pixels."""
    transformed: Spectrum = fft.fft2(grey - grey.mean(), norm="forward")
    return transformed


def energies(spectrum: Spectrum, shape: tuple[int, ...]) -> NDArray[np.float64]:
    """Log mean amplitude, log peakedness and log of the busiest patch, per centre and orientation."""
    return np.concatenate([_statistics(spectrum, band) for band in bank(shape[0], shape[1])])


def _statistics(spectrum: Spectrum, band: Band) -> NDArray[np.float64]:
    response = fft.ifft2(spectrum[np.ix_(band.rows, band.columns)] * band.transfer, norm="forward", overwrite_x=True)
    # re² + im²: np.abs of complex numbers guards against overflow and is several times slower.
    power = response.real**2 + response.imag**2
    energy = power.mean(axis=(1, 2))
    fourth = np.einsum("kij,kij->k", power, power) / power[0].size
    amplitude = np.sqrt(power).mean(axis=(1, 2))
    patch = _busiest_patch(power)
    return np.concatenate(
        [
            np.log(amplitude + FLOOR),
            np.log((fourth + FLOOR**4) / (energy + FLOOR**2) ** 2),
            np.log((patch + FLOOR**2) / (energy + FLOOR**2)),
        ]
    ).astype(np.float64)


def _busiest_patch(power: NDArray[np.float32]) -> NDArray[np.float32]:
    """Largest mean power among 8 x 8 patches of the image, (orientations,)."""
    count, height, width = power.shape
    h, w = height // 8, width // 8
    if h == 0 or w == 0:
        return np.asarray(power.max(axis=(1, 2)), dtype=np.float32)
    patches = power[:, : 8 * h, : 8 * w].reshape(count, 8, h, 8 * w).mean(axis=2).reshape(count, 8, 8, w).mean(axis=3)
    return np.asarray(patches.max(axis=(1, 2)), dtype=np.float32)


@lru_cache(maxsize=16)
def bank(height: int, width: int) -> tuple[Band, ...]:
    """The filters for one image shape."""
    return tuple(_band(height, width, centre) for centre in CENTRES)


def _band(height: int, width: int, centre: float) -> Band:
    rows, columns = _kept(height, 2 * centre), _kept(width, 2 * centre)
    fy, fx = np.meshgrid(rows / height, columns / width, indexing="ij")
    radius = np.hypot(fy, fx)
    radius[0, 0] = 1.0
    radial = np.exp(-(np.log(radius / centre) ** 2) / (2 * np.log(BANDWIDTH) ** 2))
    radial[0, 0] = 0.0
    step = np.pi / N_ORIENTATIONS
    turned = np.arctan2(fy, fx) - (np.arange(N_ORIENTATIONS) * step)[:, None, None]
    away = np.arctan2(np.sin(turned), np.cos(turned))
    angular = np.exp(-(away**2) / (2 * (ANGULAR_SPREAD * step) ** 2))
    return Band(rows % height, columns % width, (2 * radial * angular).astype(np.float32))


def _kept(side: int, limit: float) -> NDArray[np.int64]:
    """Signed frequency numbers of a crop that holds |f| < limit (cycles per pixel), of a length made for speed."""
    length = min(side, int(fft.next_fast_len(max(8, int(np.ceil(2 * side * min(limit, 0.5)))))))
    return np.asarray(np.round(np.fft.fftfreq(length, 1 / length)), dtype=np.int64)


def rings_and_wedges(spectrum: Spectrum) -> NDArray[np.float64]:
    """Log energy per ring of frequency, and per direction (coarse, fine) against the mean of all directions."""
    ring, wedge = _zones(*spectrum.shape)
    power = (spectrum.real**2 + spectrum.imag**2).ravel()
    rings = np.log(np.bincount(ring, power, N_RINGS) + FLOOR**2)
    wedges = np.log(np.bincount(wedge, power, 2 * N_WEDGES) + FLOOR**2).reshape(2, N_WEDGES)
    return np.concatenate([rings, (wedges - wedges.mean(axis=1, keepdims=True)).ravel()])


@lru_cache(maxsize=16)
def _zones(height: int, width: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    fy, fx = np.meshgrid(np.fft.fftfreq(height), np.fft.fftfreq(width), indexing="ij")
    radius = np.maximum(np.hypot(fy, fx), LOWEST_RING)
    octave = np.log(radius / LOWEST_RING) / np.log(0.5 / LOWEST_RING)
    ring = np.minimum((octave * N_RINGS).astype(np.int64), N_RINGS - 1)
    direction = np.arctan2(fy, fx) % np.pi / np.pi
    wedge = (direction * N_WEDGES).astype(np.int64) % N_WEDGES + N_WEDGES * (radius > FINE)
    return ring.ravel(), wedge.ravel()
