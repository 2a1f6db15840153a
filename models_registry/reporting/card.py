"""A version's card as Markdown and as a PDF. Pure: facts and texts in, a document out."""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from dataclasses import dataclass

from reportlab.lib.pagesizes import A4
from reportlab.lib.units import mm
from reportlab.platypus import BaseDocTemplate, Flowable, Frame, PageTemplate, Paragraph, Spacer, Table

from models_registry.reporting.face import INK_2, INK_3, LINE, markup, register, style

MARGIN = 18 * mm
WIDTH = A4[0] - 2 * MARGIN
SPECIAL = re.compile(r"([\\`*_{}\[\]<>#|])")


@dataclass(frozen=True, slots=True)
class Section:
    """Facts that the product knows: (name, value)."""

    title: str
    facts: Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Written:
    """What somebody wrote: ``by`` and ``at`` in words, ``from_version`` where an earlier version's text still holds."""

    part: str
    title: str
    text: str
    by: str = ""
    at: str = ""
    from_version: str = ""


@dataclass(frozen=True, slots=True)
class Card:
    title: str
    subtitle: str
    texts: Sequence[Written]
    sections: Sequence[Section]
    made: str

    @property
    def written(self) -> list[Written]:
        """The parts that say something."""
        return [one for one in self.texts if one.text]


def card_markdown(card: Card) -> str:
    """CommonMark. What people wrote is theirs and stays as it is; facts are escaped."""
    lines = [f"# {_plain(card.title)}", "", _plain(card.subtitle), ""]
    for one in card.written:
        lines += [f"## {_plain(one.title)}", "", one.text, ""]
    for section in card.sections:
        lines += [f"## {_plain(section.title)}", ""]
        lines += [f"- **{_plain(name)}**: {_plain(value)}" for name, value in section.facts]
        lines.append("")
    return "\n".join([*lines, _plain(card.made), ""])


def _plain(text: str) -> str:
    return SPECIAL.sub(r"\\\1", text.replace("\n", " "))


def card_pdf(card: Card) -> bytes:
    """A4 pages. The same card gives the same bytes."""
    register()
    stream = io.BytesIO()
    document = BaseDocTemplate(
        stream, pagesize=A4, leftMargin=MARGIN, rightMargin=MARGIN, topMargin=15 * mm, bottomMargin=18 * mm,
        title=card.title, creator="reviewapp", invariant=1,
    )  # fmt: skip
    frame = Frame(MARGIN, 18 * mm, WIDTH, A4[1] - 33 * mm, leftPadding=0, rightPadding=0, topPadding=0, bottomPadding=0)
    document.addPageTemplates(PageTemplate(frames=[frame]))
    document.build(_flow(card))
    return stream.getvalue()


def _flow(card: Card) -> list[Flowable]:
    head = style(10.5, bold=True, spaceBefore=10, spaceAfter=3)
    flow: list[Flowable] = [
        _text(card.title, style(17, bold=True, lead=1.2)),
        _text(card.subtitle, style(9.5, colour=INK_2)),
    ]
    for one in card.written:
        flow.append(_text(one.title, head))
        flow += [_text(piece, style(9, spaceAfter=3)) for piece in one.text.split("\n") if piece.strip()]
    for section in card.sections:
        flow += [_text(section.title, head), _facts(section)]
    return [*flow, Spacer(0, 6 * mm), _text(card.made, style(8, colour=INK_3))]


def _facts(section: Section) -> Flowable:
    rows = [[_text(name, style(8.5, colour=INK_3)), _text(value, style(9))] for name, value in section.facts]
    look = [
        ("LEFTPADDING", (0, 0), (-1, -1), 0), ("VALIGN", (0, 0), (-1, -1), "TOP"), ("TOPPADDING", (0, 0), (-1, -1), 2),
        ("BOTTOMPADDING", (0, 0), (-1, -1), 2), ("LINEBELOW", (0, 0), (-1, -1), 0.5, LINE),
    ]  # fmt: skip
    return Table(rows or [["", ""]], colWidths=[0.3 * WIDTH, 0.7 * WIDTH], style=look)


def _text(text: str, how: object) -> Paragraph:
    return Paragraph(markup(text), how)
