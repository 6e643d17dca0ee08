"""docs/import.md describes every column of the import, and no others."""

import re

import pytest

from clinic_import.clinic import ROW_TYPES
from clinic_import.reading.columns import ImportRow
from tests.paths import PROJECT

GUIDE = (PROJECT / "docs" / "import.md").read_text(encoding="utf-8")


def section(table: str) -> str:
    return GUIDE.split(f"## {table}.csv\n")[1].split("\n## ")[0]


@pytest.mark.parametrize("kind", ROW_TYPES, ids=lambda kind: kind.table)
def test_every_column_is_described_and_marked_if_required(kind: type[ImportRow]) -> None:
    rows = re.findall(r"^\| (\*\*)?(\w+)(?:\*\*)? \|", section(kind.table), re.MULTILINE)
    described = {name: bool(bold) for bold, name in rows if name != "column"}
    assert described == {column.name: column.metadata["needed"] for column in kind.columns()}


@pytest.mark.parametrize("kind", ROW_TYPES, ids=lambda kind: kind.table)
def test_every_example_can_be_read(kind: type[ImportRow]) -> None:
    examples = dict(
        re.findall(r"^\| (?:\*\*)?(\w+)(?:\*\*)? \| [^|]*\| `([^`]+)` \|", section(kind.table), re.MULTILINE)
    )
    for column in kind.columns():
        if column.name in examples:
            column.metadata["read"](examples[column.name])
    assert len(examples) > len(kind.columns()) // 2
