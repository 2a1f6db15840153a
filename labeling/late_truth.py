"""Outcomes: what turned out about a part elsewhere. Stored once, joined with the inspection when it is there.

They train and show incidents. They enter no estimate and settle no review, not even of an inspection that was drawn:
a complaint comes because a part was bad, so counting it would look for errors where they are known to be
(STATISTICS §1.4). What was drawn stays in the estimate with its probability, and a person's verdict decides.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet, Subquery

from labeling.access import Reach
from labeling.errors import ContentConflict, RowRefused
from labeling.incoming import why_no_moment, why_not_yet, why_unstorable
from labeling.ingest.item import want_images
from labeling.models import DispositionRecord, Inspection, Item, Outcome, Station
from models_registry.models import Label, RegisteredModel

if TYPE_CHECKING:
    from django.contrib.auth.models import User

LOOKED_FOR = timedelta(days=30)  # how long an outcome waits for its part
Name = Annotated[str, msgspec.Meta(min_length=1, max_length=120)]


class OutcomeRow(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One row as it was sent. Unknown fields are refused: typos lose data."""

    model: Name
    label: Name
    origin: Name
    observed_at: datetime
    station: Name | None = None
    source: Name | None = None
    inspection_id: Name | None = None
    serial: Name | None = None
    attempt: Annotated[int, msgspec.Meta(ge=1, le=2**31 - 1)] | None = None
    reference: Annotated[str, msgspec.Meta(max_length=120)] = ""
    note: Annotated[str, msgspec.Meta(max_length=2000)] = ""


@dataclass(frozen=True, slots=True)
class RecordedOutcome:
    outcome: Outcome
    is_new: bool


def decode_outcome(raw: Any, *, position: int, now: datetime) -> OutcomeRow:
    """Check one row's shape. :raises RowRefused: names the field and what is wrong with it."""
    if not isinstance(raw, Mapping):
        raise RowRefused("A row is an object.", row=position, fields={"row": "Not an object."})
    try:
        row = msgspec.convert(dict(raw), OutcomeRow)
    except msgspec.ValidationError as error:
        named = re.search(r"(?:field |\$\.)`?(\w+)", str(error))
        raise _wrong(position, named.group(1) if named else "row", str(error).partition(" - at ")[0]) from error
    wrong = {name: what for name in row.__struct_fields__ if (what := why_unstorable(getattr(row, name)))}
    if what := why_no_moment(row.observed_at) or why_not_yet(row.observed_at, now=now):
        wrong["observed_at"] = what
    wrong |= _why_no_part(row)
    if row.origin not in Outcome.Origin.values:
        wrong["origin"] = f"is one of {', '.join(Outcome.Origin.values)}"
    for field, what in wrong.items():
        raise _wrong(position, field, what)
    return row


def _why_no_part(row: OutcomeRow) -> dict[str, str]:
    if (row.inspection_id is None) == (row.serial is None):
        return {"serial": "or inspection_id names the part: one of the two"}
    if (row.station is None) == (row.source is None):
        return {"station": "or source says where it was inspected: one of the two"}
    if row.attempt is not None and row.serial is None:
        return {"attempt": "belongs to a serial"}
    return {}


def _wrong(position: int, field: str, what: str) -> RowRefused:
    return RowRefused(f"{field}: {what}.", row=position, fields={field: what[:1].upper() + what[1:] + "."})


@transaction.atomic
def record_outcome(
    *, row: OutcomeRow, registered_model: RegisteredModel, label: Label, station: Station, by: User, now: datetime
) -> RecordedOutcome:
    """Store an outcome and join it with its inspection if that has arrived. A resend changes nothing.

    :raises ContentConflict: the same part, origin, reference and moment came with another label or note.
    """
    key = {
        "registered_model": registered_model,
        "station": station,
        "named_id": row.inspection_id or "",
        "serial": row.serial or "",
        "attempt": row.attempt or 0,
        "origin": row.origin,
        "reference": row.reference,
        "observed_at": row.observed_at,
    }
    said = {"label": label, "note": row.note}
    outcome, is_new = Outcome.objects.get_or_create(**key, defaults=said | {"received_at": now, "submitted_by": by})
    if is_new:
        join_outcomes(Outcome.objects.filter(pk=outcome.pk), now=now)
        outcome.refresh_from_db(fields=["inspection"])
    elif (outcome.label_id, outcome.note) != (label.pk, row.note):
        raise ContentConflict(
            "This outcome came before with other content. What was observed later has a later observed_at.",
            fields={"label" if outcome.label_id != label.pk else "note": "Differs from what is stored."},
        )
    return RecordedOutcome(outcome, is_new)


def join_waiting(*, now: datetime) -> int:
    """Join what waits for its part and is not too old. Returns how many met theirs."""
    return join_outcomes(Outcome.objects.filter(received_at__gte=now - LOOKED_FOR), now=now)


@transaction.atomic
def join_outcomes(outcomes: QuerySet[Outcome], *, now: datetime) -> int:
    """One UPDATE for each way to name a part. A serial without an attempt means its latest one before the observation.

    What is joined stays joined, also if an attempt arrives late that would have fitted better. Only an image can be
    learned from, so one that nobody wanted is wanted from now on.
    """
    waiting = outcomes.filter(inspection__isnull=True)
    here = Inspection.objects.filter(station=OuterRef("station"))
    of_serial = here.filter(serial=OuterRef("serial")).exclude(serial="")
    before = of_serial.filter(captured_at__lte=OuterRef("observed_at")).order_by("-captured_at", "-attempt")
    n_joined = (
        _join(waiting.exclude(named_id=""), here.filter(inspection_id=OuterRef("named_id")))
        + _join(waiting.filter(attempt__gte=1), of_serial.filter(attempt=OuterRef("attempt")))
        + _join(waiting.filter(named_id="", attempt=0), before)
    )
    if n_joined:
        unwanted = Item.objects.filter(
            image_status=Item.ImageStatus.NOT_WANTED, inspection__in=outcomes.values("inspection")
        )
        want_images(list(unwanted), now=now)
    return n_joined


def _join(waiting: QuerySet[Outcome], parts: QuerySet[Inspection]) -> int:
    return waiting.filter(Exists(parts)).update(inspection=Subquery(parts.values("pk")[:1]))


def incidents(registered_model: RegisteredModel, within: Reach) -> QuerySet[Outcome]:
    """Parts that left as good and turned out to be defect: the newest outcome says so, the last disposition was pass.

    What the line reports that it did counts before what it was told. Newest first, of the sites within reach.
    """
    sites = [site for site, verbs in within.at_site.items() if "view" in verbs]
    here = Q() if "view" in within.everywhere else Q(inspection__station__site__in=sites)
    return (
        Outcome.objects.current()
        .filter(here, registered_model=registered_model, label__is_defect=True, inspection__withdrawn_at__isnull=True)
        .annotate(happened=DispositionRecord.objects.what_happened("inspection"))
        .filter(happened="pass")
        .select_related("label", "inspection__station")
        .order_by("-pk")
    )
