"""Declare the columns of an import file: each file has a subclass of ImportRow, with one field for each column.

Each field stores the function that parses the column's cells. The field of an optional column also stores the value of
an empty cell.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import Field, dataclass, field, fields
from datetime import date
from typing import Any, ClassVar

from django.utils.translation import gettext as _

from accounts.permissions import Permission
from scheduling.formats import full_date

Cells = Mapping[str, str]
"""The texts of a row's cells by column name."""
RowErrors = Iterator[tuple[str, str]]
"""Pairs of a column name and a sentence that says what is wrong in that column."""


def last_day_errors(first_day: date | None, last_day: date | None) -> RowErrors:
    """Yield an error for the column `last_day` if it is before the first day."""
    if first_day and last_day and last_day < first_day:
        sentence = _("The last day, %(last_day)s, is before the first day, %(first_day)s.")
        yield "last_day", sentence % {"last_day": full_date(last_day), "first_day": full_date(first_day)}


def required[T](read: Callable[..., T], *, code_of: str = "") -> T:
    """Declare a required column: the file must have it, and its cells must not be empty.

    `code_of` is the table whose rows the codes in the column identify, or empty for a column without codes.
    """
    column: T = field(metadata={"read": read, "needed": True, "code_of": code_of})
    return column


def optional[T, D](read: Callable[..., T], empty: D, *, code_of: str = "") -> T | D:
    """Declare an optional column. An empty cell has the value `empty`. If the column is missing, existing values stay.

    `code_of` is as for `required`.
    """
    column: T | D = field(default=empty, metadata={"read": read, "needed": False, "code_of": code_of})
    return column


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportRow:
    """One row of an import file.

    `absent` has the names of the columns that the file lacks. `unclear_times` has the names of the columns whose time
    could be in the morning or in the afternoon: no time in the row has AM or PM, and no time in the file is clearly
    written with 24 hours, like 21:30 or 09:30.
    """

    table: ClassVar[str]
    key_columns: ClassVar[tuple[str, ...]]
    """Names of the columns that identify a row. These columns usually hold the clinic's own codes."""
    permission: ClassVar[Permission]
    """The permission that a user needs at a row's site to import the row."""
    other_titles: ClassVar[Mapping[str, str]] = {}
    """Map other titles that clinics use to the names of columns, for example `dob` to `birth_date`."""
    file: str
    """The name of the file or sheet, as faults show it."""
    number: int
    absent: frozenset[str] = frozenset()
    unclear_times: frozenset[str] = frozenset()

    @classmethod
    def columns(cls) -> tuple[Field[Any], ...]:
        """Return the dataclass fields that are columns of the file."""
        return tuple(each for each in fields(cls) if "read" in each.metadata)

    @classmethod
    def spread(cls, cells: Cells) -> Sequence[Cells]:
        """Return the cells of each record that the row describes. Most rows describe one record."""
        return (cells,)

    @property
    def label(self) -> str:
        return " ".join(str(getattr(self, column)) for column in self.key_columns)

    def code_cells(self) -> Cells:
        """Return the row's values as texts, to mark its codes as those of a faulty row."""
        return {column.name: _as_text(getattr(self, column.name)) for column in self.columns()}

    @property
    def patient_code(self) -> str:
        """The code of the patient whom the row is about, or empty."""
        return str(getattr(self, "patient", ""))

    def given[T](self, column: str, existing: T) -> T:
        """Return the row's value in a column, or `existing` if the file lacks the column."""
        value: T = existing if column in self.absent else getattr(self, column)
        return value

    def errors(self) -> RowErrors:
        """Yield the errors that can be found in the row alone, without other rows or the database."""
        return iter(())


def _as_text(value: object) -> str:
    if isinstance(value, tuple):
        return "; ".join(str(each) for each in value)
    return "" if value is None else str(value)
