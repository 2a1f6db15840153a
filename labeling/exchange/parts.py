"""What a foreign file says of one view of one part, whatever the format. Pure."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from labeling.exchange.problems import Problems
from labeling.exchange.regions import Region
from labeling.incoming import MAX_METADATA_BYTES, why_no_moment, why_unstorable

MAX_ID, MAX_TEXT = 120, 120


@dataclass(frozen=True, slots=True)
class ImportedPrediction:
    """What a model's version said of the view."""

    version: str
    labels: tuple[str, ...] = ()
    confidence: float | None = None
    regions: tuple[Region, ...] = ()


@dataclass(frozen=True, slots=True)
class ImportedPart:
    """One view. ``labels`` are of the whole image: with several, the gravest holds; with none, the gravest region's.

    Judged without label and region: nothing was found, the part is good. ``image`` is the name in the source, a path or
    an address; empty: labels without pixels. ``partition`` empty: the hash of the group decides.
    """

    row: int
    file: str
    inspection_id: str
    labels: tuple[str, ...] = ()
    regions: tuple[Region, ...] = ()
    is_judged: bool = True
    is_bad_image: bool = False
    n_said: int = 1
    image: str = ""
    view: str = "main"
    serial: str = ""
    lot: str = ""
    recipe: str = ""
    group: str = ""
    captured_at: dt.datetime | None = None
    partition: str = ""
    metadata: Mapping[str, Any] = field(default_factory=dict)
    predictions: tuple[ImportedPrediction, ...] = ()

    def names(self) -> Iterator[str]:
        """Every label that is named."""
        yield from self.labels
        yield from (region.label for region in self.regions)
        for prediction in self.predictions:
            yield from prediction.labels
            yield from (region.label for region in prediction.regions)


def short_id(name: str) -> str:
    """An id of at most 120 characters: a longer path keeps its end, behind a hash of the whole."""
    name = name.strip().strip("/") or "unnamed"
    if len(name) <= MAX_ID:
        return name
    digest = hashlib.sha256(name.encode(errors="surrogatepass")).hexdigest()[:24]
    return f"{digest}…{name[-(MAX_ID - 25) :]}"


def storable(parts: Iterable[ImportedPart], problems: Problems) -> Iterator[ImportedPart]:
    """The parts that the tables can hold; the others become problems with row and field."""
    for part in parts:
        if found := _not_storable(part):
            problems.refuse(part.file, part.row, *found)
        else:
            yield part


def _not_storable(part: ImportedPart) -> tuple[str, str] | None:
    for name in ("inspection_id", "serial", "lot", "recipe", "group", "view"):
        text = getattr(part, name)
        if what := why_unstorable(text):
            return name, what
        if len(text) > (40 if name == "view" else MAX_TEXT):
            return name, "is longer than 120 characters"
    if what := why_no_moment(part.captured_at):
        return "captured_at", what
    if what := why_unstorable(dict(part.metadata)):
        return "metadata", what
    if len(repr(part.metadata)) > MAX_METADATA_BYTES:
        return "metadata", f"is larger than {MAX_METADATA_BYTES} bytes"
    if any(
        what := why_unstorable(name) or ("" if 0 < len(name) <= 80 else "is empty or too long") for name in part.names()
    ):
        return "label", what
    for prediction in part.predictions:
        if not 0 < len(prediction.version) <= MAX_TEXT or why_unstorable(prediction.version):
            return "prediction_version", "has 1 to 120 characters"
        if prediction.confidence is not None and not 0 <= prediction.confidence <= 1:
            return "prediction_confidence", "is a number from 0 to 1"
    everywhere = [*part.regions, *(region for said in part.predictions for region in said.regions)]
    if not all(region.is_box for region in everywhere):
        return "box", "has no area or no finite numbers"
    return None
