"""Facts that change over hours, reckoned model by model and kept in a row, so that decisions read them in one query.

Drift: the classes that the champion predicts, how sure it is, and what was measured of its cameras' images, in two
windows of seven days against its first 28. The fall of accuracy by the model's own word: the mean of its confidence
then and now (STATISTICS §5; it ranks no model and triggers nothing by itself). Calibration and agreement:
`models_registry.estimation.reliability`, `labeling.agreement`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

import numpy as np
from django.db.models import Count, Min, Sum

from labeling.agreement import MISSING, krippendorff_alpha
from labeling.arriving import confidences, images
from labeling.models import HourlyFacts, Tally, Verdict
from labeling.windows import Window, slice_cells, window_cells
from models_registry.drift import Comparison, compare_classes, compare_numbers, in_a_row
from models_registry.estimation.reliability import reliability
from models_registry.models import ModelVersion, RegisteredModel

EVERY = timedelta(hours=1)
AT_ONCE = 20  # models of one turn of the loop
DAYS, REFERENCE_DAYS, N_WINDOWS = 7, 28, 2
NAMED = 3  # of what has drifted, in a sentence
CALIBRATION_DAYS = 28
OVERLAP_DAYS, MOST_PARTS = 90, 2000


def due_hourly(models: Sequence[RegisteredModel], *, now: datetime) -> list[RegisteredModel]:
    """Whose facts are older than an hour, those without any first, the oldest next. At most `AT_ONCE`."""
    known = dict(HourlyFacts.objects.values_list("registered_model", "measured_at"))
    old = [one for one in models if one.pk not in known or now - known[one.pk] >= EVERY]
    return sorted(old, key=lambda one: (one.pk in known, known.get(one.pk, now), one.pk))[:AT_ONCE]


def reckon(registered_model: RegisteredModel, *, now: datetime) -> HourlyFacts:
    """Reckon the facts of a model anew."""
    champion = ModelVersion.objects.champion_of(registered_model)
    agreement, n_overlap = agreement_of(registered_model, now=now)
    found: dict[str, Any] = {"drift_windows": None, "drift_of": "", "own_word_fall": None, "ece": None, "ece_low": None}
    if champion is not None:
        found |= _drift(champion, now) | _calibration(champion, now)
    found |= {"agreement": agreement, "n_overlap": n_overlap, "measured_at": now}
    row, _ = HourlyFacts.objects.update_or_create(registered_model=registered_model, defaults=found)
    return row


@dataclass(slots=True)
class Arrived:
    """What arrived in a window: how often each class was predicted, and the model's own doubt about it, summed."""

    classes: defaultdict[int, int] = field(default_factory=lambda: defaultdict(int))
    doubt: float = 0.0

    @property
    def own_word(self) -> float | None:
        n = sum(self.classes.values())
        return 1 - self.doubt / n if n else None


def _drift(champion: ModelVersion, now: datetime) -> dict[str, Any]:
    tallies = Tally.objects.filter(model_version=champion, dimension="")
    first = tallies.aggregate(first=Min("day"))["first"]
    today = now.date()
    if first is None or first + timedelta(days=REFERENCE_DAYS) > today - timedelta(days=N_WINDOWS * DAYS):
        return {}
    windows = [Arrived() for _ in range(N_WINDOWS + 1)]  # the newest first, the reference last
    rows = tallies.order_by().values_list("day", "predicted").annotate(n=Sum("n_arrived"), doubt=Sum("g"))
    for day, predicted, n, doubt in rows:
        age = max((today - day).days, 0) // DAYS  # somewhere it is tomorrow already
        window = (
            windows[-1] if day < first + timedelta(days=REFERENCE_DAYS) else windows[age] if age < N_WINDOWS else None
        )
        if window is not None:
            window.classes[predicted] += n
            window.doubt += doubt
    then, present = windows[-1].own_word, windows[0].own_word
    fall = None if then is None or present is None else then - present
    return _in_a_row(champion, windows, first, today) | {"own_word_fall": fall}


def _in_a_row(champion: ModelVersion, windows: Sequence[Arrived], first: date, today: date) -> dict[str, Any]:
    """What has drifted in the newest windows one after the other, and in how many of them."""
    compared: list[dict[str, Comparison]] = [{} for _ in range(N_WINDOWS)]
    classes = sorted({one for window in windows for one in window.classes})
    counts = [np.array([window.classes[one] for one in classes], dtype=np.float64) for window in windows]
    for found, current in zip(compared, counts[:-1], strict=True):
        if (classed := compare_classes(counts[-1], current)) is not None:
            found["what it predicts"] = classed
    spans = [(today - timedelta(days=(n + 1) * DAYS - 1), DAYS) for n in range(N_WINDOWS)] + [(first, REFERENCE_DAYS)]
    for what, values in (confidences(champion, spans) | images(champion.registered_model_id, spans)).items():
        for found, numbers in zip(compared, values[:-1], strict=True):
            if (measured := compare_numbers(values[-1], numbers)) is not None:
                found[what] = measured
    row = in_a_row(compared)
    return {} if row is None else {"drift_windows": row.n, "drift_of": _listed(row.what)}


def _listed(what: Sequence[str]) -> str:
    """What a sentence names, and how many more."""
    named, more = list(what[:NAMED]), len(what) - NAMED
    return ", ".join(named) + (f" and {more} more" if more > 0 else "")


def _calibration(champion: ModelVersion, now: datetime) -> dict[str, Any]:
    window = Window.of_days(CALIBRATION_DAYS, now=now)
    _labels, tenths = slice_cells(champion, window, "confidence")
    if not tenths:
        return {}
    found = reliability([one.cells for one in tenths], window=window_cells(champion, window).cells)
    return {"ece": found.ece, "ece_low": found.ece_low}


def agreement_of(registered_model: RegisteredModel, *, now: datetime) -> tuple[float | None, int]:
    """Krippendorff's alpha of people who judged the same parts for themselves, and of how many parts."""
    said = Verdict.objects.current().filter(
        review__registered_model=registered_model, kind="label", phase__in=["blind", "shown"],
        said_at__gte=now - timedelta(days=OVERLAP_DAYS),
    ).exclude(surface=Verdict.Surface.ADJUDICATION)  # fmt: skip
    by_part = said.order_by().values("review__inspection").annotate(n=Count("reviewer", distinct=True)).filter(n__gte=2)
    parts: list[Any] = list(
        by_part.order_by("-review__inspection").values_list("review__inspection", flat=True)[:MOST_PARTS]
    )
    words: defaultdict[Any, dict[int, str]] = defaultdict(dict)
    rows = said.filter(review__inspection__in=parts).order_by("-phase", "pk")  # a blind word is the later one here
    for part, reviewer, slug in rows.values_list("review__inspection", "reviewer", "label__slug"):
        words[part][reviewer] = slug
    if not words:
        return None, 0
    classes = {slug: n for n, slug in enumerate(sorted({one for told in words.values() for one in told.values()}))}
    table = np.full((len(words), max(map(len, words.values()))), MISSING, dtype=np.int64)
    for row, told in zip(table, words.values(), strict=True):
        row[: len(told)] = [classes[slug] for slug in told.values()]
    return krippendorff_alpha(table), len(words)
