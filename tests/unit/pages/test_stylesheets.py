"""Pages for patients and visitors don't load the stylesheet of staff pages, so they must not use its classes."""

import re
from pathlib import Path

import pytest

from tests.paths import PROJECT
from tests.unit.pages.template_parts import TEMPLATES, classes_in, parts_of

NAMED = re.compile(r"\.([a-z][\w-]*)(?=[^{}]*\{)")
CSS = PROJECT / "static" / "css"
BOOTSTRAP = PROJECT / "var" / "vendor" / "bootstrap" / "bootstrap.min.css"
FOR_EVERYONE = {name for path in (CSS / "app.css", BOOTSTRAP) for name in NAMED.findall(path.read_text())}
ONLY_FOR_STAFF = set(NAMED.findall((CSS / "staff.css").read_text())) - FOR_EVERYONE
FRAMES = ("portal.html", "components/plain.html")
PAGES = [
    path for path in TEMPLATES.rglob("*.html") if any(f'{{% extends "{frame}"' in path.read_text() for frame in FRAMES)
]


@pytest.mark.parametrize("page", [*PAGES, *(TEMPLATES / frame for frame in FRAMES)], ids=lambda path: path.name)
def test_a_page_for_patients_needs_no_style_of_staff_pages(page: Path) -> None:
    named = {name for part in parts_of(page) for name in classes_in(part.read_text())}
    assert named & ONLY_FOR_STAFF == set()


def test_staff_pages_have_a_style_of_their_own() -> None:
    assert {"shell", "roster-line", "day-session"} <= ONLY_FOR_STAFF
