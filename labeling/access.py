"""Who may do what. A membership gives a role for a model or for a site; a role gives verbs.

The registry asks `user.has_perm("models_registry.decide_registeredmodel", model)` and never learns about
memberships: the backend below answers.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from django.contrib.auth.backends import BaseBackend
from django.contrib.auth.models import User
from django.db.models import Exists, Q, QuerySet

from labeling.errors import NoSuchReview
from labeling.models import Inspection, Membership, Review
from labeling.querysets import ReviewQuerySet
from models_registry.models import RegisteredModel
from reviewapp.errors import NotAllowed, NotFound

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser
    from django.db.models import Model

Verb = Literal["view", "review", "adjudicate", "ingest", "decide"]

ROLE_VERBS: dict[str, frozenset[Verb]] = {
    Membership.Role.INSPECTOR: frozenset({"view", "review"}),
    Membership.Role.ADJUDICATOR: frozenset({"view", "review", "adjudicate"}),
    Membership.Role.LEAD: frozenset({"view", "review", "adjudicate", "decide"}),
    Membership.Role.AUDITOR: frozenset({"view"}),
    Membership.Role.INTEGRATION: frozenset({"view", "ingest"}),
    Membership.Role.ADMIN: frozenset({"view", "review", "adjudicate", "ingest", "decide"}),
}


def roles_with(verb: Verb) -> list[str]:
    return [role for role, verbs in ROLE_VERBS.items() if verb in verbs]


def models_for(user: User | AnonymousUser, verb: Verb) -> QuerySet[RegisteredModel]:
    """The models on which ``user`` may do ``verb``: by the model's own membership or a site where it runs."""
    if not user.is_authenticated or not user.is_active:
        return RegisteredModel.objects.none()
    if user.is_superuser:
        return RegisteredModel.objects.all()
    mine = Membership.objects.filter(user=user, role__in=roles_with(verb))
    by_model, by_site = mine.filter(registered_model__isnull=False), mine.filter(site__isnull=False)
    allowed = Q(pk__in=by_model.values("registered_model")) | Q(deployments__station__site__in=by_site.values("site"))
    if verb == "ingest":  # a site's system may bring a model to its site, where it did not run yet
        allowed |= Q(Exists(by_site))
    return RegisteredModel.objects.filter(allowed).distinct()


@dataclass(frozen=True, slots=True)
class Reach:
    """Where a person may do what on one model: everywhere, or at some sites. Read in one query."""

    everywhere: frozenset[Verb]
    at_site: dict[int, frozenset[Verb]]

    def reviews(self, registered_model: RegisteredModel, verb: Verb) -> ReviewQuerySet:
        """The model's reviews on which the person may do ``verb``."""
        reviews = Review.objects.filter(registered_model=registered_model)
        if verb in self.everywhere:
            return reviews
        sites = [site for site, verbs in self.at_site.items() if verb in verbs]
        return reviews.filter(inspection__station__site__in=sites)

    def covers(self, verb: Verb, site_id: int) -> bool:
        return verb in self.everywhere or verb in self.at_site.get(site_id, frozenset())


def reach(user: User, registered_model: RegisteredModel) -> Reach:
    """What ``user`` may do on ``registered_model``, by the model's memberships and by those of sites."""
    if user.is_superuser:
        return Reach(frozenset(VERB_WORDS), {})
    mine = Membership.objects.filter(Q(registered_model=registered_model) | Q(site__isnull=False), user=user)
    everywhere: set[Verb] = set()
    at_site: dict[int, frozenset[Verb]] = {}
    rows: Iterable[tuple[str, int | None]] = mine.values_list("role", "site")
    for role, site in rows:
        if site is None:
            everywhere |= ROLE_VERBS[role]
        else:
            at_site[site] = at_site.get(site, frozenset()) | ROLE_VERBS[role]
    return Reach(frozenset(everywhere), at_site)


def require_review(user: User, verb: Verb, review_id: int) -> Review:
    """The review, or a refusal that does not tell strangers whether it exists.

    :raises NoSuchReview: the person may not even see it. :raises NotAllowed: may see it, but not do this.
    """
    review = (
        Review.objects.select_related("registered_model__label_set", "inspection__station").filter(pk=review_id).first()
    )
    if review is not None:
        mine, site = reach(user, review.registered_model), review.inspection.station.site_id
        if mine.covers(verb, site):
            return review
        if mine.covers("view", site):
            raise NotAllowed(f"Your role on this model does not allow to {VERB_WORDS[verb]}.")
    raise NoSuchReview("There is no such review for you.")


def may_see_inspection(user: User, inspection: Inspection) -> bool:
    """True for members of the site, and of a model that has a word on this inspection."""
    if user.is_superuser:
        return True
    return Membership.objects.filter(
        Q(site=inspection.station.site_id)
        | Q(registered_model__reviews__inspection=inspection)
        | Q(registered_model__selections__inspection=inspection),
        user=user,
    ).exists()


def require(user: User | AnonymousUser, verb: Verb, slug: str) -> RegisteredModel:
    """The model, or a refusal that does not tell strangers whether it exists.

    :raises NotFound: the person may not even see it. :raises NotAllowed: may see it, but not do this.
    """
    found = models_for(user, verb).filter(slug=slug).select_related("label_set").first()
    if found is not None:
        return found
    if models_for(user, "view").filter(slug=slug).exists():
        raise NotAllowed(
            f"Your role on this model does not allow to {VERB_WORDS[verb]}. An administrator can change that."
        )
    raise NotFound(f"There is no model “{slug}” for you.")


VERB_WORDS: dict[Verb, str] = {
    "view": "see it",
    "review": "judge its images",
    "adjudicate": "settle disagreements",
    "ingest": "send predictions",
    "decide": "retrain it or decide about its versions",
}


class MembershipBackend(BaseBackend):
    """Answers `has_perm` on a registered model from memberships."""

    def has_perm(self, user_obj: User | AnonymousUser, perm: str, obj: Model | None = None) -> bool:
        app, _, codename = perm.partition(".")
        verb, _, name = codename.partition("_")
        if app != "models_registry" or name != "registeredmodel" or not isinstance(obj, RegisteredModel):
            return False
        return models_for(user_obj, verb).filter(pk=obj.pk).exists()  # type: ignore[arg-type]
