"""Predictions in: stored, routed and answered. Idempotent by natural keys, whole parts or nothing.

A part (one inspection) is one transaction: its views, its prediction, its draw, its review and its disposition
appear together or not at all. A resend finds the keys taken and gets the first answer; other content under a
taken key is a conflict, never silently kept or overwritten.
"""

from labeling.ingest.prediction import known_prediction
from labeling.ingest.request import Ingest
from labeling.ingest.submission import Answer, Submission, refusal

__all__ = ["Answer", "Ingest", "Submission", "known_prediction", "refusal"]
