"""Decisions about versions: promote, refuse, roll back. Compare-and-set on the champion."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from django.db import transaction
from django.utils.translation import gettext as _

from models_registry.errors import ChampionChanged, StageRefused
from models_registry.models import Comparison, EventName, ModelVersion, Promotion, RegisteredModel
from models_registry.services.outbox import emit
from reviewapp.errors import NotAllowed, ReviewAppError

if TYPE_CHECKING:
    from django.contrib.auth.models import User

Stage = ModelVersion.Stage


@transaction.atomic
def promote(
    *,
    version: ModelVersion,
    by: User | None,
    reason: str,
    now: datetime,
    comparison: Comparison | None = None,
    change_number: str = "",
    effective_from: str = "",
) -> Promotion:
    """Make a candidate the champion. ``by`` is None when the policy decides; ``effective_from``: the first lot.

    :raises StageRefused: the version is no candidate (any more).
    :raises ChampionChanged: the comparison was made against another champion than today's.
    :raises NotAllowed: the person asked for the run whose version this is.
    """
    _lock(version.registered_model)
    comparison = comparison or version.comparisons.order_by("-pk").first()
    champion = ModelVersion.objects.champion_of(version.registered_model)
    if comparison is not None and comparison.champion_id != (champion.pk if champion else None):
        raise ChampionChanged(_("The champion changed after this comparison. Compare again before you decide."))
    _refuse_self_approval(version, by)
    _swap(version, champion, allowed=(Stage.CANDIDATE,))
    _refuse_overtaken(version, now)
    change = (change_number, effective_from)
    return _announced(_record(Promotion.Action.PROMOTE, version, champion, by, reason, now, comparison, change))


@transaction.atomic
def refuse(
    *,
    version: ModelVersion,
    by: User | None,
    reason: str,
    now: datetime,
    comparison: Comparison | None = None,
    change_number: str = "",
) -> Promotion:
    """Refuse a candidate, with the reason. :raises StageRefused: it is no candidate (any more)."""
    _lock(version.registered_model)
    _require_reason(reason)
    if not ModelVersion.objects.filter(pk=version.pk, stage=Stage.CANDIDATE).update(stage=Stage.REJECTED):
        raise StageRefused(_("%(version)s is not a candidate any more.") % {"version": version})
    comparison = comparison or version.comparisons.order_by("-pk").first()
    return _record(Promotion.Action.REFUSE, version, None, by, reason, now, comparison, (change_number, ""))


@transaction.atomic
def roll_back(
    *,
    registered_model: RegisteredModel,
    by: User | None,
    reason: str,
    now: datetime,
    expected: ModelVersion | None = None,
    change_number: str = "",
    effective_from: str = "",
) -> Promotion:
    """Put back the version that the present champion replaced. ``expected``: the champion that is meant, if said.

    :raises StageRefused: there is no earlier one. :raises ChampionChanged: another one is champion than was meant.
    """
    _lock(registered_model)
    champion = ModelVersion.objects.champion_of(registered_model)
    if expected is not None and expected != champion:
        raise ChampionChanged(_("%(version)s is not the champion any more.") % {"version": expected})
    arrival = arrival_of(champion) if champion else None
    if champion is None or arrival is None or arrival.replaced is None:
        raise StageRefused(_("There is no earlier champion to go back to."))
    _swap(arrival.replaced, champion, allowed=(Stage.RETIRED,))
    change = (change_number, effective_from)
    return _announced(_record(Promotion.Action.ROLL_BACK, arrival.replaced, champion, by, reason, now, None, change))


def arrival_of(champion: ModelVersion) -> Promotion | None:
    """The decision that made it champion in another one's place; None where it was the first."""
    decisions = Promotion.objects.filter(version=champion, replaced__isnull=False).select_related("replaced")
    return decisions.exclude(action=Promotion.Action.REFUSE).order_by("-pk").first()


def _lock(registered_model: RegisteredModel) -> None:
    RegisteredModel.objects.select_for_update(no_key=True).get(pk=registered_model.pk)


def _require_reason(reason: str) -> None:
    if not reason.strip():
        raise ReviewAppError(
            _("Say why: the reason is kept with the decision."),
            code="reason_missing",
            fields={"reason": _("Required.")},
        )


def _refuse_self_approval(version: ModelVersion, by: User | None) -> None:
    run = version.training_run
    if by is not None and run is not None and run.requested_by_id == by.pk:
        raise NotAllowed(
            _("You asked for this run, so somebody else has to approve its version."), code="self_approval"
        )


def _refuse_overtaken(version: ModelVersion, now: datetime) -> None:
    """Older candidates were compared with a champion that is gone: they wait for nothing any more."""
    older = ModelVersion.objects.filter(
        registered_model=version.registered_model, stage=Stage.CANDIDATE, number__lt=version.number
    )
    for candidate in older:
        reason = f"Overtaken by {version.short_name}, which became champion."
        refuse(version=candidate, by=None, reason=reason, now=now)


def _swap(new: ModelVersion, old: ModelVersion | None, *, allowed: tuple[str, ...]) -> None:
    if old is not None:
        ModelVersion.objects.filter(pk=old.pk, stage=Stage.CHAMPION).update(stage=Stage.RETIRED)
    if not ModelVersion.objects.filter(pk=new.pk, stage__in=allowed).update(stage=Stage.CHAMPION):
        raise StageRefused(_("%(version)s cannot become champion from its present stage.") % {"version": new})
    new.stage = Stage.CHAMPION


def _record(
    action: str,
    version: ModelVersion,
    replaced: ModelVersion | None,
    by: User | None,
    reason: str,
    now: datetime,
    comparison: Comparison | None,
    change: tuple[str, str],
) -> Promotion:
    _require_reason(reason)
    return Promotion.objects.create(
        registered_model=version.registered_model,
        action=action,
        version=version,
        replaced=replaced,
        comparison=comparison,
        automatic=by is None,
        decided_by=by,
        reason=reason.strip(),
        change_number=change[0],
        effective_from=change[1],
        decided_at=now,
    )


def _announced(decision: Promotion) -> Promotion:
    """Tell who subscribed that the model has another champion."""
    version, replaced = decision.version, decision.replaced
    payload = {
        "action": decision.action,
        "version": version.number,
        "external_name": version.external_name,
        "replaced": replaced.number if replaced else None,
        "automatic": decision.automatic,
        "reason": decision.reason,
        "change_number": decision.change_number,
        "effective_from": decision.effective_from,
        "decided_at": decision.decided_at,
    }
    model = decision.registered_model
    emit(
        event=EventName.VERSION_PROMOTED, registered_model=model, object_id=f"model/{model.slug}", payload=payload,
        now=decision.decided_at,
    )  # fmt: skip
    return decision
