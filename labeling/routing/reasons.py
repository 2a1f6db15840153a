"""Why an inspection is looked at, or is not: in words, for the line, the inspector and the auditor."""

from __future__ import annotations

from typing import Literal

from labeling.routing.rules import DesignRules, PartRule, PredictionFacts

ReasonCode = Literal[
    "first_label", "blocking_label", "certainty_label", "certainty_source", "part_rule", "low_confidence",
    "drawn", "not_drawn",
]  # fmt: skip
MAX_LENGTH = 200  # of `Selection.reason`


def why_always(facts: PredictionFacts, rules: DesignRules) -> ReasonCode | None:
    """Why the inspection is checked whatever the dice say, if it is. A campaign checks nothing always."""
    if rules.campaign:
        return None
    if facts.label is None:
        return "first_label"
    if facts.label in rules.blocking_labels:
        return "blocking_label"
    if facts.label in rules.certainty_labels:
        return "certainty_label"
    if rules.certainty_sources and not rules.certainty_sources.isdisjoint(facts.sources):
        return "certainty_source"
    if rules.certainty_where and part_rule(facts, rules):
        return "part_rule"
    if facts.confidence is not None and rules.certainty_below is not None and facts.confidence < rules.certainty_below:
        return "low_confidence"
    return None


def part_rule(facts: PredictionFacts, rules: DesignRules) -> PartRule | None:
    """The first customer's rule that holds of the part."""
    return next((rule for rule in rules.certainty_where if rule.holds(facts)), None)


def sentence(code: ReasonCode, facts: PredictionFacts, rules: DesignRules, *, pi: float, thinning: float = 1.0) -> str:
    """The reason as people read it, in at most `MAX_LENGTH` characters."""
    kind = "defect" if facts.is_defect else "label"
    match code:
        case "drawn" if rules.campaign:
            return f"Drawn for “{rules.campaign}”: the chance of that was {_percent(pi)}.{_thinned(thinning)}"
        case "drawn":
            return f"Drawn by chance: the chance of being checked was {_percent(pi)}.{_thinned(thinning)}"
        case "not_drawn":
            return f"Not drawn: the chance of being checked was {_percent(pi)}.{_thinned(thinning)}"
        case "first_label":
            return "No model has judged it: a person gives the first label."
        case "blocking_label":
            return f"Predicted {facts.label}, a {kind} for which the part waits until a person has looked."
        case "certainty_label":
            return f"Predicted {facts.label}, a {kind} that is always checked."
        case "certainty_source":
            source = min(rules.certainty_sources.intersection(facts.sources))
            return f"What {source} sees is always checked."
        case "part_rule":
            rule = part_rule(facts, rules)
            return f"Always checked: {rule.words() if rule else ''}."[:MAX_LENGTH]
        case "low_confidence":
            confidence, limit = _percent(facts.confidence), _percent(rules.certainty_below)
            return f"Confidence {confidence} is below {limit}: always checked."


def _thinned(thinning: float) -> str:
    return "" if thinning == 1 else f" Too many reviews wait, so it was {thinning:g} of the usual."


def _percent(share: float | None) -> str:
    return "unknown" if share is None else f"{100 * share:.3g} %"
