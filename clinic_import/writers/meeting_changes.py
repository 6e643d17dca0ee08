"""Compare a row of meetings.csv with the existing meetings, and apply the differences."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from operator import attrgetter
from typing import Any

from django.utils.translation import gettext as _

from accounts.models import User
from clinic_import.import_run import FieldChange, differences, format_value
from clinic_import.reading.dates_and_times import DAYS
from clinic_import.rows.clinic_rows import MeetingRow
from scheduling.formats import full_date
from scheduling.models import FacilitatorPart, Meeting
from scheduling.services.timetable.meetings import change_meeting, end_meeting
from scheduling.services.timetable.values import MeetingValues

BREAK_COLUMNS = frozenset({"break_starts", "break_ends", "break_minutes"})


def find_existing(row: MeetingRow, meetings: Sequence[Meeting], rows: Sequence[MeetingRow]) -> Meeting | None:
    """Return the existing meeting that the row is about, or None if the row is a new meeting.

    `meetings` are the existing meetings with the row's code. `rows` are the rows of the file with that code. Both are
    sorted by first day.

    When a meeting is changed, a new meeting continues it. Meetings that continue each other form a chain. If a meeting
    begins on the row's first day, the row is about the last meeting of its chain (see `_last_of_chain`). Otherwise, the
    row can only be about a meeting that has not ended by the row's first day.
    """
    exact = next((each for each in meetings if each.runs_from == row.runs_from), None)
    if exact is not None:
        return _last_of_chain(exact, meetings, {other.runs_from for other in rows})
    if len(rows) == 1 and meetings:
        return meetings[-1] if _runs_after(meetings[-1], row.runs_from) else None
    running = (each for each in meetings if each.runs_from < row.runs_from and _runs_after(each, row.runs_from))
    return next((each for each in running if _has_sessions(each)), None)


def _last_of_chain(first: Meeting, meetings: Sequence[Meeting], claimed: set[date]) -> Meeting:
    """Return the last meeting of the chain that starts with `first`.

    The chain ends before a meeting whose first day is in `claimed`, because another row is about that meeting.
    """
    last = first
    while following := next(
        (each for each in meetings if each.continues_id == last.pk and each.runs_from not in claimed), None
    ):
        last = following
    return last


def _runs_after(meeting: Meeting, day: date) -> bool:
    return meeting.runs_until is None or meeting.runs_until > day


def has_following_row(row: MeetingRow, meetings: Sequence[Meeting], rows: Sequence[MeetingRow]) -> bool:
    """Return whether the import of another row of the file will end this row's meeting.

    This is the case if another row begins on the day after this row's last day, and no existing meeting begins then.
    """
    until = row.runs_until
    return any(other.runs_from == until for other in rows) and not any(each.runs_from == until for each in meetings)


MERGED_FIELDS: dict[str, tuple[frozenset[str], Callable[[Meeting], object]]] = {
    "anchor": (frozenset({"weeks", "anchor"}), attrgetter("anchor")),
    "break_starts": (BREAK_COLUMNS, attrgetter("break_starts")),
    "break_ends": (BREAK_COLUMNS, attrgetter("break_ends")),
    "service_type": (frozenset({"service_type"}), attrgetter("service_type")),
    "room": (frozenset({"room"}), attrgetter("room")),
    "modality": (frozenset({"modality"}), attrgetter("modality")),
    "lead": (frozenset({"lead"}), attrgetter("leader")),
    "assistants": (frozenset({"assistants"}), lambda meeting: _assistants(meeting)),
    "tracks": (frozenset({"tracks"}), lambda meeting: tuple(meeting.tracks.all())),
    "runs_until": (frozenset({"last_day"}), attrgetter("runs_until")),
}
"""For each field of MeetingValues, its columns in the file and a function that reads it from an existing meeting.

