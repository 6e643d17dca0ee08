"""Give codes in files the spelling that the database or an earlier row uses, so that `p1` finds the patient `P1`.

If a patient's record was merged into another one, its code counts as another spelling of the kept record's code.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

from accounts.models import User
from clinic_import.reading.columns import ImportRow
from clinic_import.reading.tables import ParsedTable
from patients.domain.codes import fold_code
from patients.models import Commitment, Patient
from scheduling.models import Meeting, Room, Site, Track

SCOPES = {"rooms": "site", "tracks": "site", "meetings": "site", "commitments": "patient"}
"""Map tables whose codes are unique only within a site or a patient to the column with this site or patient."""


class KnownCodes:
    """Codes by table and scope, which is the code of a site or of a patient, or empty."""

    def __init__(self) -> None:
        self._exact: set[tuple[str, str, str]] = set()
        self._by_folded: dict[tuple[str, str, str], str] = {}

    def add(self, table: str, scope: str, code: str) -> None:
        """Add a code. If codes differ only in case or invisible characters, the one added first is the spelling of both."""
        self._exact.add((table, scope, code))
        self._by_folded.setdefault((table, scope, fold_code(code)), code)

    def add_merged(self, code: str, into: str) -> None:
        """Let the code of a merged patient's record lead to the record with the code `into`."""
        self._exact.discard(("patients", "", code))
        self._by_folded["patients", "", fold_code(code)] = into

    def spelling_of(self, table: str, scope: str, code: str) -> str:
        """Return the known spelling of a code. A code that is not known is returned unchanged."""
        if (table, scope, code) in self._exact:
            return code
        return self._by_folded.get((table, scope, fold_code(code)), code)


def use_known_spellings(
    tables: Mapping[str, ParsedTable[Any]], kinds: Iterable[type[ImportRow]]
) -> dict[str, ParsedTable[Any]]:
    """Return the tables with each code spelled as in the database or, if it is new, as in the first row that has it.

    `kinds` are the types of the rows of all tables, each after the types to which it refers. Runs one query for each table
    to which the given ones refer, and one for merged records if they refer to patients.
    """
    given = [kind for kind in kinds if kind.table in tables]
    known = KnownCodes()
    for table in {column.metadata["code_of"] for kind in given for column in kind.columns()} - {""}:
        for scope, code in CODES_IN_DATABASE[table]():
            known.add(table, scope, code)
        if table == "patients":
            merged = Patient.all_records.exclude(merged_into=None).values_list("code", "merged_into__code")
            for code, into in merged:
                known.add_merged(code, into)
    spelled: dict[str, ParsedTable[Any]] = {}
    for kind in given:
        rows = tuple(_respell(row, known) for row in tables[kind.table].rows)
        spelled[kind.table] = replace(tables[kind.table], rows=rows)
    return spelled


Codes = Iterable[tuple[str, str]]
"""Pairs of the scope and the code of a record."""
CODES_IN_DATABASE: Mapping[str, Callable[[], Codes]] = {
    "sites": lambda: _unscoped(Site.objects.values_list("code", flat=True)),
    "rooms": lambda: Room.objects.values_list("site__code", "code"),
    "tracks": lambda: Track.objects.values_list("site__code", "code"),
    "meetings": lambda: Meeting.objects.values_list("site__code", "code"),
    "staff": lambda: _unscoped(User.objects.values_list("code", flat=True)),
    "patients": lambda: _unscoped(Patient.objects.values_list("code", flat=True)),
    "commitments": lambda: Commitment.objects.exclude(code="").values_list("patient__code", "code"),
}
"""Map tables to functions that query the codes of all records."""


def _unscoped(codes: Iterable[str | None]) -> Codes:
    return (("", code) for code in codes if code)


def _respell[R: ImportRow](row: R, known: KnownCodes) -> R:
    """Return the row with the known spellings of its codes, and add the row's own code to the known ones."""
    spelled: dict[str, Any] = {}
    for column in row.columns():
        table = column.metadata["code_of"]
        value = getattr(row, column.name)
        if not table or not value:
            continue
        scope_column = SCOPES.get(table, "")
        scope = spelled.get(scope_column, getattr(row, scope_column)) if scope_column else ""
        spelled[column.name] = _respell_value(value, table, scope, known)
        if table == row.table and isinstance(value, str):
            known.add(table, scope, spelled[column.name])
    changed = {name: value for name, value in spelled.items() if value != getattr(row, name)}
    return replace(row, **changed) if changed else row


def _respell_value(value: Any, table: str, scope: str, known: KnownCodes) -> Any:
    """Return the known spelling of a code, of several codes, or of the site codes in pairs of a role and a site."""
    if isinstance(value, str):
        return known.spelling_of(table, scope, value)
    return tuple(
        (each[0], known.spelling_of(table, scope, each[1])) if isinstance(each, tuple) else
        known.spelling_of(table, scope, each)
        for each in value
    )  # fmt: skip
