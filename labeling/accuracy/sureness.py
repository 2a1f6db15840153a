"""Is it as sure as it is right? By tenths of the model's confidence."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.translation import gettext as _

from labeling.accuracy.material import Material
from labeling.charts import ConfidencePoint, ReliabilityChart, Share, reliability_chart
from labeling.charts.frame import REVIEWS_NEEDED
from labeling.windows import slice_cells
from models_registry.estimation.counts import Measured
from models_registry.estimation.reliability import Reliability, reliability
from models_registry.templatetags.figures import number, percent

NOTICEABLE = 0.005
"""Half a point: less of a difference between said and right is not worth a word."""


@dataclass(frozen=True, slots=True)
class Tenth:
    """``low`` to ``high`` of confidence, its mean, and the share that was right."""

    tenth: int
    confidence: float | None
    right: Share

    @property
    def low(self) -> float:
        return self.tenth / 10

    @property
    def high(self) -> float:
        return (self.tenth + 1) / 10


@dataclass(frozen=True, slots=True)
class Sureness:
    tenths: tuple[Tenth, ...]
    found: Reliability

    @property
    def n(self) -> int:
        return self.found.n

    @property
    def chart(self) -> ReliabilityChart | None:
        known = [ConfidencePoint(one.confidence, one.right) for one in self.tenths if one.confidence is not None]
        return reliability_chart(known)

    @property
    def is_honest(self) -> bool:
        """Nothing speaks against it: the interval of the distance reaches down to nothing."""
        return self.found.ece_low is None or self.found.ece_low < NOTICEABLE

    @property
    def words(self) -> str:
        if self.found.too_sure is None:
            return ""
        if self.is_honest:
            return _("as sure as right")
        if abs(self.found.too_sure) < NOTICEABLE:
            return _("right on average")
        return _("too sure") if self.found.too_sure > 0 else _("too modest")

    @property
    def more(self) -> str:
        """By how much, on average over all that arrived."""
        if self.found.too_sure is None:
            return ""
        if self.is_honest:
            return _("as far as these reviews can tell")
        if abs(self.found.too_sure) < NOTICEABLE:
            return _("off by %(points)s points either way") % {"points": number(self.found.ece)}
        return _("by %(points)s points") % {"points": number(abs(self.found.too_sure))}

    @property
    def sentence(self) -> str:
        """For who cannot see the picture."""
        if self.found.ece is None:
            return ""
        distance = {"words": self.words, "more": self.more, "ece": percent(self.found.ece)}
        return _("Reliability: on average %(words)s, %(more)s. Mean distance of said and right: %(ece)s.") % distance


def sureness(material: Material) -> Sureness | None:
    """None where nothing is settled, or the version says no confidence."""
    asked = material.asked
    _labels, found = slice_cells(material.version, asked.window, "confidence", source=asked.source)
    if not found:
        return None
    ordered = sorted(found, key=lambda one: int(one.key))
    measured = reliability([one.cells for one in ordered], window=material.found.cells)
    tenths = tuple(
        Tenth(int(one.key), bin.said, _right(bin.right)) for one, bin in zip(ordered, measured.bins, strict=True)
    )
    return Sureness(tenths, measured)


def _right(found: Measured) -> Share:
    """Where nearly all is right few errors are the finding, and no lack of it: only the reviews must be enough."""
    return Share(found.value, found.low, found.high, found.n, bound_only=found.n < REVIEWS_NEEDED)
