"""A letter on plain paper: neutral letterhead, times, a line to sign on, and the notice that the law asks for."""

import io
import unicodedata
from functools import cache
from html import escape
from typing import Any

from django.conf import settings
from reportlab.lib.colors import HexColor
from reportlab.lib.pagesizes import LETTER
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import inch
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.platypus import (
    Flowable,
    HRFlowable,
    KeepTogether,
    Paragraph,
    SimpleDocTemplate,
    Spacer,
    Table,
    TableStyle,
)

from scheduling.domain.letters import LetterContent
from scheduling.services.documents.letter_text import LetterText

TITLE = "Schedule"
PLAIN, BOLD = "DejaVuSans", "DejaVuSans-Bold"
"""Typefaces that are installed with the pages' files, and embedded: every reader shows the same letters."""
RIGHT_TO_LEFT = {"R", "AL"}
"""Scripts that run from right to left, which the library that writes PDF can't set."""


@cache
def _typeface(name: str) -> TTFont:
    """Registered with the library once."""
    typeface = TTFont(name, str(settings.TYPEFACES_DIR / f"{name}.ttf"))
    pdfmetrics.registerFont(typeface)
    return typeface


def unprintable_characters(content: LetterContent) -> str:
    """The letters of what is to be printed that would not be legible, each once."""
    shapes = [_typeface(name).face.charToGlyph for name in (PLAIN, BOLD)]
    letters = {letter for text in _texts(content) for letter in text}
    return "".join(
        letter
        for letter in sorted(letters)
        if unicodedata.bidirectional(letter) in RIGHT_TO_LEFT or any(ord(letter) not in known for known in shapes)
    )


def _texts(content: LetterContent) -> tuple[str, ...]:
    return (
        content.sender,
        content.sender_address,
        content.sender_phone,
        content.recipient,
        content.recipient_address,
        content.name,
        content.purpose,
    )


def render_pdf(content: LetterContent) -> bytes:
    """The letter. The same content gives the same bytes; the document's properties say as little as its words."""
    for name in (PLAIN, BOLD):
        _typeface(name)
    written = io.BytesIO()
    document = SimpleDocTemplate(
        written,
        pagesize=LETTER,
        leftMargin=1.1 * inch,
        rightMargin=1.1 * inch,
        topMargin=0.9 * inch,
        bottomMargin=0.9 * inch,
        title=TITLE,
        author=content.sender,
        subject="",
        creator="",
        lang="en",
        invariant=1,
    )
    document.build(_story(LetterText.of(content)))
    return written.getvalue()


def _style(**more: Any) -> ParagraphStyle:
    base: dict[str, Any] = {"fontName": PLAIN, "fontSize": 10.5, "leading": 16, "textColor": HexColor("#22303c")}
    return ParagraphStyle("letter", **(base | more))


def _story(words: LetterText) -> list[Flowable]:
    """All of the letter, from top to bottom."""
    plain, small = _style(), _style(fontSize=8.5, leading=12)
    lines = [
        _paragraph(words.sender, _style(fontName=BOLD, fontSize=14, leading=20)),
        *(_paragraph(line, small) for line in words.sender_lines),
        Spacer(1, 30),
        _paragraph(words.written_on, plain),
        Spacer(1, 16),
        *(_paragraph(line, plain) for line in words.recipient_lines),
        Spacer(1, 22),
        _paragraph(words.title, _style(fontName=BOLD)),
        Spacer(1, 8),
        _paragraph(words.opening, plain),
        Spacer(1, 8),
        _table(words),
        Spacer(1, 12),
        _paragraph(words.closing, plain),
        Spacer(1, 40),
    ]
    ending = [
        HRFlowable(width=3 * inch, thickness=0.5, color=HexColor("#5b6b79"), hAlign="LEFT"),
        _paragraph(f"For {words.sender}", small),
        Spacer(1, 22),
        _paragraph(words.consent, small),
        Spacer(1, 6),
        _paragraph(words.notice, small),
    ]
    return [*lines, KeepTogether(ending)]


def _paragraph(text: str, style: ParagraphStyle) -> Paragraph:
    return Paragraph(escape(text), style)


def _table(words: LetterText) -> Table:
    """Days beside times; it goes on over pages."""
    plain = _style(leading=14)
    cells = [[_paragraph(days, plain), _paragraph(times, plain)] for days, times in words.rows]
    rules = TableStyle(
        [
            ("LINEBELOW", (0, 0), (-1, -1), 0.5, HexColor("#d9dee2")),
            ("VALIGN", (0, 0), (-1, -1), "TOP"),
            ("LEFTPADDING", (0, 0), (0, -1), 0),
        ]
    )
    return Table(cells, colWidths=[4.3 * inch, 2 * inch], style=rules, hAlign="LEFT")
