"""A version's card: the facts that the product knows, and what people wrote beside them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import gettext as _

from models_registry.models import CardText, Comparison, Dataset, ModelVersion, TrainingRun
from models_registry.reporting.card import Card, Section, Written
from models_registry.templatetags.figures import count, duration, number, percent, points

Facts = list[tuple[str, str]]


def card_of(version: ModelVersion, *, now: datetime) -> Card:
    """The card as it stands. Every accuracy comes with its interval and n."""
    run = version.training_run
    sections = [
        Section(_("What it is"), _identity(version)),
        Section(_("How well it does"), list(_measured(version))),
        Section(_("What it learned from"), _data(run.dataset) if run else [(_("Data"), _("Not known here"))]),
        Section(_("How it was trained"), _training(run) if run else [(_("Trained"), version.get_origin_display())]),
        Section(_("What was decided"), _decided(version)),
    ]
    return Card(
        title=f"{version.registered_model.name} {version.short_name}",
        subtitle=version.registered_model.description or version.registered_model.get_kind_display(),
        texts=texts_of(version),
        sections=sections,
        made=_("Facts as of %(at)s.") % {"at": _moment(now)},
    )


def texts_of(version: ModelVersion) -> list[Written]:
    """Every part in its order: what holds, of this version or else of the newest earlier one that says something."""
    rows = CardText.objects.filter(
        version__registered_model=version.registered_model_id, version__number__lte=version.number
    ).select_related("version", "written_by")
    newest: dict[tuple[str, int], CardText] = {}
    for row in rows.order_by("pk"):
        newest[row.part, row.version.number] = row
    return [_written(version, part, str(title), newest) for part, title in CardText.Part.choices]


def _written(version: ModelVersion, part: str, title: str, newest: dict[tuple[str, int], CardText]) -> Written:
    mine = [row for (of, _number), row in sorted(newest.items(), key=lambda one: -one[0][1]) if of == part]
    for row in mine:
        if row.version_id == version.pk or row.text:  # one's own empty text takes back what was carried over
            inherited = row.version.short_name if row.version_id != version.pk else ""
            by = row.written_by.get_full_name() or row.written_by.get_username()
            return Written(part, title, row.text, by, _moment(row.written_at), inherited)
    return Written(part, title, "")


def _identity(version: ModelVersion) -> Facts:
    labels = [label.display_name for label in version.registered_model.label_set.labels.all()]
    found = [
        (_("Model"), version.registered_model.name), (_("Version"), version.short_name),
        (_("Stage"), version.get_stage_display()), (_("Origin"), version.get_origin_display()),
        (_("Made"), _moment(version.created_at)), (_("Labels"), ", ".join(labels)),
        (_("Scores"), version.get_score_kind_display()),
    ]  # fmt: skip
    if version.external_name not in ("", version.short_name):
        found.append((_("What the sending system calls it"), version.external_name))
    if version.artifact_sha256:
        found.append((_("SHA-256 of its file"), version.artifact_sha256))
    return found


def _measured(version: ModelVersion) -> Iterator[tuple[str, str]]:
    metrics = version.metrics
    if metrics.get("holdout_accuracy") is not None and metrics.get("holdout_low") is not None:
        ends = _ends(metrics["holdout_low"], metrics["holdout_high"], metrics["holdout_n"], _("held-out images"))
        yield _("On the hold-out, not weighted"), f"{percent(metrics['holdout_accuracy'])} {ends}"
    else:
        yield _("On the hold-out, not weighted"), _("Not measured")
    latest = version.evaluations.filter(slice="").order_by("-evaluated_at", "-pk").first()
    if latest is None or latest.value is None or latest.ci_low is None or latest.ci_high is None:
        yield _("In production"), _("Not measured")
    elif latest.bound_only:
        bound = {"low": percent(latest.lower_bound), "n": count(latest.n)}
        yield _("In production"), _("At least %(low)s, %(n)s reviewed: too few for an estimate") % bound
    else:
        ends = _ends(latest.ci_low, latest.ci_high, latest.n, _("reviewed"))
        ends_at = {"first": _day(latest.window_start), "last": _day(latest.window_end)}
        days = _("%(first)s to %(last)s") % ends_at
        yield _("In production"), f"{percent(latest.value)} {ends}; {days}"
    for one in version.comparisons.select_related("champion").order_by("-pk")[:3]:
        if one.champion is not None:  # a first version was compared with nobody
            yield _("Against %(version)s") % {"version": one.champion.short_name}, _gain(one)


def _gain(one: Comparison) -> str:
    if one.gain is None or one.ci_low is None or one.ci_high is None:
        return one.reason
    words = {"gain": points(one.gain), "low": points(one.ci_low), "high": points(one.ci_high), "n": count(one.n)}
    fixed = {"fixed": count(one.n_fixed), "broken": count(one.n_broken)}
    text = _("%(gain)s points (%(low)s to %(high)s, %(n)s images): %(fixed)s fixed, %(broken)s broken")
    return text % {**words, **fixed}


def _ends(low: float, high: float, n: int, of: str) -> str:
    return _("(%(low)s to %(high)s, %(n)s %(of)s)") % {
        "low": number(low), "high": number(high), "n": count(n), "of": of,
    }  # fmt: skip


def _data(dataset: Dataset) -> Facts:
    labels = {label.slug: label.display_name for label in dataset.label_set.labels.all()}
    counts = ", ".join(f"{labels.get(slug, slug)} {count(n)}" for slug, n in dataset.label_counts.items())
    return [
        (_("Dataset"), dataset.sha256), (_("Cut-off"), _moment(dataset.cutoff)),
        (_("Learned from"), count(dataset.n_train)), (_("Held out"), count(dataset.n_holdout)),
        (_("Left out"), count(dataset.n_excluded)), (_("By label"), counts),
    ]  # fmt: skip


def _training(run: TrainingRun) -> Facts:
    took = duration(run.finished_at - run.started_at) if run.finished_at and run.started_at else ""
    kept = run.recalibrates
    words = _("Fits the confidence of %(version)s anew; its model stays.")
    return [
        (_("Run"), f"{run.number}: {run.get_trigger_display()}. {run.reason}"),
        *([(_("Confidence only"), words % {"version": kept.short_name})] if kept else []),
        (_("Method"), run.backend), (_("Seed"), str(run.seed)), (_("Took"), took or "-"),
    ]  # fmt: skip


def _decided(version: ModelVersion) -> Facts:
    rows = version.promotions.select_related("decided_by").order_by("decided_at", "pk")
    found = []
    for one in rows:
        who = one.decided_by.get_full_name() or one.decided_by.get_username() if one.decided_by else _("By policy")
        found.append((f"{one.get_action_display()}, {_moment(one.decided_at)}", f"{who}: {one.reason}"))
    return found or [(_("Decision"), _("None yet"))]


def _moment(at: datetime) -> str:
    """In UTC and said so: a card leaves the house."""
    return f"{date_format(localtime(at, UTC), _('j M Y, H:i'))} UTC"


def _day(at: datetime) -> str:
    return date_format(localtime(at, UTC), _("j M Y"))
