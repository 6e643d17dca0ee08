"""Write meetings. To keep past sessions unchanged, a changed meeting ends and a new one continues it."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from django.utils.translation import gettext as _

from accounts.audit import record
from accounts.models import Action, User
from clinic_import.import_run import FieldChange, ImportRun
from clinic_import.reading.columns import ImportRow
from clinic_import.rows.clinic_rows import MeetingRow
from clinic_import.writers.meeting_changes import (
    apply_change,
    changes_of,
    check_change,
    find_existing,
    has_following_row,
    merge_with_existing,
)
from clinic_import.writers.staff import StaffDirectory
from clinic_import.writers.tracks import TrackKey
from scheduling.models import Meeting, Room, ServiceType, Site, Track
from scheduling.services.timetable.meetings import create_meeting
from scheduling.services.timetable.values import MeetingValues
from timekeeping.reasons import Refused


@dataclass(frozen=True, slots=True)
class MeetingReferences:
    """The records to which the rows of meetings.csv refer."""

    sites: dict[str, Site]
    rooms: dict[tuple[str, str], Room]
    staff: StaffDirectory
    tracks: dict[TrackKey, Track]
    services: dict[str, ServiceType]
    meetings: dict[tuple[str, str], list[Meeting]]
    """Existing meetings by site code and meeting code."""
    rows: dict[tuple[str, str], list[MeetingRow]]
    """Rows by site code and meeting code, sorted by first day."""


def write_meetings(
    run: ImportRun,
    sites: dict[str, Site],
    rooms: dict[tuple[str, str], Room],
    staff: StaffDirectory,
    tracks: dict[TrackKey, Track],
) -> tuple[dict[int, ImportRow], set[TrackKey]]:
    """Write the meetings in the file, and return the affected tracks as two values.

    The first value has an entry for each track whose meetings changed. The entry maps the track's id to a row that
    changed one of these meetings. The second value has the keys of the tracks that faulty rows refer to.
    """
    rows: dict[tuple[str, str], list[MeetingRow]] = {}
    given = run.tables.get(MeetingRow.table)
    for row in sorted(given.rows if given else (), key=lambda row: row.runs_from):
        rows.setdefault((row.site, row.code), []).append(row)
    services = {service.code: service for service in ServiceType.objects.all()}
    known = MeetingReferences(sites, rooms, staff, tracks, services, _meetings_by_code(), rows)
    changed_by: dict[int, ImportRow] = {}
    # Meetings are written in date order, because the second of two meetings with one code continues the first.
    for row in sorted(run.rows(MeetingRow.table), key=lambda row: row.runs_from):
        before = known.meetings.setdefault((row.site, row.code), [])
        existing = find_existing(row, before, known.rows[row.site, row.code])
        values = _meeting_values(run, row, known, existing)
        if values is not None:
            tracks_before = {track.pk for meeting in before for track in meeting.tracks.all()}
            if _write(run, row, values, known, existing):
                changed_by.update(dict.fromkeys(tracks_before | {track.pk for track in values.tracks}, row))
    return changed_by, _tracks_with_faulty_rows(run, tracks)


def _meetings_by_code() -> dict[tuple[str, str], list[Meeting]]:
    found: dict[tuple[str, str], list[Meeting]] = {}
    meetings = Meeting.objects.select_related("site", "room", "service_type").prefetch_related(
        "tracks", "meeting_facilitators__user"
    )
    for meeting in meetings.order_by("runs_from"):
        found.setdefault((meeting.site.code, meeting.code), []).append(meeting)
    return found


def _predecessor(row: MeetingRow, meetings: Sequence[Meeting]) -> Meeting | None:
    """Return the last of the meetings with the row's code that end by the row's first day, or None."""
    ended = [each for each in meetings if each.runs_until is not None and each.runs_until <= row.runs_from]
    return max(ended, key=lambda each: each.runs_from, default=None)


def _tracks_with_faulty_rows(run: ImportRun, tracks: dict[TrackKey, Track]) -> set[TrackKey]:
    given = run.tables.get(MeetingRow.table)
    if given is None:
        return set()
    if not given.is_complete:
        return set(tracks)
    return {
        (cells.get("site", ""), code.strip())
        for cells in given.faulty_rows
        for code in cells.get("tracks", "").split(";")
    }


def _meeting_values(
    run: ImportRun, row: MeetingRow, known: MeetingReferences, existing: Meeting | None
) -> MeetingValues | None:
    """Return the row's values with its codes resolved to records, or None if the row has a fault."""
    faults = len(run.faults)
    site = run.find(row, "site", "sites", {"code": row.site}, known.sites)
    if site is None or run.ask_about_times(row, site):
        return None
    room = run.find(row, "room", "rooms", {"site": row.site, "code": row.room}, known.rooms) if row.room else None
    tracks = [run.find(row, "tracks", "tracks", {"site": row.site, "code": code}, known.tracks) for code in row.tracks]
    lead = find_clinician(run, row, "lead", row.lead, known.staff, site=row.site)
    assistants = [find_clinician(run, row, "assistants", name, known.staff, site=row.site) for name in row.assistants]
    service = _find_service(run, row, known)
    places = _places(run, row, room, existing)
    _check_overlap(run, row, known.rows[row.site, row.code])
    is_incomplete = (row.room and not room) or (row.lead and not lead) or None in tracks or None in assistants
    if is_incomplete or len(run.faults) > faults or service is None or places is None:
        return None
    break_starts, break_ends = row.break_times
    return MeetingValues(
        code=row.code,
        name=row.name,
        weekday=row.weekday,
        starts=row.starts,
        ends=row.ends,
        service_type=service,
        places=places,
        runs_from=row.runs_from,
        runs_until=row.runs_until,
        anchor=row.anchor if row.weeks == "every_other" else None,
        break_starts=break_starts,
        break_ends=break_ends,
        room=room,
        modality=row.modality,
        lead=lead,
        assistants=tuple(each for each in assistants if each),
        tracks=tuple(each for each in tracks if each),
    )


