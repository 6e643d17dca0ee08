"""Declares the columns of a file: each file has a class, whose fields are its columns.

A field has the reader of its cells and, if the column is optional, the value of an empty cell.
"""

from collections.abc import Callable, Iterator
from dataclasses import Field, dataclass, field, fields
from typing import Any, ClassVar

RowErrors = Iterator[tuple[str, str]]
"""Pairs of a column and a sentence."""


def required[T](read: Callable[[str], T]) -> T:
    """Declare a column that the file must have, and whose cells must not be empty."""
    column: T = field(metadata={"read": read, "needed": True})
    return column


def optional[T, D](read: Callable[[str], T], empty: D) -> T | D:
    """Declare a column that the file may lack, which leaves its values as they are. An empty cell means `empty`."""
    column: T | D = field(default=empty, metadata={"read": read, "needed": False})
    return column


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportRow:
    """A row of a file. `absent` are the columns that the file does not have."""

    table: ClassVar[str]
    key_columns: ClassVar[tuple[str, ...]]
    """The columns that identify a row, usually the clinic's own codes."""
    number: int
    absent: frozenset[str] = frozenset()

    @classmethod
    def columns(cls) -> tuple[Field[Any], ...]:
        """Return the fields that are columns of the file."""
        return tuple(each for each in fields(cls) if "read" in each.metadata)

    @property
    def file(self) -> str:
        return f"{self.table}.csv"

    @property
    def label(self) -> str:
        return " ".join(str(getattr(self, column)) for column in self.key_columns)

    def given[T](self, column: str, existing: T) -> T:
        """Return the row's value or, if the file does not have the column, the existing one."""
        value: T = existing if column in self.absent else getattr(self, column)
        return value

    def errors(self) -> RowErrors:
        """Yield the errors that the row has by itself."""
        return iter(())
