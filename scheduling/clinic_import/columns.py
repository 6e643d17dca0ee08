"""How a file's columns are declared: a class for each file, whose fields are its columns.

A field says how a cell is read and, if its column may be missing, what an empty cell means.
"""

from collections.abc import Callable, Iterator
from dataclasses import Field, dataclass, field, fields
from typing import Any, ClassVar

RowErrors = Iterator[tuple[str, str]]
"""Column and sentence."""


def required[T](read: Callable[[str], T]) -> T:
    """A column that the file must have, and whose cells must not be empty."""
    column: T = field(metadata={"read": read, "needed": True})
    return column


def optional[T, D](read: Callable[[str], T], empty: D) -> T | D:
    """A column that the file may lack: what it would say is then left as it is. An empty cell means `empty`."""
    column: T | D = field(default=empty, metadata={"read": read, "needed": False})
    return column


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportRow:
    """One row of a file. `absent` are the columns that the file does not have."""

    table: ClassVar[str]
    key_columns: ClassVar[tuple[str, ...]]
    """What tells it from the file's other rows, most often the clinic's own codes."""
    number: int
    absent: frozenset[str] = frozenset()

    @classmethod
    def columns(cls) -> tuple[Field[Any], ...]:
        """The fields that are columns of the file."""
        return tuple(each for each in fields(cls) if "read" in each.metadata)

    @property
    def file(self) -> str:
        return f"{self.table}.csv"

    @property
    def label(self) -> str:
        return " ".join(str(getattr(self, column)) for column in self.key_columns)

    def given[T](self, column: str, held: T) -> T:
        """What the row says or, if the file does not have the column, what holds already."""
        value: T = held if column in self.absent else getattr(self, column)
        return value

    def wrong(self) -> RowErrors:
        """What can be said against the row alone."""
        return iter(())
