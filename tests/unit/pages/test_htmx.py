"""A page loads htmx if it, or a part of it, has an hx- attribute. Other pages don't."""

import re
from pathlib import Path

import pytest

from tests.paths import PROJECT

TEMPLATES = PROJECT / "templates"
PAGES = [path for path in TEMPLATES.rglob("*.html") if "{% extends" in path.read_text()]
INCLUDED = re.compile(r"""{% include ["']([^"']+)["']""")
REQUEST = re.compile(r"\shx-(get|post|put|patch|delete)=")
LOADED = "components/htmx.html"


def parts(path: Path) -> set[Path]:
    """Return the template and the templates that it includes, directly or through another one."""
    found, new = set[Path](), {path}
    while new:
        found |= new
        included = {TEMPLATES / name for each in new for name in INCLUDED.findall(each.read_text())}
        new = {each for each in included if each.exists()} - found
    return found


@pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(TEMPLATES)))
def test_a_page_loads_htmx_exactly_if_it_uses_it(page: Path) -> None:
    all_parts = parts(page)
    uses = any(REQUEST.search(path.read_text()) for path in all_parts)
    assert (TEMPLATES / LOADED in all_parts) is uses


def test_some_pages_use_htmx() -> None:
    assert 0 < sum(TEMPLATES / LOADED in parts(page) for page in PAGES) < len(PAGES) / 2
