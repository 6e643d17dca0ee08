"""In links and buttons, hidden text for screen readers does not begin with punctuation.

Screen readers read the visible text and the hidden text aloud as one phrase.
"""

import re
from pathlib import Path

import pytest

from tests.paths import PROJECT

TEMPLATES = sorted((PROJECT / "templates").rglob("*.html"))
HIDDEN_PUNCTUATION = re.compile(r'class="visually-hidden"[^>]*>\s*[:,.;]')


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: path.name)
def test_hidden_text_does_not_begin_with_punctuation(template: Path) -> None:
    """Browsers put a space before hidden text, so "Open" and ": Group" would be read as "Open : Group"."""
    assert HIDDEN_PUNCTUATION.findall(template.read_text()) == []


@pytest.mark.parametrize(
    ("html", "found"),
    [
        ('Open<span class="visually-hidden">: Group</span>', True),
        ('Try it<span class="visually-hidden">, number 1</span>', True),
        ('Open<span class="visually-hidden"> (Group)</span>', False),
    ],
)
def test_the_pattern_finds_punctuation(html: str, found: bool) -> None:
    assert bool(HIDDEN_PUNCTUATION.search(html)) == found
