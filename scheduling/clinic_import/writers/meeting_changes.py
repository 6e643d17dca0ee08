"""How a row of meetings.csv stands to a meeting that exists: which one it means, what differs, and what can become of it."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime, time, timedelta

from accounts.models import User
from scheduling.clinic_import.cells import DAYS
from scheduling.clinic_import.clinic_rows import MeetingRow
from scheduling.clinic_import.import_run import FieldChange, differences, format_value
from scheduling.models import FacilitatorPart, Meeting
from scheduling.services.timetable.meetings import change_meeting, end_meeting
from scheduling.services.timetable.values import MeetingValues


def find_existing(row: MeetingRow, meetings: Sequence[Meeting], stated: Sequence[MeetingRow]) -> Meeting | None:
    """The meeting that the row means; `meetings` and `stated` have its code, in the order of their first days.

    A meeting that was changed from a date on is a chain of meetings: the row of the first means the last of them, unless
    another row means one of them.
    """
    dates = {other.runs_from for other in stated}
    exact = next((each for each in meetings if each.runs_from == row.runs_from), None)
    if exact is not None:
        held = exact
        while following := next(
            (each for each in meetings if each.continues_id == held.pk and each.runs_from not in dates), None
        ):
            held = following
        return held
    if len(stated) == 1 and meetings:
        last = meetings[-1]
        return last if last.runs_until is None or last.runs_until > row.runs_from else None
    running = (each for each in meetings if each.runs_from < row.runs_from)
    return next(
        (
            each
            for each in running
            if (each.runs_until is None or each.runs_until > row.runs_from) and _has_sessions(each)
        ),
        None,
    )


def has_following_row(row: MeetingRow, meetings: Sequence[Meeting], stated: Sequence[MeetingRow]) -> bool:
    """Whether another row, not written yet, takes over when this one ends: it will end the meeting itself."""
    until = row.runs_until
    return any(other.runs_from == until for other in stated) and not any(each.runs_from == until for each in meetings)


def merge_with_existing(row: MeetingRow, values: MeetingValues, meeting: Meeting) -> MeetingValues:
    """The row's values; for columns that the file does not have, what holds."""
    pause_is_given = not {"break_starts", "break_ends", "break_minutes"} <= row.absent
    weeks_are_given = not {"weeks", "anchor"} <= row.absent
    held = _assistants(meeting)
    return replace(
        values,
        anchor=values.anchor if weeks_are_given else meeting.anchor,
        break_starts=values.break_starts if pause_is_given else meeting.break_starts,
        break_ends=values.break_ends if pause_is_given else meeting.break_ends,
        service_type=meeting.service_type if "service_type" in row.absent else values.service_type,
        room=meeting.room if "room" in row.absent else values.room,
        modality=meeting.modality if "modality" in row.absent else values.modality,
        places=meeting.places if row.places is None else values.places,
        lead=meeting.leader if "lead" in row.absent else values.lead,
        assistants=held if "assistants" in row.absent else values.assistants,
        tracks=tuple(meeting.tracks.all()) if "tracks" in row.absent else values.tracks,
        runs_until=meeting.runs_until if "last_day" in row.absent else values.runs_until,
        runs_from=meeting.runs_from if meeting.continues_id and _starts_chain(row, meeting) else values.runs_from,
    )


def _starts_chain(row: MeetingRow, meeting: Meeting) -> bool:
    """Whether the row has the first day of what the meeting continues."""
    before = meeting.continues
    while before is not None:
        if before.runs_from == row.runs_from:
            return True
        before = before.continues
    return False


def _assistants(meeting: Meeting) -> tuple[User, ...]:
    return tuple(each.user for each in meeting.meeting_facilitators.all() if each.part == FacilitatorPart.ASSISTS)


def changes_of(row: MeetingRow, values: MeetingValues, meeting: Meeting, *, followed: bool) -> tuple[FieldChange, ...]:
    """What would change, by column; a last day is left to the row that takes over."""
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
        "last_day": before["last_day"] if followed else _last_day(values.runs_until),
    }
    return differences(before, after)


def _time_range(starts: time | None, ends: time | None) -> str:
    return f"{format_value(starts)}-{format_value(ends)}" if starts else ""


def _weeks(anchor: date | None) -> str:
    return f"every other, {anchor}" if anchor else "every"


def _in_order(people: Sequence[User]) -> tuple[User, ...]:
    return tuple(sorted(people, key=lambda each: each.pk))


def _last_day(until: date | None) -> date | None:
    return until - timedelta(days=1) if until else None


def check_change(
    values: MeetingValues, meeting: Meeting, changes: Sequence[FieldChange], today: date
) -> tuple[str, str] | None:
    """Why the meeting can't be changed so, as a column and a sentence."""
    if (
        values.break_starts
        and values.break_ends
        and not values.starts < values.break_starts < values.break_ends < values.ends
    ):
        return "ends", "The meeting's break, which the file does not change, would not lie inside it."
    if values.runs_until is not None and values.runs_until <= values.runs_from:
        return "last_day", "The meeting would end before it begins."
    if not changes or not _has_sessions(meeting):
        return None
    if meeting.runs_until is not None and meeting.runs_until <= today:
        return (
            "runs_from",
            f"It ended on {_last_day(meeting.runs_until)}; if it begins again, give the day from which on.",
        )
    if any(change.column == "runs_from" for change in changes) and meeting.runs_from <= today >= values.runs_from:
        return (
            "runs_from",
            f"It has run since {meeting.runs_from}, which can't change any more; a change can begin today.",
        )
    return None


def apply_change(
    values: MeetingValues,
    meeting: Meeting,
    changes: Sequence[FieldChange],
    *,
    by: User | None,
    now: datetime,
    today: date,
) -> Meeting:
    """Writes the changes: what was held stays, and nothing is disturbed that need not be. Raises Refused."""
    columns = {each.column for each in changes}
    served = set(meeting.tracks.all())
    if columns == {"tracks"} and served <= set(values.tracks):
        meeting.tracks.add(*values.tracks)
        return meeting
    planned = _has_sessions(meeting)
    last_day = _last_day(values.runs_until)
    ends_earlier = meeting.runs_until is None or (
        values.runs_until is not None and values.runs_until < meeting.runs_until
    )
    if columns == {"last_day"} and last_day is not None and planned and ends_earlier:
        return end_meeting(meeting=meeting, last_day=last_day, by=by, now=now, defer_checks=True)
    if planned and "runs_from" not in columns:
        values = replace(values, runs_from=max(today, meeting.runs_from))
    return change_meeting(meeting=meeting, values=values, by=by, now=now, defer_checks=True)


def _has_sessions(meeting: Meeting) -> bool:
    return meeting.sessions.exists()
