"""The type of the PDF: Noto Sans, embedded, whose digits all have one width. What it lacks is set in another face."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

from reportlab.lib.colors import HexColor
from reportlab.lib.styles import ParagraphStyle
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.cidfonts import UnicodeCIDFont
from reportlab.pdfbase.ttfonts import TTFont

FONTS = Path(__file__).parent / "fonts"
REGULAR, BOLD = "NotoSans", "NotoSans-SemiBold"
OTHERS = (  # not embedded: readers have faces for them
    (re.compile("[\uac00-\ud7af\u1100-\u11ff]+"), "HYSMyeongJo-Medium"),
    (re.compile("[\u3040-\u30ff]+"), "HeiseiMin-W3"),
    (re.compile("[\u3000-\u303f\u3400-\u9fff\uf900-\ufaff\uff00-\uffef]+"), "STSong-Light"),
)
# The greys of the pages (tokens.css), and their one colour for charts.
INK, INK_2, INK_3 = HexColor("#161616"), HexColor("#4a4a4a"), HexColor("#666666")
LINE, ACCENT, BAND = HexColor("#e2e2e2"), HexColor("#1b57c9"), HexColor("#c9d8f4")


@cache
def register() -> frozenset[int]:
    """Make the faces known, once in a process. Returns the characters that Noto Sans has."""
    for name, file in ((REGULAR, "NotoSans-Regular.ttf"), (BOLD, "NotoSans-SemiBold.ttf")):
        pdfmetrics.registerFont(TTFont(name, FONTS / file))
    for _, name in OTHERS:
        pdfmetrics.registerFont(UnicodeCIDFont(name))
    face: Any = pdfmetrics.getFont(REGULAR).face
    return frozenset(face.charToGlyph)


def style(size: float, *, bold: bool = False, colour: Any = INK, lead: float = 1.35, **more: Any) -> ParagraphStyle:
    name = BOLD if bold else REGULAR
    return ParagraphStyle(
        f"{name}{size}", fontName=name, fontSize=size, leading=size * lead, textColor=colour, **more
    )  # fmt: skip


def markup(text: str) -> str:
    """Text for a Paragraph: escaped, and what Noto Sans lacks in a face that has it. Unknown characters become □."""
    known = register()
    return "".join(_run(run, known) for run in re.split(_ANY_OTHER, text) if run)


_ANY_OTHER = re.compile("(" + "|".join(pattern.pattern for pattern, _ in OTHERS) + ")")


def _run(run: str, known: frozenset[int]) -> str:
    for pattern, face in OTHERS:
        if pattern.fullmatch(run) and not all(ord(one) in known for one in run):
            return f'<font name="{face}">{escape(run)}</font>'
    return escape("".join(one if ord(one) in known else "□" for one in run))
