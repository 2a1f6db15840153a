"""When to retrain (STATISTICS §3.2): any cause will do, every guard must pass."""

from __future__ import annotations

from datetime import datetime

from models_registry.policy.causes import causes_of
from models_registry.policy.facts import RECALIBRATION, Decision, RetrainingFacts, RetrainingRules
from models_registry.policy.guards import Guard
from models_registry.policy.holding import guards_of, recalibration_guards


def decide_retraining(facts: RetrainingFacts, rules: RetrainingRules, *, now: datetime) -> Decision:
    """Whether to train now. `now` is aware. Every cause and guard is evaluated, so that a page can show them all.

    Confidence that is off is mended by the cheap run, and only where no other cause gets its own: a model that is
    trained anew is calibrated anew.
    """
    causes = causes_of(facts, rules, now)
    asking = [one for one in causes if one.passed]
    cause, guards = (asking[0] if asking else None), guards_of(facts, rules, now)
    cheap = recalibration_guards(facts, rules, now)
    off = next((one for one in asking if one.name == RECALIBRATION), None)
    if off is not None and (cause is off or (_failed(guards) and not _failed(cheap))):
        cause, guards = off, cheap
    held_back = _failed(guards)
    labels = next(one for one in causes if one.name == "new_labels")
    why = held_back if held_back and (cause or not rules.enabled) else cause or labels
    return Decision(
        retrain=cause is not None and held_back is None,
        cause=cause.name if cause else None,
        reason=why.detail,
        guards=guards,
        causes=causes,
    )


def _failed(guards: tuple[Guard, ...]) -> Guard | None:
    return next((one for one in guards if not one.passed), None)
