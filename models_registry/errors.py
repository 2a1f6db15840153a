"""Refusals of the registry."""

from reviewapp.errors import Conflict, ReviewAppError


class ChampionChanged(Conflict):
    """Somebody else changed the champion meanwhile: compare again."""

    code = "champion_changed"


class RunActive(Conflict):
    """One active run per model."""

    code = "run_active"


class NotServable(Conflict):
    """The version has no artifact here, so it cannot answer."""

    code = "not_servable"


class NoChampion(Conflict):
    """The model has no champion yet."""

    code = "no_champion"


class StageRefused(Conflict):
    """The version's stage does not allow this."""

    code = "stage_refused"


class RunFailed(ReviewAppError):
    """A step of a run failed for a reason that a person can act on."""

    code = "run_failed"
    http_status = 409
