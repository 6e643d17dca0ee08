"""A letter on plain paper: neutral letterhead, times, a line to sign on, and the notice that the law asks for."""

from __future__ import annotations

import io
import unicodedata
from datetime import date
from functools import cache
from html import escape
from typing import TYPE_CHECKING, Any

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

from scheduling.domain.letter import WeeklyTime
from scheduling.templatetags.words import dated, times, weekday

if TYPE_CHECKING:
    from scheduling.services.letters import Content

NOTICE = "42 CFR part 2 prohibits unauthorized use or disclosure of these records."
"""The short form of the notice that accompanies a disclosure: 42 CFR 2.32(a)(2). The law allows it, and it says the least."""
TITLE = "Schedule"
PLAIN, BOLD = "DejaVuSans", "DejaVuSans-Bold"
"""Typefaces that are installed with the pages' files, and embedded: every reader shows the same letters."""
LEFTWARD = {"R", "AL"}
"""Scripts that run from right to left, which the library that writes PDF can't set."""


@cache
def _typeface(name: str) -> TTFont:
    """Registered with the library once."""
    typeface = TTFont(name, str(settings.TYPEFACES_DIR / f"{name}.ttf"))
    pdfmetrics.registerFont(typeface)
    return typeface


def missing_letters(content: Content) -> str:
    """The letters of what is to be printed that would not be legible, each once."""
    shapes = [_typeface(name).face.charToGlyph for name in (PLAIN, BOLD)]
    letters = {letter for text in _texts(content) for letter in text}
    return "".join(
        letter
        for letter in sorted(letters)
        if unicodedata.bidirectional(letter) in LEFTWARD or any(ord(letter) not in known for known in shapes)
    )


def _texts(content: Content) -> tuple[str, ...]:
    return (
        content.sender,
        content.sender_address,
        content.sender_phone,
        content.recipient,
        content.recipient_address,
        content.name,
        content.purpose,
    )


def pdf_of(content: Content) -> bytes:
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
    document.build(_story(content))
    return written.getvalue()


def _style(**more: Any) -> ParagraphStyle:
    base: dict[str, Any] = {"fontName": PLAIN, "fontSize": 10.5, "leading": 16, "textColor": HexColor("#22303c")}
    return ParagraphStyle("letter", **(base | more))


def _story(content: Content) -> list[Flowable]:
    """All of the letter, from top to bottom."""
    plain, small = _style(), _style(fontSize=8.5, leading=12)
    name = escape(content.name)
    head = [content.sender_address, content.sender_phone]
    lines = [
        Paragraph(escape(content.sender), _style(fontName=BOLD, fontSize=14, leading=20)),
        *(Paragraph(escape(line), small) for line in head if line),
        Spacer(1, 30),
        Paragraph(dated(content.written_on), plain),
        Spacer(1, 16),
        Paragraph(escape(content.recipient), plain),
        *(Paragraph(escape(line), plain) for line in [content.recipient_address] if line),
        Spacer(1, 22),
        Paragraph(f"Appointments of {name}", _style(fontName=BOLD)),
        Spacer(1, 8),
        Paragraph(
            f"From {dated(content.first_day)} to {dated(content.last_day)} {name} has appointments at these times:",
            plain,
        ),
        Spacer(1, 8),
        _table(content),
        Spacer(1, 12),
        Paragraph("Times can change. A later letter takes the place of this one.", plain),
        Spacer(1, 40),
    ]
    ending = [
        HRFlowable(width=3 * inch, thickness=0.5, color=HexColor("#5b6b79"), hAlign="LEFT"),
        Paragraph(f"For {escape(content.sender)}", small),
        Spacer(1, 22),
        Paragraph(
            f"Sent with the written consent of {name}, signed on {dated(content.signed_on)}. It covers the times of "
            f"appointments and nothing else, for this purpose: {escape(content.purpose)}. It holds until "
            f"{dated(content.consent_last_day)} unless it is revoked before.",
            small,
        ),
        Spacer(1, 6),
        Paragraph(NOTICE, small),
    ]
    return [*lines, KeepTogether(ending)]


def _table(content: Content) -> Table:
    """Weekly times with their exceptions, then single ones by date; it goes on over pages."""
    plain = _style(leading=14)
    rows = [(_days(each), times(each.starts, each.ends)) for each in content.times.weekly]
    rows += [(_day(each.on), times(each.starts, each.ends)) for each in content.times.single]
    cells = [[Paragraph(days, plain), Paragraph(times, plain)] for days, times in rows]
    rules = TableStyle(
        [
            ("LINEBELOW", (0, 0), (-1, -1), 0.5, HexColor("#d9dee2")),
            ("VALIGN", (0, 0), (-1, -1), "TOP"),
            ("LEFTPADDING", (0, 0), (0, -1), 0),
        ]
    )
    return Table(cells, colWidths=[4.3 * inch, 2 * inch], style=rules, hAlign="LEFT")


def _day(on: date) -> str:
    return f"{weekday(on.weekday())} {dated(on)}"


def _days(weekly: WeeklyTime) -> str:
    said = f"Every {weekday(weekly.weekday)} from {dated(weekly.first)} to {dated(weekly.last)}"
    return f"{said}, but not on {_listed(weekly.out)}" if weekly.out else said


def _listed(days: tuple[date, ...]) -> str:
    *before, last = map(dated, days)
    return f"{', '.join(before)} and {last}" if before else last
