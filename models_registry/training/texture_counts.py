"""Texture as counts: local binary patterns, grey-level co-occurrence, and the histogram of grey values.

Images are float32 grey values 0..1 of shape (height, width), no side under 16 px.
"""

import numpy as np
from numpy.typing import NDArray

RING = ((-1, -1), (-1, 0), (-1, 1), (0, 1), (1, 1), (1, 0), (1, -1), (0, -1))
LBP_RADII = (1, 2, 4)
N_PATTERNS = 59
GLCM_LEVELS = 16
GLCM_OFFSETS = ((0, 1), (1, 0), (1, 1), (1, -1), (0, 4), (4, 0), (3, 3), (3, -3))
GLCM_STATISTICS = 5
GREY_STEPS = 1024
HISTOGRAM_BINS = 16
HISTOGRAM_REACH = 4.0
"""Half the width of the standardised histogram, in standard deviations."""
PERCENTILES = np.array([0.5, 2, 5, 10, 25, 50, 75, 90, 95, 98, 99.5])
MOMENTS = 4
N_NUMBERS = (
    len(LBP_RADII) * N_PATTERNS
    + len(GLCM_OFFSETS) * GLCM_STATISTICS
    + 2 * HISTOGRAM_BINS
    + 2 * len(PERCENTILES)
    + MOMENTS
)

Grey = NDArray[np.float32]
Numbers = NDArray[np.float64]


def _uniform_patterns() -> NDArray[np.int64]:
    """Class of each 8-bit code: one per code with at most two changes around the ring, one for all others."""
    bits = (np.arange(256)[:, None] >> np.arange(8)) & 1
    uniform = (bits != np.roll(bits, 1, axis=1)).sum(axis=1) <= 2
    return np.where(uniform, np.cumsum(uniform) - 1, N_PATTERNS - 1)


UNIFORM = _uniform_patterns()


def local_binary_patterns(grey: Grey) -> Numbers:
    """Roots of the shares of uniform patterns (Ojala, Pietikäinen, Mäenpää 2002) per radius, without interpolation.

    Roots, because the Euclidean distance between roots of shares (Hellinger) treats rare and common patterns alike.
    """
    return np.concatenate([np.sqrt(_pattern_shares(grey, radius)) for radius in LBP_RADII])


def _pattern_shares(grey: Grey, radius: int) -> Numbers:
    height, width = (side - 2 * radius for side in grey.shape)
    centre = grey[radius : radius + height, radius : radius + width]
    code = np.zeros(centre.shape, dtype=np.uint8)
    for bit, (dy, dx) in enumerate(RING):
        top, left = radius + dy * radius, radius + dx * radius
        neighbour = grey[top : top + height, left : left + width]
        code |= (neighbour > centre).view(np.uint8) << np.uint8(bit)
    counts = np.bincount(code.ravel(), minlength=256)
    return np.bincount(UNIFORM, weights=counts, minlength=N_PATTERNS) / code.size


def grey_counts(grey: Grey) -> NDArray[np.int64]:
    """How many pixels have each of GREY_STEPS values: percentiles and moments come from these without sorting."""
    step = np.minimum(grey * np.float32(GREY_STEPS - 1) + np.float32(0.5), GREY_STEPS - 1).astype(np.int16)
    return np.bincount(step.ravel(), minlength=GREY_STEPS)


def _values() -> Numbers:
    return np.arange(GREY_STEPS) / (GREY_STEPS - 1)


VALUES = _values()


def _percentiles(counts: NDArray[np.int64], percentiles: Numbers) -> Numbers:
    """Smallest grey value (0..1) that at least so many per cent of the pixels do not exceed."""
    cumulated = np.cumsum(counts)
    return np.asarray(VALUES[np.searchsorted(cumulated, percentiles / 100 * cumulated[-1])])


def co_occurrence(grey: Grey, counts: NDArray[np.int64]) -> Numbers:
    """Five statistics (Haralick 1973) of symmetric co-occurrence matrices per offset: log contrast, homogeneity,
    energy, correlation, entropy. Levels span the 1st to the 99th percentile, so that exposure does not matter."""
    low, high = _percentiles(counts, np.array([1.0, 99.0]))
    scaled = (grey - np.float32(low)) * np.float32(GLCM_LEVELS / max(high - low, 0.02))
    levels = np.clip(scaled, 0, GLCM_LEVELS - 1).astype(np.int16)
    return _haralick(np.stack([_joint(levels, dy, dx) for dy, dx in GLCM_OFFSETS]))


def _joint(levels: NDArray[np.int16], dy: int, dx: int) -> Numbers:
    height, width = levels.shape
    first = levels[: height - dy, max(0, -dx) : width - max(0, dx)]
    second = levels[dy:, max(0, dx) : width - max(0, -dx)]
    pairs = np.bincount((first * GLCM_LEVELS + second).ravel(), minlength=GLCM_LEVELS**2)
    joint = pairs.reshape(GLCM_LEVELS, GLCM_LEVELS) / first.size
    return (joint + joint.T) / 2


def _haralick(joint: Numbers) -> Numbers:
    """(offsets, levels, levels) to five numbers per offset, flat."""
    level = np.arange(GLCM_LEVELS)
    apart = (level[:, None] - level) ** 2
    marginal = joint.sum(axis=2)
    mean = marginal @ level
    variance = marginal @ level**2 - mean**2
    contrast = (joint * apart).sum(axis=(1, 2))
    homogeneity = (joint / (1 + apart)).sum(axis=(1, 2))
    energy = np.sqrt((joint**2).sum(axis=(1, 2)))
    correlation = 1 - contrast / (2 * variance + 1e-6)
    entropy = -(joint * np.log(joint + 1e-9)).sum(axis=(1, 2))
    return np.concatenate([np.log(contrast + 0.01), homogeneity, energy, correlation, entropy])


def histogram(counts: NDArray[np.int64]) -> Numbers:
    """Roots of shares of absolute and standardised grey, percentiles of both, mean, log spread, skewness, kurtosis."""
    share = counts / counts.sum()
    mean = float(share @ VALUES)
    spread = float(np.sqrt(share @ (VALUES - mean) ** 2)) + 1e-4
    z = (VALUES - mean) / spread
    bins = np.arange(GREY_STEPS) * HISTOGRAM_BINS // GREY_STEPS
    z_bins = np.clip((z / HISTOGRAM_REACH + 1) / 2 * HISTOGRAM_BINS, 0, HISTOGRAM_BINS - 1).astype(np.int64)
    absolute = np.bincount(bins, share, HISTOGRAM_BINS)
    standardised = np.bincount(z_bins, share, HISTOGRAM_BINS)
    percentiles = _percentiles(counts, PERCENTILES)
    moments = [mean, np.log(spread), share @ z**3, np.log(share @ z**4 + 1e-3)]
    return np.concatenate(
        [np.sqrt(absolute), np.sqrt(standardised), percentiles, (percentiles - mean) / spread, moments]
    )
