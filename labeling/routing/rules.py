"""What a design asks of an inspection before the dice are thrown: what is always checked, and what concerns it."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Annotated, Any, NamedTuple

import msgspec

Scalar = str | float | bool
NOTHING: Mapping[str, Any] = MappingProxyType({})
MAX_RULES = 20
MAX_WORDS = 120


class PredictionFacts(NamedTuple):
    """What the model said of the inspection, and what it is. No label: there was no model yet. No confidence: it gives
    none. `sources` are the cameras of its views."""

    label: str | None
    confidence: float | None = None
    is_defect: bool = False
    sources: tuple[str, ...] = ()
    recipe: str = ""
    lot: str = ""
    metadata: Mapping[str, Any] = NOTHING


class PartRule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A customer's rule: parts of which all of this holds are always checked, for the `reason` that people gave."""

    recipe: Annotated[str, msgspec.Meta(max_length=120)] = ""
    lot_prefix: Annotated[str, msgspec.Meta(max_length=120)] = ""
    metadata: Mapping[str, Scalar] = {}
    reason: Annotated[str, msgspec.Meta(max_length=MAX_WORDS)] = ""

    def holds(self, facts: PredictionFacts) -> bool:
        return (
            (not self.recipe or facts.recipe == self.recipe)
            and (not self.lot_prefix or facts.lot.startswith(self.lot_prefix))
            and all(_same(facts.metadata.get(name), value) for name, value in self.metadata.items())
        )

    def words(self) -> str:
        """The reason that was given, or what the rule says."""
        said = [f"recipe {self.recipe}"] if self.recipe else []
        said += [f"lots that begin with {self.lot_prefix}"] if self.lot_prefix else []
        said += [f"{name} {_plain(value)}" for name, value in self.metadata.items()]
        return self.reason or ", ".join(said)


