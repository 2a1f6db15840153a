"""What a person may read in lists: of which models and sites, and the rule that judging is blind.

Whoever may still judge a part must not learn what the model said of it. Inspectors and adjudicators therefore see an
inspection in lists only while no review of it is open; leads, auditors, integrations and administrators see all. Lists
of reviews and of ground truth say nothing of predictions and follow the first half alone; of a blind review that the
person may yet judge they do not say either whether its part waits (`hidden_reviews`).
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db.models import OuterRef, Q

from labeling.access import is_root, roles_with, scope_of
from labeling.models import Membership, Review, Selection
from labeling.paging import none, some

if TYPE_CHECKING:
    from django.contrib.auth.models import User

Role = Membership.Role
UNBLINDED = frozenset({Role.LEAD, Role.AUDITOR, Role.INTEGRATION, Role.ADMIN})


@dataclass(frozen=True, slots=True)
class Ground:
    """Models and sites on which memberships give something."""

    everything: bool
    models: frozenset[int]
    sites: frozenset[int]

    def of_model(self, model: int, inspection: str) -> Q | None:
        """The rows of ``model`` on this ground; ``inspection`` leads from a row to its inspection. None: no row."""
        if self.everything or model in self.models:
            return Q()
        return Q((f"{inspection}__station__site__in", self.sites)) if self.sites else None


@dataclass(frozen=True, slots=True)
class Sight:
    view: Ground
    unblinded: Ground
    scope: frozenset[int] | None

    def of_model(self, model: int, *, blind: bool, inspection: str = "inspection") -> Q | None:
        """The rows of ``model`` that may be read; ``blind``: not those that the person may yet judge. None: no row."""
        seen = self.view.of_model(model, inspection)
        if seen is None or (self.scope is not None and model not in self.scope):
            return None
        unblinded = self.unblinded.of_model(model, inspection)
        if not blind or unblinded == Q():
            return seen
        judged = none(Review.objects.open().filter(inspection=OuterRef(inspection), registered_model=model))
        return seen & (judged if unblinded is None else judged | unblinded)

    def hidden_reviews(self) -> Q:
        """Blind reviews of parts that the person may yet judge, or have back to judge: that one waits, until when and
        what goes out else follows from what was predicted, so nothing of that is told.
        """
        if self.unblinded.everything:
            return Q(pk__in=[])
        round_of_it = {"inspection": OuterRef("inspection"), "registered_model": OuterRef("registered_model")}
        pending = Review.objects.filter(Q(status=Review.Status.OPEN) | Q(release_at__isnull=False), **round_of_it)
        knows = Q(registered_model__in=self.unblinded.models) | Q(inspection__station__site__in=self.unblinded.sites)
        return Q(blind=True, prediction__isnull=False) & some(pending) & ~knows

    def of_inspections(self, models: Collection[int] | None, *, path: str = "") -> Q:
        """Inspections (``path`` empty), or rows that ``path`` leads from, that concern ``models`` (None: any)."""
        site, inspection = (f"{path}__station__site__in", path) if path else ("station__site__in", "pk")
        within = _both(self.scope, models)
        found = Q() if within is None else _concerns(inspection, within)
        if not self.view.everything:
            found &= Q((site, self.view.sites)) | _concerns(inspection, _both(self.view.models, within) or ())
        if not self.unblinded.everything:
            pending = Review.objects.open().exclude(registered_model__in=self.unblinded.models)
            found &= none(pending.filter(inspection=OuterRef(inspection))) | Q((site, self.unblinded.sites))
        return found


def sight_of(user: User) -> Sight:
    """Read in one query."""
    scope = scope_of(user)
    root = is_root(user)
    rows = [] if root else list(Membership.objects.filter(user=user).values_list("role", "registered_model", "site"))
    if "view" not in scope.verbs:
        return Sight(_ground([], False), _ground([], False), frozenset())
    view = roles_with("view")
    return Sight(
        _ground([row for row in rows if row[0] in view], root),
        _ground([row for row in rows if row[0] in UNBLINDED], root),
        scope.models,
    )


def _ground(rows: list[tuple[str, int | None, int | None]], everything: bool) -> Ground:
    models = frozenset(model for _, model, _ in rows if model is not None)
    return Ground(everything, models, frozenset(site for _, _, site in rows if site is not None))


def _concerns(inspection: str, models: Collection[int]) -> Q:
    """One of ``models`` has drawn the inspection or asked people about it."""
    mine = {"inspection": OuterRef(inspection), "registered_model__in": list(models)}
    return some(Selection.objects.filter(**mine)) | some(Review.objects.filter(**mine))


def _both(one: Collection[int] | None, other: Collection[int] | None) -> Collection[int] | None:
    if one is None or other is None:
        return other if one is None else one
    return frozenset(one) & frozenset(other)
