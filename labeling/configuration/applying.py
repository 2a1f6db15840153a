"""The wanted state, carried out: rows are made and changed, never deleted. The plan is the same run, rolled back."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar

from django.contrib.auth.models import User
from django.db import connection, transaction
from django.db.models import Model

from labeling.configuration.documents import (
    ALL_DEFECTS,
    OF_A_DESIGN,
    ModelDocument,
    Path,
    SamplingOf,
    SiteDocument,
    VersionOf,
    WebhookDocument,
)
from labeling.configuration.files import ConfigurationRefused, Document, Problem
from labeling.configuration.labels import change_labels
from labeling.configuration.rows import Change, Refused, Rows
from labeling.designs import save_design
from labeling.dispositions import name_who_lets_pass
from labeling.models import Membership, ReviewPolicy, SamplingDesign, Site, Source, Station
from labeling.proposals import Proposal, problems_of
from models_registry.models import (
    EscapeLimit,
    LabelSet,
    ModelVersion,
    PolicyChange,
    PromotionPolicy,
    RegisteredModel,
    RetrainingPolicy,
    Webhook,
)
from models_registry.models.webhooks import EVENT_NAMES
from models_registry.services.deliveries import change_secret
from models_registry.services.policies import note_trainer, prepare, record_change, refuse_undeclared, thresholds
from models_registry.services.versions import create_version
from models_registry.training.declared import TrainerUnknown

T = TypeVar("T", bound=Model)
LOCK = "reviewapp configuration"
LABEL_RULES = ("certainty_labels", "blocking_labels")
NO_RULES: dict[str, Any] = {
    "certainty_labels": [], "certainty_below": None, "blocking_labels": [], "certainty_sources": [],
    "certainty_where": [],
}  # fmt: skip
__all__ = ["Change", "apply_documents"]


def apply_documents(
    documents: Sequence[Document],
    *,
    environment: Mapping[str, str],
    now: datetime,
    by: User | None = None,
    only_plan: bool = False,
) -> list[Change]:
    """Make the present state what the documents want, in one transaction. Returns what changed (or would).

    ``by``: who answers for letting parts pass that nobody has looked at, where a review policy says so.
    Two who apply at the same time go one after the other.

    :raises ConfigurationRefused: with every problem; nothing was changed.
    """
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [LOCK])
        applying = _Applying(environment, now, by)
        for kind, carry_out in applying.kinds.items():
            for document in documents:
                if document.kind == kind:
                    applying.attempt(document, carry_out)
        if applying.problems:
            raise ConfigurationRefused(applying.problems)
        transaction.set_rollback(only_plan)
    return applying.changes


@dataclass
class _Applying:
    environment: Mapping[str, str]
    now: datetime
    by: User | None
    changes: list[Change] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)

    @property
    def kinds(self) -> dict[str, Callable[[Any, Rows], None]]:
        """In the order in which they refer to each other."""
        return {"label_set": change_labels, "site": self._site, "model": self._model, "webhook": self._webhook}

    def attempt(self, document: Document, carry_out: Callable[[Any, Rows], None]) -> None:
        rows = Rows(document)
        try:
            with transaction.atomic():
                carry_out(document.part, rows)
        except Refused as refused:
            self.problems += [document.problem(path, what) for path, what in refused.problems]
        else:
            self.changes += rows.changes

    def _site(self, wanted: SiteDocument, rows: Rows) -> None:
        said = wanted.said("slug", "stations", "members")
        if "shifts" in said:
            said["shifts"] = [shift.said() for shift in said["shifts"]]
        site = rows.settle(Site, f"site {wanted.slug}", {"slug": wanted.slug}, said)
        for n, one in enumerate(wanted.stations):
            at: Path = ("stations", n)
            fields = {"site": site, **one.said("slug", "sources")}
            station = rows.settle(Station, f"station {one.slug}", {"slug": one.slug}, fields, at)
            for m, camera in enumerate(one.sources):
                fields = {"station": station, **camera.said("slug")}
                rows.settle(Source, f"source {camera.slug}", {"slug": camera.slug}, fields, (*at, "sources", m))
        _members(wanted.members, rows, f"site {wanted.slug}", site=site)

    def _model(self, wanted: ModelDocument, rows: Rows) -> None:
        policies = {"review": ReviewPolicy, "retraining": RetrainingPolicy, "promotion": PromotionPolicy}
        said = wanted.said("slug", "type", "label_set", *policies, "sampling", "versions", "escape_limits", "members")
        if isinstance(wanted.type, str):
            said["kind"] = wanted.type
        if isinstance(wanted.label_set, str):
            said["label_set"] = _newest_set(wanted.label_set)
        _refuse_undeclared(wanted)
        name = f"model {wanted.slug}"
        model = rows.settle(RegisteredModel, name, {"slug": wanted.slug}, said, saved=self._remember_trainer)
        for section, policy in policies.items():
            fields = getattr(wanted, section).said()
            title, key = f"{section} policy of {wanted.slug}", {"registered_model": model}
            rows.settle(policy, title, key, fields, (section,), before_saving=self._what_follows, saved=self._remember)
        _sampling(model, wanted.sampling, rows, self.now)
        for n, version in enumerate(wanted.versions):
            _version(model, version, rows, ("versions", n))
        for label, rate in wanted.escape_limits.items():
            _escape_limit(model, label, rate, rows)
        _members(wanted.members, rows, name, registered_model=model)

    def _what_follows(self, policy: Model) -> list[str]:
        if isinstance(policy, RetrainingPolicy):
            known = RetrainingPolicy.objects.filter(pk=policy.pk).first() or RetrainingPolicy()
            return prepare(policy, before=thresholds(known), now=self.now)
        return self._who_lets_pass(policy) if isinstance(policy, ReviewPolicy) else []

    def _remember(self, policy: Model, differs: Mapping[str, tuple[Any, Any]]) -> None:
        if isinstance(policy, RetrainingPolicy | PromotionPolicy):
            before = thresholds(policy) | {name: old for name, (old, _new) in differs.items()}
            record_change(policy, before=before, by=self.by, via=PolicyChange.Via.FILE, now=self.now)

    def _remember_trainer(self, model: Model, differs: Mapping[str, tuple[Any, Any]]) -> None:
        before, _after = differs.get("trainer", (None, None))
        if isinstance(model, RegisteredModel) and before is not None:
            note_trainer(registered_model=model, before=before, by=self.by, via=PolicyChange.Via.FILE, now=self.now)

    def _who_lets_pass(self, policy: ReviewPolicy) -> list[str]:
        if policy.blocking_default == "pass" and policy.default_pass_by is None and self.by is None:
            raise Refused(
                ("review", "blocking_default"), "Letting parts pass carries a person's name: say --by USERNAME."
            )
        if self.by is not None or policy.blocking_default != "pass":
            name_who_lets_pass(policy, by=self.by, now=self.now)  # type: ignore[arg-type]
        return ["default_pass_by", "default_pass_at"]

    def _webhook(self, wanted: WebhookDocument, rows: Rows) -> None:
        said = wanted.said("model", "secret_env")
        if unknown := sorted(set(said.get("events", [])) - set(EVENT_NAMES)):
            raise Refused(("events",), f"Not known: {', '.join(unknown)}. Known: {', '.join(EVENT_NAMES)}.")
        if isinstance(wanted.model, str):
            said["registered_model"] = _known(RegisteredModel, ("model",), slug=wanted.model)
        elif wanted.model is None:
            said["registered_model"] = None
        if Webhook.objects.filter(name=wanted.name).count() > 1:
            raise Refused(("name",), f"Several webhooks are called {wanted.name}: rename them in the admin first.")
        secret = self.environment.get(wanted.secret_env, "") if isinstance(wanted.secret_env, str) else ""
        if isinstance(wanted.secret_env, str) and not secret:
            raise Refused(("secret_env",), f"The environment has no {wanted.secret_env}.")
        name, key = f"webhook {wanted.name}", {"name": wanted.name}
        made = {"created_at": self.now, **({"secret": secret} if secret else {})}
        webhook = rows.settle(Webhook, name, key, said, made=made)
        if secret and webhook.secret != secret:
            change_secret(webhook=webhook, now=self.now, secret=secret)
            rows.note(name, {"secret": ("(as it was)", f"(as {wanted.secret_env} says)")}, ("secret_env",))


def _known(table: type[T], path: Path, **key: Any) -> T:
    row = table._default_manager.filter(**key).first()
    if row is None:
        raise Refused(path, f"There is no {table._meta.verbose_name} {', '.join(map(str, key.values()))}.")
    return row


def _newest_set(slug: str) -> LabelSet:
    newest = LabelSet.objects.filter(slug=slug).order_by("-version").first()
    if newest is None:
        raise Refused(("label_set",), f"There is no label set {slug}.")
    return newest


def _refuse_undeclared(wanted: ModelDocument) -> None:
    """A trainer that this server does not know; one that the model has already may stay. :raises Refused:"""
    if not isinstance(wanted.trainer, str):
        return
    if RegisteredModel.objects.filter(slug=wanted.slug, trainer=wanted.trainer).exists():
        return
    try:
        refuse_undeclared(wanted.trainer)
    except TrainerUnknown as error:
        raise Refused(("trainer",), error.message) from error


def _members(members: Mapping[str, Sequence[str]], rows: Rows, of: str, **place: Model) -> None:
    for username, roles in members.items():
        path: Path = ("members", username)
        user = _known(User, path, username=username)
        for role in roles:
            key = {"user": user, "role": role, **place}
            if not Membership.objects.filter(**key).exists():
                rows.settle(Membership, f"{role} {username} of {of}", key, {}, path)


def _version(model: RegisteredModel, wanted: VersionOf, rows: Rows, path: Path) -> None:
    """A version trained elsewhere. One that is there is never changed: predictions rest on it."""
    kind = wanted.score_kind if isinstance(wanted.score_kind, str) else None
    known = ModelVersion.objects.filter(registered_model=model, external_name=wanted.external_name).first()
    if known is None:
        create_version(
            registered_model=model, origin=ModelVersion.Origin.EXTERNAL, external_name=wanted.external_name,
            score_kind=kind or ModelVersion.ScoreKind.PROBABILITIES,
        )  # fmt: skip
        rows.note(f"version {wanted.external_name} of {model.slug}", {"score_kind": (None, kind)}, path, is_new=True)
    elif kind is not None and known.score_kind != kind:
        raise Refused((*path, "score_kind"), f"{known} declares {known.score_kind}; a version is never changed.")


def _escape_limit(model: RegisteredModel, label: str, rate: float, rows: Rows) -> None:
    path: Path = ("escape_limits", label)
    if label != ALL_DEFECTS and not model.label_set.labels.filter(slug=label, is_defect=True).exists():
        raise Refused(path, f"{label} is no defect class of the label set.")
    key = {"registered_model": model, "label": "" if label == ALL_DEFECTS else label}
    rows.settle(EscapeLimit, f"escape limit {label} of {model.slug}", key, {"max_rate": rate}, path)


def _sampling(model: RegisteredModel, wanted: SamplingOf, rows: Rows, now: datetime) -> None:
    """A change makes the next design, unless nothing was drawn with the present one."""
    labels = set(model.label_set.labels.values_list("slug", flat=True))
    for name in LABEL_RULES:
        if strangers := sorted(set(wanted.said().get(name, [])) - labels):
            raise Refused(("sampling", name), f"Not in the label set: {', '.join(strangers)}.")
    active = SamplingDesign.objects.filter(registered_model=model, is_active=True, kind="main").first()
    design = active or SamplingDesign(registered_model=model)
    before = {name: getattr(design, name) for name in OF_A_DESIGN} | _rules(design)
    changed = {name: (before[name], value) for name, value in wanted.said().items() if before[name] != value}
    if active is not None and not changed:
        return
    after = before | wanted.said()
    for name in OF_A_DESIGN:
        setattr(design, name, after.pop(name))
    if changed:
        design.rules = after
    _refuse_impossible(design, now)
    number = design.number
    save_design(design)
    what = {"design": (number, design.number)} if design.number != number else {}
    rows.note(f"sampling design of {model.slug}", changed | what, ("sampling",), is_new=active is None)


def _refuse_impossible(design: SamplingDesign, now: datetime) -> None:
    said = {name: getattr(design, name) for name in OF_A_DESIGN}
    proposal = Proposal(**said, rules=design.rules)
    for name, problem in problems_of(proposal, registered_model=design.registered_model, now=now).items():
        raise Refused(("sampling", name) if name in OF_A_DESIGN else ("sampling",), problem)


def _rules(design: SamplingDesign) -> dict[str, Any]:
    return {**NO_RULES, **design.rules}
