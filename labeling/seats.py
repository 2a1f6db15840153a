"""Where a person sits down to judge a model's parts: their rights, the policy, the labels. Remembered for a moment.

A membership that is taken away therefore ends within `REVIEWAPP_CATALOG_SECONDS` (2) in the queue and for verdicts,
and at once everywhere else. Whom this refuses is asked about again in the tables, so a right that was given holds at
once, and a refusal says what it always says.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from labeling import memory
from labeling.access import Reach, Verb, memberships_of, reach_by, require, require_verb, scope_of
from labeling.models import ReviewPolicy, Source, Station
from models_registry.models import Label, RegisteredModel

if TYPE_CHECKING:
    from django.contrib.auth.models import User
    from django.db.models import QuerySet


@dataclass(frozen=True, slots=True)
class Table:
    """One model as those see it who judge its parts. ``sites``: where it runs."""

    registered_model: RegisteredModel
    policy: ReviewPolicy
    labels: dict[str, Label]
    sites: frozenset[int]


@dataclass(frozen=True, slots=True)
class Seat:
    """One person at one table."""

    table: Table
    reach: Reach

    def may(self, verb: Verb) -> bool:
        """On any part of the model."""
        return verb in self.reach.everywhere or bool(self.sites(verb) & self.table.sites)

    def sites(self, verb: Verb) -> frozenset[int]:
        """Where ``verb`` is allowed by a membership of the site."""
        return frozenset(site for site, verbs in self.reach.at_site.items() if verb in verbs)


def review_policy(registered_model: RegisteredModel) -> ReviewPolicy:
    return ReviewPolicy.objects.get_or_create(registered_model=registered_model)[0]


def seat(user: User, slug: str, *, verb: Verb = "review") -> Seat:
    """:raises NotFound, NotAllowed: not for this person."""
    require_verb(user, verb)
    found = seat_of(user, slug)
    if found is not None and found.may(verb):
        return found
    memory.forget(("memberships", user.pk))
    return seat_at(user, require(user, verb, slug))


def seat_at(user: User, registered_model: RegisteredModel) -> Seat:
    """The same at a model that is in hand, whatever the person may do there."""
    slug = registered_model.slug
    table = memory.remember(("table", slug), lambda: _table(registered_model))
    return Seat(table, _reach(user, registered_model))  # type: ignore[arg-type]


def seat_of(user: User, slug: str) -> Seat | None:
    """The same by the model's name; None: there is no such model."""
    table = memory.remember(("table", slug), lambda: _table(RegisteredModel.objects.filter(slug=slug).first()))
    return Seat(table, _reach(user, table.registered_model)) if table is not None else None


def stations_of(sites: frozenset[int]) -> list[int]:
    """The stations of these sites."""
    if not sites:
        return []
    stations = Station.objects.filter(site__in=sites).order_by("pk")
    return memory.remember(("stations", sites), lambda: list(stations.values_list("pk", flat=True)))


def place_of(at: Seat, kind: str, slug: str) -> int | None:
    """The key of a ``station`` or a ``source`` where the person may judge; None: there is none for them."""
    rows: QuerySet[Station] | QuerySet[Source] = Station.objects.filter(slug=slug)
    site = "site"
    if kind == "source":
        rows, site = Source.objects.filter(slug=slug), "station__site"
    found = memory.remember((kind, slug), lambda: rows.values_list("pk", site).first())
    if found is None or not at.reach.covers("review", found[1]):
        return None
    return int(found[0])


def _table(registered_model: RegisteredModel | None) -> Table | None:
    if registered_model is None:
        return None
    labels = registered_model.label_set.labels.all()
    return Table(
        registered_model,
        review_policy(registered_model),
        {one.slug: one for one in labels},
        frozenset(registered_model.deployments.values_list("station__site", flat=True)),
    )


def _reach(user: User, registered_model: RegisteredModel) -> Reach:
    scope = scope_of(user)
    rows = memory.remember(("memberships", user.pk), lambda: memberships_of(user))
    return reach_by(rows, scope, user=user, registered_model_id=registered_model.pk)
