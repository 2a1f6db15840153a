"""Geometry of the model page's charts: frozen data in, coordinates out. Pure, so that a test can check a picture.

Coordinates are strings with a point as decimal mark, so that a template can print them in any language.
"""

from labeling.charts.confusion import Matrix, MatrixLabel, MatrixRow, confusion_matrix
from labeling.charts.evidence import EvidenceChart, EvidencePoint, evidence_chart
from labeling.charts.frame import Share
from labeling.charts.over_time import AccuracyChart, AccuracyPoint, AlertSpan, accuracy_chart
from labeling.charts.pareto import ParetoChart, pareto_chart
from labeling.charts.reliability import ConfidencePoint, ReliabilityChart, reliability_chart

__all__ = [
    "AccuracyChart",
    "AccuracyPoint",
    "AlertSpan",
    "ConfidencePoint",
    "EvidenceChart",
    "EvidencePoint",
    "Matrix",
    "MatrixLabel",
    "MatrixRow",
    "ParetoChart",
    "ReliabilityChart",
    "Share",
    "accuracy_chart",
    "confusion_matrix",
    "evidence_chart",
    "pareto_chart",
    "reliability_chart",
]
