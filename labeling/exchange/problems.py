"""What was wrong in a source: counted in full, listed up to a bound. Pure."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

LISTED = 200


@dataclass
class Problems:
    """``refused`` is not imported, ``conflict`` is known with other content, ``note`` is imported and worth knowing."""

    listed: list[dict[str, Any]] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)

    @classmethod
    def from_json(cls, said: Any) -> Problems:
        """What `as_json` made, after a while in the database."""
        said = said if isinstance(said, dict) else {}
        return cls(list(said.get("listed", [])), Counter(said.get("counts", {})))

    def as_json(self) -> dict[str, Any]:
        return {"listed": list(self.listed), "counts": dict(self.counts)}

    def refuse(self, file: str, row: int | None, name: str, what: str, *, code: str = "refused") -> None:
        """This row is not imported."""
        self._add("refused", file, row, name, what, code)

    def conflict(self, file: str, row: int | None, name: str, what: str) -> None:
        """This row is known with other content; nothing was changed."""
        self._add("conflict", file, row, name, what, "conflict")

    def note(self, file: str, row: int | None, name: str, what: str, *, code: str) -> None:
        """Something that a person should know; the row is imported all the same."""
        self._add("note", file, row, name, what, code)

    def _add(self, kind: str, file: str, row: int | None, name: str, what: str, code: str) -> None:
        self.counts[kind] += 1
        self.counts[f"{kind}:{code}"] += 1
        if len(self.listed) < LISTED:
            self.listed.append(
                {"kind": kind, "code": code, "file": file[-300:], "row": row, "field": name, "message": what[:500]}
            )

    @property
    def n_refused(self) -> int:
        return self.counts["refused"]

    @property
    def n_conflicts(self) -> int:
        return self.counts["conflict"]
