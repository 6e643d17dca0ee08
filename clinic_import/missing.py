"""Find the current records that an import's files could mention but don't. These records stay as they are."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Q

from accounts.models import User
from clinic_import.import_run import ImportRun
from clinic_import.reading.tables import ParsedTable
from patients.domain.codes import fold_code
from patients.models import Commitment, Patient
from scheduling.models import Closure, Enrollment, LeaveOfAbsence, Meeting, Room, Track, TrackStatus, WaitingEntry

MAX_NAMED = 50

Key = tuple[object, ...]
Records = Iterable[Key]
Scope = Sequence[str]
"""Codes of the sites that a table mentions. For a table about patients, codes of the patients."""


@dataclass(frozen=True, slots=True)
class MissingRecords:
    """How many current records a file does not mention, and the keys of the first ones as texts."""

    number: int = 0
    labels: Sequence[str] = ()


def find_missing(run: ImportRun) -> dict[str, MissingRecords]:
    """Return, by table, the current records that the files don't mention.

    Only records of the sites or patients that a table mentions are expected in it. Only the tables in `RECORDS` are
    compared, with one query each.
    """
    found: dict[str, MissingRecords] = {}
    for name, table in run.tables.items():
        if name not in RECORDS or not table.rows:
            continue
        mentioned = {_folded(getattr(row, column) for column in KEYS[name]) for row in table.rows}
        records = RECORDS[name](_scope(table), run.now)
        missing = sorted({key for key in records if _folded(key) not in mentioned}, key=lambda key: [*map(str, key)])
        labels = [" ".join(map(str, key)) for key in missing[:MAX_NAMED]]
        found[name] = MissingRecords(len(missing), labels)
    return found


def _folded(key: Iterable[object]) -> Key:
    """Return the key with its codes in the form in which they are compared. A row can write a code in another case."""
    return tuple(fold_code(each) if isinstance(each, str) else each for each in key)


def _scope(table: ParsedTable[Any]) -> Scope:
    column = "patient" if hasattr(table.rows[0], "patient") else "site"
    if not hasattr(table.rows[0], column):
        return sorted({site for row in table.rows for _role, site in row.roles if site})
    return sorted({code for row in table.rows if (code := getattr(row, column))})


def _patients(sites: Scope, _: datetime) -> Records:
    """Return the patients who are in care or were never admitted. The others are not expected in a file."""
    current = Q(episodes=None) | Q(episodes__ends=None)
    return Patient.objects.filter(current, site__code__in=sites).order_by().values_list("code")


def _staff(sites: Scope, _: datetime) -> Records:
    users = User.objects.filter(is_active=True, role_assignments__site__code__in=sites)
    return [(email.lower(),) for email in users.values_list("email", flat=True)]


KEYS: Mapping[str, tuple[str, ...]] = {
    "rooms": ("site", "code"),
    "staff": ("email",),
    "tracks": ("site", "code"),
    "meetings": ("site", "code"),
    "patients": ("code",),
    "commitments": ("patient", "code"),
    "enrollments": ("patient", "track"),
    "waitlist": ("patient", "track"),
    "leaves": ("patient", "first_day"),
    "closures": ("site", "first_day"),
}
"""The columns whose values tell which record a row mentions."""

RECORDS: Mapping[str, Callable[[Scope, datetime], Records]] = {
    "rooms": lambda sites, now: Room.objects.filter(site__code__in=sites, retired_from=None).values_list(
        "site__code", "code"
    ),
    "staff": _staff,
    "tracks": lambda sites, now: (
        Track.objects.filter(site__code__in=sites).exclude(status=TrackStatus.RETIRED).values_list("site__code", "code")
    ),
    "meetings": lambda sites, now: Meeting.objects.filter(
        Q(runs_until=None) | Q(runs_until__gt=now.date()), site__code__in=sites
    ).values_list("site__code", "code"),
    "patients": _patients,
    "commitments": lambda patients, now: (
        Commitment.objects.filter(Q(valid_until=None) | Q(valid_until__gt=now.date()), patient__code__in=patients)
        .exclude(code="")
        .values_list("patient__code", "code")
    ),
    "enrollments": lambda patients, now: Enrollment.objects.filter(
        Q(ends=None) | Q(ends__gt=now.date()), episode__patient__code__in=patients
    ).values_list("episode__patient__code", "track__code"),
    "waitlist": lambda patients, now: (
        WaitingEntry.objects.open()
        .filter(episode__patient__code__in=patients)
        .values_list("episode__patient__code", "track__code")
    ),
    "leaves": lambda patients, now: (
        LeaveOfAbsence.objects.open_on_or_after(now.date())
        .filter(episode__patient__code__in=patients)
        .values_list("episode__patient__code", "starts")
    ),
    "closures": lambda sites, now: Closure.objects.filter(ends__gt=now.date(), site__code__in=sites).values_list(
        "site__code", "starts"
    ),
}
"""For each table, a function that returns the keys of the current records. It is called after the rows are written."""
