"""Where versions come from, as a drawing: dataset -> run -> version -> decisions, the newest on top. Pure geometry.

Coordinates are whole numbers, so that a template can print them in any language.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

ROW = 44
TOP = 34
DATASET, RUN, VERSION, DECISION = 22, 250, 432, 560
WIDTH = 840
TO_RUN, TO_VERSION = 70, 66  # how long the lines are: what is left beside the words before them


@dataclass(frozen=True, slots=True)
class Ancestry:
    """One row: a version and what it came from, or a run that made none. ``parent`` is the dataset's own parent."""

    dataset: int | None = None
    parent: int | None = None
    dataset_name: str = ""
    dataset_words: str = ""
    dataset_href: str = ""
    run_name: str = ""
    run_words: str = ""
    run_href: str = ""
    run_state: str = ""
    version_name: str = ""
    version_href: str = ""
    stage: str = ""
    decisions: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Node:
    """A dot with a name, words beneath and an address; ``kind`` says how it looks."""

    x: int
    y: int
    kind: str
    name: str
    words: str = ""
    href: str = ""

    @property
    def text_x(self) -> int:
        return self.x + 16

    @property
    def name_y(self) -> int:
        return self.y - 2 if self.words else self.y + 4

    @property
    def words_y(self) -> int:
        return self.y + 13


@dataclass(frozen=True, slots=True)
class Lineage:
    width: int
    height: int
    columns: Sequence[tuple[int, str]] = field(default_factory=tuple)
    nodes: Sequence[Node] = ()
    edges: Sequence[str] = ()
    reign: Sequence[str] = ()  # the champion's own, drawn over the others


def lineage(rows: Sequence[Ancestry], columns: tuple[str, str, str, str]) -> Lineage:
    """Draw ``rows``, newest first. A dataset stands in the first row that names it; its parent's line goes down to
    the row of the parent, or out of the drawing where that is not in it."""
    place: dict[int, int] = {}
    nodes: list[Node] = []
    edges: list[str] = []
    reign: list[str] = []
    for number, row in enumerate(rows):
        y = TOP + number * ROW + ROW // 2
        if row.dataset is not None and row.dataset not in place:
            place[row.dataset] = y
            nodes.append(Node(DATASET, y, "dataset", row.dataset_name, row.dataset_words, row.dataset_href))
        (reign if row.stage == "champion" else edges).extend(_row_edges(row, y, place))
        nodes += _row_nodes(row, y)
    bottom = TOP + len(rows) * ROW
    parents = {row.dataset: row.parent for row in rows if row.dataset is not None}
    edges += [_down(place[one], place.get(parent, bottom)) for one, parent in parents.items() if parent is not None]
    starts = [DATASET - 8, RUN - 8, VERSION - 8, DECISION]
    return Lineage(WIDTH, bottom + 8, tuple(zip(starts, columns, strict=True)), nodes, edges, reign)


def _row_nodes(row: Ancestry, y: int) -> list[Node]:
    found = []
    if row.run_name:
        found.append(Node(RUN, y, f"run {row.run_state}", row.run_name, row.run_words, row.run_href))
    if row.version_name:
        found.append(Node(VERSION, y, f"version {row.stage}", row.version_name, "", row.version_href))
    if row.decisions:
        first, *more = row.decisions
        found.append(Node(DECISION - 16, y, "words", first, more[0] if more else ""))
    return found


def _row_edges(row: Ancestry, y: int, place: dict[int, int]) -> list[str]:
    """From the dataset (which may stand in a row above) to the run, and on to its version."""
    found = []
    if row.dataset is not None and row.run_name:
        from_y = place[row.dataset]
        start = RUN - TO_RUN
        found.append(f"M{start} {from_y}C{start + 26} {from_y} {RUN - 34} {y} {RUN - 8} {y}")
    if row.run_name and row.version_name:
        found.append(f"M{VERSION - TO_VERSION} {y}H{VERSION - 8}")
    return found


def _down(y: int, to: int) -> str:
    return f"M{DATASET} {y + 7}V{to - 7}"
