"""Refusals of the labeling side."""

from reviewapp.errors import Conflict, NotFound, ReviewAppError


class RowRefused(ReviewAppError):
    """One row of a submission is not right; the others are unharmed."""

    code = "invalid"


class ImageRefused(ReviewAppError):
    """The image cannot be used."""

    code = "image_not_readable"


class FetchFailed(ReviewAppError):
    """An image could not be had from where it was said to be."""

    code = "image_not_fetched"

    def __init__(self, message: str, *, code: str, may_work_later: bool = False) -> None:
        super().__init__(message, code=code)
        self.may_work_later = may_work_later


class ContentConflict(Conflict):
    """The same key came with other content: never silently kept or overwritten."""

    code = "conflict"


class ReviewClosed(Conflict):
    """The review was cancelled."""

    code = "review_closed"


class LeaseLost(Conflict):
    """The review went to somebody else meanwhile."""

    code = "lease_lost"


class NotSeen(ReviewAppError):
    """A verdict on an image that was not on screen (long enough)."""

    code = "not_seen"


class UndoRefused(Conflict):
    """Too late to take this back."""

    code = "undo_too_late"


class NoSuchView(NotFound):
    code = "view_not_found"


class NoSuchReview(NotFound):
    code = "review_not_found"
