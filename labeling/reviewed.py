"""The reviews behind a figure: what was said of a part, what it was, and the chance it had of being checked."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, fields
from datetime import date
from typing import TYPE_CHECKING

from django.db.models import OuterRef, Q, QuerySet, Subquery
from django.utils.translation import gettext as _

from labeling.accuracy.asked import Asked
from labeling.image_quality import FLAGS
from labeling.incoming import why_unstorable
from labeling.models import GroundTruth, Item, ItemQuality, Prediction, Review, Selection
from labeling.paging import Position, newest, some
from labeling.routing import union_probability
from labeling.sight import sight_of
from reviewapp.errors import ReviewAppError

if TYPE_CHECKING:
    from django.contrib.auth.models import User

ROWS = 50
KINDS = ("wrong", "right", "escape", "overkill")
SHOWN = ("blind", "shown", "grid")


@dataclass(frozen=True, slots=True)
class ReviewFilter:
    """Which of a window's reviews: by truth, by what was said, and by the slices that figures are cut into."""

    true: str = ""
    said: str = ""
    kind: str = ""
    day: str = ""
    station: str = ""
    shift: str = ""
    lot: str = ""
    recipe: str = ""
    attempt: str = ""
    flag: str = ""
    shown: str = ""
    confidence: str = ""

    @classmethod
    def from_query(cls, query: Mapping[str, str]) -> ReviewFilter:
        """:raises ReviewAppError: by field."""
        said = {one.name: query.get(one.name, "") for one in fields(cls)}
        for name, value in said.items():
            if len(value) > 120 or why_unstorable(value):
                raise _refusal(name, _("At most 120 characters that can be stored."))
        for name, known in (
            ("kind", KINDS),
            ("shown", SHOWN),
            ("flag", tuple(FLAGS)),
            ("confidence", tuple("0123456789")),
        ):
            if said[name] and said[name] not in known:
                raise _refusal(name, _("One of %(known)s.") % {"known": ", ".join(known)})
        if said["attempt"] and not (
            said["attempt"].isascii() and said["attempt"].isdecimal() and len(said["attempt"]) < 9
        ):
            raise _refusal("attempt", _("A number from 1."))
        if said["day"] and _day(said["day"]) is None:
            raise _refusal("day", _("A day, for example 2026-11-24."))
        return cls(**said)

    @property
    def chosen(self) -> dict[str, str]:
        """What narrows, by name."""
        return {one.name: value for one in fields(self) if (value := getattr(self, one.name))}


@dataclass(frozen=True, slots=True)
class Reviewed:
    """One settled review that counts. ``chance``: that of being checked, over all designs that drew."""

    truth: GroundTruth
    prediction: Prediction
    chance: float
    is_always_checked: bool
    item: Item | None
    review: Review | None  # its first round; None where a label came without one
    is_doubted: bool  # a second opinion is open

    @property
    def is_wrong(self) -> bool:
        return self.truth.label_id is not None and self.truth.label_id != self.prediction.label_id

    @property
    def is_escape(self) -> bool:
        """A defect that was called good."""
        return self.truth.label is not None and self.truth.label.is_defect and not self.prediction.label.is_defect

    @property
    def is_overkill(self) -> bool:
        return self.truth.label is not None and not self.truth.label.is_defect and self.prediction.label.is_defect

    @property
    def stands_for(self) -> float:
        """How many parts of the stream it speaks for."""
        return 1 / self.chance


@dataclass(frozen=True, slots=True)
class ReviewedPage:
    rows: list[Reviewed]
    next_cursor: str


def reviewed(asked: Asked, chosen: ReviewFilter, *, user: User, after: str = "", size: int = ROWS) -> ReviewedPage:
    """The newest settled reviews of what was drawn, as far as ``user`` may see them. :raises ReviewAppError: cursor."""
    place = Position.from_text(after, timed=False) if after else None
    sight = sight_of(user).of_model(asked.registered_model.pk, blind=True)
    if asked.version is None or sight is None:
        return ReviewedPage([], "")
    found = list(
        newest(_rows(asked, chosen).filter(sight), after=place, size=size + 1).select_related(
            "inspection__station", "label"
        )
    )
    rows = _with_details(asked, found[:size])
    return ReviewedPage(rows, Position(found[size - 1].pk).as_text() if len(found) > size else "")


