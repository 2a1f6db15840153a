"""Stations as people meet them: which models are judged there, who works there, who may set it up."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib.auth.models import User
from django.db.models import Exists, Q, QuerySet

from labeling import memory
from labeling.access import VERB_WORDS, Verb, is_root, models_for, require_verb, roles_with, scope_of
from labeling.models import Membership, Station
from labeling.queue import COUNT_TO, open_for
from models_registry.models import RegisteredModel
from reviewapp.errors import NotAllowed, NotFound

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser

MOST_PEOPLE = 200  # on one screen's list
MOST_STATIONS = 50  # on one person's


def models_at(user: User | AnonymousUser, verb: Verb, station: Station) -> QuerySet[RegisteredModel]:
    """The active models that run at ``station`` and on whose parts there ``user`` may do ``verb``."""
    running = station.deployments.values("registered_model")
    here = models_for(user, verb).filter(is_active=True, pk__in=running)
    if not user.is_authenticated or is_root(user):
        return here
    mine = Membership.objects.filter(user=user, role__in=roles_with(verb))
    by_model = mine.filter(registered_model__isnull=False).values("registered_model")
    return here.filter(Q(pk__in=by_model) | Q(Exists(mine.filter(site=station.site_id))))


def stations_for(user: User, verb: Verb) -> QuerySet[Station]:
    """The stations at which some active model's parts are ``user``'s to do ``verb`` on."""
    if verb not in scope_of(user).verbs:
        return Station.objects.none()
    models = models_for(user, verb).filter(is_active=True)
    mine = Membership.objects.filter(user=user, role__in=roles_with(verb))
    by_model = mine.filter(registered_model__isnull=False).values("registered_model")
    by_site = mine.filter(site__isnull=False).values("site")
    runs_here = Q(deployments__registered_model__in=models)
    if not is_root(user):
        runs_here &= Q(deployments__registered_model__in=by_model) | Q(site__in=by_site)
    return Station.objects.filter(runs_here).distinct()


def require_station(user: User, verb: Verb, slug: str) -> Station:
    """The station, or a refusal that does not tell strangers whether it exists.

    :raises NotFound: no model of theirs runs there. :raises NotAllowed: one does, but they may not do this.
    """
    require_verb(user, verb)
    station = Station.objects.select_related("site").filter(slug=slug).first()
    if station is not None:
        if models_at(user, verb, station).exists():
            return station
        if models_at(user, "view", station).exists():
            raise NotAllowed(f"Your role on the models of this station does not allow to {VERB_WORDS[verb]}.")
    raise NotFound(f"There is no station “{slug}” for you.")


def bench(user: User, slug: str) -> tuple[Station, list[RegisteredModel]]:
    """A station and the models of it that are the person's to judge, remembered for a moment as in `labeling/seats.py`.

    :raises NotFound, NotAllowed: not for this person, which is never remembered.
    """

    def read() -> tuple[Station, list[RegisteredModel]]:
        station = require_station(user, "review", slug)
        return station, list(models_at(user, "review", station).select_related("label_set"))

    return memory.remember(("bench", user.pk, scope_of(user), slug), read)


def count_open_at(user: User, station: Station) -> int:
    """How much waits for this person there, of all its models; of each counted to `COUNT_TO` and no further."""
    waiting = (open_for(user, one).filter(station=station) for one in models_at(user, "review", station))
    return sum(reviews.order_by()[:COUNT_TO].count() for reviews in waiting)


def works_at(user: User, station: Station) -> bool:
    return models_at(user, "review", station).exists()


def people_with_pins(station: Station) -> QuerySet[User]:
    """Who judges at ``station`` and has a PIN: the names on its screen, where they are no secret."""
    running = station.deployments.filter(registered_model__is_active=True).values("registered_model")
    roles = Membership.objects.filter(role__in=roles_with("review")).filter(
        Q(registered_model__in=running) | Q(site=station.site_id)
    )
    there = User.objects.filter(is_active=True, pin__isnull=False, pk__in=roles.values("user"))
    return there.order_by("first_name", "last_name", "username")[:MOST_PEOPLE]
