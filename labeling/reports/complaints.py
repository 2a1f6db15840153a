"""What came back of the passed parts of a version: counted beside the measurement and never mixed into it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from django.db.models import Count, Q

from labeling.models import DispositionRecord, Outcome
from labeling.windows import Window
from models_registry.estimation.counts import Measured
from models_registry.models import ModelVersion
from models_registry.reporting import wording


@dataclass(frozen=True, slots=True)
class Complaints:
    """``least`` and ``most``: escapes among the passed that the measurement allows, as counts; None: not measured."""

    n: int
    by_origin: dict[str, int]
    n_passed: int
    least: float | None
    most: float | None

    def as_json(self) -> dict[str, Any]:
        return {**asdict(self), "words": self.words()}

    def words(self) -> str:
        return wording.complaints_fit(
            n_complaints=self.n, most_escapes=self.most, least_escapes=self.least, passed=self.n_passed
        )


def complaints_of(version: ModelVersion, window: Window, *, n_passed: int, escapes: Measured) -> Complaints:
    """Parts of the window that the version judged, that passed, and of which the last word from elsewhere is a defect.

    ``escapes``: the measured share of defects among the passed.
    """
    came = (
        Outcome.objects.current()
        .filter(
            registered_model=version.registered_model_id, label__is_defect=True, inspection__withdrawn_at__isnull=True,
            inspection__day__gte=window.first, inspection__day__lte=window.last,
            inspection__predictions__model_version=version,
        )
        .annotate(happened=DispositionRecord.objects.what_happened("inspection"))
        .filter(Q(happened="pass"))
    )  # fmt: skip
    by_origin = dict(came.order_by("origin").values_list("origin").annotate(n=Count("pk")))
    limits = (None, None) if escapes.low is None or escapes.high is None else (escapes.low, escapes.high)
    least, most = (None if one is None else one * n_passed for one in limits)
    return Complaints(sum(by_origin.values()), by_origin, n_passed, least, most)
