"""A fleet with every state in it, for the pictures and the browser's tests of the expert pages."""

from __future__ import annotations

import math
from datetime import datetime, timedelta
from typing import Any

from django.contrib.auth.models import User
from django.utils import timezone

from models_registry.models import ModelVersion, RegisteredModel, TrainingRun
from tests import factories as make

LABELS = (
    ("ok", "OK", "1"),
    ("scratch", "Scratch", "2"),
    ("dent", "Dent", "3"),
    ("stain", "Stain", "4"),
    ("hole", "Hole", "5"),
)
CONFUSION = [
    ["ok", "ok", 14_020.0, 902], ["ok", "scratch", 310.0, 41], ["ok", "dent", 120.0, 17], ["ok", "stain", 95.0, 12],
    ["scratch", "scratch", 902.0, 151], ["scratch", "ok", 31.0, 9], ["scratch", "dent", 18.0, 4],
    ["dent", "dent", 402.0, 83], ["dent", "ok", 22.0, 8], ["dent", "scratch", 15.0, 5],
    ["stain", "stain", 205.0, 61], ["stain", "ok", 6.0, 3],
    ["hole", "hole", 96.0, 52], ["hole", "ok", 13.0, 8],
]  # fmt: skip


def make_lena() -> User:
    return make.make_user("lena", first_name="Lena", last_name="Moser", is_staff=True, is_superuser=True)


def make_fleet(*, now: datetime | None = None) -> dict[str, RegisteredModel]:
    """Nine models: alert, failed run, to decide, watch, training, new, bound only, and two that are steady."""
    now = now or timezone.now()
    fleet = Fleet(now)
    fleet.alert()
    fleet.failed()
    fleet.waits()
    fleet.watch()
    fleet.training()
    fleet.refused()
    fleet.new()
    fleet.bound()
    fleet.steady()
    return fleet.models


