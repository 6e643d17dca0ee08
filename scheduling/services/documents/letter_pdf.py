"""The PDF of a letter: neutral letterhead, appointment times, signature line, and the notice required by law."""

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
"""Fonts installed with the static files. They are embedded, so that every PDF viewer shows the same characters."""
RIGHT_TO_LEFT = {"R", "AL"}
"""Unicode bidirectional classes of right-to-left scripts, which reportlab can't typeset."""


@cache
def _typeface(name: str) -> TTFont:
    """Register the font with reportlab on first use, and return the font."""
    typeface = TTFont(name, str(settings.TYPEFACES_DIR / f"{name}.ttf"))
    pdfmetrics.registerFont(typeface)
    return typeface


def unprintable_characters(content: LetterContent) -> str:
    """Return the distinct characters of the letter that can't be printed, sorted."""
    glyphs = [_typeface(name).face.charToGlyph for name in (PLAIN, BOLD)]
    characters = {character for text in _texts(content) for character in text}
    return "".join(
        character
        for character in sorted(characters)
        if unicodedata.bidirectional(character) in RIGHT_TO_LEFT or any(ord(character) not in font for font in glyphs)
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
    """Return the letter as a PDF. The same content always gives the same bytes.

    The document properties reveal no more than the letter itself.
    """
    for name in (PLAIN, BOLD):
        _typeface(name)
    buffer = io.BytesIO()
    document = SimpleDocTemplate(
        buffer,
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
    return buffer.getvalue()


def _style(**more: Any) -> ParagraphStyle:
    base: dict[str, Any] = {"fontName": PLAIN, "fontSize": 10.5, "leading": 16, "textColor": HexColor("#22303c")}
    return ParagraphStyle("letter", **(base | more))


def _story(text: LetterText) -> list[Flowable]:
    """Return the parts of the letter in order, from top to bottom."""
    plain, small = _style(), _style(fontSize=8.5, leading=12)
    lines = [
        _paragraph(text.sender, _style(fontName=BOLD, fontSize=14, leading=20)),
        *(_paragraph(line, small) for line in text.sender_lines),
        Spacer(1, 30),
        _paragraph(text.written_on, plain),
        Spacer(1, 16),
        *(_paragraph(line, plain) for line in text.recipient_lines),
        Spacer(1, 22),
        _paragraph(text.title, _style(fontName=BOLD)),
        Spacer(1, 8),
        _paragraph(text.opening, plain),
        Spacer(1, 8),
        _table(text),
        Spacer(1, 12),
        _paragraph(text.closing, plain),
        Spacer(1, 40),
    ]
    ending = [
        HRFlowable(width=3 * inch, thickness=0.5, color=HexColor("#5b6b79"), hAlign="LEFT"),
        _paragraph(f"For {text.sender}", small),
        Spacer(1, 22),
        _paragraph(text.consent, small),
        Spacer(1, 6),
        _paragraph(text.notice, small),
    ]
    return [*lines, KeepTogether(ending)]


def _paragraph(line: str, style: ParagraphStyle) -> Paragraph:
    return Paragraph(escape(line), style)


def _table(text: LetterText) -> Table:
    """Return a table of days and times, which may break across pages."""
    plain = _style(leading=14)
    cells = [[_paragraph(days, plain), _paragraph(times, plain)] for days, times in text.rows]
    rules = TableStyle(
        [
            ("LINEBELOW", (0, 0), (-1, -1), 0.5, HexColor("#d9dee2")),
            ("VALIGN", (0, 0), (-1, -1), "TOP"),
            ("LEFTPADDING", (0, 0), (0, -1), 0),
        ]
    )
    return Table(cells, colWidths=[4.3 * inch, 2 * inch], style=rules, hAlign="LEFT")
