"""Refusals of the audit. Nothing is written when one is raised."""

from __future__ import annotations

from collections.abc import Sequence

from reviewapp.errors import Conflict, ReviewAppError

LISTED = 20


class FileRefused(ReviewAppError):
    """Something in the file of predictions, or in the folder of images, is not right: each with line and column."""

    code = "file_refused"

    def __init__(self, file: str, problems: Sequence[tuple[int | None, str, str]]) -> None:
        told = [
            f"{file}{'' if line is None else f', line {line}'}, {column}: {what}"
            for line, column, what in problems[:LISTED]
        ]
        more = [f"… and {len(problems) - LISTED} more."] if len(problems) > LISTED else []
        message = "\n".join([*told, *more, "Nothing was written."])
        super().__init__(message, fields={column: what for _, column, what in reversed(problems)})
        self.problems = tuple(problems)


class AuditDiffers(Conflict):
    """This file is being audited already, and was asked for with another budget, seed or version."""

    code = "audit_differs"
