"""What a client may send about one inspection: decoded, checked, and named when it is wrong. Pure."""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import Annotated, Any, Literal, TypeVar

import msgspec

from labeling.errors import RowRefused
from labeling.web_addresses import why_no_key, why_no_web_address

MAX_ADDRESS = 980  # stored with a word before it, in 1000 characters
IMAGE_FIELDS = ("image_path", "image_url", "image_key", "image_at_station")
Name = Annotated[str, msgspec.Meta(min_length=1, max_length=120)]
Text = Annotated[str, msgspec.Meta(max_length=120)]
Address = Annotated[str, msgspec.Meta(max_length=MAX_ADDRESS)]
MAX_METADATA_BYTES = 16_384
MAX_FINDINGS_BYTES = 262_144
MAX_NESTING = 16
MAX_INTEGER = 2**63  # larger ones are not the same number to every reader of JSON
SKEW = timedelta(minutes=10)  # by which a sender's clock may be ahead
YEARS = range(1990, 2201)
FARTHEST_ZONE = timedelta(hours=15)  # from UTC; PostgreSQL takes a little more
PURPOSES = ("production", "challenge", "import", "demo")
MAX_SCORE_NAME = 120
SUM_TOLERANCE = 0.01


class IncomingRow(msgspec.Struct, forbid_unknown_fields=True, kw_only=True, frozen=True):
    """One view of one inspection and what a version said of it. Unknown fields are refused: typos lose data."""

    inspection_id: Name
    source: Name
    model: Name | None = None
    version: Name | int | None = None
    view: Annotated[str, msgspec.Meta(min_length=1, max_length=40)] = "main"
    label: Name | None = None
    confidence: float | None = None
    scores: dict[str, float] | None = None
    score_kind: str | None = None
    findings: list[dict[str, Any]] = []
    image_path: Address | None = None
    image_url: Address | None = None
    image_key: Address | None = None
    image_at_station: Address | None = None
    serial: Text = ""
    lot: Text = ""
    recipe: Text = ""
    group: Text = ""
    captured_at: datetime | None = None
    predicted_at: datetime | None = None
    metadata: dict[str, Any] = {}
    purpose: str = "production"
    late: bool = False  # the part has left: an edge agent answered it while nobody heard
    answered: Literal["pass", "reject", "hold"] | None = None  # what the agent said then

    def digest(self) -> str:
        """A hash of what the version said: tells a resend from a conflict."""
        said = (self.view, self.label, self.confidence, sorted((self.scores or {}).items()), self.findings)
        return hashlib.sha256(msgspec.json.encode(said)).hexdigest()


class IncomingImage(msgspec.Struct, forbid_unknown_fields=True, kw_only=True, frozen=True):
    """Which view of which inspection a file belongs to."""

    inspection_id: Name
    source: Name | None = None
    station: Name | None = None
    view: Annotated[str, msgspec.Meta(min_length=1, max_length=40)] = "main"


Row = TypeVar("Row", bound=IncomingImage)


def decode_image_row(raw: Any, *, position: int, shape: type[Row]) -> Row:
    """:raises RowRefused: names the field and what is wrong with it."""
    if not isinstance(raw, Mapping):
        raise _wrong(position, "row", "is an object")
    try:
        row = msgspec.convert(dict(raw), shape, strict=False)
    except msgspec.ValidationError as error:
        raise _refusal(error, position) from error
    for field in row.__struct_fields__:
        if what := why_unstorable(getattr(row, field)):
            raise _wrong(position, field, what)
    if (row.source is None) == (row.station is None):
        raise _wrong(position, "source", "or station says where the part was: one of them")
    return row


DECODER = msgspec.json.Decoder(IncomingRow, strict=False)


def decode_row(raw: Mapping[str, Any], *, position: int) -> IncomingRow:
    """Check one row's shape. Numbers may come as text, since forms know nothing else.

    :raises RowRefused: names the field and what is wrong with it.
    """
    try:
        row = msgspec.convert(dict(raw), IncomingRow, strict=False)
    except msgspec.ValidationError as error:
        raise _refusal(error, position) from error
    except UnicodeEncodeError as error:
        raise _wrong(position, "row", "holds a field whose name cannot be stored") from error
    return _check(row, position, plain=False)


