"""A candidate answers for a part of the line: who starts it, which parts it has, who stops it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from django.db import transaction
from django.utils.translation import gettext as _

from labeling import memory
from labeling.incoming import why_unstorable
from labeling.models import Canary, CanaryLot, Inspection, Prediction, Station
from labeling.routing import keyed_uniform
from models_registry.errors import NoChampion, NotServable, StageRefused
from models_registry.models import ModelVersion, RegisteredModel
from reviewapp.errors import Conflict, NotAllowed, ReviewAppError

if TYPE_CHECKING:
    from django.contrib.auth.models import User

MOST_CHARACTERS = 2000
Stage, Outcome = ModelVersion.Stage, Canary.Outcome


@transaction.atomic
def start_canary(
    *,
    candidate: ModelVersion,
    stations: Sequence[Station],
    lot_share: float | None,
    by: User,
    reason: str,
    now: datetime,
    change_number: str = "",
) -> Canary:
    """Let a candidate answer for ``stations`` (none: all), of these for a share of the lots (None: every part).

    :raises ReviewAppError: no reason, or neither a station nor a share. :raises StageRefused: no candidate (any more).
    :raises NotServable: the champion answers here and the candidate cannot. :raises NotAllowed: its run was asked for
    by the same person. :raises Conflict: one runs already.
    """
    model = candidate.registered_model
    RegisteredModel.objects.select_for_update(no_key=True).get(pk=model.pk)
    _check(stations, lot_share, reason, change_number)
    end_decided_canaries(registered_model=model, now=now)  # what a decision has ended holds no new one up
    candidate.refresh_from_db()
    champion = ModelVersion.objects.champion_of(model)
    if candidate.stage != Stage.CANDIDATE:
        raise StageRefused(_("%(version)s is not a candidate any more.") % {"version": candidate})
    if champion is None:
        raise NoChampion(_("There is no champion yet: promote the first version for everything."))
    if not _can_answer(candidate, champion):
        raise NotServable(_("%(version)s has no artifact here, so it cannot answer.") % {"version": candidate})
    if candidate.training_run is not None and candidate.training_run.requested_by_id == by.pk:
        raise NotAllowed(
            _("You asked for this run, so somebody else has to let its version answer."), code="self_approval"
        )
    if Canary.objects.filter(registered_model=model, ended_at=None).exists():
        raise Conflict(_("A canary of this model runs already. Stop it first."), code="canary_runs")
    canary = Canary.objects.create(
        registered_model=model, candidate=candidate, champion=champion, lot_share=lot_share, reason=reason.strip(),
        change_number=change_number, started_at=now, started_by=by,
    )  # fmt: skip
    canary.stations.set(stations)
    transaction.on_commit(memory.forget)
    return canary


def candidates_for(registered_model: RegisteredModel) -> list[ModelVersion]:
    """Those that could be a canary now, the newest first."""
    champion = ModelVersion.objects.champion_of(registered_model)
    waiting = registered_model.versions.filter(stage=Stage.CANDIDATE).order_by("-number")
    return [one for one in waiting if champion is not None and _can_answer(one, champion)]


def _can_answer(version: ModelVersion, champion: ModelVersion) -> bool:
    """Where the champion was trained elsewhere the line runs the versions and asks which one it should."""
    return bool(version.artifact) or not champion.artifact


def stations_named(slugs: Sequence[str]) -> list[Station]:
    """:raises ReviewAppError: names those that do not exist."""
    found = {one.slug: one for one in Station.objects.filter(slug__in=[s for s in slugs if not why_unstorable(s)])}
    if missing := sorted(set(slugs) - set(found)):
        said = _("No such station: %(names)s.") % {"names": ", ".join(missing[:5]).replace("\x00", "?")[:200]}
        raise ReviewAppError(said, code="unknown_station", fields={"stations": said})
    return list(found.values())


def _check(stations: Sequence[Station], lot_share: float | None, reason: str, change_number: str) -> None:
    _require_reason(reason)
    if what := why_unstorable(change_number):
        raise ReviewAppError(f"change_number {what}.", code="invalid", fields={"change_number": what})
    if lot_share is not None and not 0 < lot_share <= 1:
        raise ReviewAppError(
            _("A share of the lots lies above 0 and at most at 1."), code="invalid", fields={"lot_share": _("0 to 1.")}
        )
    if not stations and lot_share is None:
        said = _("Say which stations, or which share of the lots.")
        raise ReviewAppError(said, code="invalid", fields={"stations": said})


def _require_reason(reason: str) -> None:
    if not reason.strip():
        raise ReviewAppError(
            _("Say why: the reason is kept with the canary."), code="reason_missing", fields={"reason": _("Required.")}
        )
    if what := why_unstorable(reason):
        raise ReviewAppError(f"reason {what}.", code="invalid", fields={"reason": what})
    if len(reason) > MOST_CHARACTERS:
        said = _("At most %(n)s characters.") % {"n": MOST_CHARACTERS}
        raise ReviewAppError(said, code="invalid", fields={"reason": said})


def stop_canary(*, canary: Canary, by: User, reason: str, now: datetime) -> bool:
    """No lot begins with the candidate any more; those that did keep it to their end. False: it had ended."""
    _require_reason(reason)
    return _end(canary, Outcome.STOPPED, now, ended_by=by, end_reason=reason.strip())


def end_decided_canaries(*, registered_model: RegisteredModel, now: datetime) -> int:
    """End what a decision about a version has ended. Returns how many."""
    n = 0
    for canary in Canary.objects.filter(registered_model=registered_model, ended_at=None).select_related("candidate"):
        outcome = _outcome_of(canary)
        n += outcome is not None and _end(canary, outcome, now)
    return n


def _outcome_of(canary: Canary) -> str | None:
    stage = canary.candidate.stage
    if stage == Stage.CANDIDATE:
        champion = ModelVersion.objects.champion_of(canary.registered_model)
        return None if champion == canary.champion else Outcome.OVERTAKEN
    return Outcome.REFUSED if stage == Stage.REJECTED else Outcome.PROMOTED


def _end(canary: Canary, outcome: str, now: datetime, **said: object) -> bool:
    running = Canary.objects.filter(pk=canary.pk, ended_at=None)
    is_ended = bool(running.update(ended_at=now, outcome=outcome, **said))
    transaction.on_commit(memory.forget)
    return is_ended


def running_canary(registered_model: RegisteredModel) -> Canary | None:
    running = Canary.objects.filter(registered_model=registered_model, ended_at=None)
    return running.select_related("candidate__registered_model", "champion").first()


def version_in_charge(
    *, registered_model: RegisteredModel, station: int, lot: str, now: datetime, part: str = ""
) -> ModelVersion | None:
    """Which version answers for a part at a station (by key): the champion, or the canary's. None: no champion.

    A lot has one version from its first part to its last; without a lot a part stands for itself, unless it came
    before with one (``part``: its id). Whether the model has canaries is remembered for a moment by each process, as
    the catalogue is; who has a lot is always asked.
    """
    champion = ModelVersion.objects.champion_of(registered_model)
    known = memory.remember(("canary", registered_model.pk), lambda: _newest(registered_model))
    if champion is None or not known:
        return champion
    lot = lot or _lot_of(station, part)
    if lot and (begun := _begun(registered_model, champion, lot)) is not None:
        return begun
    canary = running_canary(registered_model)
    if canary is None or canary.candidate.stage != Stage.CANDIDATE or canary.champion_id != champion.pk:
        return champion
    if not lot:
        return canary.candidate if canary.lot_share is None and _takes_station(canary, station) else champion
    return _decide_lot(canary, champion, station, lot, now)


def _newest(registered_model: RegisteredModel) -> int:
    """0: none ever."""
    newest = Canary.objects.filter(registered_model=registered_model).order_by("-pk")
    return newest.values_list("pk", flat=True).first() or 0


def _lot_of(station: int, part: str) -> str:
    """With which a part came before; empty: with none, or it is new."""
    known = Inspection.objects.filter(station=station, inspection_id=part).values_list("lot", flat=True)
    return (known.first() or "") if part else ""


def _begun(registered_model: RegisteredModel, champion: ModelVersion, lot: str) -> ModelVersion | None:
    """The version that a lot began with while a canary ran, if it can still answer."""
    rows = CanaryLot.objects.filter(canary__registered_model=registered_model, lot=lot).order_by("-pk")
    row = rows.select_related("version__registered_model").first()
    return row.version if row is not None and _can_answer(row.version, champion) else None


def _takes_station(canary: Canary, station: int) -> bool:
    stations = set(canary.stations.values_list("pk", flat=True))
    return not stations or station in stations


def _decide_lot(canary: Canary, champion: ModelVersion, station: int, lot: str, now: datetime) -> ModelVersion:
    """By a keyed hash of the lot, so that nobody can choose; a lot that was on its way stays with the champion."""
    takes = _takes_station(canary, station) and (
        canary.lot_share is None or keyed_uniform(bytes.fromhex(canary.secret), f"lot|{lot}") < canary.lot_share
    )
    version = canary.candidate if takes and not _was_on_its_way(canary, lot) else champion
    # of two parts of the lot at once the first decides
    row, __ = CanaryLot.objects.get_or_create(canary=canary, lot=lot, defaults={"version": version, "decided_at": now})
    return ModelVersion.objects.select_related("registered_model").get(pk=row.version_id)


def _was_on_its_way(canary: Canary, lot: str) -> bool:
    """Another version has said something of a part of the lot: before the canary, or of a line that did not ask."""
    said = Prediction.objects.filter(inspection__lot=lot, model_version__registered_model=canary.registered_model)
    return said.exclude(model_version=canary.candidate).exists()
