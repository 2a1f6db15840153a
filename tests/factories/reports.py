"""Reports with their addenda, and audits."""

from __future__ import annotations

from datetime import date
from typing import Any

from labeling.models import Audit, SamplingDesign
from models_registry.models import ModelVersion, RegisteredModel, Report, ReportAddendum
from models_registry.reporting.content import Content, Figure, content_hash, frozen
from tests.factories.base import NOW, next_number, sha256
from tests.factories.inspections import make_station
from tests.factories.people import make_user
from tests.factories.registry import make_model, make_version


def make_report(
    *, registered_model: RegisteredModel | None = None, version: ModelVersion | None = None, **fields: Any
) -> Report:
    """94 % over November, signed by lena; only the row: `labeling.reports.issue_report` measures."""
    version = version or make_version(registered_model=registered_model)
    model = version.registered_model
    last = model.reports.order_by("-number").first()
    plain = frozen(_content(version))
    fields = {
        "number": last.number + 1 if last else 1, "kind": "period", "model_version": version,
        "label_set": model.label_set, "first_day": date(2026, 11, 1), "last_day": date(2026, 11, 30), "content": plain,
        "sha256": content_hash(plain), "signed_by": make_user("lena"), "signed_at": NOW, **fields,
    }  # fmt: skip
    return Report.objects.create(registered_model=model, **fields)


def _content(version: ModelVersion) -> Content:
    model = version.registered_model
    figure = Figure(
        key="accuracy", name="Accuracy", value=0.94, low=0.92, high=0.96, bound=0.925, n=400, n_found=24, of=8000,
        method="ht_mover_gamma_mid_p",
    )  # fmt: skip
    label_set = {"id": model.label_set_id, "slug": model.label_set.slug, "version": model.label_set.version}
    return Content(
        kind="period", model={"slug": model.slug, "name": model.name},
        version={"id": version.pk, "number": version.number, "name": version.external_name}, label_set=label_set,
        window={"words": "2026-11-01 to 2026-11-30", "first": "2026-11-01", "last": "2026-11-30"},
        code_version="report-1", designs=[], evaluations=[], facts=[("Parts", "8,000")], figures=[figure],
        can=["24 errors in 400."], cannot=["10 ppm cannot be shown."], truth=[("scratch", "ok", 24), ("ok", "ok", 376)],
    )  # fmt: skip


def make_addendum(*, report: Report | None = None, **fields: Any) -> ReportAddendum:
    report = report or make_report()
    fields = {"message": "3 labels were overturned.", "content": {"overturned": 3}, "noted_at": NOW, **fields}
    return ReportAddendum.objects.create(report=report, **{"number": report.addenda.count() + 1, **fields})


def make_audit(*, registered_model: RegisteredModel | None = None, **fields: Any) -> Audit:
    """The record alone, of a file of 100 parts; `labeling.audit.opening.open_audit` draws."""
    model = registered_model or make_model()
    number = (model.designs.order_by("-number").values_list("number", flat=True).first() or 0) + 1
    design = SamplingDesign.objects.create(
        registered_model=model, number=number, budget=0.3, audit_share=1.0, is_active=False
    )  # fmt: skip
    defaults = {
        "station": make_station(), "design": design, "file_name": "said.csv", "fingerprint": sha256(next_number()),
        "n_population": 100, "n_drawn": 30, "created_at": NOW,
    }  # fmt: skip
    return Audit.objects.create(registered_model=model, **{**defaults, **fields})
