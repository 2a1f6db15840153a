"""How far an audit is: what was drawn, what is settled, what waits and for whom."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import F, FilteredRelation, Q

from labeling.models import Audit, GroundTruth, Review, Selection


@dataclass(frozen=True, slots=True)
class Standing:
    """Counts of the drawn parts. ``n_second``: wait for a second opinion of somebody else."""

    n_drawn: int
    n_judged: int
    n_bad: int
    n_second: int

    @property
    def n_settled(self) -> int:
        return self.n_judged + self.n_bad

    @property
    def n_open(self) -> int:
        return self.n_drawn - self.n_settled

    @property
    def is_done(self) -> bool:
        return self.n_open == 0

    def words(self) -> str:
        """``212 of 300 judged, 3 of them not judgeable; 2 wait for a second opinion``."""
        bad = f", {self.n_bad} of them not judgeable" if self.n_bad else ""
        second = f"; {self.n_second} wait for a second opinion" if self.n_second else ""
        return f"{self.n_settled} of {self.n_drawn} judged{bad}{second}"


@dataclass(frozen=True, slots=True)
class Look:
    """A drawn part: what the model said of it (empty: there was none) and what it turned out to be (None: open)."""

    predicted: str
    outcome: str | None
    true: str | None


def standing_of(audit: Audit) -> Standing:
    looks = looks_of(audit)
    escalated = Review.objects.filter(
        registered_model=audit.registered_model_id, inspection__station=audit.station_id, status=Review.Status.OPEN,
        reason=Review.Reason.ADJUDICATION,
    )  # fmt: skip
    return Standing(
        n_drawn=len(looks),
        n_judged=sum(one.outcome == GroundTruth.Outcome.LABEL for one in looks),
        n_bad=sum(one.outcome == GroundTruth.Outcome.BAD_IMAGE for one in looks),
        n_second=escalated.count(),
    )


def looks_of(audit: Audit) -> list[Look]:
    """The drawn parts that were not withdrawn, in the order of the draw."""
    rows = (
        Selection.objects.filter(design=audit.design_id, drawn=True, inspection__withdrawn_at__isnull=True)
        .annotate(
            truth=FilteredRelation(
                "inspection__ground_truths",
                condition=Q(inspection__ground_truths__registered_model=audit.registered_model_id),
            ),
            said=FilteredRelation(
                "inspection__predictions", condition=Q(inspection__predictions__model_version=audit.model_version_id)
            ),
        )
        .order_by("u")
        .values_list(F("said__label__slug"), F("truth__outcome"), F("truth__label__slug"))
    )
    return [Look(predicted or "", outcome, true) for predicted, outcome, true in rows]
