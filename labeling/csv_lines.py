"""Lines of CSV that a spreadsheet opens without running anything."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable

FORMULA = re.compile(r"['=+@\t\r-]")


def csv_line(cells: Iterable[object]) -> str:
    """What a spreadsheet would run as a formula gets an apostrophe in front, as in the export of ground truth."""
    out = io.StringIO()
    csv.writer(out).writerow([f"'{cell}" if isinstance(cell, str) and FORMULA.match(cell) else cell for cell in cells])
    return out.getvalue()
