"""What an audit comes to: measured when every drawn part is settled, issued as a report, once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, time
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import numpy as np
from django.db import transaction
from django.db.models import Count, Max, Min

from labeling.audit.drawing import CODE_VERSION
from labeling.audit.standing import Look, looks_of, standing_of
from labeling.models import Audit, GroundTruth, Inspection, Prediction, Verdict
from models_registry.estimation.accuracy import naive_accuracy
from models_registry.estimation.finite import METHOD_DRAWN, finite_accuracy, finite_share
from models_registry.models import Evaluation, Label, Report
from models_registry.reporting import wording
from models_registry.reporting.content import Content, Figure, accuracy_figure, share_figure
from models_registry.services.evaluations import record_evaluation, rows_hash
from models_registry.services.reports import store_report
from reviewapp.errors import Conflict

if TYPE_CHECKING:
    from django.contrib.auth.models import User

Judged = list[tuple[str, str]]  # true, predicted


@transaction.atomic
def issue_audit(audit: Audit, *, by: User | None, close: bool, now: datetime) -> Report:
    """The report of an audit: issued now, or the one that was. ``close``: also while drawn parts are open.

    :raises Conflict: ``audit_open``; parts are to be judged still, or none could be.
    """
    audit = Audit.objects.select_for_update(of=("self",)).select_related(
        "registered_model__label_set", "model_version", "station__site", "design", "report"
    ).get(pk=audit.pk)  # fmt: skip
    if audit.report is not None:
        return audit.report
    standing, looks = standing_of(audit), looks_of(audit)
    if standing.n_open and not close:
        raise Conflict(f"{standing.words()}: the number comes when all are.", code="audit_open")
    if not standing.n_judged:
        raise Conflict("No drawn part could be judged, so there is no number.", code="audit_open")
    evaluation = _evaluate(audit, looks, now) if audit.model_version else None
    report = store_report(
        registered_model=audit.registered_model, model_version=audit.model_version,
        content=_content(audit, looks, evaluation), evaluations=[evaluation] if evaluation else [], days=None,
        signed_by=by, now=now,
    )  # fmt: skip
    audit.report = report
    audit.save(update_fields=["report"])
    return report


def truth_of(looks: Sequence[Look]) -> list[tuple[str, str, int]]:
    """Counts of the settled by [true, predicted]; what could not be judged has no true label."""
    counts = Counter((one.true or "", one.predicted) for one in looks if one.outcome)
    return [(true, said, n) for (true, said), n in sorted(counts.items())]


def truth_of_audit(audit: Audit) -> list[tuple[str, str, int]]:
    """The counts as they are today."""
    return truth_of(looks_of(audit))


def figures_of(audit: Audit) -> list[Figure]:
    """The figures as they would be issued today."""
    return _figures(audit, looks_of(audit))


def _figures(audit: Audit, looks: Sequence[Look]) -> list[Figure]:
    return _of_a_model(audit, looks) if audit.model_version_id else _of_labels(audit, looks)


def _judged(looks: Sequence[Look]) -> Judged:
    return [(one.true, one.predicted) for one in looks if one.outcome == GroundTruth.Outcome.LABEL and one.true]


def _sizes(audit: Audit, looks: Sequence[Look]) -> tuple[int, int]:
    """The judgeable parts of the file, as far as the sample says, and the drawn ones that are open.

    What cannot be judged leaves the domain: of N parts the same share as of the sample (STATISTICS §1.3).
    """
    n_bad = sum(one.outcome == GroundTruth.Outcome.BAD_IMAGE for one in looks)
    n_open = sum(one.outcome is None for one in looks)
    n_left = len(looks) - n_bad
    return max(round(audit.n_population * n_left / len(looks)), n_left), n_open


def _is_error(judged: Judged) -> Any:
    return np.array([true != said for true, said in judged], dtype=bool)


def _evaluate(audit: Audit, looks: Sequence[Look], now: datetime) -> Evaluation:
    """The accuracy on the file, kept under a slice of its own beside what lines send."""
    judged, (population, n_open) = _judged(looks), _sizes(audit, looks)
    assert audit.model_version is not None  # noqa: S101 - asked only where a version spoke
    zone, days = ZoneInfo(audit.station.site.time_zone), _days(audit)
    window = tuple(datetime.combine(day, time(), tzinfo=zone) for day in days)
    weight = audit.n_population / audit.n_drawn
    evaluation = record_evaluation(
        model_version=audit.model_version,
        estimate=finite_accuracy(_is_error(judged), n_population=population, n_open=n_open),
        naive=naive_accuracy(_is_error(judged)),
        confusion=[(true, said, round(n * weight, 6), n) for true, said, n in truth_of(looks) if true],
        window=(window[0], window[1]),
        inputs=rows_hash([(one.predicted, one.outcome, one.true) for one in looks], audit.pk, population),
        now=now,
        slice=f"audit/{audit.pk}",
        designs=[audit.design_id],
    )
    assert evaluation is not None  # noqa: S101 - the first of its slice
    return evaluation


def _days(audit: Audit) -> tuple[Any, Any]:
    days = Inspection.objects.filter(station=audit.station_id).aggregate(Min("day"), Max("day"))
    return days["day__min"], days["day__max"]


def _content(audit: Audit, looks: Sequence[Look], evaluation: Evaluation | None) -> Content:
    model, version, label_set = audit.registered_model, audit.model_version, audit.registered_model.label_set
    figures = _figures(audit, looks)
    first, last = _days(audit)
    said = {"id": version.pk, "number": version.number, "name": version.external_name} if version else None
    return Content(
        kind=Report.Kind.AUDIT, model={"slug": model.slug, "name": model.name}, version=said,
        label_set={"id": label_set.pk, "slug": label_set.slug, "version": label_set.version},
        window={
            "words": f"{audit.n_population:,} parts in {audit.file_name}", "first": str(first), "last": str(last),
            "file": audit.file_name, "fingerprint": audit.fingerprint,
        },
        code_version=CODE_VERSION,
        designs=[{"id": audit.design_id, "number": audit.design.number, "code_version": audit.design.code_version}],
        evaluations=[{"id": evaluation.pk, "inputs_hash": evaluation.inputs_hash}] if evaluation else [],
        facts=_facts(audit, looks), figures=figures, can=_can(audit, looks, figures[0]),
        cannot=_cannot(audit, looks, figures[0]), truth=truth_of(looks),
    )  # fmt: skip


def _of_a_model(audit: Audit, looks: Sequence[Look]) -> list[Figure]:
    """Accuracy first; where the labels know good parts and defects, escapes of the passed and overkill of the rest."""
    judged, (population, n_open) = _judged(looks), _sizes(audit, looks)
    estimate = finite_accuracy(_is_error(judged), n_population=population, n_open=n_open)
    figures = [accuracy_figure(estimate, name="Labelled right")]
    is_defect = dict(Label.objects.filter(label_set=audit.registered_model.label_set).values_list("slug", "is_defect"))
    if set(is_defect.values()) != {True, False} or n_open:
        return figures
    said = Prediction.objects.filter(model_version=audit.model_version_id, inspection__station=audit.station_id)
    sizes = dict(said.values_list("label__is_defect").annotate(n=Count("pk")).order_by())
    for key, name, passed in (
        ("escapes", "Defects among the parts that passed", True),
        ("overkill", "Good parts among those that were rejected", False),
    ):
        own = [true for true, predicted in judged if is_defect[predicted] is not passed]
        found = sum(is_defect[true] is passed for true in own)
        if own:
            of = max(sizes.get(not passed, 0), len(own))
            share = finite_share(found=found, n=len(own), n_population=of)
            figures.append(share_figure(share, key=key, name=name, n=len(own), found=found, of=of, method=METHOD_DRAWN))
    return figures


def _of_labels(audit: Audit, looks: Sequence[Look]) -> list[Figure]:
    """Labels before a model: the share of each among the parts, most frequent first."""
    judged, (population, _) = _judged(looks), _sizes(audit, looks)
    counts = Counter(true for true, _ in judged)
    names = dict(Label.objects.filter(label_set=audit.registered_model.label_set).values_list("slug", "name"))
    return [
        share_figure(
            finite_share(found=n, n=len(judged), n_population=population), key=f"label:{slug}",
            name=f"Parts that are {names[slug]}", n=len(judged), found=n, of=population, method=METHOD_DRAWN,
        )
        for slug, n in counts.most_common()
    ]  # fmt: skip


def _facts(audit: Audit, looks: Sequence[Look]) -> list[tuple[str, str]]:
    verdicts = Verdict.objects.counting().filter(review__inspection__station=audit.station_id)
    seen = verdicts.aggregate(Min("said_at"), Max("said_at"), n=Count("reviewer", distinct=True))
    zone = ZoneInfo(audit.station.site.time_zone)
    first, last = seen["said_at__min"].astimezone(zone), seen["said_at__max"].astimezone(zone)
    until = f"{last:%H:%M}" if first.date() == last.date() else f"{last:%Y-%m-%d %H:%M}"
    n_bad = sum(one.outcome == GroundTruth.Outcome.BAD_IMAGE for one in looks)
    n_open = sum(one.outcome is None for one in looks)
    return [
        ("Parts in the file", f"{audit.n_population:,}"), ("Drawn by chance", f"{audit.n_drawn:,}"),
        ("Judged", f"{len(_judged(looks)):,}"), ("Not judgeable", f"{n_bad:,}"),
        ("Looked at", f"{first:%Y-%m-%d %H:%M} to {until}"), ("Inspectors", f"{seen['n']}, blind"),
        ("Rows of the file, SHA-256", f"{audit.fingerprint[:16]}…"),
        *([("Not settled", f"{n_open:,}")] if n_open else []),
        ("Draw", "seed " + str(audit.seed) if audit.seed is not None else "keyed hash, secret"),
    ]  # fmt: skip


def _can(audit: Audit, looks: Sequence[Look], first: Figure) -> list[str]:
    said = []
    if audit.model_version and first.n_found is not None and not any(one.outcome is None for one in looks):
        errors = finite_share(found=first.n_found, n=first.n, n_population=first.of)
        said.append(
            wording.errors_found(errors, n=first.n, found=first.n_found, of=first.of, bound_only=first.bound_only)
        )
    if audit.n_drawn < audit.n_population:
        said.append("The judged parts were drawn by chance, each with the same chance; nobody chose them.")
    if audit.model_version:
        said.append("Each was judged without seeing what the model had said of it.")
    return said


def _cannot(audit: Audit, looks: Sequence[Look], first: Figure) -> list[str]:
    counts = Counter(one.true for one in looks if one.true)
    n_open = sum(one.outcome is None for one in looks)
    n_bad = sum(one.outcome == GroundTruth.Outcome.BAD_IMAGE for one in looks)
    errors = (first.n_found or 0) / first.n
    return [
        wording.rule_of_three(first.n),
        f"It speaks of the parts in {audit.file_name}. Parts of other days, lines or versions may be better or worse.",
        *(
            [f"{n_open} drawn parts are not settled: the interval reaches from all of them wrong to none of them."]
            if n_open
            else []
        ),
        *([f"{n_bad} drawn parts could not be judged; the number is that of judgeable parts."] if n_bad else []),
        *filter(None, [wording.few_judged(sorted(counts.items()))]),
        *([wording.smallest_change(errors, n=first.n, of=first.of)] if first.n < first.of else []),
        "What an inspector gets wrong counts as truth here: most parts were judged by one person.",
    ]
