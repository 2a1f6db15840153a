"""Change a model's thresholds: what was changed is dated and kept with who did it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _

from models_registry.errors import PoliciesChanged
from models_registry.models import PolicyChange, PromotionPolicy, RegisteredModel, RetrainingPolicy
from models_registry.training import declared

if TYPE_CHECKING:
    from django.contrib.auth.models import User

Policy = RetrainingPolicy | PromotionPolicy
NOT_THRESHOLDS = {"id", "registered_model", "updated_at", "schedule_since"}


def thresholds(policy: Policy) -> dict[str, Any]:
    """By field, as they are kept in the history."""
    fields = (one.name for one in policy._meta.concrete_fields if one.name not in NOT_THRESHOLDS)
    return {name: getattr(policy, name) for name in fields}


@transaction.atomic
def choose_trainer(
    *, registered_model: RegisteredModel, name: str, by: User | None, via: str, now: datetime
) -> PolicyChange | None:
    """Let the model's next runs be done by a trainer of the operator's list. None: it has this one already.

    :raises TrainerUnknown: none of that name is declared, or the file cannot be used; a 400 with the list.
    """
    model = RegisteredModel.objects.select_for_update(no_key=True).get(pk=registered_model.pk)
    registered_model.trainer = name
    if model.trainer == name:
        return None
    refuse_undeclared(name)
    before, model.trainer = model.trainer, name
    model.save(update_fields=["trainer"])
    return note_trainer(registered_model=model, before=before, by=by, via=via, now=now)


def refuse_undeclared(name: str) -> None:
    """:raises TrainerUnknown: with the names that there are, as a refusal of the field `trainer`."""
    try:
        known = declared.names(settings.TRAINERS_FILE)
        if name not in known:
            raise declared.unknown(name, known)
    except declared.TrainerUnknown as error:
        error.http_status, error.fields = 400, {"trainer": error.message}
        raise


def offered_trainers(registered_model: RegisteredModel) -> list[str]:
    """What a form offers: what is declared, and what the model has now though it is declared no longer."""
    try:
        known = declared.names(settings.TRAINERS_FILE)
    except declared.TrainerUnknown:
        known = [declared.BUILTIN]
    return known if registered_model.trainer in known else [*known, registered_model.trainer]


def note_trainer(
    *, registered_model: RegisteredModel, before: str, by: User | None, via: str, now: datetime
) -> PolicyChange:
    """Keep that another trainer was chosen, beside the thresholds' history."""
    return PolicyChange.objects.create(
        registered_model=registered_model, policy=PolicyChange.Policy.RETRAINING, via=via,
        fields={"trainer": [before, registered_model.trainer]}, changed_by=by, changed_at=now,
    )  # fmt: skip


@transaction.atomic
def change_policies(
    *, registered_model: RegisteredModel, wanted: Mapping[type[Policy], Mapping[str, Any]], by: User, now: datetime,
    seen: int | None = None, via: str = PolicyChange.Via.PAGE,
) -> list[PolicyChange]:  # fmt: skip
    """Set thresholds from the policy's page or by the API. What stays as it is makes no change and no row.

    ``wanted``: valid values by field, for each policy. ``seen``: the newest change that the person saw, 0 where there
    was none; None does not ask. :raises PoliciesChanged: there is a newer one, and nothing is set.
    """
    locked = [_locked(kind, registered_model) for kind in wanted]
    newest = newest_change(registered_model)
    if seen is not None and newest > seen:
        raise PoliciesChanged(_("Somebody changed these rules after you opened them."))
    changes = []
    for policy, values in zip(locked, wanted.values(), strict=True):
        before = thresholds(policy)
        for name, value in values.items():
            setattr(policy, name, value)
        prepare(policy, before=before, now=now)
        change = record_change(policy, before=before, by=by, via=via, now=now)
        if change is not None:
            policy.save()
            changes.append(change)
    return changes


def newest_change(registered_model: RegisteredModel) -> int:
    """Its key; 0 where nothing was changed yet."""
    return registered_model.policy_changes.order_by("-pk").values_list("pk", flat=True).first() or 0


def _locked(kind: type[Policy], registered_model: RegisteredModel) -> Policy:
    kind._default_manager.get_or_create(registered_model=registered_model)
    return kind._default_manager.select_for_update().get(registered_model=registered_model)


def prepare(policy: Policy, *, before: Mapping[str, Any], now: datetime) -> list[str]:
    """Set what follows from a change, before it is saved. Returns the fields. A new schedule makes up for nothing."""
    if isinstance(policy, RetrainingPolicy) and any(
        getattr(policy, name) != before.get(name, "") for name in ("schedule", "schedule_zone")
    ):
        policy.schedule_since = now
        return ["schedule_since"]
    return []


def record_change(
    policy: Policy, *, before: Mapping[str, Any], by: User | None, via: str, now: datetime,
    only: Iterable[str] | None = None,
) -> PolicyChange | None:  # fmt: skip
    """Keep what differs from ``before``, from and to. None: nothing does."""
    after = thresholds(policy)
    names = after.keys() if only is None else after.keys() & set(only)
    fields = {name: [before.get(name), after[name]] for name in sorted(names) if before.get(name) != after[name]}
    if not fields:
        return None
    kind = PolicyChange.Policy.RETRAINING if isinstance(policy, RetrainingPolicy) else PolicyChange.Policy.PROMOTION
    return PolicyChange.objects.create(
        registered_model=policy.registered_model, policy=kind, fields=fields, via=via, changed_by=by, changed_at=now
    )
