"""Who may do what. A membership gives a role for a model or for a site; a role gives verbs.

A system that comes with an API key is its user, narrowed by the key's `Scope`. The scope travels on the user, and every
question that is asked here reads it: whoever asks here needs to know nothing about keys. What remembers an answer for a
user remembers it for (user, `scope_of(user)`).

The registry asks `user.has_perm("models_registry.decide_registeredmodel", model)` and never learns about
memberships: the backend below answers.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal, get_args

from django.contrib.auth.backends import BaseBackend
from django.contrib.auth.models import User
from django.db.models import Exists, Q, QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import pgettext_lazy

from labeling.errors import NoSuchReview
from labeling.models import GroundTruth, Inspection, Membership, Review, Selection
from labeling.querysets import ReviewQuerySet
from models_registry.models import RegisteredModel, Report
from reviewapp.errors import NotAllowed, NotFound

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser
    from django.db.models import Model

Verb = Literal["view", "review", "adjudicate", "ingest", "retrain", "decide"]

ROLE_VERBS: dict[str, frozenset[Verb]] = {
    Membership.Role.INSPECTOR: frozenset({"view", "review"}),
    Membership.Role.ADJUDICATOR: frozenset({"view", "review", "adjudicate"}),
    Membership.Role.LEAD: frozenset({"view", "review", "adjudicate", "retrain", "decide"}),
    Membership.Role.AUDITOR: frozenset({"view"}),
    Membership.Role.INTEGRATION: frozenset({"view", "ingest", "retrain"}),
    Membership.Role.ADMIN: frozenset({"view", "review", "adjudicate", "ingest", "retrain", "decide"}),
}


ALL_VERBS: frozenset[Verb] = frozenset(get_args(Verb))


@dataclass(frozen=True, slots=True)
class Scope:
    """What a key leaves of its user's rights. It narrows and never gives."""

    models: frozenset[int] | None = None  # keys of registered models; None: no limit
    verbs: frozenset[Verb] = ALL_VERBS
    root: bool = False  # the user is a superuser, which a narrowed user does not say of itself

    @property
    def narrows(self) -> bool:
        return self.models is not None or self.verbs != ALL_VERBS

    def covers(self, registered_model_id: int) -> bool:
        return self.models is None or registered_model_id in self.models


WHOLE = Scope()


def narrowed(user: User, scope: Scope) -> User:
    """A copy of ``user`` that every question here answers within ``scope``. Never to be saved.

    A superuser's copy is none: `has_perm` would say yes before anybody asked about the scope.
    """
    one = copy.copy(user)
    if scope.narrows:
        scope = replace(scope, root=user.is_superuser)
        one.is_superuser = False
        one.key_scope = scope  # type: ignore[attr-defined]
    return one


def scope_of(user: User | AnonymousUser) -> Scope:
    """The limits of the key that ``user`` came with; none for people."""
    scope: Scope = getattr(user, "key_scope", WHOLE)
    return scope


def require_verb(user: User | AnonymousUser, verb: Verb) -> None:
    """:raises NotAllowed: the key leaves no ``verb``, on whatever model. Tells nothing about what exists."""
    if verb not in scope_of(user).verbs:
        raise NotAllowed(f"This key's scope does not include to {VERB_WORDS[verb]} ({verb}).", code="outside_scope")


def within_scope(user: User, rows: ReviewQuerySet) -> ReviewQuerySet:
    """Those of the models that the key leaves; for what is the user's own whatever the memberships say."""
    models = scope_of(user).models
    return rows if models is None else rows.filter(registered_model__in=models)


def is_root(user: User | AnonymousUser) -> bool:
    return user.is_superuser or scope_of(user).root


def roles_with(verb: Verb) -> list[str]:
    return [role for role, verbs in ROLE_VERBS.items() if verb in verbs]


def models_for(user: User | AnonymousUser, verb: Verb) -> QuerySet[RegisteredModel]:
    """The models on which ``user`` may do ``verb``: by the model's own membership or a site where it runs."""
    scope = scope_of(user)
    if not user.is_authenticated or not user.is_active or verb not in scope.verbs:
        return RegisteredModel.objects.none()
    within = RegisteredModel.objects.all()
    if scope.models is not None:
        within = within.filter(pk__in=scope.models)
    if is_root(user):
        return within
    mine = Membership.objects.filter(user=user, role__in=roles_with(verb))
    by_model, by_site = mine.filter(registered_model__isnull=False), mine.filter(site__isnull=False)
    allowed = Q(pk__in=by_model.values("registered_model")) | Q(deployments__station__site__in=by_site.values("site"))
    if verb == "ingest":  # a site's system may bring a model to its site, where it did not run yet
        allowed |= Q(Exists(by_site))
    return within.filter(allowed).distinct()


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


MembershipRow = tuple[str, int | None, int | None]  # role, model, site


def memberships_of(user: User) -> list[MembershipRow]:
    return list(Membership.objects.filter(user=user).values_list("role", "registered_model", "site"))


def reach(user: User, registered_model: RegisteredModel) -> Reach:
    """What ``user`` may do on ``registered_model``, by the model's memberships and by those of sites."""
    mine = Membership.objects.filter(Q(registered_model=registered_model) | Q(site__isnull=False), user=user)
    root = is_root(user) or not scope_of(user).covers(registered_model.pk)
    rows = [] if root else list(mine.values_list("role", "registered_model", "site"))
    return reach_by(rows, scope_of(user), user=user, registered_model_id=registered_model.pk)


