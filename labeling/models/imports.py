"""Imports of labels that were given elsewhere: the row comes first, its counts move while a worker is at it."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from labeling.models.places import Source
from models_registry.models import RegisteredModel


class Import(models.Model):
    """One file, archive or folder on its way into the tables of a model.

    queued ──claimed──> running ──> done    (the report says what was new, known, in conflict, refused)
      ^                    │ └────> failed  (the outcome says what and what to do; rows before it stay)
      └──slice over, or worker lost: swept
    ``claim`` is a fencing token: a worker that lost its import cannot write a batch any more. ``n_done`` is written in
    the transaction of each batch, so the next worker goes on exactly there.
    """

    class Format(models.TextChoices):
        FOLDERS = "folders", _("Folders of images")
        CSV = "csv", "CSV"
        JSONL = "jsonl", _("JSON lines")
        COCO = "coco", "COCO"
        YOLO = "yolo", "YOLO"
        LABEL_STUDIO = "label-studio", "Label Studio"
        CVAT = "cvat", "CVAT"

    class Status(models.TextChoices):
        QUEUED = "queued", _("Queued")
        RUNNING = "running", _("Running")
        DONE = "done", _("Done")
        FAILED = "failed", _("Failed")

    registered_model = models.ForeignKey(RegisteredModel, on_delete=models.PROTECT, related_name="imports")
    source = models.ForeignKey(Source, on_delete=models.PROTECT, related_name="imports")
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    format = models.CharField(max_length=16, choices=Format)
    file_name = models.CharField(max_length=300, help_text=_("What the sender calls it"))
    upload = models.CharField(max_length=200, blank=True, help_text=_("Key in the file store, until it is done"))
    path = models.CharField(max_length=1000, blank=True, help_text=_("File or folder on the server"))
    dry_run = models.BooleanField(default=False, help_text=_("Reports and writes nothing"))
    create_labels = models.BooleanField(default=False)
    ok_label = models.CharField(
        _("label of unmarked images"), max_length=80, blank=True, help_text=_("What an image without a mark is")
    )
    status = models.CharField(max_length=8, choices=Status, default=Status.QUEUED)
    outcome = models.TextField(blank=True, help_text=_("What came of it, in one sentence"))
    n_total = models.PositiveIntegerField(_("rows"), null=True, blank=True)
    n_done = models.PositiveIntegerField(_("read"), default=0)
    n_new = models.PositiveIntegerField(_("new"), default=0)
    n_known = models.PositiveIntegerField(_("known already"), default=0)
    n_conflicts = models.PositiveIntegerField(_("in conflict"), default=0)
    n_refused = models.PositiveIntegerField(_("refused"), default=0)
    problems = models.JSONField(default=list, blank=True, help_text=_("The first of them, with file, row and field"))
    claim = models.UUIDField(null=True, blank=True)
    n_attempts = models.PositiveIntegerField(_("workers that tried"), default=0)
    queued_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True, blank=True)
    heartbeat_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("-pk",)
        constraints = [
            models.CheckConstraint(
                condition=Q(status__in=["queued", "running", "done", "failed"]), name="import_status_known"
            ),
            models.CheckConstraint(
                condition=Q(format__in=["folders", "csv", "jsonl", "coco", "yolo", "label-studio", "cvat"]),
                name="import_format_known",
            ),
            models.CheckConstraint(condition=Q(upload="") | Q(path=""), name="import_lies_in_one_place"),
            models.CheckConstraint(
                condition=Q(status__in=["done", "failed"], finished_at__isnull=False)
                | Q(status__in=["queued", "running"], finished_at__isnull=True),
                name="import_finished_at_iff_terminal",
            ),
            models.CheckConstraint(
                condition=~Q(status="running")
                | Q(claim__isnull=False, started_at__isnull=False, heartbeat_at__isnull=False),
                name="import_running_has_a_claim",
            ),
        ]
        indexes = [
            # read by the sweeper: imports that wait or whose worker went silent
            models.Index(fields=["heartbeat_at"], condition=Q(status__in=["queued", "running"]), name="import_active"),
        ]

    def __str__(self) -> str:
        return f"{self.file_name} into {self.registered_model}"
