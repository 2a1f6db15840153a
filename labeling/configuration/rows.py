"""One document's rows: made or changed where they differ, validated as a form would, and every difference noted."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from django.core.exceptions import NON_FIELD_ERRORS, ValidationError
from django.db.models import Model

from labeling.configuration.documents import Path
from labeling.configuration.files import Document

T = TypeVar("T", bound=Model)


class Refused(Exception):
    """What a document wants cannot be. Each problem with the place of its field."""

    def __init__(self, path: Path = (), message: str = "", *, problems: Iterable[tuple[Path, str]] = ()) -> None:
        super().__init__(message)
        self.problems = list(problems) or [(path, message)]


@dataclass(frozen=True, slots=True)
class Change:
    """A row that is made, or changed: each field's old and new value."""

    name: str
    file: str
    line: int
    is_new: bool
    fields: dict[str, tuple[Any, Any]]


@dataclass
class Rows:
    document: Document
    changes: list[Change] = field(default_factory=list)

    def settle(
        self,
        table: type[T],
        name: str,
        key: Mapping[str, Any],
        wanted: Mapping[str, Any],
        path: Path = (),
        *,
        made: Mapping[str, Any] | None = None,
        before_saving: Callable[[Model], list[str]] | None = None,
        saved: Callable[[Model, Mapping[str, tuple[Any, Any]]], None] | None = None,
    ) -> T:
        """The row with this key, as wanted. ``made``: what only a new row gets, and is not shown.

        ``before_saving`` sets what follows from the wanted fields, and says which fields these are. ``saved`` gets the
        row and what it differed in.

        :raises Refused: the row would not be valid.
        """
        known = table._default_manager.select_for_update().filter(**key).first()
        row = known or table(**key, **(made or {}))
        differs = {
            f: (getattr(known, f, None), value)
            for f, value in wanted.items()
            if known is None or getattr(known, f) != value
        }
        if known is not None and not differs:
            return row
        for one, (_, value) in differs.items():
            setattr(row, one, value)
        follows = before_saving(row) if before_saving else []
        self._validate(row, path)
        stamps = [one.name for one in table._meta.fields if getattr(one, "auto_now", False)]
        row.save() if known is None else row.save(update_fields=[*differs, *follows, *stamps])
        if saved is not None:
            saved(row, differs)
        self.note(name, differs, path, is_new=known is None)
        return row

    def note(self, name: str, fields: Mapping[str, tuple[Any, Any]], path: Path, *, is_new: bool = False) -> None:
        line = self.document.problem(path, "").line
        self.changes.append(Change(name, self.document.file, line, is_new, dict(fields)))

    def _validate(self, row: Model, path: Path) -> None:
        try:
            row.full_clean()
        except ValidationError as error:
            found = error.message_dict.items()
            places = [((*path, f) if f != NON_FIELD_ERRORS else path, said) for f, several in found for said in several]
            raise Refused(problems=places) from error
