"""What the fleet page shows: statuses filtered, sorted and cut into pages, and the sentence above them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.contrib.humanize.templatetags.humanize import apnumber
from django.core.paginator import Page, Paginator
from django.db.models import QuerySet
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from labeling.status import STATES, ModelStatus, by_attention, fleet_status
from models_registry.charts import Scale, accuracy_scale
from models_registry.models import RegisteredModel
from models_registry.templatetags.figures import shown_low

ROWS = 50
NEEDS_A_PERSON = ("alert", "waits")


@dataclass(frozen=True, slots=True)
class FleetFilter:
    """What the address asks for."""

    q: str = ""
    state: str = ""
    page: str = "1"

    @classmethod
    def from_query(cls, query: Mapping[str, str]) -> FleetFilter:
        state = query.get("state", "")
        return cls(query.get("q", "").strip()[:80], state if state in STATES else "", query.get("page", "1"))


@dataclass(frozen=True, slots=True)
class FleetPage:
    rows: Page[ModelStatus]
    scale: Scale
    states: Sequence[tuple[str, int]]
    n_found: int
    asked: FleetFilter
    headline: str
    n_models: int
    n_places: int
    n_reviews_open: int
    oldest_open_at: datetime | None
    n_running: int
    n_queued: int
    n_waiting: int
    n_alerts: int
    now: datetime


def fleet_page(models: QuerySet[RegisteredModel], asked: FleetFilter, *, now: datetime) -> FleetPage:
    """The page ``asked`` for, of the models a person may see."""
    statuses = by_attention(fleet_status(models.filter(is_active=True), now=now))
    found = [status for status in statuses if _matches(status, asked.q)]
    counts = Counter(status.state for status in found)
    shown = [status for status in found if asked.state in ("", status.state)]
    rows = Paginator(shown, ROWS).get_page(asked.page)
    lows = [low for status in rows for low in (shown_low(status.evaluation), status.registered_model.target_accuracy)]
    active = Counter(status.active_run.status for status in statuses if status.active_run)
    return FleetPage(
        rows=rows,
        scale=accuracy_scale(lows),
        states=[(state, counts[state]) for state in STATES if counts[state]],
        n_found=len(found),
        asked=asked,
        headline=headline(statuses),
        n_models=len(statuses),
        n_places=len({place for status in statuses for place in status.places}),
        n_reviews_open=sum(status.n_reviews_open for status in statuses),
        oldest_open_at=min((s.oldest_open_at for s in statuses if s.oldest_open_at), default=None),
        n_running=active["running"],
        n_queued=active["queued"] + active["waiting"],
        n_waiting=sum(status.n_waiting_candidates for status in statuses),
        n_alerts=sum(len(status.alerts) for status in statuses),
        now=now,
    )


def headline(statuses: Sequence[ModelStatus]) -> str:
    """One sentence that says how many models need a person and where to begin. ``statuses`` are sorted."""
    needing = [status for status in statuses if status.state in NEEDS_A_PERSON]
    if not needing:
        return _("Nothing needs a person.")
    text = ngettext("%(n)s model needs a person: %(name)s.", "%(n)s need a person. Start with %(name)s.", len(needing))
    return text % {"n": capfirst(str(apnumber(len(needing)))), "name": needing[0].registered_model.name}


def _matches(status: ModelStatus, q: str) -> bool:
    words = (status.registered_model.name, status.registered_model.slug, *status.places)
    return q.casefold() in " ".join(words).casefold()