If the file has none of a field's columns, the existing meeting's value is kept.
"""


def merge_with_existing(row: MeetingRow, values: MeetingValues, meeting: Meeting) -> MeetingValues:
    """Return the row's values, with the existing meeting's values for columns that the file lacks."""
    existing: dict[str, Any] = {
        field: read(meeting) for field, (columns, read) in MERGED_FIELDS.items() if columns <= row.absent
    }
    if row.places is None:
        existing["places"] = meeting.places
    if meeting.continues_id and _starts_chain(row, meeting):
        existing["runs_from"] = meeting.runs_from
    return replace(values, **existing)


def _starts_chain(row: MeetingRow, meeting: Meeting) -> bool:
    """Return whether an earlier meeting in this meeting's chain begins on the row's first day."""
    earlier = meeting.continues
    while earlier is not None:
        if earlier.runs_from == row.runs_from:
            return True
        earlier = earlier.continues
    return False


def _assistants(meeting: Meeting) -> tuple[User, ...]:
    return tuple(each.user for each in meeting.meeting_facilitators.all() if each.part == FacilitatorPart.ASSISTS)


def changes_of(values: MeetingValues, meeting: Meeting, *, is_followed: bool) -> tuple[FieldChange, ...]:
    """Return the columns that would change.

    `is_followed` means that another row will end the meeting. The column `last_day` is then left out.
    """
    before: dict[str, object] = {
        "name": meeting.name,
        "weekday": DAYS[meeting.weekday],
        "starts": meeting.starts,
        "ends": meeting.ends,
        "break": _time_range(meeting.break_starts, meeting.break_ends),
        "weeks": _weeks(meeting.anchor),
        "service_type": meeting.service_type,
        "room": meeting.room,
        "modality": meeting.modality,
        "places": meeting.places,
        "lead": meeting.leader,
        "assistants": _in_order(_assistants(meeting)),
        "tracks": tuple(sorted(track.code for track in meeting.tracks.all())),
        "runs_from": meeting.runs_from,
        "last_day": _last_day(meeting.runs_until),
    }
    after: dict[str, object] = {
        **{column: getattr(values, column) for column in before if hasattr(values, column)},
        "break": _time_range(values.break_starts, values.break_ends),
        "weekday": DAYS[values.weekday],
        "weeks": _weeks(values.anchor),
        "assistants": _in_order(values.assistants),
        "tracks": tuple(sorted(track.code for track in values.tracks)),
        "last_day": before["last_day"] if is_followed else _last_day(values.runs_until),
    }
    return differences(before, after)


def _time_range(starts: time | None, ends: time | None) -> str:
    return f"{format_value(starts)}-{format_value(ends)}" if starts else ""


def _weeks(anchor: date | None) -> str:
    return f"every_other, {anchor}" if anchor else "every"


def _in_order(people: Sequence[User]) -> tuple[User, ...]:
    return tuple(sorted(people, key=lambda each: each.pk))


def _last_day(until: date | None) -> date | None:
    return until - timedelta(days=1) if until else None


def check_change(
    values: MeetingValues, meeting: Meeting, changes: Sequence[FieldChange], today: date
) -> tuple[str, str] | None:
    """Return why the change is not possible, as a column and a sentence, or None if it is possible."""
    if not _break_is_inside(values):
        return "ends", _("The meeting's break, which the file does not change, would not lie inside it.")
    if values.runs_until is not None and values.runs_until <= values.runs_from:
        return "last_day", _("The meeting would end before it begins.")
    if not changes or not _has_sessions(meeting):
        return None
    if meeting.runs_until is not None and meeting.runs_until <= today:
        return (
            "runs_from",
            _("This group ended on %(runs_until)s. To start it again, enter the new first day.")
            % {"runs_until": full_date(_last_day(meeting.runs_until))},
        )
    if any(change.column == "runs_from" for change in changes) and meeting.runs_from <= today >= values.runs_from:
        return (
            "runs_from",
            _("This group has met since %(runs_from)s, so this date can't change. Changes can start today.")
            % {"runs_from": full_date(meeting.runs_from)},
        )
    return None


def _break_is_inside(values: MeetingValues) -> bool:
    if values.break_starts is None or values.break_ends is None:
        return True
    return values.starts < values.break_starts < values.break_ends < values.ends


def apply_change(
    values: MeetingValues,
    meeting: Meeting,
    changes: Sequence[FieldChange],
    *,
    by: User | None,
    now: datetime,
    today: date,
) -> Meeting:
    """Change the meeting in the way that affects the fewest sessions, and return it.

    Adding tracks leaves the sessions alone, and an earlier last day only ends the meeting. Any other change affects the
    sessions from today on. Raises Refused as `change_meeting` and `end_meeting` do.
    """
    columns = {each.column for each in changes}
    if columns == {"tracks"} and set(meeting.tracks.all()) <= set(values.tracks):
        meeting.tracks.add(*values.tracks)
        return meeting
    has_sessions = _has_sessions(meeting)
    last_day = _last_day(values.runs_until)
    ends_earlier = values.runs_until is not None and _runs_after(meeting, values.runs_until)
    if columns == {"last_day"} and last_day is not None and has_sessions and ends_earlier:
        return end_meeting(meeting=meeting, last_day=last_day, by=by, now=now, defer_checks=True)
    if has_sessions and "runs_from" not in columns:
        values = replace(values, runs_from=max(today, meeting.runs_from))
    return change_meeting(meeting=meeting, values=values, by=by, now=now, defer_checks=True)


def _has_sessions(meeting: Meeting) -> bool:
    return meeting.sessions.exists()
