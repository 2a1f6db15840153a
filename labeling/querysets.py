"""Reads of the labeling side, as QuerySet methods."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Self

from django.db.models import Case, Exists, OuterRef, Q, QuerySet, Subquery, When
from django.db.models.functions import Coalesce

if TYPE_CHECKING:
    from django.contrib.auth.models import User

    from labeling.models import (  # noqa: F401 - in quotes below
        DispositionRecord,
        GroundTruth,
        Inspection,
        Outcome,
        Prediction,
        Review,
        Verdict,
    )
    from models_registry.models import ModelVersion, RegisteredModel


class InspectionQuerySet(QuerySet["Inspection"]):
    def received_between(self, start: datetime, end: datetime) -> Self:
        return self.filter(received_at__gte=start, received_at__lt=end)

    def measured(self) -> Self:
        """What the estimates read: production that was not withdrawn (the demo counts as its own production)."""
        return self.filter(withdrawn_at__isnull=True, purpose__in=["production", "demo"])


class DispositionQuerySet(QuerySet["DispositionRecord"]):
    def standing(self) -> Self:
        return self.filter(revoked_at__isnull=True)

    def what_happened(self, inspection: str) -> Subquery:
        """What was really done with the part: what the line reported last, else what it was told last.

        ``inspection`` names the outer query's inspection: ``"pk"``, ``"inspection"``. NULL where nothing is known.
        """
        reported_first = Case(When(origin="reported", then=0), default=1)
        rows = self.standing().filter(inspection=OuterRef(inspection))
        return Subquery(
            rows.order_by(reported_first, Coalesce("done_at", "created_at").desc(), "-pk").values("disposition")[:1]
        )


class PredictionQuerySet(QuerySet["Prediction"]):
    def of_version(self, version: ModelVersion, *, start: datetime, end: datetime) -> Self:
        return self.filter(model_version=version, predicted_at__gte=start, predicted_at__lt=end)


class ReviewQuerySet(QuerySet["Review"]):
    def open(self) -> Self:
        return self.filter(status="open")

    def free(self, *, now: datetime) -> Self:
        """Open and held by nobody: an expired claim is no claim."""
        return self.open().filter(Q(claimed_by__isnull=True) | Q(claim_expires_at__lte=now))

    def held_by(self, user: User, *, now: datetime) -> Self:
        return self.open().filter(claimed_by=user, claim_expires_at__gt=now)


class VerdictQuerySet(QuerySet["Verdict"]):
    def current(self) -> Self:
        """The last word of each person in each phase; nothing where it was taken back."""
        return self.filter(superseded_by__isnull=True).exclude(kind="withdrawn")

    def counting(self) -> Self:
        """What ground truth is made from: a revision after the prediction was revealed is read by no estimate."""
        return self.current().exclude(phase="revealed")


class GroundTruthQuerySet(QuerySet["GroundTruth"]):
    def told(self) -> Self:
        """Without what was settled of a part that waits and is not out yet: it may be taken back unseen."""
        return self.exclude(inspection__reviews__release_at__isnull=False)

    def learnable(self) -> Self:
        """What trains, of whatever model."""
        return self.filter(outcome="label", inspection__withdrawn_at__isnull=True)

    def trainable(self, registered_model: RegisteredModel) -> Self:
        return self.learnable().filter(registered_model=registered_model)

    def new_for_training(self, registered_model: RegisteredModel) -> Self:
        """Labels that no dataset of a successful run holds."""
        return self.trainable(registered_model).filter(
            Q(frozen_in__isnull=True) | ~Q(frozen_in__runs__status="succeeded")
        )


class OutcomeQuerySet(QuerySet["Outcome"]):
    def current(self) -> Self:
        """The last word from elsewhere on each inspection: the newest observation, of two the later one received."""
        newer = self.model._default_manager.filter(
            Q(observed_at__gt=OuterRef("observed_at")) | Q(observed_at=OuterRef("observed_at"), pk__gt=OuterRef("pk")),
            registered_model=OuterRef("registered_model"),
            inspection=OuterRef("inspection"),
        )
        return self.filter(inspection__isnull=False).exclude(Exists(newer))

    def learnable(self) -> Self:
        """What trains: of parts that no person has judged and that are not held out, since it must never measure."""
        judged = self.model._meta.get_field("inspection").related_model._default_manager.filter(
            pk=OuterRef("inspection"), ground_truths__registered_model=OuterRef("registered_model")
        )
        return (
            self.current()
            .filter(inspection__withdrawn_at__isnull=True, inspection__partition="train")
            .exclude(Exists(judged))
        )

    def trainable(self, registered_model: RegisteredModel) -> Self:
        return self.learnable().filter(registered_model=registered_model)

    def new_for_training(self, registered_model: RegisteredModel) -> Self:
        """Outcomes that no dataset of a successful run holds."""
        return self.trainable(registered_model).filter(
            Q(frozen_in__isnull=True) | ~Q(frozen_in__runs__status="succeeded")
        )
