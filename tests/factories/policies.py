"""The ledger of retraining, what asks from outside, changes of policies, and what is reckoned hourly."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from labeling.models import HourlyFacts
from models_registry.models import (
    PolicyChange,
    RegisteredModel,
    RetrainingDecision,
    RetrainingRequest,
    RetrainingStanding,
)
from tests.factories.base import NOW
from tests.factories.people import make_user
from tests.factories.registry import make_model


def make_decision(*, registered_model: RegisteredModel | None = None, **fields: Any) -> RetrainingDecision:
    """A "no" that waits for labels."""
    fields = {
        "retrain": False, "reason": "Waiting for new labels: 20 of 200.", "n_new_labels": 20, "n_labels": 20,
        "decided_at": NOW, **fields,
    }  # fmt: skip
    return RetrainingDecision.objects.create(registered_model=registered_model or make_model(), **fields)


def make_standing(*, registered_model: RegisteredModel | None = None, **fields: Any) -> RetrainingStanding:
    return RetrainingStanding.objects.create(registered_model=registered_model or make_model(), **fields)


def make_request(*, registered_model: RegisteredModel | None = None, **fields: Any) -> RetrainingRequest:
    """The plant's system asks for a run, for a week."""
    at = fields.pop("requested_at", NOW)
    fields = {"reason": "New material from Monday.", "expires_at": at + timedelta(days=7), **fields}
    fields.setdefault("requested_by", make_user("plant"))
    return RetrainingRequest.objects.create(
        registered_model=registered_model or make_model(), requested_at=at, **fields
    )


def make_policy_change(*, registered_model: RegisteredModel | None = None, **fields: Any) -> PolicyChange:
    fields = {
        "policy": "retraining", "fields": {"min_new_labels": [200, 150]}, "via": "page", "changed_at": NOW, **fields,
    }  # fmt: skip
    fields.setdefault("changed_by", make_user("lena"))
    return PolicyChange.objects.create(registered_model=registered_model or make_model(), **fields)


def make_hourly(*, registered_model: RegisteredModel | None = None, **fields: Any) -> HourlyFacts:
    """Nothing could be measured yet."""
    return HourlyFacts.objects.create(
        registered_model=registered_model or make_model(), **{"measured_at": NOW, **fields}
    )
