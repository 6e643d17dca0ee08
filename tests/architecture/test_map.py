"""docs/architecture.md lists only files that exist, and its table has a row for each room.

A walk is a list in the document: the files that handle one kind of request, from the view downward. A room is a folder
inside a layer of an app, such as scheduling/services/timetable.
"""

import ast
import re

import pytest

from tests.paths import PROJECT

MAP = (PROJECT / "docs" / "architecture.md").read_text(encoding="utf-8")
WALKS = re.findall(r"^### (Enroll|Mark|Find)\b.*?\n(.*?)(?=^##)", MAP, re.MULTILINE | re.DOTALL)
FILE = re.compile(r"^\d+\. `([\w/]+\.py)`", re.MULTILINE)


def files_of(walk: str) -> list[str]:
    return FILE.findall(walk)


def imports_of(file: str) -> set[str]:
    """Return the paths of the project's files that a file imports directly."""
    found: set[str] = set()
    for node in ast.walk(ast.parse((PROJECT / file).read_text())):
        if not isinstance(node, ast.ImportFrom) or not node.module:
            continue
        module = node.module.replace(".", "/")
        candidates = [module, *(f"{module}/{alias.name}" for alias in node.names)]
        found |= {f"{each}.py" for each in candidates if (PROJECT / f"{each}.py").is_file()}
    return found


def test_the_document_has_the_three_walks() -> None:
    assert [name for name, _ in WALKS] == ["Enroll", "Mark", "Find"]


@pytest.mark.parametrize(("name", "walk"), WALKS, ids=[name for name, _ in WALKS])
def test_a_walk_names_each_file_once_and_never_leads_back_up(name: str, walk: str) -> None:
    files = files_of(walk)
    assert len(files) >= 5
    assert len(set(files)) == len(files)
    for position, file in enumerate(files):
        assert (PROJECT / file).is_file(), file
        above = set(files[:position])
        assert not imports_of(file) & above, f"{file} leads back up"
        assert position == 0 or any(file in imports_of(each) for each in above), f"nothing above leads to {file}"


def test_every_room_has_a_row_in_the_table() -> None:
    layers = [
        PROJECT / app / layer
        for app in ("patients", "scheduling")
        for layer in ("services", "views", "forms", "domain")
    ]
    rooms = {room.name for layer in layers for room in layer.iterdir() if (room / "__init__.py").is_file()}
    unnamed = {room for room in rooms if f"| `{room}`" not in MAP}
    assert unnamed == set()
