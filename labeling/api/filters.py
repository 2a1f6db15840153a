"""What a list may be asked for. What is unknown, empty or given twice is refused: it would widen the answer."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import django_filters as df
from django import forms
from django.core.exceptions import ValidationError
from django.db.models import OuterRef, Q, QuerySet
from django.db.models.lookups import Exact
from django.http import QueryDict
from django.utils.dateparse import parse_datetime
from drf_spectacular.utils import extend_schema_field

from labeling.incoming import why_no_moment
from labeling.models import DispositionRecord, GroundTruth, Inspection, Item, Outcome, Review
from labeling.paging import MOST, PAGE, likely, some
from models_registry.models import ModelVersion, Report
from models_registry.models.labels import Disposition
from reviewapp.errors import ReviewAppError

PAGING = ("cursor", "page_size")
WORD = {"type": "string", "minLength": 1, "maxLength": 120, "pattern": "^[^\\x00]+$"}
MOMENT = {"type": "string", "format": "date-time"}
SHARE = {"type": "number", "minimum": 0, "maximum": 1}


class MomentField(forms.CharField):
    def to_python(self, value: Any) -> Any:
        if not value:
            return None
        try:
            moment = parse_datetime(value)
        except ValueError:
            moment = None
        if moment is None:
            raise ValidationError("Not a moment in ISO 8601, for example 2026-11-24T06:00:00Z (a + is sent as %2B).")
        if what := why_no_moment(moment):
            raise ValidationError(f"{what[:1].upper()}{what[1:]}.")
        return moment


class _Moment(df.Filter):  # type: ignore[misc]
    field_class = MomentField


def word(field: str) -> Any:
    """Equal to a text."""
    return extend_schema_field(WORD)(df.CharFilter(field_name=field, max_length=120, strip=False))


def asked(words: str, *, required: bool = False) -> Any:
    """A text that the list itself understands: a model, a version, a station."""
    schema = WORD | {"description": words}
    return extend_schema_field(schema)(df.CharFilter(method="as_is", max_length=120, strip=False, required=required))


def moment(field: str, lookup: str, words: str, *, required: bool = False) -> Any:
    schema = MOMENT | {"description": f"{words} With a time zone."}
    return extend_schema_field(schema)(_Moment(field_name=field, lookup_expr=lookup, required=required))


def share(field: str, lookup: str) -> Any:
    return extend_schema_field(SHARE)(df.NumberFilter(field_name=field, lookup_expr=lookup, min_value=0, max_value=1))


def choice(field: str, values: Iterable[str], method: str | None = None) -> Any:
    schema = {"type": "string", "enum": list(values)}
    known = [(one, one) for one in values]
    return extend_schema_field(schema)(df.ChoiceFilter(field_name=field, choices=known, method=method))


class ListFilter(df.FilterSet):  # type: ignore[misc]
    """``to_inspection`` leads from a row to its inspection; empty: the row is one."""

    to_inspection = "inspection"

    model = asked("Slug of a model.")
    station = asked("Slug of a station, which is what many call a line.")

    def as_is(self, rows: Any, name: str, value: str) -> Any:
        return rows

    def of_source(self, rows: Any, name: str, value: str) -> Any:
        item = Item.objects.filter(inspection=OuterRef(self.to_inspection or "pk"), source__slug=value)
        return rows.filter(some(item))

    def told(self, rows: Any, name: str, value: str) -> Any:
        """What the line says it did with the part, else what it was told."""
        happened = DispositionRecord.objects.what_happened(self.to_inspection or "pk")
        return rows.filter(likely(Q(Exact(happened, value))))


def source() -> Any:
    schema = WORD | {"description": "Slug of a camera."}
    return extend_schema_field(schema)(df.CharFilter(method="of_source", max_length=120, strip=False))


class PredictionFilter(ListFilter):
    version = asked("Number (3, v3) or name of a version; with `model`.")
    source = source()
    inspection_id, serial, lot = word("inspection__inspection_id"), word("inspection__serial"), word("inspection__lot")
    label = word("label__slug")
    disposition = choice("", Disposition.values, "told")
    confidence_min, confidence_max = share("confidence", "gte"), share("confidence", "lte")
    since = moment("predicted_at", "gte", "Predicted at or after.")
    until = moment("predicted_at", "lt", "Predicted before.")


class InspectionFilter(ListFilter):
    to_inspection = ""
    source = source()
    inspection_id, serial, lot = word("inspection_id"), word("serial"), word("lot")
    disposition = choice("", Disposition.values, "told")
    purpose = choice("purpose", Inspection.Purpose.values)
    since = moment("received_at", "gte", "Received at or after.")
    until = moment("received_at", "lt", "Received before.")


class ReviewFilter(ListFilter):
    source = source()
    inspection_id, serial, lot = word("inspection__inspection_id"), word("inspection__serial"), word("inspection__lot")
    status = choice("status", Review.Status.values)
    mode = choice("", Review.Mode.values, "as_is")  # `ReviewList`: as the rows say it
    since = moment("created_at", "gte", "Asked for at or after.")
    until = moment("created_at", "lt", "Asked for before.")


class GroundTruthFilter(ListFilter):
    source = source()
    inspection_id, serial, lot = word("inspection__inspection_id"), word("inspection__serial"), word("inspection__lot")
    label = word("label__slug")
    outcome = choice("outcome", GroundTruth.Outcome.values)
    since = moment("decided_at", "gte", "Settled at or after.")
    until = moment("decided_at", "lt", "Settled before.")


class DispositionFilter(ListFilter):
    source = source()
    inspection_id, serial, lot = word("inspection__inspection_id"), word("inspection__serial"), word("inspection__lot")
    disposition = choice("disposition", Disposition.values)
    origin = choice("origin", DispositionRecord.Origin.values)
    since = moment("created_at", "gte", "Said at or after.")
    until = moment("created_at", "lt", "Said before.")


class IncidentFilter(ListFilter):
    model = None  # the address says it
    source = source()
    inspection_id, serial, lot = word("inspection__inspection_id"), word("inspection__serial"), word("inspection__lot")
    label = word("label__slug")
    origin = choice("origin", Outcome.Origin.values)
    since = moment("observed_at", "gte", "Observed at or after.")
    until = moment("observed_at", "lt", "Observed before.")


class ContainmentFilter(df.FilterSet):  # type: ignore[misc]
    model = asked("Slug of a model.", required=True)
    version = asked("Number (3, v3) or name of a version.", required=True)
    station = asked("Slug of a station, which is what many call a line.", required=True)
    vars()["from"] = moment("predicted_at", "gte", "Predicted at or after.", required=True)  # `from` is a keyword
    vars()["to"] = moment("predicted_at", "lt", "Predicted before.", required=True)
    disposition = choice("", [*Disposition.values, "any"], "as_is")
    format = choice("", ["json", "csv"], "as_is")

    def as_is(self, rows: Any, name: str, value: str) -> Any:
        return rows


class ReportFilter(df.FilterSet):  # type: ignore[misc]
    model = extend_schema_field(WORD)(df.CharFilter(method="as_is", max_length=120, strip=False))
    kind = choice("kind", Report.Kind.values)
    since = moment("signed_at", "gte", "Issued at or after.")
    until = moment("signed_at", "lt", "Issued before.")

    def as_is(self, rows: Any, name: str, value: str) -> Any:
        return rows


class VersionFilter(df.FilterSet):  # type: ignore[misc]
    model = extend_schema_field(WORD)(df.CharFilter(method="as_is", max_length=120, strip=False))
    stage = choice("stage", ModelVersion.Stage.values)
    origin = choice("origin", ModelVersion.Origin.values)

    def as_is(self, rows: Any, name: str, value: str) -> Any:
        return rows


class DatasetFilter(df.FilterSet):  # type: ignore[misc]
    model = extend_schema_field(WORD)(df.CharFilter(method="as_is", max_length=120, strip=False))
    sha256 = word("sha256")
    since = moment("cutoff", "gte", "Cut-off at or after.")
    until = moment("cutoff", "lt", "Cut-off before.")

    def as_is(self, rows: Any, name: str, value: str) -> Any:
        return rows


def chosen(kind: type[df.FilterSet], said: QueryDict, rows: QuerySet[Any]) -> tuple[dict[str, Any], QuerySet[Any]]:
    """What was asked for, checked, and the rows that fit. :raises ReviewAppError: names each wrong parameter."""
    wrong = {name: _trouble(name, values, kind) for name, values in said.lists()}
    form = kind(said, queryset=rows)
    for name, errors in form.form.errors.items():
        wrong[name] = wrong.get(name) or " ".join(str(error) for error in errors)
    if wrong := {name: words for name, words in wrong.items() if words}:
        words = "; ".join(f"{name}: {what}" for name, what in wrong.items())
        raise ReviewAppError(f"The list was asked for wrongly. {words}", code="invalid", fields=wrong)
    return form.form.cleaned_data, form.filter_queryset(rows)


def _trouble(name: str, values: Sequence[object], kind: type[df.FilterSet]) -> str:
    if name not in kind.base_filters and name not in PAGING:
        return f"There is no such parameter; there are {', '.join([*kind.base_filters, *PAGING])}."
    if len(values) != 1:
        return "Given more than once."
    return "Is empty." if values[0] == "" else ""


def page_size(said: QueryDict) -> int:
    """:raises ReviewAppError: out of range."""
    text = said.get("page_size", str(PAGE))
    if text.isascii() and text.isdecimal() and len(text) <= 4 and 1 <= int(text) <= MOST:
        return int(text)
    raise ReviewAppError(
        f"page_size is a number from 1 to {MOST}.", code="invalid", fields={"page_size": f"From 1 to {MOST}."}
    )
