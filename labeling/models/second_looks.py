"""What came of a review beside its verdicts: that a prediction was shown after all, and that a truth was challenged."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from labeling.models.reviews import Review


class Reveal(models.Model):
    """From this moment on the person knew what the model had said of the part of a blind review. Append-only."""

    review = models.ForeignKey(Review, on_delete=models.PROTECT, related_name="reveals", db_index=False)
    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    was_decided = models.BooleanField(help_text=_("The person had said before what the part is"))
    shown_at = models.DateTimeField()

    class Meta:
        ordering = ("-pk",)
        constraints = [
            # its index is read by every verdict on a blind review: what the person knew
            models.UniqueConstraint(fields=["review", "person"], name="reveal_once_for_a_person"),
        ]

    def __str__(self) -> str:
        return f"{self.review}, {self.person}"


class Challenge(models.Model):
    """Somebody doubts a settled truth; the round that was opened for it decides. Append-only."""

    review = models.ForeignKey(
        Review,
        on_delete=models.PROTECT,
        related_name="challenges",
        db_index=False,
        help_text=_("The round that decides"),
    )
    challenged_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    reason = models.TextField()
    created_at = models.DateTimeField()

    class Meta:
        ordering = ("-pk",)
        constraints = [
            models.UniqueConstraint(fields=["review", "challenged_by"], name="challenge_once_for_a_person"),
            models.CheckConstraint(condition=~Q(reason=""), name="challenge_says_why"),
        ]

    def __str__(self) -> str:
        return f"{self.review}: {self.reason[:60]}"
