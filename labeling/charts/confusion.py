"""Truth and prediction: how each true label was called, as shares of the row with their intervals."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from labeling.charts.frame import REVIEWS_NEEDED, Share

NOTHING = Share(None, None, None, 0)


@dataclass(frozen=True, slots=True)
class MatrixLabel:
    slug: str
    name: str
    is_defect: bool


@dataclass(frozen=True, slots=True)
class Cell:
    """How often a true label was called so.

    ``kind``: hit; warn (a defect called good); bad (surely more of them than allowed); few (too little for a share:
    the interval alone); nil (nothing found) or plain.
    """

    said: MatrixLabel
    share: Share
    kind: str


@dataclass(frozen=True, slots=True)
class MatrixRow:
    label: MatrixLabel
    n: int
    cells: tuple[Cell, ...]

    @property
    def is_few(self) -> bool:
        return self.n < REVIEWS_NEEDED


@dataclass(frozen=True, slots=True)
class Matrix:
    """Columns and rows in one order; labels that were never seen and never said are left out."""

    columns: tuple[MatrixLabel, ...]
    rows: tuple[MatrixRow, ...]

    @property
    def n(self) -> int:
        return sum(row.n for row in self.rows)

    @property
    def has_few(self) -> bool:
        return any(row.is_few for row in self.rows)


def confusion_matrix(
    shares: Mapping[tuple[str, str], Share], labels: Sequence[MatrixLabel], *, over: Collection[str] = ()
) -> Matrix:
    """``shares`` by (true, said), each of its row; ``over``: defects that surely pass as good more than is allowed."""
    found = {slug for (true, said), share in shares.items() if share.n for slug in (true, said)}
    shown = tuple(label for label in labels if label.slug in found)
    rows = tuple(_row(label, shown, shares, label.slug in over) for label in shown)
    return Matrix(shown, rows)


def _row(
    label: MatrixLabel, columns: Sequence[MatrixLabel], shares: Mapping[tuple[str, str], Share], is_over: bool
) -> MatrixRow:
    mine = [(column, shares.get((label.slug, column.slug), NOTHING)) for column in columns]
    n = sum(share.n for _, share in mine)
    return MatrixRow(label, n, tuple(Cell(c, share, _kind(label, c, share, n, is_over)) for c, share in mine))


def _kind(true: MatrixLabel, said: MatrixLabel, share: Share, n_row: int, is_over: bool) -> str:
    if n_row < REVIEWS_NEEDED:
        return "few" if share.n else "nil"
    if not share.n:
        return "nil"
    if true.slug == said.slug:
        return "hit"
    if true.is_defect and not said.is_defect:
        return "bad" if is_over else "warn"
    return "plain"
