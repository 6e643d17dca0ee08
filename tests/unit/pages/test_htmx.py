"""A page loads htmx if it, or a part of it, has an hx- attribute. Other pages don't."""

import re
from pathlib import Path

import pytest

from tests.unit.pages.template_parts import TEMPLATES, parts_of

PAGES = [path for path in TEMPLATES.rglob("*.html") if "{% extends" in path.read_text()]
REQUEST = re.compile(r"\shx-(get|post|put|patch|delete)=")
LOADED = "components/htmx.html"


@pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(TEMPLATES)))
def test_a_page_loads_htmx_exactly_when_it_uses_it(page: Path) -> None:
    all_parts = parts_of(page)
    uses = any(REQUEST.search(path.read_text()) for path in all_parts)
    assert (TEMPLATES / LOADED in all_parts) is uses


def test_some_pages_use_htmx() -> None:
    assert 0 < sum(TEMPLATES / LOADED in parts_of(page) for page in PAGES) < len(PAGES) / 2