def _rows(asked: Asked, chosen: ReviewFilter) -> QuerySet[GroundTruth]:
    """Drawn, settled, told, of measured parts of the window that the version predicted."""
    model = asked.registered_model
    part = {"inspection": OuterRef("inspection")}
    said = Prediction.objects.filter(model_version=asked.version, **part)
    rows = GroundTruth.objects.told().filter(
        some(Selection.objects.filter(registered_model=model, drawn=True, **part)),
        registered_model=model,
        inspection__withdrawn_at__isnull=True,
        inspection__purpose__in=["production", "demo"],
    )
    if not chosen.day:  # which may lie before the window: older estimates lead here too
        rows = rows.filter(inspection__day__range=(asked.window.first, asked.window.last))
    if chosen.said:
        said = said.filter(label__slug=chosen.said)
    if chosen.confidence:
        tenth = int(chosen.confidence)
        said = said.filter(confidence__gte=tenth / 10, confidence__lt=(tenth + 1) / 10 if tenth < 9 else 2)
    if asked.source is not None:
        first = Item.objects.filter(**part).order_by("pk").values("source")[:1]
        rows = rows.annotate(seen_by=Subquery(first)).filter(seen_by=asked.source.pk)
    return _narrowed(rows, said, chosen)


def _narrowed(rows: QuerySet[GroundTruth], said: QuerySet[Prediction], chosen: ReviewFilter) -> QuerySet[GroundTruth]:
    by_field: dict[str, Callable[[str], Q]] = {
        "true": lambda value: Q(label__slug=value),
        "day": lambda value: Q(inspection__day=_day(value)),
        "station": lambda value: Q(inspection__station__slug=value),
        "shift": lambda value: Q(inspection__shift=value),
        "lot": lambda value: Q(inspection__lot=value),
        "recipe": lambda value: Q(inspection__recipe=value),
        "attempt": lambda value: Q(inspection__attempt=int(value)),
    }
    for name, value in chosen.chosen.items():
        if name in by_field:
            rows = rows.filter(by_field[name](value))
    if chosen.flag:
        flagged = ItemQuality.objects.filter(item__inspection=OuterRef("inspection"), flags__contains=[chosen.flag])
        rows = rows.filter(some(flagged))
    if chosen.shown:
        first = Review.objects.filter(inspection=OuterRef("inspection"), registered_model=OuterRef("registered_model"))
        is_blind = first.order_by("round").values("blind")[:1]
        rows = rows.filter(by_grid=chosen.shown == "grid").annotate(was_blind=Subquery(is_blind))
        rows = rows.filter(was_blind=chosen.shown == "blind")
    if chosen.kind == "escape":
        rows, said = rows.filter(label__is_defect=True), said.filter(label__is_defect=False)
    elif chosen.kind == "overkill":
        rows, said = rows.filter(label__is_defect=False), said.filter(label__is_defect=True)
    elif chosen.kind:
        same = Q(label=OuterRef("label"))
        rows, said = rows.filter(label__isnull=False), said.filter(same if chosen.kind == "right" else ~same)
    return rows.filter(some(said))


def _with_details(asked: Asked, truths: list[GroundTruth]) -> list[Reviewed]:
    """As many queries for a page as for one row."""
    parts = [truth.inspection_id for truth in truths]
    said = {
        one.inspection_id: one
        for one in Prediction.objects.filter(inspection__in=parts, model_version=asked.version).select_related("label")
    }
    draws = _by_part(Selection.objects.filter(inspection__in=parts, registered_model=asked.registered_model))
    rounds = _rounds(asked, parts)
    items: dict[int, Item] = {}
    for item in Item.objects.filter(inspection__in=parts).select_related("source").order_by("-pk"):
        items[item.inspection_id] = item
    return [
        Reviewed(
            truth=truth,
            prediction=said[truth.inspection_id],
            chance=union_probability([draw.pi for draw in draws[truth.inspection_id]]),
            is_always_checked=any(draw.stratum == Selection.Stratum.CERTAINTY for draw in draws[truth.inspection_id]),
            item=items.get(truth.inspection_id),
            review=next(iter(rounds[truth.inspection_id]), None),
            is_doubted=any(one.status == Review.Status.OPEN for one in rounds[truth.inspection_id]),
        )
        for truth in truths
    ]


def _rounds(asked: Asked, parts: list[int]) -> dict[int, list[Review]]:
    found: dict[int, list[Review]] = defaultdict(list)
    rounds = Review.objects.filter(inspection__in=parts, registered_model=asked.registered_model)
    for review in rounds.exclude(status=Review.Status.CANCELLED).order_by("round"):
        found[review.inspection_id].append(review)
    return found


def _by_part(draws: Iterable[Selection]) -> dict[int, list[Selection]]:
    found: dict[int, list[Selection]] = defaultdict(list)
    for draw in draws:
        found[draw.inspection_id].append(draw)
    return found


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _refusal(field: str, what: str) -> ReviewAppError:
    return ReviewAppError(f"{field} is not right: {what}", code="invalid", fields={field: what})
