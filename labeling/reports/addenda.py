"""What has changed since a report was issued: today's truth of the same parts against the frozen counts."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db.models import QuerySet

from labeling.audit.result import figures_of, truth_of_audit
from labeling.models import Audit
from labeling.reports.issuing import find, truth_of, window_of
from models_registry.models import Report, ReportAddendum
from models_registry.reporting import wording
from models_registry.reporting.content import Figure, accuracy_figure, overturned
from models_registry.services.reports import add_addendum

FOLLOWED = timedelta(days=400)  # how long a report is looked after by itself


def due(*, now: datetime) -> QuerySet[Report]:
    """Reports that are looked after, newest first."""
    return Report.objects.filter(signed_at__gte=now - FOLLOWED).select_related(
        "registered_model__label_set", "model_version__registered_model__label_set", "signed_by"
    )


def amend(report: Report, *, now: datetime) -> ReportAddendum | None:
    """Note what has changed since; nothing when all stands as issued, or as the last addendum says."""
    truth, figure, n_complaints = _today(report)
    n_changed, n_added = overturned(report.content["truth"], truth)
    before = report.content.get("complaints") or {}
    n_more = n_complaints - before.get("n", 0)
    if not (n_changed or n_added or n_more) and not report.addenda.exists():
        return None
    content = {
        "overturned": n_changed, "added": n_added, "complaints": n_complaints, "figure": figure.key,
        "value": figure.value and round(figure.value, 9), "low": figure.low and round(figure.low, 9),
        "high": figure.high and round(figure.high, 9), "n": figure.n,
    }  # fmt: skip
    return add_addendum(report=report, message=_message(n_changed, n_added, n_more, figure), content=content, now=now)


def _today(report: Report) -> tuple[list[tuple[str, str, int]], Figure, int]:
    """The counts, the first figure, and the complaints, as they would be issued now."""
    if report.kind == Report.Kind.AUDIT:
        audit = Audit.objects.select_related("registered_model__label_set", "station__site", "design").get(
            report=report
        )
        return truth_of_audit(audit), figures_of(audit)[0], 0
    assert report.model_version is not None  # noqa: S101 - a report on production days has one (CHECK)
    found = find(report.model_version, window_of(report))
    return truth_of(found.labelled), accuracy_figure(found.estimate, name="Labelled right"), found.complaints.n


def _message(n_changed: int, n_added: int, n_more: int, figure: Figure) -> str:
    """``3 labels were overturned and 2 were settled since: Labelled right would now be 94.7 % (92.9 % to 96.1 %).``"""
    told = []
    if n_changed:
        told.append("1 label was overturned" if n_changed == 1 else f"{n_changed:,} labels were overturned")
    if n_added:
        told.append("1 more was settled" if n_added == 1 else f"{n_added:,} more were settled")
    if n_more > 0:
        told.append("1 more part came back" if n_more == 1 else f"{n_more:,} more parts came back")
    if n_more < 0:
        told.append(f"{-n_more:,} of the complaints no longer {'stands' if n_more == -1 else 'stand'}")
    if not told:
        return "All labels stand again as they did when the report was issued."
    value = " ".join(wording.headline(figure)).strip()
    return f"{' and '.join(told)} since: {figure.name} would now be {value} ({wording.interval(figure)})."