class Only(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What concerns a campaign: all that is said must hold. Nothing said: every inspection that a model predicted."""

    labels: frozenset[str] = frozenset()
    sources: frozenset[str] = frozenset()
    confidence_from: Annotated[float, msgspec.Meta(ge=0, le=1)] | None = None
    confidence_to: Annotated[float, msgspec.Meta(ge=0, le=1)] | None = None

    def holds(self, facts: PredictionFacts) -> bool:
        """Never where no model has spoken, nor, with a range, where the model gave no confidence."""
        if facts.label is None or (self.labels and facts.label not in self.labels):
            return False
        if self.sources and self.sources.isdisjoint(facts.sources):
            return False
        if self.confidence_from is None and self.confidence_to is None:
            return True
        low = 0.0 if self.confidence_from is None else self.confidence_from
        high = 1.0 if self.confidence_to is None else self.confidence_to
        return facts.confidence is not None and low <= facts.confidence <= high


EVERYONE = Only()


class RulesText(msgspec.Struct, forbid_unknown_fields=True):
    """`SamplingDesign.rules` as it is stored. What is left out has no rule."""

    certainty_labels: list[str] = []
    certainty_below: Annotated[float, msgspec.Meta(ge=0, le=1)] | None = None
    blocking_labels: list[str] = []
    certainty_sources: list[str] = []
    certainty_where: Annotated[list[PartRule], msgspec.Meta(max_length=MAX_RULES)] = []
    only: Only = EVERYONE


RULES = RulesText.__struct_fields__
OF_A_CAMPAIGN = frozenset({"only"})


@dataclass(frozen=True, slots=True)
class DesignRules:
    """The rules of a sampling design. Raises ValueError for a value out of range.

    `budget` b in (0, 1]: share of the sampled stratum that people look at. `audit_share` tau in [0.5, 1]: share of the
    budget drawn whatever the model says. Always checked: a label of `certainty_labels`, a confidence under
    `certainty_below`, a view from `certainty_sources`, what one of `certainty_where` holds of; and a label of
    `blocking_labels`, whose part waits. A design with a `campaign` name looks at `only` what concerns it.
    """

    budget: float
    audit_share: float
    certainty_labels: frozenset[str] = field(default_factory=frozenset)
    certainty_below: float | None = None
    blocking_labels: frozenset[str] = field(default_factory=frozenset)
    certainty_sources: frozenset[str] = field(default_factory=frozenset)
    certainty_where: tuple[PartRule, ...] = ()
    only: Only = EVERYONE
    campaign: str = ""

    def __post_init__(self) -> None:
        if not 0 < self.budget <= 1:
            raise ValueError(f"budget lies above 0 and at most at 1, not at {self.budget}")
        if not 0.5 <= self.audit_share <= 1:
            raise ValueError(f"audit_share lies between 0.5 and 1, not at {self.audit_share}")
        if self.certainty_below is not None and not 0 <= self.certainty_below <= 1:
            raise ValueError(f"certainty_below lies between 0 and 1, not at {self.certainty_below}")

    @property
    def floor_pi(self) -> float:
        """The smallest probability an inspection can have, tau*b, before thinning."""
        return self.audit_share * self.budget


def rules_of(stored: Mapping[str, Any], *, budget: float, audit_share: float, campaign: str = "") -> DesignRules:
    """The rules as a design stores them, older ones included. Raises ValueError for rules of another shape."""
    try:
        text = msgspec.convert(dict(stored), RulesText)
    except msgspec.ValidationError as error:
        raise ValueError(_in_words(error)) from error
    return DesignRules(
        budget=budget, audit_share=audit_share, certainty_labels=frozenset(text.certainty_labels),
        certainty_below=text.certainty_below, blocking_labels=frozenset(text.blocking_labels),
        certainty_sources=frozenset(text.certainty_sources), certainty_where=tuple(text.certainty_where),
        only=text.only, campaign=campaign,
    )  # fmt: skip


def problems_of_rules(
    stored: Any, *, labels: Collection[str], sources: Collection[str], is_campaign: bool = False
) -> Iterator[str]:
    """Everything that is wrong with rules that somebody wrote, in words; nothing when they can be stored.

    `labels` and `sources`: what may be named. A campaign says what concerns it and nothing else, a main design all but
    that.
    """
    if not isinstance(stored, Mapping):
        yield "Rules are an object."
        return
    if strangers := sorted(str(name) for name in stored if name not in RULES):
        yield f"Not known: {', '.join(strangers)}. Known: {', '.join(RULES)}."
        return
    known = OF_A_CAMPAIGN if is_campaign else frozenset(RULES) - OF_A_CAMPAIGN
    if others := [name for name in RULES if stored.get(name) and name not in known]:
        why = "a campaign has no such rule" if is_campaign else "only a campaign has that rule"
        yield f"{', '.join(others)}: {why}."
    try:
        text = msgspec.convert(dict(stored), RulesText)
    except msgspec.ValidationError as error:
        yield _in_words(error)
        return
    yield from _problems_of_names(text, labels, sources)
    for place, rule in enumerate(text.certainty_where, start=1):
        if not (rule.recipe or rule.lot_prefix or rule.metadata):
            yield f"certainty_where, rule {place}: say a recipe, a lot_prefix or metadata. It would hold of every part."
        elif len(rule.words()) > MAX_WORDS:
            yield f"certainty_where, rule {place}: more than {MAX_WORDS} characters; shorten it, or give a reason."
    low, high = text.only.confidence_from, text.only.confidence_to
    if low is not None and high is not None and low > high:
        yield "only: confidence_from lies above confidence_to, so no part would concern it."


def _problems_of_names(text: RulesText, labels: Collection[str], sources: Collection[str]) -> Iterator[str]:
    named = {*text.certainty_labels, *text.blocking_labels, *text.only.labels}
    if strangers := sorted(named - set(labels)):
        yield f"Not in the label set: {', '.join(strangers)}."
    if strangers := sorted({*text.certainty_sources, *text.only.sources} - set(sources)):
        yield f"No such source: {', '.join(strangers)}."


def _in_words(error: msgspec.ValidationError) -> str:
    what, _, where = str(error).partition(" - at `$.")
    return f"{where.rstrip('`')}: {what[:1].lower()}{what[1:]}." if where else f"{what}."


def _plain(value: Scalar) -> str:
    """As JSON has it: true, and 2 where a number is whole."""
    return str(value).lower() if isinstance(value, bool) else f"{value:g}" if isinstance(value, float) else value


def _same(found: Any, wanted: Scalar) -> bool:
    """Equal as JSON: true is not 1, a number may be written as 1 or 1.0."""
    return isinstance(found, bool) == isinstance(wanted, bool) and bool(found == wanted)
