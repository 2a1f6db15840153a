"""Monitors: evidence that a version errs too often, kept up as inspections arrive and are judged."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from models_registry.models.versions import ModelVersion, RegisteredModel


class EscapeLimit(models.Model):
    """How many of all inspected parts may be defects that the model takes for good, before an alarm.

    By the class's slug and not its row, so that the limit outlasts a new version of the label set. Not a field of the
    label: a label in use is history, and a limit is changed more often than that.
    """

    registered_model = models.ForeignKey(RegisteredModel, on_delete=models.CASCADE, related_name="escape_limits")
    label = models.CharField(max_length=80, blank=True, help_text=_("Slug of a defect class; empty: all of them"))
    max_rate = models.FloatField(help_text=_("Share of all inspected parts: 0.0001 is 100 ppm"))

    class Meta:
        ordering = ("registered_model", "label")
        constraints = [
            models.UniqueConstraint(fields=["registered_model", "label"], name="escapelimit_one_per_class"),
            models.CheckConstraint(condition=Q(max_rate__gt=0, max_rate__lt=1), name="escapelimit_rate_range"),
        ]

    def __str__(self) -> str:
        return f"{self.registered_model}: {self.label or 'escapes'} at most {1e6 * self.max_rate:g} ppm"


class Monitor(models.Model):
    """One thing that is watched of one version. What leads from state to state: `models_registry.estimation.watching`.

    ``guard``: empty (any error), "escape" (a defect taken for good) or "escape:SLUG" (one defect class taken for good),
    each as a share of all inspections. ``p0`` is the limit and ``accepted`` what was known when the version was put to
    work, from which a sudden rise is measured; both are fixed when the monitor starts. A changed limit, or a new
    version, ends it and starts another. ``capital`` is what the processes hold; only the service reads it.
    """

    class State(models.TextChoices):
        OK = "ok", _("Nothing speaks for harm")
        WATCH = "watch", _("Watched")
        ALERT = "alert", _("Alert")
        CRITICAL = "critical", _("Critical")

    model_version = models.ForeignKey(ModelVersion, on_delete=models.PROTECT, related_name="monitors")
    guard = models.CharField(max_length=90, blank=True)
    p0 = models.FloatField(null=True, blank=True, help_text=_("Share of inspections that may not be passed"))
    accepted = models.FloatField(
        null=True, blank=True, help_text=_("Upper 90 % bound of what was accepted at the start")
    )
    floor_pi = models.FloatField(help_text=_("The smallest pi when it started: what the bets were chosen for"))
    run_length = models.FloatField(help_text=_("Inspections between two false alarms of the change detector, at least"))
    state = models.CharField(max_length=8, choices=State, default=State.OK)
    evidence = models.FloatField(default=1.0, help_text=_("To one"))
    max_evidence = models.FloatField(default=1.0)
    change_evidence = models.FloatField(null=True, blank=True)
    ci_low = models.FloatField(default=0.0, help_text=_("Of the rate, valid at any time"))
    ci_high = models.FloatField(default=1.0)
    n_fed = models.BigIntegerField(default=0, help_text=_("Inspections that arrived"))
    n_drawn = models.PositiveIntegerField(default=0)
    n_errors = models.PositiveIntegerField(default=0)
    n_unanswered = models.PositiveIntegerField(default=0, help_text=_("Drawn, and judged by nobody in time"))
    capital = models.JSONField()
    history = models.JSONField(default=list, blank=True, help_text=_("[time, inspections, evidence], thinned"))
    inputs_hash = models.CharField(max_length=64, blank=True, help_text=_("Of everything that was fed, in order"))
    started_at = models.DateTimeField()
    last_fed_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("-pk",)
        constraints = [
            models.UniqueConstraint(
                fields=["model_version", "guard"], condition=Q(ended_at__isnull=True), name="monitor_one_runs_per_guard"
            ),
            models.CheckConstraint(
                condition=Q(state__in=["ok", "watch", "alert", "critical"]), name="monitor_state_known"
            ),
            models.CheckConstraint(
                condition=Q(p0__isnull=False) | Q(accepted__isnull=False), name="monitor_has_something_to_watch"
            ),
            models.CheckConstraint(condition=Q(p0__isnull=True) | Q(p0__gt=0, p0__lt=1), name="monitor_p0_range"),
            models.CheckConstraint(
                condition=Q(accepted__isnull=True) | Q(accepted__gt=0, accepted__lt=1), name="monitor_accepted_range"
            ),
            models.CheckConstraint(condition=Q(floor_pi__gt=0, floor_pi__lte=1), name="monitor_floor_pi_range"),
            models.CheckConstraint(condition=Q(run_length__gte=1), name="monitor_run_length_from_1"),
            models.CheckConstraint(
                condition=Q(evidence__gte=0, max_evidence__gte=F("evidence")), name="monitor_evidence_below_its_peak"
            ),
            models.CheckConstraint(
                condition=Q(n_errors__gte=0, n_unanswered__gte=0)
                & Q(n_drawn__gte=F("n_errors") + F("n_unanswered"), n_fed__gte=F("n_drawn")),
                name="monitor_counts_in_order",
            ),
            models.CheckConstraint(
                condition=Q(ended_at__isnull=True) | Q(ended_at__gte=F("started_at")), name="monitor_ends_after_start"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.model_version}: {self.guard or 'errors'}, {self.evidence:.3g} to 1"


class MonitorTransition(models.Model):
    """A monitor went from one state to another, and on what evidence. Append-only."""

    monitor = models.ForeignKey(Monitor, on_delete=models.PROTECT, related_name="transitions")
    from_state = models.CharField(max_length=8, choices=Monitor.State)
    to_state = models.CharField(max_length=8, choices=Monitor.State)
    cause = models.CharField(max_length=12, help_text=_("limit, change or recovered"))
    at = models.DateTimeField()
    n_fed = models.BigIntegerField()
    evidence = models.FloatField()
    n_together = models.PositiveSmallIntegerField(
        help_text=_("Monitors that ran side by side: each needs so many times")
    )
    inputs_hash = models.CharField(max_length=64)

    class Meta:
        ordering = ("-pk",)
        constraints = [
            models.CheckConstraint(condition=~Q(from_state=F("to_state")), name="monitortransition_changes_something"),
            models.CheckConstraint(
                condition=Q(from_state__in=["ok", "watch", "alert", "critical"])
                & Q(to_state__in=["ok", "watch", "alert", "critical"]),
                name="monitortransition_states_known",
            ),
            models.CheckConstraint(
                condition=Q(cause__in=["limit", "change", "recovered"]), name="monitortransition_cause_known"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.monitor}: {self.from_state} → {self.to_state}"
