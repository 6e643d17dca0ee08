"""Declare the columns of an import file: each file has a subclass of ImportRow, with one field for each column.

Each field stores the function that parses the column's cells. The field of an optional column also stores the value of
an empty cell.
"""

from collections.abc import Callable, Iterator
from dataclasses import Field, dataclass, field, fields
from typing import Any, ClassVar

RowErrors = Iterator[tuple[str, str]]
"""Pairs of a column name and a sentence that says what is wrong in that column."""


def required[T](read: Callable[[str], T]) -> T:
    """Declare a required column: the file must have it, and its cells must not be empty."""
    column: T = field(metadata={"read": read, "needed": True})
    return column


def optional[T, D](read: Callable[[str], T], empty: D) -> T | D:
    """Declare an optional column. An empty cell has the value `empty`. If the column is missing, existing values stay."""
    column: T | D = field(default=empty, metadata={"read": read, "needed": False})
    return column


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportRow:
    """One row of an import file. `absent` has the names of the columns that the file lacks."""

    table: ClassVar[str]
    key_columns: ClassVar[tuple[str, ...]]
    """Names of the columns that identify a row. These columns usually hold the clinic's own codes."""
    number: int
    absent: frozenset[str] = frozenset()

    @classmethod
    def columns(cls) -> tuple[Field[Any], ...]:
        """Return the dataclass fields that are columns of the file."""
        return tuple(each for each in fields(cls) if "read" in each.metadata)

    @property
    def file(self) -> str:
        return f"{self.table}.csv"

    @property
    def label(self) -> str:
        return " ".join(str(getattr(self, column)) for column in self.key_columns)

    def given[T](self, column: str, existing: T) -> T:
        """Return the row's value in a column, or `existing` if the file lacks the column."""
        value: T = existing if column in self.absent else getattr(self, column)
        return value

    def errors(self) -> RowErrors:
        """Yield the errors that can be found in the row alone, without other rows or the database."""
        return iter(())
