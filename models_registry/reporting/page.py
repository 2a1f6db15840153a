"""A report as a PDF: one A4 page that can be forwarded. The same report gives the same bytes."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from reportlab.lib.pagesizes import A4
from reportlab.lib.units import mm
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import BaseDocTemplate, Flowable, Frame, KeepTogether, PageTemplate, Paragraph, Spacer, Table

from models_registry.reporting.chart import IntervalChart
from models_registry.reporting.content import Content, Figure
from models_registry.reporting.face import INK_2, INK_3, LINE, REGULAR, markup, register, style
from models_registry.reporting.wording import headline, interval

MARGIN = 18 * mm
WIDTH = A4[0] - 2 * MARGIN
ROWS = 8  # of the table of mistakes; the CSV has all
TITLE, HUGE = style(17, bold=True, lead=1.2), style(38, bold=True, lead=1.05)
BODY, SMALL, CAPTION = style(9), style(8, colour=INK_2), style(8, colour=INK_3)
HEAD, CELL_BOLD = style(9.5, bold=True), style(9, bold=True)
RIGHT, CAPTION_RIGHT = style(9, alignment=2), style(8, colour=INK_3, alignment=2)


@dataclass(frozen=True, slots=True)
class Issued:
    """What stands around the content: who, when, which number and hash, and what was noted since."""

    title: str
    number: int
    sha256: str
    signed_by: str
    signed_at: str
    addenda: Sequence[tuple[str, str]] = ()  # date, message


def report_pdf(content: Content, issued: Issued) -> bytes:
    """The page, as bytes. Long reports go on on a second one."""
    register()
    stream = io.BytesIO()
    document = BaseDocTemplate(
        stream, pagesize=A4, leftMargin=MARGIN, rightMargin=MARGIN, topMargin=15 * mm, bottomMargin=20 * mm,
        title=f"{issued.title}, report {issued.number}", author=issued.signed_by or "reviewapp", creator="reviewapp",
        invariant=1, lang="en",
    )  # fmt: skip
    frame = Frame(MARGIN, 20 * mm, WIDTH, A4[1] - 35 * mm, leftPadding=0, rightPadding=0, topPadding=0, bottomPadding=0)
    document.addPageTemplates(PageTemplate(frames=[frame], onPage=lambda canvas, _: _footer(canvas, issued)))
    document.build(_flow(content, issued))
    return stream.getvalue()


def _flow(content: Content, issued: Issued) -> list[Flowable]:
    flow = [*_head(content, issued), *_addenda(issued)]
    if content.figures:
        flow += _first(content.figures[0])
    flow += [_facts(content.facts), Spacer(0, 5 * mm), _says(content), Spacer(0, 5 * mm)]
    if len(content.figures) > 1:
        flow += [KeepTogether(_more(content.figures[1:])), Spacer(0, 5 * mm)]
    if mistakes := [row for row in content.truth if row[0] != row[1] and row[0] and row[1]]:
        flow.append(KeepTogether(_mistakes(mistakes)))
    return flow


def _head(content: Content, issued: Issued) -> list[Flowable]:
    name = (content.version or {}).get("name")
    subject = [f"Version {name}" if name and name != issued.title else "", content.window.get("words", "")]
    line = Table(
        [[_text("reviewapp", CAPTION), _text(f"Report {issued.number} · {issued.signed_at[:10]}", style(8, colour=INK_3,
          alignment=2))]], colWidths=[WIDTH / 2] * 2, style=[*_FLUSH, ("LINEBELOW", (0, 0), (-1, -1), 0.5, LINE)],
    )  # fmt: skip
    return [
        line, Spacer(0, 6 * mm), _text(issued.title, TITLE), Spacer(0, 1 * mm),
        _text(" · ".join(filter(None, subject)), style(9.5, colour=INK_2)), Spacer(0, 6 * mm),
    ]  # fmt: skip


def _first(figure: Figure) -> list[Flowable]:
    """The number that the report is about: large, its interval beside it and drawn below it."""
    found = "found wrong" if figure.key == "accuracy" else "found"
    words = [
        _text(figure.name, HEAD),
        _text(_ends(figure), BODY),
        _text(f"{figure.n:,} judged, {figure.n_found:,} {found}; speaks of {figure.of:,} parts. {figure.note}", SMALL),
    ]
    block = Table(
        [[_large(figure), words]],
        colWidths=[58 * mm, WIDTH - 58 * mm],
        style=[*_FLUSH, ("VALIGN", (0, 0), (-1, -1), "MIDDLE")],
    )
    return [block, Spacer(0, 4 * mm), IntervalChart(figure, width=WIDTH), Spacer(0, 5 * mm)]


def _ends(figure: Figure) -> str:
    if figure.value is None:
        return "Not measurable yet: nothing was judged."
    if figure.bound_only:
        return "Bound with 95 % confidence; too little for an estimate."
    if figure.low == figure.high:
        return "Exact: every part was judged."
    return f"With 95 % confidence {interval(figure)}."


def _large(figure: Figure) -> Flowable:
    before, value = headline(figure)
    return Paragraph((f'<font size="14">{markup(before)} </font>' if before else "") + markup(value), HUGE)


def _facts(facts: Sequence[tuple[str, str]]) -> Flowable:
    """Name above value, four to a row."""
    cells = [[_text(name, CAPTION), _text(value, BODY)] for name, value in facts]
    rows: list[list[Any]] = [cells[start : start + 4] for start in range(0, len(cells), 4)] or [[""]]
    rows[-1] += [""] * (4 - len(rows[-1]))
    return Table(
        rows, colWidths=[WIDTH / 4] * 4,
        style=[*_FLUSH, ("LINEABOVE", (0, 0), (-1, 0), 0.5, LINE), ("LINEBELOW", (0, -1), (-1, -1), 0.5, LINE),
               ("TOPPADDING", (0, 0), (-1, -1), 5), ("BOTTOMPADDING", (0, 0), (-1, -1), 5),
               ("RIGHTPADDING", (0, 0), (-1, -1), 6)],
    )  # fmt: skip


def _says(content: Content) -> Flowable:
    """What it can say and what it cannot, side by side."""
    columns = [
        [_text("What this shows", HEAD), Spacer(0, 1.5 * mm), *_bullets(content.can)],
        [_text("What this cannot show", HEAD), Spacer(0, 1.5 * mm), *_bullets(content.cannot)],
    ]
    gap = 8 * mm
    return Table(
        [[columns[0], "", columns[1]]], colWidths=[(WIDTH - gap) / 2, gap, (WIDTH - gap) / 2], style=_FLUSH
    )  # fmt: skip


def _bullets(sentences: Sequence[str]) -> list[Flowable]:
    item = style(8.8, lead=1.4, leftIndent=11, bulletIndent=0, spaceAfter=3, bulletFontName=REGULAR)
    return [Paragraph(markup(one), item, bulletText="-") for one in sentences]


def _more(figures: Sequence[Figure]) -> list[Flowable]:
    columns = _right("Judged", "Of", how=CAPTION_RIGHT)
    rows: list[list[Any]] = [[_text("Also measured", CAPTION), "", _text("95 % interval", CAPTION), *columns]]
    for one in figures:
        value = _text(" ".join(headline(one)).strip(), CELL_BOLD)
        numbers = _right(f"{one.n:,}", f"{one.of:,}", how=RIGHT)
        rows.append([_text(one.name, BODY), value, _text(interval(one), BODY), *numbers])
    widths = [0.36 * WIDTH, 0.18 * WIDTH, 0.26 * WIDTH, 0.1 * WIDTH, 0.1 * WIDTH]
    return [Table(rows, colWidths=widths, style=_LINED)]


def _right(*texts: str, how: Any) -> list[Paragraph]:
    return [_text(text, how) for text in texts]


def _mistakes(mistakes: Sequence[tuple[str, str, int]]) -> list[Flowable]:
    """The most frequent confusions among the judged: plain counts."""
    ranked = sorted(mistakes, key=lambda row: (-row[2], row[0], row[1]))
    rows: list[list[Any]] = [
        [_text("The model said", CAPTION), _text("It was", CAPTION), _text("Judged parts", style(8, colour=INK_3,
                                                                                               alignment=2))]
    ]  # fmt: skip
    rows += [[_text(said, BODY), _text(true, BODY), _text(f"{n:,}", RIGHT)] for true, said, n in ranked[:ROWS]]
    table = Table(rows, colWidths=[0.42 * WIDTH, 0.42 * WIDTH, 0.16 * WIDTH], style=_LINED)
    n_left = len(ranked) - ROWS
    more = (
        [_text(f"{n_left} more kinds of mistake stand in the CSV file of this report.", CAPTION)] if n_left > 0 else []
    )
    return [_text("Where it was wrong", HEAD), Spacer(0, 1.5 * mm), table, *more]


def _addenda(issued: Issued) -> list[Flowable]:
    if not issued.addenda:
        return []
    notes = [[_text(f"Addendum, {date}", CELL_BOLD), _text(message, BODY)] for date, message in issued.addenda]
    box = Table(
        notes, colWidths=[0.25 * WIDTH, 0.75 * WIDTH],
        style=[("BOX", (0, 0), (-1, -1), 0.7, INK_3), ("VALIGN", (0, 0), (-1, -1), "TOP")],
    )  # fmt: skip
    return [box, Spacer(0, 5 * mm)]


def _text(text: str, how: Any) -> Paragraph:
    return Paragraph(markup(text), how)


def _footer(canvas: Canvas, issued: Issued) -> None:
    canvas.saveState()
    canvas.setStrokeColor(LINE)
    canvas.line(MARGIN, 16 * mm, A4[0] - MARGIN, 16 * mm)
    canvas.setFillColor(INK_3)
    canvas.setFont(REGULAR, 7)
    signed = f"Signed by {issued.signed_by}, {issued.signed_at}" if issued.signed_by else f"Made {issued.signed_at}"
    canvas.drawString(MARGIN, 12 * mm, f"{signed}. Page {canvas.getPageNumber()}")
    canvas.drawString(MARGIN, 8.6 * mm, f"SHA-256 of the content {issued.sha256}")
    canvas.restoreState()


_FLUSH = [
    ("LEFTPADDING", (0, 0), (-1, -1), 0), ("RIGHTPADDING", (0, 0), (-1, -1), 0), ("TOPPADDING", (0, 0), (-1, -1), 0),
    ("BOTTOMPADDING", (0, 0), (-1, -1), 2), ("VALIGN", (0, 0), (-1, -1), "TOP"),
]  # fmt: skip
_LINED = [
    ("LEFTPADDING", (0, 0), (-1, -1), 0), ("RIGHTPADDING", (0, 0), (-1, -1), 4), ("TOPPADDING", (0, 0), (-1, -1), 2),
    ("BOTTOMPADDING", (0, 0), (-1, -1), 3), ("LINEBELOW", (0, 0), (-1, -1), 0.5, LINE),
    ("VALIGN", (0, 0), (-1, -1), "MIDDLE"),
]  # fmt: skip
