"""Refusals of import and export."""

from __future__ import annotations

from reviewapp.errors import Conflict, ReviewAppError


class ExportRefused(ReviewAppError):
    """What was asked for cannot be written: ``unknown_format``, ``parquet_missing``, ``invalid``."""

    code = "invalid"


class SourceRefused(ReviewAppError):
    """The file or folder as a whole cannot be read.

    Codes: ``not_readable``, ``unknown_format``, ``archive_refused``, ``xml_refused``, ``source_missing``,
    ``too_large``, ``nothing_found``.
    """

    code = "not_readable"


class LabelsUnknown(Conflict):
    """Labels that the model's label set does not have: all of them at once, with what to do."""

    code = "unknown_labels"
