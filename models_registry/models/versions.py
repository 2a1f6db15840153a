"""Registered models and their versions, in the words of MLflow."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from models_registry.models.labels import LabelSet
from models_registry.querysets import ModelVersionQuerySet


class RegisteredModel(models.Model):
    class Kind(models.TextChoices):
        CLASSIFICATION = "classification", _("Classification")
        DETECTION = "detection", _("Detection")

    slug = models.SlugField(max_length=80, unique=True)
    name = models.CharField(max_length=120)
    kind = models.CharField(max_length=16, choices=Kind, default=Kind.CLASSIFICATION)
    label_set = models.ForeignKey(LabelSet, on_delete=models.PROTECT, related_name="registered_models")
    description = models.TextField(blank=True)
    trainer = models.CharField(
        max_length=40, default="builtin", help_text=_("builtin, or the name of one that the operator declared")
    )
    target_accuracy = models.FloatField(null=True, blank=True, help_text=_("0.96 means 96 %"))
    is_active = models.BooleanField(default=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("name", "pk")
        permissions = [
            ("review_registeredmodel", "Can judge images of a model"),
            ("adjudicate_registeredmodel", "Can settle disagreements of a model"),
            ("ingest_registeredmodel", "Can send predictions of a model"),
            ("retrain_registeredmodel", "Can ask for a run of a model, within its policy"),
            ("decide_registeredmodel", "Can retrain, approve and refuse versions of a model"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(kind__in=["classification", "detection"]), name="registeredmodel_kind_known"
            ),
            models.CheckConstraint(
                condition=Q(target_accuracy__isnull=True) | Q(target_accuracy__gt=0, target_accuracy__lt=1),
                name="registeredmodel_target_between_0_and_1",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("model", args=[self.slug])


class ModelVersion(models.Model):
    """One version of a model. ``stage`` is our decision about it; what the line sends is *observed*.

    candidate ──promote──> champion ──another is promoted──> retired ──roll back──> champion
        └─────refuse─────> rejected
    observed: arrived with predictions, nobody registered it; never served by us.
    """

    class Origin(models.TextChoices):
        TRAINED = "trained", _("Trained here")
        EXTERNAL = "external", _("Trained elsewhere")
        OBSERVED = "observed", _("Observed, not registered")

    class ScoreKind(models.TextChoices):
        PROBABILITIES = "probabilities", _("Probabilities that sum to 1")
        INDEPENDENT = "independent", _("Independent scores between 0 and 1")
        ANOMALY = "anomaly", _("One anomaly score, any range")
        DECISION_ONLY = "decision_only", _("A label without scores")

    class Stage(models.TextChoices):
        CANDIDATE = "candidate", _("Candidate")
        CHAMPION = "champion", _("Champion")
        RETIRED = "retired", _("Retired")
        REJECTED = "rejected", _("Refused")
        OBSERVED = "observed", _("Observed")

    registered_model = models.ForeignKey(RegisteredModel, on_delete=models.PROTECT, related_name="versions")
    number = models.PositiveIntegerField()
    external_name = models.CharField(max_length=120, blank=True, help_text=_("What the sending system calls it"))
    origin = models.CharField(max_length=16, choices=Origin)
    score_kind = models.CharField(max_length=16, choices=ScoreKind, default=ScoreKind.PROBABILITIES)
    stage = models.CharField(max_length=16, choices=Stage, default=Stage.CANDIDATE)
    training_run = models.OneToOneField(
        "models_registry.TrainingRun", on_delete=models.PROTECT, null=True, blank=True, related_name="version"
    )
    artifact = models.CharField(max_length=200, blank=True, help_text=_("Key in the file store"))
    artifact_sha256 = models.CharField(max_length=64, blank=True)
    metrics = models.JSONField(default=dict, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = ModelVersionQuerySet.as_manager()

    class Meta:
        ordering = ("registered_model", "-number")
        constraints = [
            models.UniqueConstraint(fields=["registered_model", "number"], name="modelversion_number_unique"),
            models.UniqueConstraint(
                fields=["registered_model", "external_name"],
                condition=~Q(external_name=""),
                name="modelversion_external_name_unique",
            ),
            models.UniqueConstraint(
                fields=["registered_model"], condition=Q(stage="champion"), name="modelversion_one_champion"
            ),
            models.CheckConstraint(condition=Q(number__gte=1), name="modelversion_number_from_1"),
            models.CheckConstraint(
                condition=Q(artifact="", artifact_sha256="")
                | (~Q(artifact="") & Q(artifact_sha256__regex=r"^[0-9a-f]{64}$")),
                name="modelversion_artifact_and_hash",
            ),
            models.CheckConstraint(
                condition=Q(origin__in=["trained", "external", "observed"]), name="modelversion_origin_known"
            ),
            models.CheckConstraint(
                condition=Q(score_kind__in=["probabilities", "independent", "anomaly", "decision_only"]),
                name="modelversion_score_kind_known",
            ),
            models.CheckConstraint(
                condition=Q(stage__in=["candidate", "champion", "retired", "rejected", "observed"]),
                name="modelversion_stage_known",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.registered_model.name} v{self.number}"

    @property
    def short_name(self) -> str:
        return f"v{self.number}"

    def keeps_model_of(self, other: ModelVersion | None) -> bool:
        """Whether it is the other version with nothing but its confidence fitted anew."""
        run = self.training_run
        return other is not None and run is not None and run.recalibrates_id == other.pk
