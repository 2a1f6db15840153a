"""What a design always checks, what concerns a campaign, and what of it cannot be."""

from __future__ import annotations

from typing import Any

import pytest

from labeling.routing import DesignRules, Only, PredictionFacts, Routing, problems_of_rules, route, rules_of

LABELS, SOURCES = ("ok", "dent"), ("cam-1", "cam-2")
PART = PredictionFacts("ok", 0.9, False, ("cam-1", "cam-2"), "A12", "L-771", {"supplier": "ACME", "shift": 2})


def always(where: dict[str, Any], facts: PredictionFacts = PART) -> Routing:
    rules = rules_of({"certainty_where": [where]}, budget=0.01, audit_share=0.8)
    return route(facts, rules, secret=b"secret", key="part-1", design_key="m/1", mean_uncertainty=0.25)


def problems(rules: Any, *, is_campaign: bool = False) -> list[str]:
    return list(problems_of_rules(rules, labels=LABELS, sources=SOURCES, is_campaign=is_campaign))


@pytest.mark.parametrize(
    ("where", "reason"),
    [
        ({"recipe": "A12"}, "Always checked: recipe A12."),
        ({"lot_prefix": "L-77"}, "Always checked: lots that begin with L-77."),
        ({"metadata": {"supplier": "ACME"}}, "Always checked: supplier ACME."),
        ({"metadata": {"shift": 2}}, "Always checked: shift 2."),
        ({"recipe": "A12", "metadata": {"supplier": "ACME"}}, "Always checked: recipe A12, supplier ACME."),
        ({"recipe": "A12", "reason": "First week of the new alloy"}, "Always checked: First week of the new alloy."),
    ],
)
def test_a_customers_rule_checks_always_and_says_why(where: dict[str, Any], reason: str) -> None:
    routing = always(where)
    assert (routing.stratum, routing.pi, routing.drawn, routing.review) == ("certainty", 1, True, "measuring")
    assert (routing.reason_code, routing.reason) == ("part_rule", reason)


@pytest.mark.parametrize(
    "where",
    [
        {"recipe": "A1"}, {"lot_prefix": "771"}, {"metadata": {"supplier": "acme"}}, {"metadata": {"shift": True}},
        {"metadata": {"oven": ""}}, {"recipe": "A12", "lot_prefix": "M"},
    ],
)  # fmt: skip
def test_a_rule_that_does_not_hold_leaves_it_to_chance(where: dict[str, Any]) -> None:
    assert always(where).stratum == "sampled"


def test_a_rule_of_one_does_not_hold_of_true() -> None:
    said = PART._replace(metadata={"shift": True})
    assert always({"metadata": {"shift": 1}}, said).stratum == "sampled"
    assert always({"metadata": {"shift": True}}, said).stratum == "certainty"


def test_one_view_from_a_watched_camera_is_enough() -> None:
    rules = rules_of({"certainty_sources": ["cam-2"]}, budget=0.01, audit_share=0.8)
    routing = route(PART, rules, secret=b"secret", key="part-1", design_key="m/1", mean_uncertainty=0.25)
    assert (routing.reason_code, routing.reason) == ("certainty_source", "What cam-2 sees is always checked.")


@pytest.mark.parametrize(
    ("only", "holds"),
    [
        (Only(), True),
        (Only(labels=frozenset({"ok"})), True),
        (Only(labels=frozenset({"dent"})), False),
        (Only(sources=frozenset({"cam-2", "cam-9"})), True),
        (Only(sources=frozenset({"cam-9"})), False),
        (Only(confidence_from=0.9), True),
        (Only(confidence_to=0.9), True),
        (Only(confidence_from=0.91), False),
        (Only(confidence_from=0.2, confidence_to=0.8), False),
    ],
)
def test_a_campaign_concerns_what_all_it_says_holds_of(only: Only, holds: bool) -> None:
    assert only.holds(PART) is holds
    assert not only.holds(PredictionFacts(None))


def test_a_range_of_confidence_does_not_concern_what_has_none() -> None:
    assert not Only(confidence_to=1).holds(PART._replace(confidence=None))
    assert Only().holds(PART._replace(confidence=None))


def test_a_campaign_has_one_chance_for_all_and_says_its_name() -> None:
    rules = rules_of({}, budget=1, audit_share=1, campaign="New alloy")
    doubtful, sure = (
        route(
            PART._replace(confidence=one), rules, secret=b"s", key="a", design_key="m/2", mean_uncertainty=0.25
        )
        for one in (0.5, 1.0)
    )  # fmt: skip
    assert (doubtful.pi, sure.pi, sure.stratum) == (1, 1, "sampled")
    assert sure.reason == "Drawn for “New alloy”: the chance of that was 100 %."


def test_rules_that_were_stored_before_there_were_more_hold_as_they_did() -> None:
    old = {"certainty_labels": ["dent"], "certainty_below": 1, "blocking_labels": []}
    assert rules_of(old, budget=0.1, audit_share=0.8) == DesignRules(
        budget=0.1, audit_share=0.8, certainty_labels=frozenset({"dent"}), certainty_below=1
    )
    assert rules_of({}, budget=0.1, audit_share=0.8) == DesignRules(budget=0.1, audit_share=0.8)
    with pytest.raises(ValueError, match="certainty_below"):
        rules_of({"certainty_below": "low"}, budget=0.1, audit_share=0.8)


@pytest.mark.parametrize(
    ("rules", "problem"),
    [
        ([], "Rules are an object."),
        ({"certainty_label": []}, "Not known: certainty_label. Known: certainty_labels,"),
        ({"certainty_labels": ["crack", "ok"], "blocking_labels": ["hole"]}, "Not in the label set: crack, hole."),
        ({"certainty_sources": ["cam-3"]}, "No such source: cam-3."),
        ({"certainty_below": 1.5}, "certainty_below: expected"),
        ({"certainty_where": [{}]}, "rule 1: say a recipe"),
        ({"certainty_where": [{"recipe": "A"}, {"metadata": {"a": []}}]}, "certainty_where[1].metadata[...]: expected"),
        ({"certainty_where": [{"metadata": {"a": "x" * 200}}]}, "rule 1: more than 120 characters"),
        ({"certainty_where": [{"recipe": "A"}] * 21}, "certainty_where: expected `array` of length <= 20"),
        ({"only": {"labels": ["ok"]}}, "only: only a campaign has that rule."),
    ],
)
def test_rules_that_cannot_be_are_named(rules: Any, problem: str) -> None:
    (said,) = problems(rules)
    assert problem in said


@pytest.mark.parametrize(
    ("rules", "problem"),
    [
        ({"blocking_labels": ["dent"]}, "blocking_labels: a campaign has no such rule."),
        ({"only": {"labels": ["crack"]}}, "Not in the label set: crack."),
        ({"only": {"sources": ["cam-3"]}}, "No such source: cam-3."),
        ({"only": {"confidence_from": 0.6, "confidence_to": 0.5}}, "so no part would concern it"),
        ({"only": {"recipe": "A12"}}, "unknown field `recipe`"),
    ],
)
def test_rules_that_no_campaign_can_have_are_named(rules: Any, problem: str) -> None:
    (said,) = problems(rules, is_campaign=True)
    assert problem in said


def test_rules_that_can_be_have_no_problem() -> None:
    assert problems({"certainty_labels": ["dent"], "certainty_where": [{"lot_prefix": "L"}]}) == []
    assert problems({"only": {"labels": ["dent"], "confidence_from": 0.5}}, is_campaign=True) == []
    assert problems({"only": {}, "certainty_labels": []}) == problems({}, is_campaign=True) == []
