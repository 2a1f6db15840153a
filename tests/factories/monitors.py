"""Limits of escapes, monitors, and what these went through."""

from __future__ import annotations

from typing import Any

from models_registry.estimation.sequences import start_sequence
from models_registry.estimation.watching import start_watching
from models_registry.models import EscapeLimit, ModelVersion, Monitor, MonitorTransition, RegisteredModel
from tests.factories.base import NOW
from tests.factories.registry import make_model, make_version


def make_limit(*, registered_model: RegisteredModel | None = None, **fields: Any) -> EscapeLimit:
    """At most 100 ppm of all parts may be dents that the model takes for good."""
    fields = {"label": "dent", "max_rate": 0.0001, **fields}
    return EscapeLimit.objects.create(registered_model=registered_model or make_model(), **fields)


def make_monitor(*, version: ModelVersion | None = None, **fields: Any) -> Monitor:
    """A monitor of all errors that was fed nothing yet."""
    fields = {"p0": 0.04, "floor_pi": 0.025, "run_length": 1e6, "started_at": NOW, **fields}
    watched = start_watching(
        limit=fields["p0"],
        accepted=fields.get("accepted"),
        floor_pi=fields["floor_pi"],
        run_length=fields["run_length"],
    )
    sequence = start_sequence(floor_pi=fields["floor_pi"])
    fields.setdefault("capital", {"watched": watched.as_json(), "sequence": sequence.as_json(), "answered": {}})
    return Monitor.objects.create(model_version=version or make_version(), **fields)


def make_transition(*, monitor: Monitor | None = None, **fields: Any) -> MonitorTransition:
    fields = {
        "from_state": "ok", "to_state": "watch", "cause": "limit", "at": NOW, "n_fed": 1200, "evidence": 5.2,
        "n_together": 1, "inputs_hash": "ab" * 32, **fields,
    }  # fmt: skip
    return MonitorTransition.objects.create(monitor=monitor or make_monitor(), **fields)
