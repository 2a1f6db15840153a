"""Refusals of the registry."""

from reviewapp.errors import Conflict, ReviewAppError


class ChampionChanged(Conflict):
    """Somebody else changed the champion meanwhile: compare again."""

    code = "champion_changed"


class RunActive(Conflict):
    """One active run per model."""

    code = "run_active"


class PoliciesChanged(Conflict):
    """Somebody else changed the thresholds after they were looked at: look again."""

    code = "policies_changed"


class NotServable(Conflict):
    """The version has no artifact here, so it cannot answer."""

    code = "not_servable"


class NoChampion(Conflict):
    """The model has no champion yet."""

    code = "no_champion"


class StageRefused(Conflict):
    """The version's stage does not allow this."""

    code = "stage_refused"


class FileRefused(ReviewAppError):
    """A model file that cannot be served from; the code is that of `ArtifactError`, or `other_classes`."""

    code = "file_refused"
    http_status = 422


class NameTaken(Conflict):
    """Another version of the model is called so."""

    code = "name_taken"


class RunFailed(ReviewAppError):
    """A step of a run failed for a reason that a person can act on."""

    code = "run_failed"
    http_status = 409
