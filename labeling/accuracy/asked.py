"""What a page or a client asks about: a version, a window of production days, a camera."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from urllib.parse import urlencode

from django.db.models import QuerySet

from labeling.models import Source
from labeling.windows import FARTHEST_AHEAD, Window
from models_registry.models import ModelVersion, RegisteredModel
from reviewapp.errors import ReviewAppError

WINDOWS = (7, 28, 90)
DEFAULT_WINDOW = 28
PARAMETERS = ("window", "until", "source", "version")
MOST_SOURCES = 500
FIRST_DAY = date(2000, 1, 1)


@dataclass(frozen=True)
class Asked:
    """``days`` is the length of the window, ``until`` its last day where that is not today. No version: none was
    champion yet.
    """

    registered_model: RegisteredModel
    version: ModelVersion | None
    window: Window
    days: int = DEFAULT_WINDOW
    source: Source | None = None
    until: date | None = None

    @classmethod
    def from_query(cls, registered_model: RegisteredModel, query: Mapping[str, str], *, now: datetime) -> Asked:
        """:raises ReviewAppError: a window, a camera or a version that is not one, by field."""
        days, until = _days(query.get("window", "")), _until(query.get("until", ""), now=now)
        return cls(
            registered_model,
            version=_version(registered_model, query.get("version", "")),
            window=Window(until - timedelta(days=days), until) if until else Window.of_days(days, now=now),
            days=days,
            source=_source(registered_model, query.get("source", "")),
            until=until,
        )

    @cached_property
    def sources(self) -> list[Source]:
        """The cameras that may be asked for."""
        return list(sources_of(self.registered_model)[:MOST_SOURCES])

    @property
    def query(self) -> str:
        """For addresses that ask the same."""
        said: dict[str, object] = {"window": self.days}
        if self.until is not None:
            said["until"] = self.until.isoformat()
        if self.source is not None:
            said["source"] = self.source.slug
        if self.version is not None and self.version.stage != ModelVersion.Stage.CHAMPION:
            said["version"] = self.version.number
        return urlencode(said)


def sources_of(registered_model: RegisteredModel) -> QuerySet[Source]:
    """The cameras of the stations where a model runs."""
    stations = registered_model.deployments.order_by().values("station")
    return Source.objects.filter(station__in=stations).select_related("station").order_by("station__name", "name")


def _days(said: str) -> int:
    if said == "":
        return DEFAULT_WINDOW
    if said not in {str(days) for days in WINDOWS}:
        what = f"One of {', '.join(map(str, WINDOWS))} days."
        raise ReviewAppError(f"window is not right: {what}", code="invalid", fields={"window": what})
    return int(said)


def _until(said: str, *, now: datetime) -> date | None:
    if said == "":
        return None
    try:
        day = datetime.strptime(said, "%Y-%m-%d").replace(tzinfo=UTC).date()
    except ValueError:
        day = None
    if day is None or not FIRST_DAY <= day <= (now + FARTHEST_AHEAD).date():
        what = "A day like 2026-11-24 that is not to come."
        raise ReviewAppError(f"until is not right: {what}", code="invalid", fields={"until": what})
    return day


def _source(registered_model: RegisteredModel, slug: str) -> Source | None:
    if slug == "":
        return None
    found = None if "\0" in slug else sources_of(registered_model).filter(slug=slug).first()
    if found is None:
        raise ReviewAppError(
            f"This model sees no source “{slug[:80]}”.",
            code="invalid",
            fields={"source": "Not a source of this model."},
        )
    return found


def _version(registered_model: RegisteredModel, said: str) -> ModelVersion | None:
    if said == "":
        return registered_model.versions.filter(stage=ModelVersion.Stage.CHAMPION).first()
    number = said.removeprefix("v")
    is_number = number.isascii() and number.isdecimal() and len(number) < 9
    found = registered_model.versions.filter(number=int(number)).first() if is_number else None
    if found is None:
        raise ReviewAppError(
            f"This model has no version “{said[:80]}”.", code="invalid", fields={"version": "Not a version number."}
        )
    return found
