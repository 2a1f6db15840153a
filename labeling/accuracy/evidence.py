"""Evidence of a fall: what the monitors of a version have come to, and how it grew."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext as _

from labeling.charts import EvidenceChart, EvidencePoint, evidence_chart
from models_registry.models import ModelVersion, Monitor
from models_registry.templatetags.figures import odds, percent

MOST_MONITORS = 50
MOST_POINTS_SHOWN = 40


@dataclass(frozen=True, slots=True)
class Watched:
    """A monitor with its history, oldest first. ``n`` of a point counts the inspections that had arrived."""

    monitor: Monitor
    points: tuple[EvidencePoint, ...]

    @property
    def chart(self) -> EvidenceChart | None:
        return evidence_chart(self.points) if self.monitor.n_fed else None

    @property
    def limit(self) -> float | None:
        """The share of errors that the evidence speaks against."""
        return self.monitor.p0 if self.monitor.p0 is not None else self.monitor.accepted

    @property
    def sentence(self) -> str:
        """For who cannot see the picture."""
        said = {"limit": percent(self.limit), "odds": odds(self.monitor.evidence)}
        words = _("Evidence that errors exceed %(limit)s: %(odds)s.") % said
        return f"{words} {self.monitor.get_state_display()}."

    @property
    def newest_first(self) -> list[EvidencePoint]:
        return list(reversed(self.points))[:MOST_POINTS_SHOWN]


def watched(version: ModelVersion) -> list[Watched]:
    """The monitors of a version: all errors first, then its guards; of each guard the newest."""
    rows = Monitor.objects.filter(model_version=version).defer("capital").order_by("guard", "-pk").distinct("guard")
    return [Watched(one, _points(one)) for one in rows[:MOST_MONITORS]]


def of_all_errors(version: ModelVersion) -> Watched | None:
    rows = Monitor.objects.filter(model_version=version, guard="").defer("capital").order_by("-pk")
    newest = rows.first()
    return Watched(newest, _points(newest)) if newest else None


def _points(monitor: Monitor) -> tuple[EvidencePoint, ...]:
    return tuple(EvidencePoint(datetime.fromisoformat(at), int(n), float(e)) for at, n, e in monitor.history)
