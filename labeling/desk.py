"""What a caller may send for a model, remembered by each process for a moment: a single part costs no look-ups.

What changes meanwhile (a design, a label, a membership) holds everywhere after `REVIEWAPP_CATALOG_SECONDS`. A refusal
is never remembered.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from labeling import memory
from labeling.access import Reach, reach, require, scope_of
from labeling.catalog import ModelCatalog, SourceCatalog

if TYPE_CHECKING:
    from django.contrib.auth.models import User


@dataclass(frozen=True, slots=True)
class Desk:
    """Where one caller hands in the rows of one model."""

    catalog: ModelCatalog
    reach: Reach


def desk(user: User, slug: str) -> Desk:
    """:raises NotFound, NotAllowed: not for this caller."""

    def read() -> Desk:
        registered_model = require(user, "ingest", slug)
        return Desk(ModelCatalog(registered_model), reach(user, registered_model))

    return memory.remember(("desk", user.pk, scope_of(user), slug), read)


def sources() -> SourceCatalog:
    return memory.remember("sources", SourceCatalog)


def forget() -> None:
    """Ask the database again: what was remembered here has changed."""
    memory.forget()
