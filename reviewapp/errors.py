"""The bottom of the import order: the error every service raises and every door renders."""

from __future__ import annotations

from collections.abc import Mapping


class ReviewAppError(Exception):
    """A refusal with a stable ``code`` that clients may rely on.

    ``message`` is one plain sentence for a person, ``fields`` maps a field's name to what is wrong with it,
    ``row`` is the position (from 0) in a submitted list.
    """

    code = "refused"
    http_status = 400

    def __init__(
        self,
        message: str,
        *,
        code: str | None = None,
        http_status: int | None = None,
        fields: Mapping[str, str] | None = None,
        row: int | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.code = code or type(self).code
        self.http_status = http_status or type(self).http_status
        self.fields = dict(fields or {})
        self.row = row

    def as_dict(self) -> dict[str, object]:
        """The one error shape of the API: code, message, fields and, for a list, the row."""
        body: dict[str, object] = {"code": self.code, "message": self.message, "fields": self.fields}
        if self.row is not None:
            body["row"] = self.row
        return body


class NotAllowed(ReviewAppError):
    """The person or the key has no role that permits this."""

    code = "not_allowed"
    http_status = 403


class NotFound(ReviewAppError):
    """There is no such thing, or it is not for this person to know."""

    code = "not_found"
    http_status = 404


class Conflict(ReviewAppError):
    """What was asked does not fit the present state."""

    code = "conflict"
    http_status = 409
