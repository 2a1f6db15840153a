"""Refusals of the labeling side."""

from reviewapp.errors import Conflict, NotAllowed, NotFound, ReviewAppError


class RowRefused(ReviewAppError):
    """One row of a submission is not right; the others are unharmed."""

    code = "invalid"


class ImageRefused(ReviewAppError):
    """The image cannot be used."""

    code = "image_not_readable"


class ImageDeleted(ReviewAppError):
    """There was one; it was not kept longer (``REVIEWAPP_KEEP_IMAGES_DAYS``)."""

    code = "image_deleted"
    http_status = 410

    def __init__(self) -> None:
        super().__init__("The image was deleted: it was older than images of parts without a label are kept.")


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


class OnPause(Conflict):
    """The person is away: nothing is handed out until they are back. Field ``since``: from when on."""

    code = "on_pause"


class NotQualified(NotAllowed):
    """The model's policy demands a qualification that the person has not, or not any more."""

    code = "not_qualified"


class NotSeen(ReviewAppError):
    """A verdict on an image that was not on screen (long enough)."""

    code = "not_seen"


class UndoRefused(Conflict):
    """Too late to take this back."""

    code = "undo_too_late"


class PredictionRevealed(UndoRefused):
    """The person has seen what the model says: nothing can be said blind any more."""

    code = "prediction_revealed"


class NothingToReveal(Conflict):
    """There is no prediction to show, or not yet."""

    code = "no_prediction"


class NotSettled(Conflict):
    """Nothing stands that could be challenged."""

    code = "not_settled"


class NoSuchView(NotFound):
    code = "view_not_found"


class NoSuchReview(NotFound):
    code = "review_not_found"
