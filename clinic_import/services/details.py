"""The details that an import's page shows: its changes and its faults. Long lists are shortened. They are stored encrypted."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from accounts.services.sealed_text import seal_bytes, unseal_bytes
from clinic_import.clinic import TABLES, ImportResult
from clinic_import.import_run import FieldChange, RowChange
from clinic_import.missing import MissingRecords
from clinic_import.reading.faults import Fault

MAX_NEW_SHOWN = 20
MAX_CHANGED_SHOWN = 500
MAX_FAULTS_SHOWN = 1000


@dataclass(frozen=True, slots=True)
class ChangedRow:
    """A row that changes a record, with the values of its columns before and after."""

    row: int
    label: str
    fields: Sequence[FieldChange]


@dataclass(frozen=True, slots=True)
class TableDetails:
    """What an import does with one table. Long lists are shortened; the numbers count everything."""

    table: str
    file: str
    new: int = 0
    changed: int = 0
    unchanged: int = 0
    new_labels: Sequence[str] = ()
    changed_rows: Sequence[ChangedRow] = ()
    missing: int = 0
    missing_labels: Sequence[str] = ()

    @property
    def more_new(self) -> int:
        """Number of new rows that are not listed."""
        return self.new - len(self.new_labels)

    @property
    def more_missing(self) -> int:
        """Number of records that the file does not mention and that are not listed."""
        return self.missing - len(self.missing_labels)

    @property
    def more_changed(self) -> int:
        """Number of changed rows that are not listed."""
        return self.changed - len(self.changed_rows)


@dataclass(frozen=True, slots=True)
class ImportDetails:
    """The outcome of a preview: what would change, or the faults."""

    tables: Sequence[TableDetails] = ()
    notices: Sequence[str] = ()
    faults: Sequence[Fault] = ()
    digest: str = ""
    fault_count: int = 0
    patients: Sequence[str] = field(default=())
    """Codes of the existing patients whose records the details show. They are not stored."""

    def total(self, name: str) -> int:
        """Return the sum of a number over all tables: of `new`, `changed` or `unchanged` rows."""
        return sum(getattr(each, name) for each in self.tables)


def details_of_result(result: ImportResult, names: dict[str, str]) -> ImportDetails:
    """Return the details of a preview without faults. `names` are the names of the files or sheets by table."""
    by_table: dict[str, list[RowChange]] = {}
    for change in result.changes:
        by_table.setdefault(change.table, []).append(change)
    tables = [
        _details_of_table(table, names.get(table, table), by_table.get(table, []), result)
        for table in TABLES
        if table in result.rows
    ]
    patients = dict.fromkeys(each.patient for each in result.changes if each.patient and not each.is_new)
    return ImportDetails(tables, result.notices, digest=result.digest, patients=tuple(patients))


def details_of_faults(faults: Sequence[Fault]) -> ImportDetails:
    """Return the details of a preview with faults."""
    return ImportDetails(faults=faults[:MAX_FAULTS_SHOWN], fault_count=len(faults))


def _details_of_table(table: str, file: str, changes: Sequence[RowChange], result: ImportResult) -> TableDetails:
    missing = result.missing.get(table, MissingRecords())
    new = [each for each in changes if each.is_new]
    changed = [each for each in changes if not each.is_new]
    return TableDetails(
        table=table,
        file=file,
        new=len(new),
        changed=len(changed),
        unchanged=max(0, result.rows[table] - len(changes)),
        new_labels=[each.label for each in new[:MAX_NEW_SHOWN]],
        missing=missing.number,
        missing_labels=missing.labels,
        changed_rows=[ChangedRow(each.row, each.label, each.fields) for each in changed[:MAX_CHANGED_SHOWN]],
    )


def seal_details(details: ImportDetails) -> bytes:
    """Return the details as encrypted JSON."""
    values = asdict(details)
    del values["patients"]
    return seal_bytes(json.dumps(values).encode())


def unseal_details(sealed: bytes) -> ImportDetails:
    """Return the details that `seal_details` encrypted. Raises CannotUnseal if the server no longer has the key."""
    values: dict[str, Any] = json.loads(unseal_bytes(sealed))
    values["tables"] = [_table(each) for each in values["tables"]]
    values["faults"] = [Fault(**each) for each in values["faults"]]
    return ImportDetails(**values)


def _table(values: dict[str, Any]) -> TableDetails:
    return TableDetails(**{**values, "changed_rows": [*_changed_rows(values["changed_rows"])]})


def _changed_rows(rows: Iterable[dict[str, Any]]) -> Iterable[ChangedRow]:
    for each in rows:
        yield ChangedRow(each["row"], each["label"], [FieldChange(**values) for values in each["fields"]])
