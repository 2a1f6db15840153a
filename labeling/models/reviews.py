"""A review: a request that a person looks. May exist without a prediction."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from labeling.models.inspections import Inspection
from labeling.models.places import Source, Station
from labeling.models.predictions import Prediction
from labeling.querysets import ReviewQuerySet
from models_registry.models import Label, RegisteredModel
from models_registry.models.labels import Disposition

# free to be handed out, and looked at by nobody yet: the same words stand in `labeling/claiming.py`
FREE = Q(status="open", waits_for_image=False, claimed_by__isnull=True)
FRESH = FREE & Q(spoken=False) & ~Q(reason="adjudication")
IN_ORDER = {"drawn": ("priority", "deadline", "id"), "doubt": ("priority", "deadline", "-doubt", "id")}
# The first queue is left to those who ask for no other: the planner, who would walk it past what was not asked for,
# takes an index only where the question repeats its condition.
LANES: dict[str, tuple[tuple[str, ...], Q]] = {
    "model": ((), Q(priority__gte=0)),
    "station": (("station",), Q(station__isnull=False)),
    "source": (("source",), Q(source__isnull=False)),
    "shift": (("shift",), ~Q(shift="")),
    "label": (("shown_label",), Q(shown_label__isnull=False)),
}
COPIED: dict[str, Any] = {"null": True, "blank": True, "editable": False}
FRESH_QUEUES = [
    # read by claim(): one for each thing that may be asked for, in each order
    models.Index(fields=["registered_model", *key, *order], condition=FRESH & has, name=f"review_{lane}_by_{name}")
    for lane, (key, has) in LANES.items()
    for name, order in IN_ORDER.items()
]


class Review(models.Model):
    """open ──enough verdicts agree──> settled
      │ └────they differ, or nobody is sure──> escalated (a round for another person is opened)
      └──withdrawn──> cancelled
    A claim is a lease: it needs no sweeper, for an expired one is simply free again.
    What a blocking review means for its part is drawn in `labeling/dispositions.py`.
    """

    class Reason(models.TextChoices):
        DRAWN = "drawn", _("Drawn")
        CERTAINTY = "certainty", _("Always checked")
        FIRST_LABELS = "first_labels", _("Labels before a model")
        ADJUDICATION = "adjudication", _("Second opinion")
        MANUAL = "manual", _("Asked for by a person")

    class Mode(models.TextChoices):
        MEASURING = "measuring", _("Measuring")
        BLOCKING = "blocking", _("Blocking")

    class Status(models.TextChoices):
        OPEN = "open", _("Open")
        SETTLED = "settled", _("Settled")
        ESCALATED = "escalated", _("Escalated")
        CANCELLED = "cancelled", _("Cancelled")

    # no index of its own: the unique one below begins with it
    inspection = models.ForeignKey(Inspection, on_delete=models.PROTECT, related_name="reviews", db_index=False)
    registered_model = models.ForeignKey(RegisteredModel, on_delete=models.PROTECT, related_name="reviews")
    round = models.PositiveSmallIntegerField(default=1)
    reason = models.CharField(max_length=16, choices=Reason)
    mode = models.CharField(max_length=16, choices=Mode, default=Mode.MEASURING)
    prediction = models.ForeignKey(Prediction, on_delete=models.PROTECT, null=True, blank=True, related_name="reviews")
    blind = models.BooleanField(default=True, help_text=_("The prediction is not shown before the verdict"))
    priority = models.PositiveSmallIntegerField(default=5, help_text=_("0 first"))
    deadline = models.DateTimeField(null=True, blank=True)
    default_disposition = models.CharField(max_length=8, choices=Disposition, blank=True)
    status = models.CharField(max_length=16, choices=Status, default=Status.OPEN)
    waits_for_image = models.BooleanField(
        default=False, db_default=False, help_text=_("Handed out once the image is there")
    )
    claimed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="claimed_reviews",
        db_index=False,
    )  # `review_held` is its index
    claim_expires_at = models.DateTimeField(null=True, blank=True)
    # Where it stands in which queue: copied by a trigger when the review is written (migration 0020), from rows that
    # do not change, so that a claim reads one index. No foreign keys in the database: their originals have them.
    station = models.ForeignKey(
        Station, on_delete=models.DO_NOTHING, related_name="+", db_constraint=False, db_index=False, **COPIED
    )
    source = models.ForeignKey(
        Source, on_delete=models.DO_NOTHING, related_name="+", db_constraint=False, db_index=False, **COPIED
    )
    shift = models.CharField(max_length=40, blank=True, default="", db_default="", editable=False)
    shown_label = models.ForeignKey(
        Label, on_delete=models.DO_NOTHING, related_name="+", db_constraint=False, db_index=False, **COPIED
    )  # what the model said, where people see it: a blind review is in no queue of a class
    doubt = models.FloatField(**COPIED)  # of the model, where people see what it said
    spoken = models.BooleanField(default=False, db_default=False, editable=False)  # somebody has: it asks for another
    created_at = models.DateTimeField()
    settled_at = models.DateTimeField(null=True, blank=True)
    release_at = models.DateTimeField(
        null=True,
        blank=True,
        help_text=_("When the disposition of a settled blocking review goes out; empty once it is"),
    )

    objects = ReviewQuerySet.as_manager()

    class Meta:
        ordering = ("-pk",)
        constraints = [
            models.UniqueConstraint(fields=["inspection", "registered_model", "round"], name="review_round_unique"),
            models.CheckConstraint(
                condition=Q(claimed_by__isnull=True, claim_expires_at__isnull=True)
                | Q(claimed_by__isnull=False, claim_expires_at__isnull=False),
                name="review_claim_both_or_neither",
            ),
            models.CheckConstraint(
                condition=Q(status="open") | Q(claimed_by__isnull=True), name="review_closed_is_free"
            ),
            models.CheckConstraint(
                condition=Q(mode="measuring") | Q(mode="blocking", deadline__isnull=False) & ~Q(default_disposition=""),
                name="review_blocking_has_deadline_and_default",
            ),
            models.CheckConstraint(
                condition=Q(status="settled", settled_at__isnull=False)
                | (~Q(status="settled") & Q(settled_at__isnull=True)),
                name="review_settled_at_iff_settled",
            ),
            models.CheckConstraint(
                condition=Q(reason__in=["drawn", "certainty", "first_labels", "adjudication", "manual"]),
                name="review_reason_known",
            ),
            models.CheckConstraint(condition=Q(mode__in=["measuring", "blocking"]), name="review_mode_known"),
            models.CheckConstraint(
                condition=Q(status__in=["open", "settled", "escalated", "cancelled"]), name="review_status_known"
            ),
            models.CheckConstraint(
                condition=Q(default_disposition__in=["", "pass", "reject", "hold"]), name="review_default_known"
            ),
            models.CheckConstraint(condition=Q(round__gte=1), name="review_round_from_1"),
            models.CheckConstraint(
                condition=Q(release_at__isnull=True) | Q(status="settled", mode="blocking"),
                name="review_release_of_a_settled_blocking_one",
            ),
        ]
        indexes = [
            # read by count_open() and lists: what is open of a model
            models.Index(
                fields=["registered_model", "waits_for_image", "priority", "id"],
                condition=Q(status="open"),
                name="review_open_queue",
            ),
            # read by claim(): what this person already holds
            models.Index(fields=["claimed_by"], condition=Q(claimed_by__isnull=False), name="review_held"),
            # read by claim(): whose lease ran out first
            models.Index(
                fields=["registered_model", "claim_expires_at"],
                condition=Q(status="open", claimed_by__isnull=False),
                name="review_leased",
            ),
            # read by claim(): first looks that somebody has had, free for another
            models.Index(
                fields=["registered_model", "priority", "deadline", "id"],
                condition=FREE & Q(spoken=True) & ~Q(reason="adjudication"),
                name="review_queue_again",
            ),
            # read by claim(): second opinions
            models.Index(
                fields=["registered_model", "priority", "deadline", "id"],
                condition=FREE & Q(reason="adjudication"),
                name="review_queue_second",
            ),
            *FRESH_QUEUES,
            # read by dispositions.release_due(): what was settled and goes out next
            models.Index(fields=["release_at"], condition=Q(release_at__isnull=False), name="review_release_due"),
            # read by dispositions.release_due(): parts that still wait, by their deadline
            models.Index(
                fields=["deadline"],
                condition=Q(mode="blocking", status__in=["open", "escalated"]),
                name="review_deadline_due",
            ),
        ]

    def __str__(self) -> str:
        return f"Review of {self.inspection}"


class ReviewPolicy(models.Model):
    registered_model = models.OneToOneField(RegisteredModel, on_delete=models.CASCADE, related_name="review_policy")
    votes_needed = models.PositiveSmallIntegerField(default=1, validators=[MinValueValidator(1), MaxValueValidator(9)])
    lease_seconds = models.PositiveIntegerField(
        default=300, validators=[MinValueValidator(10), MaxValueValidator(86_400)]
    )
    min_view_ms = models.PositiveIntegerField(default=250, validators=[MaxValueValidator(10_000)])
    undo_minutes = models.PositiveIntegerField(default=60)
    blind_share = models.FloatField(
        default=0.2, help_text=_("Share of the others that is judged without the prediction; audit draws always are")
    )
    allow_suggestion = models.BooleanField(default=True, help_text=_("Enter takes the suggested label"))
    reveal = models.BooleanField(
        default=True,
        db_default=True,
        help_text=_("After a blind verdict the prediction is shown where it differs; the first word counts"),
    )
    needs_image = models.BooleanField(
        default=True,
        db_default=True,
        help_text=_("A review waits until its image is there; off: people see the part itself, or only its data"),
    )
    blocking_minutes = models.PositiveIntegerField(default=10, validators=[MinValueValidator(1)])
    blocking_default = models.CharField(
        max_length=8,
        choices=Disposition,
        default=Disposition.HOLD,
        help_text=_("What goes out when nobody has looked in time. Pass carries the name of who set it."),
    )
    default_pass_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, editable=False, related_name="+"
    )
    default_pass_at = models.DateTimeField(null=True, blank=True, editable=False)
    release_seconds = models.PositiveSmallIntegerField(
        default=2,
        validators=[MaxValueValidator(600)],
        help_text=_("How long a settled disposition of a waiting part can be taken back before it goes out"),
    )
    measuring_days = models.PositiveSmallIntegerField(
        default=14,
        db_default=14,
        validators=[MinValueValidator(1), MaxValueValidator(365)],
        help_text=_("Days after which the monitors go on without a verdict on a drawn part"),
    )
    max_open = models.PositiveIntegerField(
        null=True,
        blank=True,
        validators=[MinValueValidator(1)],
        help_text=_("With more reviews open than this, chance draws less, down to an eighth; empty: no limit"),
    )
    buffer = models.PositiveSmallIntegerField(
        default=4,
        db_default=4,
        validators=[MinValueValidator(1), MaxValueValidator(16)],
        help_text=_("Parts that a station holds ready after the one on screen"),
    )
    needs_qualification = models.BooleanField(
        default=False,
        db_default=False,
        help_text=_("Parts are handed only to people with a qualification that is valid on the day"),
    )
    metadata_shown = models.JSONField(
        default=list, blank=True, help_text=_("Names of metadata that inspectors may see")
    )
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        verbose_name_plural = "review policies"
        constraints = [
            models.CheckConstraint(
                condition=Q(votes_needed__gte=1, votes_needed__lte=9), name="reviewpolicy_votes_range"
            ),
            models.CheckConstraint(
                condition=Q(lease_seconds__gte=10, lease_seconds__lte=86_400), name="reviewpolicy_lease_range"
            ),
            models.CheckConstraint(
                condition=Q(blind_share__gte=0, blind_share__lte=1), name="reviewpolicy_blind_range"
            ),
            models.CheckConstraint(condition=Q(min_view_ms__lte=10_000), name="reviewpolicy_min_view_range"),
            models.CheckConstraint(condition=Q(blocking_minutes__gte=1), name="reviewpolicy_blocking_from_1"),
            models.CheckConstraint(
                condition=Q(blocking_default__in=["pass", "reject", "hold"]), name="reviewpolicy_default_known"
            ),
            models.CheckConstraint(
                condition=Q(blocking_default="pass", default_pass_by__isnull=False, default_pass_at__isnull=False)
                | (~Q(blocking_default="pass") & Q(default_pass_by__isnull=True, default_pass_at__isnull=True)),
                name="reviewpolicy_pass_was_set_by_somebody",
            ),
            models.CheckConstraint(condition=Q(release_seconds__lte=600), name="reviewpolicy_release_range"),
            models.CheckConstraint(
                condition=Q(measuring_days__gte=1, measuring_days__lte=365), name="reviewpolicy_measuring_range"
            ),
            models.CheckConstraint(condition=Q(buffer__gte=1, buffer__lte=16), name="reviewpolicy_buffer_range"),
            models.CheckConstraint(
                condition=Q(max_open__isnull=True) | Q(max_open__gte=1), name="reviewpolicy_max_open_from_1"
            ),
        ]

    def __str__(self) -> str:
        return f"Review of {self.registered_model}"
