"""What should be looked at before a dataset trains: dates, labels that contradict each other, unusual images. Pure.

None of these stops a run: each says what was measured, what is usual, where, and what to do.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.distance import cdist

from models_registry.manifest import ManifestHeader, ManifestRow, some

UNUSUAL_AT_MOST = 0.2
"""Share of unusual images, as in an incident of a camera."""
SUSPECT_AT_MOST = 0.05
NEIGHBOURS = 5
MOST_ROWS = 3000
"""Rows that are compared with each other: with more, the newest so many. Time grows with their square."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One question and how it stands: `measured` and `bound` are numbers with their unit; None: nothing to measure."""

    name: str
    worrying: bool
    measured: str | None
    bound: str
    detail: str
    advice: str = ""

    def as_check(self) -> dict[str, object]:
        """As a step of a run keeps it: passed, for it stops nothing."""
        return {
            "name": self.name,
            "passed": True,
            "warning": self.worrying,
            "detail": f"{self.detail} {self.advice}".strip() if self.worrying else self.detail,
            "measured": self.measured,
            "bound": self.bound,
        }


def findings(header: ManifestHeader, rows: Sequence[ManifestRow]) -> list[Finding]:
    """The questions that a manifest alone answers, in a fixed order."""
    return [_moments(header, rows), _contradictions(rows), _unusual(rows)]


def _moments(header: ManifestHeader, rows: Sequence[ManifestRow]) -> Finding:
    """ISO 8601 in UTC, compared as text. A camera's clock that is ahead of ours puts parts on the wrong side of a time
    split."""
    late = [row.inspection for row in rows if row.captured_at and row.captured_at > header.cutoff]
    return Finding(
        "capture_times", bool(late), str(len(late)), "0",
        f"Captured after the cut-off: {some(late)}." if late else "No part was captured after the cut-off.",
        advice="Set the clock of their camera.",
    )  # fmt: skip


def _contradictions(rows: Sequence[ManifestRow]) -> Finding:
    """The same bytes with two labels: one of them is wrong, whoever is right."""
    said: defaultdict[str, dict[str, str]] = defaultdict(dict)
    for row in rows:
        for image in row.images if len(row.images) == 1 else ():
            said[image.sha256].setdefault(row.label, row.inspection)
    torn = [f"{' and '.join(one.values())} ({' and '.join(one)})" for one in said.values() if len(one) > 1]
    return Finding(
        "one_image_one_label", bool(torn), str(len(torn)), "0",
        f"The same image with different labels: {some(torn)}." if torn else "No image has two labels.",
        advice="Challenge the wrong ones, so that somebody settles them.",
    )  # fmt: skip


def _unusual(rows: Sequence[ManifestRow]) -> Finding:
    judged = [row for row in rows if row.unusual is not None]
    flagged = [row for row in judged if row.unusual]
    bound = f"{UNUSUAL_AT_MOST:.0%}"
    if not judged:
        return Finding("image_quality", False, None, bound, "No image was judged against its camera's usual ones yet.")
    share = len(flagged) / len(judged)
    names = [f"{row.inspection} ({', '.join(row.unusual or ())})" for row in flagged]
    told = f"{len(flagged)} of {len(judged)} judged parts have images that are unusual for their camera ({share:.1%})"
    return Finding(
        "image_quality", share > UNUSUAL_AT_MOST, f"{share:.1%}", bound,
        f"{told}, at most {bound} usual: {some(names)}." if flagged else f"{told}.",
        advice="Look at the camera, and withdraw what cannot be judged.",
    )  # fmt: skip


def suspects(features: NDArray[np.float32], labels: NDArray[np.str_], names: Sequence[str]) -> Finding:
    """Rows whose five nearest all carry one other label: the labels to look at first, and how many there are.

    Features (n, d) are scaled to one spread; labels and names are (n,), the newest last. A hint by distance (Wilson's
    edited neighbours, 1972), not the share of wrong labels: a hard part between two classes looks the same.
    """
    features, labels, names = features[-MOST_ROWS:], labels[-MOST_ROWS:], names[-MOST_ROWS:]
    bound = f"{SUSPECT_AT_MOST:.0%}"
    if len(labels) <= NEIGHBOURS:
        return Finding("label_noise", False, None, bound, "Too few parts to compare their labels.")
    spread = features.std(axis=0)
    scaled = (features - features.mean(axis=0)) / np.where(spread > 0, spread, 1.0)
    away = cdist(scaled, scaled)
    np.fill_diagonal(away, np.inf)
    near = labels[np.argpartition(away, NEIGHBOURS, axis=1)[:, :NEIGHBOURS]]
    agreed = (near == near[:, :1]).all(axis=1) & (near[:, 0] != labels)
    odd = np.flatnonzero(agreed)
    share = len(odd) / len(labels)
    told = [f"{names[place]} ({labels[place]}, its neighbours {near[place, 0]})" for place in odd.tolist()]
    said = f"{len(odd)} of {len(labels)} parts look like another class than their label's ({share:.1%})"
    return Finding(
        "label_noise", share > SUSPECT_AT_MOST, f"{share:.1%}", bound,
        f"{said}, at most {bound} usual: {some(told)}." if len(odd) else f"{said}.",
        advice="Look at them, and challenge the labels that are wrong.",
    )  # fmt: skip
