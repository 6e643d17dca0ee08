"""`manage.py import_clinic SOURCE`: import a clinic's CSV files or workbook."""

from argparse import ArgumentParser
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts.models import User
from clinic_import.clinic import ImportResult, import_clinic
from clinic_import.import_run import RowChange
from clinic_import.reading.dates_and_times import DateOrder
from clinic_import.reading.faults import ImportFailed
from iopmanager import clock

ROWS_WORTH_PROGRESS = 500
NEW_ROWS_NAMED = 20
"""Maximum number of new rows in a file that are listed one by one. If there are more, only their number is shown.

`--verbosity 2` lists all new rows.
"""


class Command(BaseCommand):
    help = (
        "Import a clinic's CSV files or workbook, such as sites, staff, tracks, groups, patients and their episodes of care. "
        "docs/import.md describes the files."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "source", type=Path, help="folder or zip file with the CSV files, or a workbook (.xlsx, .ods)"
        )
        parser.add_argument("--dry-run", action="store_true", help="show what would change, but don't save anything")
        parser.add_argument(
            "--dates",
            choices=[order.value for order in DateOrder],
            help="order of the numbers in dates such as 1/5/26: mdy is January 5, dmy is May 1",
        )
        parser.add_argument("--by", metavar="EMAIL", help="email of the staff member to name in the audit trail")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            outcome = import_clinic(
                options["source"],
                by=self._who(options["by"]),
                now=clock.now(),
                dry_run=options["dry_run"],
                date_order=DateOrder(options["dates"]) if options["dates"] else None,
                progress=self._progress,
            )
        except ImportFailed as faulty:
            for fault in faulty.faults:
                self.stderr.write(str(fault))
            number = len(faulty.faults)
            problems = "1 problem" if number == 1 else f"{number} problems"
            raise CommandError(f"{problems} found. Nothing was imported. Correct the files and try again.") from None
        for line in report(outcome, dry_run=options["dry_run"], in_full=options["verbosity"] > 1):
            self.stdout.write(line)

    def _who(self, email: str | None) -> User | None:
        if email is None:
            return None
        user = User.objects.filter(email__iexact=email).first()
        if user is None:
            raise CommandError(f"No user has the email address {email}.")
        return user

    def _progress(self, table: str, done: int, rows: int) -> None:
        if rows >= ROWS_WORTH_PROGRESS:
            self.stderr.write(f"{table}.csv: {done:,} of {rows:,} rows")


def report(outcome: ImportResult, *, dry_run: bool, in_full: bool) -> Iterator[str]:
    """Yield the lines of the report: each new or changed row with its changed fields, then notices and totals."""
    new = Counter(change.file for change in outcome.changes if change.is_new)
    for file, number in new.items():
        if number > NEW_ROWS_NAMED and not in_full:
            yield f"{file}: {number:,} new rows"
    for change in outcome.changes:
        if not change.is_new or new[change.file] <= NEW_ROWS_NAMED or in_full:
            yield _line(change)
    yield from outcome.notices
    for table, missing in outcome.missing.items():
        if missing.number:
            more = ", …" if missing.number > len(missing.labels) else ""
            yield f"Not in {table}, and not changed: {missing.number:,} ({', '.join(missing.labels)}{more})."
    changed = sum(not change.is_new for change in outcome.changes)
    if not outcome.changes:
        rows = "1 row is" if outcome.unchanged == 1 else f"{outcome.unchanged:,} rows are"
        yield f"Nothing to change: {rows} up to date."
    else:
        yield f"Rows: {new.total():,} new, {changed:,} changed, {outcome.unchanged:,} unchanged."
    if dry_run:
        yield "This was a dry run. Nothing was saved."


def _line(change: RowChange) -> str:
    place = f"{change.file}, row {change.row} ({change.label})"
    if change.is_new:
        return f"{place}: new"
    fields = "; ".join(f"{each.column}: {each.before} → {each.after}" for each in change.fields)
    return f"{place}: {fields}"
