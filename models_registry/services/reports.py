"""Issue reports and note what has changed since. Nothing that was issued is ever written again."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.db.models import Max

from models_registry.models import Evaluation, EventName, ModelVersion, RegisteredModel, Report, ReportAddendum
from models_registry.reporting.content import Content, content_hash, frozen, read_content
from models_registry.reporting.page import Issued, report_pdf
from models_registry.services.outbox import emit

if TYPE_CHECKING:
    from django.contrib.auth.models import User


@transaction.atomic
def store_report(
    *,
    registered_model: RegisteredModel,
    model_version: ModelVersion | None,
    content: Content,
    evaluations: Sequence[Evaluation],
    days: tuple[date, date] | None,
    signed_by: User | None,
    now: datetime,
) -> Report:
    """Freeze the content under the model's next number, and tell who subscribed."""
    RegisteredModel.objects.select_for_update(no_key=True).get(pk=registered_model.pk)
    newest = Report.objects.filter(registered_model=registered_model).aggregate(Max("number"))["number__max"]
    plain = frozen(content)
    report = Report.objects.create(
        registered_model=registered_model, number=int(newest or 0) + 1, kind=content.kind, model_version=model_version,
        label_set_id=content.label_set["id"], first_day=days and days[0], last_day=days and days[1], content=plain,
        sha256=content_hash(plain), signed_by=signed_by, signed_at=now,
    )  # fmt: skip
    report.evaluations.set(evaluations)
    _tell(report, {"addendum": None, "message": None}, now)
    return report


@transaction.atomic
def add_addendum(*, report: Report, message: str, content: dict[str, Any], now: datetime) -> ReportAddendum | None:
    """Note what has changed since, unless the newest addendum says the same already. Returns the new row, if any."""
    RegisteredModel.objects.select_for_update(no_key=True).get(pk=report.registered_model_id)
    newest = ReportAddendum.objects.filter(report=report).order_by("-number").first()
    if newest is not None and newest.content == content:
        return None
    number = newest.number + 1 if newest else 1
    addendum = ReportAddendum.objects.create(
        report=report, number=number, message=message, content=content, noted_at=now
    )
    _tell(report, {"addendum": number, "message": message}, now)
    return addendum


def pdf_of(report: Report) -> bytes:
    """The report as it was issued, with what was noted since. The same rows give the same bytes."""
    addenda = [(f"{one.noted_at:%Y-%m-%d}", one.message) for one in report.addenda.order_by("number")]
    signed_by = (report.signed_by.get_full_name() or report.signed_by.get_username()) if report.signed_by else ""
    return report_pdf(
        read_content(report.content),
        Issued(
            title=report.content["model"]["name"], number=report.number, sha256=report.sha256, signed_by=signed_by,
            signed_at=f"{report.signed_at.astimezone(UTC):%Y-%m-%d %H:%M} UTC", addenda=addenda,
        ),
    )  # fmt: skip


def _tell(report: Report, more: dict[str, Any], now: datetime) -> None:
    version = report.model_version
    days = {"first_day": report.first_day, "last_day": report.last_day}
    payload = {
        "report": report.pk,
        "number": report.number,
        "kind": report.kind,
        "version": version.number if version else None,
        **{name: day.isoformat() if day else None for name, day in days.items()},
        "sha256": report.sha256,
        "signed_by": report.signed_by.get_username() if report.signed_by else None,
        "signed_at": report.signed_at,
        **more,
    }
    emit(
        event=EventName.REPORT_ISSUED, registered_model=report.registered_model, object_id=f"report/{report.pk}",
        payload=payload, now=now,
    )  # fmt: skip