def decode_line(text: bytes, *, position: int) -> IncomingRow:
    """The same for the JSON text of one row.

    :raises RowRefused: ``not_json``, or as `decode_row`.
    """
    try:
        row = DECODER.decode(text)
    except msgspec.ValidationError as error:
        raise _refusal(error, position) from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise _wrong(position, "row", f"is not JSON: {error}", code="not_json") from error
    plain = b"\\" not in text and not row.metadata and not row.findings
    return _check(row, position, plain=plain)


def _check(row: IncomingRow, position: int, *, plain: bool) -> IncomingRow:
    """``plain``: JSON without an escape and without depth holds nothing that could not be stored."""
    if not plain:
        _check_storable(row, position)
    for field in ("captured_at", "predicted_at"):
        if what := why_no_moment(getattr(row, field)):
            raise _wrong(position, field, what)
    if row.purpose not in PURPOSES:
        raise _wrong(position, "purpose", f"is one of {', '.join(PURPOSES)}")
    _check_late(row, position)
    _check_image_address(row, position)
    return row


def _check_storable(row: IncomingRow, position: int) -> None:
    for field in row.__struct_fields__:
        if what := why_unstorable(getattr(row, field)):
            raise _wrong(position, field, what)
    for field, limit in (("metadata", MAX_METADATA_BYTES), ("findings", MAX_FINDINGS_BYTES)):
        if len(msgspec.json.encode(getattr(row, field))) > limit:
            raise _wrong(position, field, f"is larger than {limit} bytes")


def _check_late(row: IncomingRow, position: int) -> None:
    """A late row says what the line was answered and when the part was there; no other row does say the former."""
    if row.late and row.answered is None:
        raise _wrong(position, "answered", "is missing: a late row says what the line was told")
    if row.late and row.captured_at is None:
        raise _wrong(position, "captured_at", "is missing: a late row says when the part was there")
    if row.answered is not None and not row.late:
        raise _wrong(position, "answered", "belongs to a late row only")


def refuse_second_way(row: IncomingRow, position: int) -> None:
    """:raises RowRefused: the row came with a file and names another way to its image."""
    for field in IMAGE_FIELDS:
        if getattr(row, field) is not None:
            raise _wrong(position, field, "does not go with a file: an image comes in one way")


def _check_image_address(row: IncomingRow, position: int) -> None:
    """One way to the image at most, and one that can be gone. Where it leads is looked at later."""
    said = [field for field in IMAGE_FIELDS if getattr(row, field) is not None]
    if len(said) > 1:
        raise _wrong(position, said[1], f"does not go with {said[0]}: an image comes in one way")
    if row.image_url is not None and (why := why_no_web_address(row.image_url)):
        raise _wrong(position, "image_url", why, code="image_url_refused")
    for field in ("image_key", "image_at_station"):
        value = getattr(row, field)
        if value is not None and (why := why_no_key(value)):
            raise _wrong(position, field, why, code=f"{field}_refused")


def _refusal(error: msgspec.ValidationError, position: int) -> RowRefused:
    text = str(error)
    at = re.search(r"\$\.?([\w]+)?[^`]*`?$", text) if " - at " in text else None
    unknown = re.search(r"unknown field `(.+?)`", text) or re.search(r"missing required field `(.+?)`", text)
    field = (unknown and unknown.group(1)) or (at and at.group(1)) or "row"
    return RowRefused(f"{field}: {text.split(' - at ')[0]}.", row=position, fields={field: text.split(" - at ")[0]})


def _wrong(position: int, field: str, what: str, *, code: str = "invalid") -> RowRefused:
    return RowRefused(f"{field} {what}.", code=code, row=position, fields={field: what[:1].upper() + what[1:] + "."})


def why_no_moment(moment: datetime | None) -> str:
    """Why a moment cannot be taken; empty when it can (or is not there)."""
    if moment is not None and moment.tzinfo is None:
        return "needs a time zone, for example 2026-11-24T06:00:00+01:00"
    if moment is not None and moment.year not in YEARS:
        return f"lies outside the years {YEARS[0]} to {YEARS[-1]}"
    if moment is not None and abs(moment.utcoffset() or timedelta()) > FARTHEST_ZONE:
        return "has a time zone that is nowhere"
    return ""