def reach_by(rows: Iterable[MembershipRow], scope: Scope, *, user: User, registered_model_id: int) -> Reach:
    """What these memberships give on a model within the scope. Asks nothing."""
    if not scope.covers(registered_model_id):
        return Reach(frozenset(), {})
    if is_root(user):
        return Reach(scope.verbs, {})
    everywhere: set[Verb] = set()
    at_site: dict[int, frozenset[Verb]] = {}
    for role, model, site in rows:
        if site is not None:
            at_site[site] = at_site.get(site, frozenset()) | ROLE_VERBS[role] & scope.verbs
        elif model == registered_model_id:
            everywhere |= ROLE_VERBS[role] & scope.verbs
    return Reach(frozenset(everywhere), at_site)


def require_review(user: User, verb: Verb, review_id: int) -> Review:
    """The review, or a refusal that does not tell strangers whether it exists.

    :raises NoSuchReview: the person may not even see it. :raises NotAllowed: may see it, but not do this.
    """
    require_verb(user, verb)
    review = (
        Review.objects.select_related("registered_model__label_set", "inspection__station").filter(pk=review_id).first()
    )
    if review is not None:
        mine, site = reach(user, review.registered_model), review.inspection.station.site_id
        if mine.covers(verb, site):
            return review
        if mine.covers("view", site):
            raise NotAllowed(_not_your_role(verb))
    raise NoSuchReview(_("There is no such review for you."))


def may_see_inspection(user: User, inspection: Inspection) -> bool:
    """True for members of the site, and of a model that has a word on this inspection."""
    return reaches_inspection(user, "view", inspection)


def models_with_a_word(inspection: Inspection) -> QuerySet[RegisteredModel]:
    """The models that drew it, had it reviewed, or know its label (an imported one has neither draw nor review).

    Three look-ups by index: joining the tables would pair every review with every draw and every label of a model.
    """
    by_draw, by_review, by_truth = (
        rows.objects.filter(inspection=inspection).values("registered_model")
        for rows in (Selection, Review, GroundTruth)
    )
    return RegisteredModel.objects.filter(Q(pk__in=by_draw) | Q(pk__in=by_review) | Q(pk__in=by_truth))


def reaches_inspection(user: User, verb: Verb, inspection: Inspection) -> bool:
    """Whether a role at the site, or on a model that has a word on this inspection, allows ``verb``."""
    scope = scope_of(user)
    if verb not in scope.verbs:
        return False
    concerned = models_with_a_word(inspection)
    if scope.models is not None:
        concerned = concerned.filter(pk__in=scope.models)
        if not concerned.exists():
            return False
    if is_root(user):
        return True
    by_site = Q(site=inspection.station.site_id)
    mine = Membership.objects.filter(user=user, role__in=roles_with(verb))
    return mine.filter(by_site | Q(registered_model__in=concerned.values("pk"))).exists()


def require_report(user: User | AnonymousUser, verb: Verb, report_id: int) -> Report:
    """The report, or a refusal that does not tell strangers whether it exists.

    :raises NotFound: the person may not even see its model. :raises NotAllowed: may see it, but not do this.
    """
    require_verb(user, verb)
    details = ("registered_model__label_set", "model_version__registered_model__label_set", "signed_by")
    report = Report.objects.select_related(*details).filter(pk=report_id).first()
    if report is None or not models_for(user, "view").filter(pk=report.registered_model_id).exists():
        raise NotFound(_("There is no such report for you."))
    if not models_for(user, verb).filter(pk=report.registered_model_id).exists():
        raise NotAllowed(_not_your_role(verb))
    return report


def may_report(user: User, inspection: Inspection) -> bool:
    """True for a system that may send predictions of a model that has a word on this part, at the part's site."""
    site = inspection.station.site_id
    return any(reach(user, model).covers("ingest", site) for model in models_with_a_word(inspection))


def require(user: User | AnonymousUser, verb: Verb, slug: str) -> RegisteredModel:
    """The model, or a refusal that does not tell strangers whether it exists.

    :raises NotFound: the person may not even see it. :raises NotAllowed: may see it, but not do this.
    """
    require_verb(user, verb)
    found = models_for(user, verb).filter(slug=slug).select_related("label_set").first()
    if found is not None:
        return found
    if models_for(user, "view").filter(slug=slug).exists():
        raise NotAllowed(f"{_not_your_role(verb)} {_('An administrator can change that.')}")
    raise NotFound(_("There is no model “%(slug)s” for you.") % {"slug": slug})


def _not_your_role(verb: Verb) -> str:
    return _("Your role on this model does not allow to %(verb)s.") % {"verb": VERB_WORDS[verb]}


VERB_WORDS = {
    "view": pgettext_lazy("your role does not allow to", "see it"),
    "review": pgettext_lazy("your role does not allow to", "judge its images"),
    "adjudicate": pgettext_lazy("your role does not allow to", "settle disagreements"),
    "ingest": pgettext_lazy("your role does not allow to", "send predictions"),
    "retrain": pgettext_lazy("your role does not allow to", "ask for a run"),
    "decide": pgettext_lazy("your role does not allow to", "retrain it or decide about its versions"),
}


class MembershipBackend(BaseBackend):
    """Answers `has_perm` on a registered model, or on all of them, from memberships."""

    def has_perm(self, user_obj: User | AnonymousUser, perm: str, obj: Model | None = None) -> bool:
        return isinstance(obj, RegisteredModel) and self.models_with_perm(user_obj, perm).filter(pk=obj.pk).exists()

    def models_with_perm(self, user_obj: User | AnonymousUser, perm: str) -> QuerySet[RegisteredModel]:
        """All models on which `has_perm` says yes, for lists that ask about many."""
        app, _, codename = perm.partition(".")
        verb, _, name = codename.partition("_")
        if app != "models_registry" or name != "registeredmodel":
            return RegisteredModel.objects.none()
        return models_for(user_obj, verb)  # type: ignore[arg-type]