class Fleet:
    """Builds the models one by one, so that a reader sees what is special about each."""

    def __init__(self, now: datetime) -> None:
        self.now = now
        self.labels = make.make_label_set(name="Metal surface", labels=LABELS)
        self.site = make.make_site(slug="munich", name="Munich")
        self.models: dict[str, RegisteredModel] = {}

    def model(self, slug: str, name: str, line: int, **fields: Any) -> RegisteredModel:
        model = make.make_model(slug=slug, name=name, label_set=self.labels, **{"target_accuracy": 0.96, **fields})
        model.station = make.make_station(site=self.site, slug=f"line-{line}-{slug}", name=f"Line {line}")  # type: ignore[attr-defined]
        self.models[slug] = model
        return model

    def champion(self, model: RegisteredModel, number: int = 1) -> ModelVersion:
        version = make.make_version(registered_model=model, number=number)
        make.make_deployment(station=model.station, version=version)  # type: ignore[attr-defined]
        return version

    def measure(
        self, version: ModelVersion, value: float, half: float, n: int, *, days: int = 12, **fields: Any
    ) -> None:
        """One estimate a day, wandering towards ``value``."""
        for day in range(days, -1, -1):
            level = min(value + 0.006 * math.sin(day * 1.3) + 0.0012 * day, 0.994)
            ends = {"ci_low": level - half * 1.1, "ci_high": min(level + half, 0.998)}
            make.make_evaluation(
                version=version,
                evaluated_at=self.now - timedelta(days=day),
                n=n - 11 * day,
                value=level,
                **ends,
                lower_bound=ends["ci_low"],
                naive_value=level - 0.055,
                response_rate=0.93,
                **fields,
            )

    def queue(self, model: RegisteredModel, n: int, *, oldest: timedelta, n_labels: int) -> None:
        for number in range(n):
            created = self.now - oldest * (1 - number / n)
            inspection = make.make_inspection(station=model.station, captured_at=created)  # type: ignore[attr-defined]
            make.make_selection(inspection=inspection, registered_model=model)
            make.make_review(registered_model=model, inspection=inspection)
        for _ in range(n_labels):
            make.make_ground_truth(
                registered_model=model,
                inspection=make.make_inspection(station=model.station, captured_at=self.now),  # type: ignore[attr-defined]
            )

    def alert(self) -> None:
        model = self.model(
            "flange", "Flange surface", 3, description="Machined flanges, seen from above after washing."
        )
        old = make.make_version(registered_model=model, number=13)
        self.measure(old, 0.962, 0.012, 900)
        for row in old.evaluations.all():
            row.__class__.objects.filter(pk=row.pk).update(evaluated_at=row.evaluated_at - timedelta(days=14))
        ModelVersion.objects.filter(pk=old.pk).update(stage="retired")
        run = make.make_run(
            registered_model=model, status="succeeded", queued_at=self.now - timedelta(days=14), number=27
        )
        champion = make.make_version(registered_model=model, number=14, origin="trained", training_run=run)
        make.make_deployment(station=model.station, version=champion)  # type: ignore[attr-defined]
        comparison = make.make_comparison(candidate=champion, champion=old, gain=0.008, ci_low=0.002, ci_high=0.014)
        lena = make_lena()
        make.make_promotion(
            version=champion,
            replaced=old,
            comparison=comparison,
            automatic=False,
            decided_by=lena,
            decided_at=self.now - timedelta(days=13, hours=6),
            reason="Better on scratches, dents unchanged.",
        )
        self.measure(champion, 0.934, 0.014, 1482, confusion=CONFUSION)
        self.queue(model, 21, oldest=timedelta(hours=3, minutes=5), n_labels=14)
        make.make_alert(
            registered_model=model,
            opened_at=self.now - timedelta(hours=2),
            message="Predictions arrive from version “2026-11-flange-hotfix”, which nobody registered.",
        )

    def failed(self) -> None:
        model = self.model("gasket", "Gasket rubber", 7, retraining={"min_new_labels": 20})
        self.measure(self.champion(model, 3), 0.971, 0.014, 402)
        self.queue(model, 9, oldest=timedelta(minutes=18), n_labels=6)
        reason = "The image of inspection 88102 is no longer in the store. Restore it or withdraw the inspection."
        run = make.make_run(
            registered_model=model, status="failed", outcome=reason, queued_at=self.now - timedelta(hours=1)
        )
        make.make_steps(run=run, n_done=3, failed=True)
        run.steps.filter(status="failed").update(detail=reason)
        make.make_alert(
            registered_model=model,
            kind="run_failed",
            message=f"Run {run.number} failed: {reason}",
            evidence={"run": run.pk},
            opened_at=self.now - timedelta(minutes=50),
        )

    def waits(self) -> None:
        model = self.model("bearing", "Bearing race", 2)
        champion = self.champion(model, 5)
        self.measure(champion, 0.968, 0.011, 986, confusion=CONFUSION)
        self.queue(model, 12, oldest=timedelta(minutes=100), n_labels=5)
        self.compared_run(model, champion, number=6)

    def compared_run(
        self, model: RegisteredModel, champion: ModelVersion, *, number: int, **fields: Any
    ) -> TrainingRun:
        """A run that brought a candidate, with its comparison and pictures of what it broke."""
        parent = make.make_dataset(
            registered_model=model, label_counts={"ok": 1867, "scratch": 654, "dent": 369, "stain": 195}
        )
        make.make_run(
            registered_model=model, dataset=parent, status="succeeded", queued_at=self.now - timedelta(days=9)
        )
        counts = {"ok": 1988, "scratch": 702, "dent": 391, "stain": 204, "hole": 127}
        data = make.make_dataset(
            registered_model=model, parent=parent, n_train=2208, n_holdout=1204, label_counts=counts
        )
        run = make.make_run(
            registered_model=model,
            dataset=data,
            status="succeeded",
            queued_at=self.now - timedelta(minutes=40),
            outcome=f"v{number} is a candidate: better, the policy asks a person.",
            **fields,
        )
        make.make_steps(run=run)
        candidate = make.make_version(registered_model=model, number=number, training_run=run, origin="trained")
        make.make_comparison(
            candidate=candidate,
            champion=champion,
            classes=CLASSES,
            guards=GUARDS,
            examples=[self.example(model, n) for n in range(14)],
        )
        return run

    def example(self, model: RegisteredModel, number: int) -> dict[str, Any]:
        picture = make.surface(seed=number)
        item = make.make_item(inspection=make.make_inspection(station=model.station), content=picture)  # type: ignore[attr-defined]
        broken = number < 7
        truth, wrong = [("stain", "scratch"), ("ok", "scratch"), ("scratch", "dent"), ("dent", "ok")][number % 4]
        said = (truth, wrong) if broken else (wrong, truth)
        return {
            "inspection": item.inspection_id, "part": item.inspection.part, "truth": truth, "champion": said[0],
            "candidate": said[1], "confidence": 0.93 - number / 50, "kind": "broken" if broken else "fixed",
            "item": str(item.public_id) if number != 5 else None,
        }  # fmt: skip

    def watch(self) -> None:
        model = self.model("weld", "Weld seam", 1)
        self.measure(self.champion(model, 8), 0.951, 0.018, 508)
        self.queue(model, 7, oldest=timedelta(minutes=31), n_labels=9)

    def training(self) -> None:
        model = self.model("solder", "PCB solder", 6)
        self.measure(self.champion(model, 22), 0.984, 0.006, 2210)
        self.queue(model, 4, oldest=timedelta(minutes=22), n_labels=3)
        run = make.make_run(
            registered_model=model,
            status="running",
            queued_at=self.now - timedelta(minutes=3),
            reason="212 new labels, 200 wanted.",
            heartbeat_at=self.now,
        )
        make.make_steps(run=run, n_done=3, progress=0.58)
        run.steps.filter(status="running").update(detail="Fold 3 of 5, best so far 95.6 %")

    def refused(self) -> None:
        model = self.model("label-print", "Label print", 9)
        champion = self.champion(model, 11)
        self.measure(champion, 0.985, 0.007, 1120)
        run = self.compared_run(model, champion, number=12)
        candidate = run.version
        ModelVersion.objects.filter(pk=candidate.pk).update(stage="rejected")
        candidate.comparisons.update(
            verdict="refuse",
            guards=[*GUARDS[:-1], {"name": "hole", "passed": False, "detail": "Its lower end is -5.1, -2.0 allowed."}],
            reason="Better overall, but holes may be worse by more than 2 points.",
        )
        make.make_promotion(
            version=candidate,
            action="refuse",
            reason="Holes may be worse by more than 2 points.",
            decided_at=self.now - timedelta(minutes=30),
        )
        self.queue(model, 0, oldest=timedelta(), n_labels=12)

    def new(self) -> None:
        model = self.model("glass", "Glass edge", 9, target_accuracy=None)
        for _ in range(5):
            inspection = make.make_inspection(station=model.station, captured_at=self.now - timedelta(minutes=62))  # type: ignore[attr-defined]
            make.make_review(registered_model=model, inspection=inspection, reason="first_labels")

    def bound(self) -> None:
        model = self.model("casting", "Casting pores", 5)
        version = self.champion(model)
        make.make_evaluation(
            version=version,
            n=41,
            n_found=1,
            value=0.976,
            ci_low=0.91,
            ci_high=0.99,
            lower_bound=0.921,
            bound_only=True,
            provisional=True,
            evaluated_at=self.now,
        )
        self.queue(model, 3, oldest=timedelta(minutes=12), n_labels=2)

    def steady(self) -> None:
        for number, (slug, name) in enumerate([("bracket", "Bracket stamping"), ("shaft", "Drive shaft grinding")]):
            model = self.model(slug, name, 10 + number)
            self.measure(self.champion(model, 4), 0.978, 0.008, 1204 - 300 * number, confusion=CONFUSION)
            self.queue(model, 2, oldest=timedelta(minutes=9), n_labels=8)


CLASSES = [
    {"label": "ok", "n": 688, "gain": 0.004, "ci_low": -0.003, "ci_high": 0.011},
    {"label": "scratch", "n": 241, "gain": 0.031, "ci_low": 0.008, "ci_high": 0.054},
    {"label": "dent", "n": 139, "gain": 0.009, "ci_low": -0.012, "ci_high": 0.03},
    {"label": "stain", "n": 92, "gain": 0.012, "ci_low": -0.009, "ci_high": 0.033},
    {"label": "hole", "n": 44, "gain": -0.024, "ci_low": -0.051, "ci_high": 0.003},
]
GUARDS = [
    {"name": "Enough images", "passed": True, "detail": "1,204 held-out images, 30 needed."},
    {"name": "Not worse", "passed": True, "detail": "The lower end of the gain is +0.3 points; the limit is -1.0."},
    {
        "name": "No class much worse",
        "passed": True,
        "detail": "Hole: -5.1 points at its lower end, -6.0 allowed.",
    },
]