def _find_service(run: ImportRun, row: MeetingRow, known: MeetingReferences) -> ServiceType | None:
    service = known.services.get(row.service_type)
    if service is None:
        codes = ", ".join(sorted(known.services))
        run.add_fault(
            row,
            "service_type",
            _("“%(service_type)s” is not a type of service. Use one of these: %(codes)s.")
            % {"service_type": row.service_type, "codes": codes},
        )
    return service


def _places(run: ImportRun, row: MeetingRow, room: Room | None, existing: Meeting | None) -> int | None:
    """Return the number of spots in the row, or else in the existing meeting, or else in the room.

    Add a fault if no number is known, or if the room is too small.
    """
    fallback = existing or room
    places = row.places or (fallback.places if fallback else None)
    if places is None:
        run.add_fault(row, "places", _("Enter the number of spots, or a room."))
    elif room is not None and places > room.places:
        run.add_fault(
            row,
            "places",
            _("%(room)s holds %(places)s people, so %(spots)s spots are too many.")
            % {"room": room.name, "places": room.places, "spots": places},
        )
    return places


def _check_overlap(run: ImportRun, row: MeetingRow, rows: Sequence[MeetingRow]) -> None:
    """Add a fault if the row's meeting starts before the previous meeting with the same code has ended."""
    for earlier, later in pairwise(rows):
        if later is row and (earlier.runs_until is None or earlier.runs_until > row.runs_from):
            run.add_fault(
                row,
                "runs_from",
                _("The group in row %(number)s has the same code and has not ended by this day.")
                % {"number": earlier.number},
            )


def find_clinician(
    run: ImportRun,
    row: ImportRow,
    column: str,
    name: str,
    staff: StaffDirectory,
    *,
    site: str,
    for_individual: bool = False,
) -> User | None:
    """Return the site's clinician whose code or e-mail address is `name`, or None if there is none.

    Add a fault to the row if `name` is unknown, or if the person is not a clinician at the site. The text of
    that fault is about individual sessions if `for_individual` is true, and otherwise about leading groups.
    """
    if not name:
        return None
    user = staff.by_name.get(name) or staff.by_name.get(name.lower())
    if user is None:
        if run.is_faulty("staff", {"code": name}) or run.is_faulty("staff", {"email": name.lower()}):
            run.mark_faulty(row)
        else:
            run.add_fault(
                row,
                column,
                _("“%(name)s” is not a code or email of anyone in %(file)s or in the database.")
                % {"name": name, "file": run.file_of("staff")},
            )
    elif not staff.leads_at(user, site):
        if for_individual:
            sentence = _("%(name)s is not a clinician at %(site)s and can't hold individual sessions there.")
        else:
            sentence = _("%(name)s is not a clinician at %(site)s and can't lead its groups.")
        run.add_fault(row, column, sentence % {"name": user.name, "site": site})
        return None
    return user


def _write(
    run: ImportRun, row: MeetingRow, values: MeetingValues, known: MeetingReferences, meeting: Meeting | None
) -> bool:
    """Create or change the meeting, and return whether anything changed."""
    meetings = known.meetings[row.site, row.code]
    site = known.sites[row.site]
    today = site.today_at(run.now)
    changes: tuple[FieldChange, ...] = ()
    try:
        if meeting is None:
            written = create_meeting(
                site=site,
                values=values,
                by=run.by,
                now=run.now,
                continues=_predecessor(row, meetings),
                defer_checks=True,
            )
        else:
            values = merge_with_existing(row, values, meeting)
            is_followed = has_following_row(row, meetings, known.rows[row.site, row.code])
            changes = changes_of(values, meeting, is_followed=is_followed)
            fault = check_change(values, meeting, changes, today)
            if fault:
                run.add_fault(row, *fault)
            if fault or not changes:
                return False
            written = apply_change(values, meeting, changes, by=run.by, now=run.now, today=today)
    except Refused as refused:
        run.refuse(row, "", refused)
        return False
    known.meetings[row.site, row.code] = sorted({*meetings, written}, key=lambda each: each.runs_from)
    detail = run.note(row, is_new=meeting is None, fields=changes).detail
    record(written, by=run.by, action=Action.IMPORTED, at=run.now, detail=detail)
    return True
