"""What people write as a design, before it is one: what is wrong with it, and what the model's own numbers advise."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _

from labeling.incoming import why_no_moment, why_unstorable
from labeling.models import SamplingDesign, Source
from labeling.routing import problems_of_rules, proposed_audit_share
from models_registry.models import Evaluation, ModelVersion, RegisteredModel

MAX_NAME = 80
MAX_DRAWS = 2**31 - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """A design as somebody wrote it. ``audit_share`` None: what is usual (`usual_audit_share`)."""

    kind: str = "main"
    name: str = ""
    budget: float
    audit_share: float | None = None
    budget_feedback: bool = False
    until: datetime | None = None
    max_draws: int | None = None
    rules: Any = field(default_factory=dict)

    @property
    def is_campaign(self) -> bool:
        return self.kind == SamplingDesign.Kind.CAMPAIGN


def problems_of(proposal: Proposal, *, registered_model: RegisteredModel, now: datetime) -> dict[str, str]:
    """Everything that is wrong with a proposal, by field; nothing when it can be saved as a design of the model."""
    found = dict(_problems_of_a_campaign(proposal, now) if proposal.is_campaign else _problems_of_main(proposal))
    if proposal.kind not in SamplingDesign.Kind.values:
        found["kind"] = _("main or campaign.")
    if not 0 < proposal.budget <= 1:
        found["budget"] = _("Above %(low)s, at most 1.") % {"low": 0}
    if proposal.audit_share is not None and not 0.5 <= proposal.audit_share <= 1:
        found["audit_share"] = _("From %(low)s to 1.") % {"low": 0.5}
    if problems := _problems_of_rules(proposal.rules, registered_model, proposal.is_campaign):
        found["rules"] = " ".join(problems)
    return found


def _problems_of_main(proposal: Proposal) -> Iterator[tuple[str, str]]:
    for name in ("name", "until", "max_draws"):
        if getattr(proposal, name):
            yield name, _("Only a campaign has that: the main design draws until the next one does.")


def _problems_of_a_campaign(proposal: Proposal, now: datetime) -> Iterator[tuple[str, str]]:
    if what := why_unstorable(proposal.name):
        yield "name", f"{what[:1].upper()}{what[1:]}."
    elif not proposal.name.strip() or len(proposal.name) > MAX_NAME:
        yield "name", _("Say what it is for, in at most %(most)s characters.") % {"most": MAX_NAME}
    if proposal.audit_share not in {None, 1}:
        yield "audit_share", _("1 in a campaign: it gives every part that concerns it the same chance.")
    if proposal.budget_feedback:
        yield "budget_feedback", _("A campaign has an end instead.")
    if proposal.until is None and proposal.max_draws is None:
        yield "until", _("Say when it ends, or after how many draws.")
    elif what := why_no_moment(proposal.until):
        yield "until", f"{what[:1].upper()}{what[1:]}."
    elif proposal.until is not None and proposal.until <= now:
        yield "until", _("Lies in the past.")
    if proposal.max_draws is not None and not 1 <= proposal.max_draws <= MAX_DRAWS:
        yield "max_draws", _("From 1 on.")


def _problems_of_rules(rules: Any, registered_model: RegisteredModel, is_campaign: bool) -> list[str]:
    if what := why_unstorable(rules):
        return [f"Something {what}."]
    labels = set(registered_model.label_set.labels.values_list("slug", flat=True))
    named = {*_named(rules, "certainty_sources"), *_named(_part(rules, "only"), "sources")}
    sources = set(Source.objects.filter(slug__in=named).values_list("slug", flat=True)) if named else set()
    return list(problems_of_rules(rules, labels=labels, sources=sources, is_campaign=is_campaign))


def _part(rules: Any, name: str) -> Any:
    return rules.get(name) if isinstance(rules, Mapping) else None


def _named(rules: Any, name: str) -> list[str]:
    """The names in a list that may be none."""
    said = _part(rules, name)
    return [one for one in said if isinstance(one, str)] if isinstance(said, list) else []


def usual_audit_share(*, is_campaign: bool, registered_model: RegisteredModel) -> float:
    """1 of a campaign, which has one chance for all; else what the model's own numbers advise."""
    return 1.0 if is_campaign else audit_share_from_numbers(registered_model)[0]


def audit_share_from_numbers(registered_model: RegisteredModel) -> tuple[float, str]:
    """The audit share that STATISTICS §1.1 advises, and why in words: from the champion's newest estimate."""
    champion = ModelVersion.objects.champion_of(registered_model)
    newest = Evaluation.objects.filter(model_version=champion, slice="").order_by("-evaluated_at", "-pk").first()
    if champion is None or newest is None or newest.value is None:
        return proposed_audit_share(labels=None, error_rate=None), _("no error rate is known yet")
    error_rate = 1 - newest.value
    share = proposed_audit_share(labels=newest.n, error_rate=error_rate)
    said = {"n": newest.n, "rate": f"{100 * error_rate:.2g}", "errors": f"{newest.n * error_rate:.0f}"}
    return share, _("%(n)s verdicts in its last window at %(rate)s %% errors come to %(errors)s errors") % said


def design_of(proposal: Proposal, *, registered_model: RegisteredModel) -> SamplingDesign:
    """The design that a proposal without problems asks for, not saved yet."""
    share = proposal.audit_share
    if share is None:
        share = usual_audit_share(is_campaign=proposal.is_campaign, registered_model=registered_model)
    return SamplingDesign(
        registered_model=registered_model, kind=proposal.kind, name=proposal.name, budget=proposal.budget,
        audit_share=share,
        budget_feedback=proposal.budget_feedback, until=proposal.until, max_draws=proposal.max_draws,
        rules=proposal.rules,
    )  # fmt: skip
