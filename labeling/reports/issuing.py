"""A person issues a report on a version and a window of production days."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
from django.db import transaction
from django.utils.translation import gettext as _

from labeling.models import SamplingDesign, Site, Tally
from labeling.reports.complaints import Complaints, complaints_of
from labeling.windows import FARTHEST_AHEAD, LabelledCells, Window, window_cells
from models_registry.costs import cost_matrix
from models_registry.estimation import estimate_accuracy, naive_of_cells
from models_registry.estimation.accuracy import AccuracyEstimate
from models_registry.estimation.cells import NOT_JUDGEABLE
from models_registry.estimation.confusion import Confusion, confusion, expected_cost
from models_registry.estimation.counts import Measured
from models_registry.models import Evaluation, ModelVersion, RegisteredModel, Report
from models_registry.reporting import wording
from models_registry.reporting.content import SCHEMA, Content, Figure, accuracy_figure
from models_registry.services.costs import active_costs
from models_registry.services.evaluations import inputs_hash, record_evaluation
from models_registry.services.reports import store_report
from reviewapp.errors import Conflict, ReviewAppError

if TYPE_CHECKING:
    from django.contrib.auth.models import User

MOST_DAYS = 400


@dataclass(frozen=True, slots=True)
class Found:
    """What the rollups say of a version in a window, and what came back of it."""

    version: ModelVersion
    window: Window
    labelled: LabelledCells
    estimate: AccuracyEstimate
    rates: Confusion
    complaints: Complaints

    @property
    def slice(self) -> str:
        """Under which its evaluations are kept, apart from the running one of the last weeks."""
        return f"report/{self.window.first}/{self.window.last}"


@transaction.atomic
def issue_report(
    *, registered_model: RegisteredModel, version: ModelVersion | None, window: Window, by: User, now: datetime
) -> Report:
    """Measure, freeze and sign. ``version``: the champion's, unless another is named. Days are those of the sites.

    :raises ReviewAppError: days out of order, to come, or too many. :raises Conflict: ``no_champion``,
        ``nothing_arrived``; a report about nothing is none.
    """
    _refuse_window(window, now)
    version = version or ModelVersion.objects.champion_of(registered_model)
    if version is None:
        raise Conflict(
            _("%(model)s has no champion. Name the version.") % {"model": registered_model}, code="no_champion"
        )
    found = find(version, window)
    if not found.estimate.n_arrived:
        raise Conflict(
            _("Nothing that %(version)s judged arrived on these days.") % {"version": version}, code="nothing_arrived"
        )
    evaluation = _evaluate(found, now)
    return store_report(
        registered_model=registered_model, model_version=version, content=_content(found, evaluation),
        evaluations=[evaluation], days=(window.first, window.last), signed_by=by, now=now,
    )  # fmt: skip


def _refuse_window(window: Window, now: datetime) -> None:
    today = (now + FARTHEST_AHEAD).date()
    wrong = {}
    if window.first > window.last:
        wrong["last_day"] = _("The last day lies before the first.")
    elif window.last > today:
        wrong["last_day"] = _("The last day is to come.")
    elif (window.last - window.first).days >= MOST_DAYS:
        wrong["first_day"] = _("A report speaks of at most %(days)s days.") % {"days": MOST_DAYS}
    if wrong:
        raise ReviewAppError(" ".join(wrong.values()), code="invalid", fields=wrong)


def find(version: ModelVersion, window: Window) -> Found:
    """Measure, from rollups alone."""
    labelled = window_cells(version, window)
    rates = confusion(labelled.cells, is_defect=labelled.is_defect)
    complaints = complaints_of(version, window, n_passed=n_passed(labelled), escapes=rates.escape_rate_of_passed)
    return Found(version, window, labelled, estimate_accuracy(labelled.cells), rates, complaints)


def n_passed(labelled: LabelledCells) -> int:
    """How many arrived that the version called good."""
    cells = labelled.cells
    return int(cells.n_arrived[~labelled.is_defect[cells.predicted]].sum()) if len(cells) else 0


def truth_of(labelled: LabelledCells) -> list[tuple[str, str, int]]:
    """Counts of the settled by [true, predicted]; what could not be judged has no true label."""
    cells, slugs = labelled.cells, [label.slug for label in labelled.labels]
    counts: dict[tuple[str, str], int] = {}
    for place in np.flatnonzero(cells.n > 0):
        true = int(cells.true[place])
        pair = ("" if true == NOT_JUDGEABLE else slugs[true], slugs[cells.predicted[place]])
        counts[pair] = counts.get(pair, 0) + int(cells.n[place])
    return [(*pair, n) for pair, n in sorted(counts.items()) if n]


def _evaluate(found: Found, now: datetime) -> Evaluation:
    """The evaluation that the report freezes; the newest of the slice when nothing has changed since."""
    days = (found.window.first, found.window.last + timedelta(days=1))
    start, end = (datetime.combine(day, time(), tzinfo=now.tzinfo) for day in days)
    record_evaluation(
        model_version=found.version, estimate=found.estimate, naive=naive_of_cells(found.labelled.cells),
        confusion=[(true, said, 0.0, n) for true, said, n in truth_of(found.labelled) if true],
        window=(start, end), inputs=inputs_hash(found.labelled.cells), now=now, slice=found.slice,
        designs=sorted(_tallies(found).values_list("design", flat=True).distinct()),
    )  # fmt: skip
    return Evaluation.objects.filter(model_version=found.version, slice=found.slice).latest("pk")


def _content(found: Found, evaluation: Evaluation) -> Content:
    model, window = found.version.registered_model, found.window
    label_set = model.label_set
    days = f"{window.first} to {window.last}" if window.first != window.last else str(window.first)
    name = found.version.external_name or found.version.short_name
    rows = _tallies(found)
    designs = SamplingDesign.objects.filter(pk__in=rows.values("design")).order_by("number")
    return Content(
        kind=Report.Kind.PERIOD, model={"slug": model.slug, "name": model.name},
        version={"id": found.version.pk, "number": found.version.number, "name": name},
        label_set={"id": label_set.pk, "slug": label_set.slug, "version": label_set.version},
        window={"words": f"production days {days}", "first": str(window.first), "last": str(window.last)},
        code_version=SCHEMA,
        designs=[{"id": one.pk, "number": one.number, "code_version": one.code_version} for one in designs],
        evaluations=[{"id": evaluation.pk, "inputs_hash": evaluation.inputs_hash, "method": evaluation.method}],
        facts=_facts(found, [one.number for one in designs]), figures=_figures(found), can=_can(found),
        cannot=_cannot(found), truth=truth_of(found.labelled), complaints=found.complaints.as_json(),
    )  # fmt: skip


def _tallies(found: Found) -> Any:
    days = {"day__gte": found.window.first, "day__lte": found.window.last}
    return Tally.objects.filter(model_version=found.version, dimension="", **days)


def _facts(found: Found, designs: list[int]) -> list[tuple[str, str]]:
    estimate, cells = found.estimate, found.labelled.cells
    n_bad = int(cells.n[cells.true == NOT_JUDGEABLE].sum())
    naive = naive_of_cells(cells)
    sites = Site.objects.filter(stations__sources__in=_tallies(found).values("source")).distinct().order_by("name")
    places = ", ".join(f"{site.name} ({site.time_zone})" for site in sites[:4])
    return [
        ("Parts that arrived", f"{int(cells.n_arrived.sum()):,}"), ("Drawn by chance", f"{int(cells.n_drawn.sum()):,}"),
        ("Judged", f"{estimate.n:,}"), ("Not judgeable", f"{n_bad:,}"),
        ("Settled of the drawn", wording.percent(estimate.response_rate or 0.0)),
        ("Days and shifts of", places or "no site"),
        ("Designs of the draw", ", ".join(map(str, designs)) or "none"),
        ("Plain share of the reviewed", _naive(naive.value)),
    ]  # fmt: skip


def _naive(value: float | None) -> str:
    return "none" if value is None else f"{wording.percent(value)}, biased"


def _figures(found: Found) -> list[Figure]:
    """Accuracy first. Escapes are given for passed parts, so that complaints can be held against them."""
    estimate, rates = found.estimate, found.rates
    n_all, passed = estimate.n_arrived, found.complaints.n_passed
    figures = [accuracy_figure(estimate, name="Labelled right")]
    for key, name, one, of, unit in (
        ("escapes", "Defects among the parts that passed", rates.escape_rate_of_passed, passed, "share"),
        ("missed_per_million", "Missed defects, of a million parts", rates.missed_per_million, n_all, "per_million"),
        ("escape_rate", "Share of all defects that passed", rates.escape_rate, n_all, "share"),
        ("overkill", "Share of all good parts that were rejected", rates.overkill_rate, n_all, "share"),
        ("truly_good", "Parts without a defect", rates.truly_good, n_all, "share"),
    ):
        if one.value is not None:
            figures.append(_figure(key, name, one, of=of, unit=unit))
    return [*figures, *_costs(found)]


def _costs(found: Found) -> list[Figure]:
    prices = active_costs(found.version.registered_model)
    if prices is None or not found.estimate.n:
        return []
    per, _all = expected_cost(found.labelled.cells, cost_matrix(found.labelled.labels, prices.costs))
    return [
        _figure(
            "cost", "Cost of errors, of one part", per, of=found.estimate.n_arrived, unit="money",
            currency=prices.currency, note=f"Prices {prices.number} of {prices.created_at:%Y-%m-%d}.",
        )
    ] if per.value is not None else []  # fmt: skip


def _figure(key: str, name: str, one: Measured, *, of: int, unit: str, currency: str = "", note: str = "") -> Figure:
    bound = one.lower_bound if key == "truly_good" else one.upper_bound
    return Figure(
        key=key, name=name, value=one.value, low=one.low, high=one.high, bound=bound, unit=unit, currency=currency,
        n=one.n, n_found=one.n_found, of=of, method=one.method, bound_only=one.bound_only, note=note,
    )  # fmt: skip


def _can(found: Found) -> list[str]:
    estimate, first = found.estimate, found.complaints
    said = []
    if estimate.n and estimate.ci_low is not None and estimate.ci_high is not None:
        low, high = ((1 - end) * estimate.n_arrived for end in (estimate.ci_high, estimate.ci_low))
        said.append(
            f"{estimate.n_found:,} errors in {estimate.n:,} judged parts, weighted by their chance of being checked: "
            f"of the {estimate.n_arrived:,} parts between {int(low):,} and {-int(-high // 1):,} are labelled wrongly "
            "(95 % confidence)."
        )
    said.append(first.words())
    said.append("Only parts that chance drew count here; what somebody picked or complained about does not.")
    return said


def _cannot(found: Found) -> list[str]:
    estimate, labelled = found.estimate, found.labelled
    counts = {label.slug: 0 for label in labelled.labels}
    for true, _said, n in truth_of(labelled):
        counts[true] = counts.get(true, 0) + n
    counts.pop("", None)
    open_ = estimate.worst_low is not None and estimate.worst_high is not None and estimate.provisional
    return [
        *([wording.rule_of_three(estimate.n)] if estimate.n else ["Nothing was judged, so there is no number."]),
        "It speaks of these days and this version. Other days, lines or versions may be better or worse.",
        *(
            [
                "Some drawn parts are not settled: if all of them were wrong it would be "
                f"{wording.percent(estimate.worst_low or 0.0)}, if none was, "
                f"{wording.percent(estimate.worst_high or 0.0)}."
            ]
            if open_
            else []
        ),
        *filter(None, [wording.few_judged(sorted(counts.items()))]),
        "What inspectors get wrong counts as truth here.",
    ]


def window_of(report: Report) -> Window:
    """The days of a stored report."""
    return Window(
        date.fromisoformat(report.content["window"]["first"]), date.fromisoformat(report.content["window"]["last"])
    )
