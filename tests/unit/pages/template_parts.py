"""The parts of a page: its template, and the templates that it includes, directly or indirectly."""

import re
from pathlib import Path

from tests.paths import PROJECT

TEMPLATES = PROJECT / "templates"
INCLUDED = re.compile(r"""{% include ["']([^"']+)["']""")
CLASSES = re.compile(r"""class\w*=(?:"((?:\{%.*?%\}|\{\{.*?\}\}|[^"])*)"|'([^']*)')""", re.DOTALL)


def parts_of(page: Path) -> set[Path]:
    found, new = set[Path](), {page}
    while new:
        found |= new
        included = {TEMPLATES / name for each in new for name in INCLUDED.findall(each.read_text())}
        new = {each for each in included if each.exists()} - found
    return found


def classes_in(html: str) -> set[str]:
    return {name for match in CLASSES.finditer(html) for name in re.findall(r"[\w-]+", match[1] or match[2] or "")}
