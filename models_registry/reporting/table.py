"""A report as CSV: every figure, then every count of judged parts."""

from __future__ import annotations

import csv
import io
import re

from models_registry.reporting.content import Content

COLUMNS = ("what", "name", "value", "low", "high", "bound_95", "unit", "judged", "found", "of", "method")
FORMULA = re.compile(r"['=+@\t\r-]")


def report_csv(content: Content) -> str:
    """Lines with a header. What a spreadsheet would run as a formula gets an apostrophe in front."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(COLUMNS)
    for one in content.figures:
        unit = one.currency or one.unit
        limits = (one.value, one.low, one.high, one.bound)
        writer.writerow(["figure", _plain(one.name), *limits, unit, one.n, one.n_found, one.of, one.method])
    for true, said, n in content.truth:
        name = " said as ".join(filter(None, [true or "not judgeable", said]))
        writer.writerow(["count", _plain(name), n, "", "", "", "parts", "", "", "", ""])
    return out.getvalue()


def _plain(text: str) -> str:
    return f"'{text}" if FORMULA.match(text) else text
