"""Designs of the draw. One that was drawn with is never changed: a change makes the next design."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Max

from labeling.models import SamplingDesign, Selection
from labeling.models.sampling import new_secret
from labeling.routing import (
    CODE_VERSION,
    DesignRules,
    Past,
    allowance,
    rules_of,
)
from models_registry.models import RegisteredModel
from reviewapp.errors import Conflict

MAX_CAMPAIGNS = 8  # a row of each lies beside every inspection that it concerns


@dataclass(slots=True, eq=False)
class ActiveDesign:
    """A design that draws now. ``left``: how many draws a campaign still has, None without a limit; whoever draws
    counts it down."""

    design: SamplingDesign
    rules: DesignRules
    past: Past
    left: int | None = None

    def draws_at(self, now: datetime) -> bool:
        """Whether a campaign has an end that has not come. Known before anything is drawn, so no draw depends on it."""
        until = self.design.until
        return (until is None or now < until) and (self.left is None or self.left > 0)


def active_designs(registered_model: RegisteredModel) -> list[ActiveDesign]:
    """The designs that draw of a model: the main one, then its campaigns by number. One without a main design gets the
    default (5 %, four fifths of it by pure chance)."""
    rows = list(_active(registered_model))
    if not any(row.kind == SamplingDesign.Kind.MAIN for row in rows):
        number = _newest_number(registered_model) + 1
        SamplingDesign.objects.get_or_create(
            registered_model=registered_model, is_active=True, kind=SamplingDesign.Kind.MAIN,
            defaults={"number": number},
        )  # fmt: skip
        rows = list(_active(registered_model))
    return [as_active(row) for row in sorted(rows, key=lambda row: (row.kind != SamplingDesign.Kind.MAIN, row.number))]


def _active(registered_model: RegisteredModel) -> Any:
    return SamplingDesign.objects.filter(registered_model=registered_model, is_active=True).select_related("state")


def as_active(design: SamplingDesign) -> ActiveDesign:
    """A design as ingest draws with it."""
    rules = rules_of(design.rules, budget=design.budget, audit_share=design.audit_share, campaign=design.name)
    left = None if design.max_draws is None else max(0, design.max_draws - n_draws(design, at_most=design.max_draws))
    return ActiveDesign(design, rules, past_of(design), left)


def past_of(design: SamplingDesign) -> Past:
    """What was counted of the design's past; without a count nothing limits it."""
    state = getattr(design, "state", None)
    if state is None:
        return Past()
    counts = {"n_sampled": state.n_sampled, "n_drawn": state.n_drawn, "budget": design.budget}
    left = allowance(**counts) if design.budget_feedback and state.n_sampled else None
    return Past(left, state.thinning)


def n_draws(design: SamplingDesign, *, at_most: int) -> int:
    """How many inspections a design drew, counted no further than ``at_most``."""
    return Selection.objects.filter(design=design, drawn=True).order_by()[:at_most].count()


def _newest_number(registered_model: RegisteredModel) -> int:
    designs = SamplingDesign.objects.filter(registered_model=registered_model)
    return designs.aggregate(Max("number"))["number__max"] or 0


@transaction.atomic
def save_design(design: SamplingDesign) -> None:
    """Save a new or a changed design and make it the active one: the model's main one, or the campaign of that name.

    A stored design that inspections were drawn with stays as it is, and ``design`` becomes the next one, with a secret
    of its own and today's way of drawing. :raises Conflict: ``too_many_campaigns``.
    """
    RegisteredModel.objects.select_for_update(no_key=True).get(pk=design.registered_model_id)
    designs = SamplingDesign.objects.select_for_update().filter(registered_model=design.registered_model_id)
    list(designs)  # held, so that no draw refers to this one between the question and the answer
    is_new = design.pk is None or Selection.objects.filter(design=design.pk).exists()
    if is_new:
        design.pk, design.secret, design.code_version = None, new_secret(), CODE_VERSION
        design.number = _newest_number(design.registered_model) + 1
        design._state.adding = True
    others = designs.filter(kind=design.kind, is_active=True).exclude(pk=design.pk)
    if design.kind == SamplingDesign.Kind.CAMPAIGN:
        if why := active_campaigns_beside(design.registered_model, design.name):
            raise Conflict(why, code="too_many_campaigns")
        others = others.filter(name=design.name)
    others.update(is_active=False)
    design.is_active = True
    design.save()


def active_campaigns_beside(registered_model: RegisteredModel, name: str) -> str:
    """Why no campaign of this name can draw beside those that do; empty when it can."""
    others = SamplingDesign.objects.filter(
        registered_model=registered_model, is_active=True, kind=SamplingDesign.Kind.CAMPAIGN
    ).exclude(name=name)
    if others.count() < MAX_CAMPAIGNS:
        return ""
    return f"At most {MAX_CAMPAIGNS} campaigns draw of a model at once. End one first."


def end_campaign(design: SamplingDesign) -> bool:
    """No more is drawn for it; what was drawn is reviewed and measured. False: it had ended, or is no campaign."""
    running = SamplingDesign.objects.filter(pk=design.pk, kind=SamplingDesign.Kind.CAMPAIGN, is_active=True)
    return bool(running.update(is_active=False))