def why_not_yet(moment: datetime | None, *, now: datetime, ahead: timedelta = SKEW) -> str:
    """Why a moment cannot have been yet, by clocks that may differ by ``ahead``; empty when it can."""
    return "lies in the future" if moment is not None and moment > now + ahead else ""


def why_unstorable(value: Any, *, depth: int = 0) -> str:
    """Why PostgreSQL or a reader of JSON could not hold ``value``; empty when both can."""
    if isinstance(value, str):
        return "" if "\0" not in value and _encodable(value) else "holds a character that cannot be stored"
    if isinstance(value, float):
        return "" if math.isfinite(value) else "holds a number that is not finite"
    if isinstance(value, int):
        return "" if -MAX_INTEGER <= value < MAX_INTEGER else "holds a number of more than 64 bits"
    if not isinstance(value, Mapping | list | tuple):
        return ""
    if depth >= MAX_NESTING:
        return f"is nested more than {MAX_NESTING} deep"
    parts = [*value.keys(), *value.values()] if isinstance(value, Mapping) else value
    return next((what for part in parts if (what := why_unstorable(part, depth=depth + 1))), "")


def _encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def check_scores(row: IncomingRow, *, score_kind: str, labels: Collection[str], position: int) -> float | None:
    """Check label and scores against what the version declared. Returns the confidence of the label, if any.

    :raises RowRefused: ``label_missing``, ``unknown_label``, ``unknown_score``, ``scores_missing``,
        ``scores_do_not_fit``.
    """
    if row.label is None:
        raise _wrong(position, "label", "is missing", code="label_missing")
    if row.label not in labels:
        known = ", ".join(labels)
        raise _wrong(position, "label", f"“{row.label}” is not in the label set ({known})", code="unknown_label")
    if row.confidence is not None and not 0 <= row.confidence <= 1:
        raise _wrong(position, "confidence", "is a number from 0 to 1")
    check = {"probabilities": _probabilities, "independent": _independent, "anomaly": _anomaly, "decision_only": _none}
    return check[score_kind](row, labels, position)


def _probabilities(row: IncomingRow, labels: Collection[str], position: int) -> float | None:
    if row.scores is None:
        if row.confidence is None:
            raise _wrong(position, "scores", "are missing: the version declares probabilities", code="scores_missing")
        return row.confidence
    confidence = _independent(row, labels, position)
    total = sum(row.scores.values())
    if abs(total - 1) > SUM_TOLERANCE:
        raise _wrong(position, "scores", f"sum to {total:.4f}; probabilities sum to 1", code="scores_do_not_fit")
    return confidence


def _independent(row: IncomingRow, labels: Collection[str], position: int) -> float | None:
    if row.scores is None:
        return row.confidence
    if strangers := set(row.scores) - set(labels):
        what = f"name {min(strangers)}, which is not in the label set"
        raise _wrong(position, "scores", what, code="unknown_score")
    if not all(0 <= score <= 1 for score in row.scores.values()):
        raise _wrong(position, "scores", "lie between 0 and 1", code="scores_do_not_fit")
    own = row.scores.get(str(row.label))  # check_scores has looked: there is a label
    if row.confidence is not None and own is not None and abs(own - row.confidence) > 1e-6:
        raise _wrong(position, "confidence", "differs from the score of the label", code="scores_do_not_fit")
    return row.confidence if row.confidence is not None else own


def _anomaly(row: IncomingRow, labels: Collection[str], position: int) -> float | None:
    if row.scores is None or len(row.scores) != 1:
        what = "hold exactly one number: the version declares an anomaly score"
        raise _wrong(position, "scores", what, code="scores_do_not_fit")
    if len(next(iter(row.scores))) > MAX_SCORE_NAME:
        raise _wrong(position, "scores", f"name the score in at most {MAX_SCORE_NAME} characters")
    return row.confidence


def _none(row: IncomingRow, labels: Collection[str], position: int) -> float | None:
    if row.scores is not None:
        what = "are not expected: the version declares decisions only"
        raise _wrong(position, "scores", what, code="scores_do_not_fit")
    return row.confidence
