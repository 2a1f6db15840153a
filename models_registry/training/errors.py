"""Refusals of the built-in trainer, with codes that runs store and pages show."""

from reviewapp.errors import ReviewAppError


class TrainingDataError(ReviewAppError):
    """The data cannot train or be scored.

    Codes: `no_rows`, `one_class`, `unknown_label`, `bad_classes`, `shape_mismatch`, `features_not_finite`,
    `bad_weights`, `bad_config`, `scores_refused`.
    """

    code = "training_data"
    http_status = 422

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message, code=code)


class ArtifactError(ReviewAppError):
    """A model file is not what it is said to be, and was not loaded.

    Codes: `missing`, `hash_mismatch`, `unreadable`, `untrusted_type`, `wrong_format`, `features_version`,
    `too_large`, `no_onnx`; of a file that was tried before it is taken in also `too_slow`, `broke_down` and
    `scores_refused`.
    """

    code = "artifact"
    http_status = 409

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message, code=code)
