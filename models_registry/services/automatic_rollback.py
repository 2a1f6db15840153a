"""A new champion whose alarm is critical makes way for the one before it, where the policy says so. Once."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from models_registry.models import Alert, ModelVersion, Monitor, Promotion, RegisteredModel
from models_registry.services.alerts import open_alert
from models_registry.services.promotion import arrival_of, roll_back
from models_registry.services.promotion_policies import policy_of


@transaction.atomic
def roll_back_if_critical(*, registered_model: RegisteredModel, now: datetime) -> Promotion | None:
    """Put the former champion back if the evidence against the present one is critical (STATISTICS §3.1, E >= 100).

    Only a version that was promoted makes way, never one that was put back: there is no way to and fro. The evidence is
    the version's own, since monitors begin with it. The alert that opens stays until a person resolves it.
    """
    RegisteredModel.objects.select_for_update(no_key=True).get(pk=registered_model.pk)
    champion = ModelVersion.objects.champion_of(registered_model)
    if champion is None or not policy_of(registered_model).rolls_back:
        return None
    arrival = arrival_of(champion)
    if arrival is None or arrival.action != Promotion.Action.PROMOTE or arrival.replaced is None:
        return None
    if arrival.replaced.stage != ModelVersion.Stage.RETIRED:
        return None
    worst = champion.monitors.filter(ended_at=None, state=Monitor.State.CRITICAL).order_by("-evidence").first()
    if worst is None:
        return None
    back = roll_back(registered_model=registered_model, by=None, reason=_reason(champion, worst), now=now)
    open_alert(
        registered_model=registered_model,
        kind=Alert.Kind.ROLLED_BACK,
        slice=champion.short_name,
        message=f"{back.version.short_name} was put back by itself. {back.reason}",
        now=now,
        evidence={"monitor": worst.pk, "guard": worst.guard, "evidence": worst.evidence, "version": champion.number},
    )
    return back


def _reason(champion: ModelVersion, worst: Monitor) -> str:
    what = {"": "errors", "escape": "escapes"}.get(worst.guard, f"escapes of {worst.guard.removeprefix('escape:')}")
    counts = f"{worst.n_errors:,} found in {worst.n_fed:,} inspections"
    return f"The evidence against {champion.short_name} is {worst.evidence:,.0f} to 1 ({what}: {counts})."
