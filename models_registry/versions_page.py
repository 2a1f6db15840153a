"""A model's versions and where each came from: rows for the table, and the same as a drawing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.core.paginator import Page, Paginator
from django.db.models import F, QuerySet, Value
from django.urls import reverse
from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import gettext as _

from models_registry.lineage import Ancestry, Lineage, lineage
from models_registry.models import ModelAlias, ModelVersion, Promotion, RegisteredModel, TrainingRun
from models_registry.templatetags.figures import count

ROWS = 30
Key = tuple[datetime, str, int]


@dataclass(frozen=True, slots=True)
class VersionRow:
    """A run with the version that it made, if any; or a version that no run here made."""

    run: TrainingRun | None
    version: ModelVersion | None
    promotions: Sequence[Promotion]
    names: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class VersionsPage:
    rows: Sequence[VersionRow]
    lineage: Lineage
    page: Page[Key]


def versions_page(registered_model: RegisteredModel, *, number: str | None) -> VersionsPage:
    """One page of `ROWS`, newest first."""
    page = Paginator(_keys(registered_model), ROWS).get_page(number)
    rows = _rows(list(page.object_list))
    columns = (_("Dataset"), _("Run"), _("Version"), _("What was decided"))
    return VersionsPage(rows, lineage([_ancestry(row) for row in rows], columns), page)


def _keys(registered_model: RegisteredModel) -> QuerySet[Any, Key]:
    """Time, kind and key of every run and of every version that none made, newest first. The database joins the two,
    so that a page reads no more than it shows."""
    runs = registered_model.runs.annotate(at=F("queued_at"), kind=Value("run"), key=F("pk"))
    alone = registered_model.versions.filter(training_run__isnull=True)
    others = alone.annotate(at=F("created_at"), kind=Value("version"), key=F("pk"))
    both = (
        runs.order_by()
        .values_list("at", "kind", "key")
        .union(others.order_by().values_list("at", "kind", "key"), all=True)
    )
    return both.order_by("-at", "-kind", "-key")


def _rows(keys: Sequence[Key]) -> list[VersionRow]:
    of_runs = [pk for _at, kind, pk in keys if kind == "run"]
    runs = TrainingRun.objects.select_related("dataset", "version", "recalibrates").in_bulk(of_runs)
    made = {pk: run.version for pk, run in runs.items() if hasattr(run, "version")}
    others = ModelVersion.objects.in_bulk([pk for _at, kind, pk in keys if kind == "version"])
    decided: dict[int, list[Promotion]] = {}
    known = [version.pk for version in (*made.values(), *others.values())]
    for one in Promotion.objects.filter(version__in=known).select_related("decided_by").order_by("-decided_at", "-pk"):
        decided.setdefault(one.version_id, []).append(one)
    names: dict[int, list[str]] = {}
    for alias in ModelAlias.objects.filter(version__in=known).order_by("name"):
        names.setdefault(alias.version_id, []).append(alias.name)
    rows = []
    for _at, kind, pk in keys:
        version, run = (made.get(pk), runs[pk]) if kind == "run" else (others[pk], None)
        own = version.pk if version else 0
        rows.append(VersionRow(run, version, decided.get(own, []), names.get(own, [])))
    return rows


def _ancestry(row: VersionRow) -> Ancestry:
    run, version = row.run, row.version
    dataset = run.dataset if run else None
    return Ancestry(
        dataset=dataset.pk if dataset else None,
        parent=dataset.parent_id if dataset else None,
        dataset_name=dataset.short_name if dataset else "",
        dataset_words=_("%(n)s to learn from") % {"n": count(dataset.n_train)} if dataset else "",
        dataset_href=dataset.get_absolute_url() if dataset else "",
        run_name=_("Run %(n)s") % {"n": run.number} if run else "",
        run_words=_run_words(run) if run else "",
        run_href=run.get_absolute_url() if run else "",
        run_state=run.status if run else "",
        version_name=version.short_name if version else "",
        version_href=reverse("version", args=[version.pk]) if version else "",
        stage=version.stage if version else "",
        decisions=[f"{one.get_action_display()}, {_day(one.decided_at)}" for one in row.promotions],
    )


def _run_words(run: TrainingRun) -> str:
    """A day, or what is kept where nothing was learned: there is room for one of them."""
    if run.recalibrates is None:
        return _day(run.queued_at)
    return _("confidence of %(version)s") % {"version": run.recalibrates.short_name}


def _day(moment: datetime) -> str:
    return date_format(localtime(moment), _("j M Y"))
