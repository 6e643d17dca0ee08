"""The weekly meetings. What was held is never rewritten: a changed meeting ends and the next one begins."""

from dataclasses import dataclass
from itertools import pairwise

from accounts.audit import record
from accounts.models import Action, User
from scheduling.clinic_import.clinic_rows import MeetingRow
from scheduling.clinic_import.columns import ImportRow
from scheduling.clinic_import.import_run import FieldChange, ImportRun
from scheduling.clinic_import.writers.meeting_changes import (
    apply_change,
    changes_of,
    check_change,
    find_existing,
    has_following_row,
    merge_with_existing,
)
from scheduling.clinic_import.writers.staff import StaffDirectory
from scheduling.clinic_import.writers.tracks import TrackKey, today_at
from scheduling.models import Meeting, Room, ServiceType, Site, Track
from scheduling.services.timetable.meetings import create_meeting
from scheduling.services.timetable.values import MeetingValues
from timekeeping.reasons import Refused


@dataclass(frozen=True, slots=True)
class MeetingReferences:
    """What a meeting's row can refer to, and the meetings of the database."""

    sites: dict[str, Site]
    rooms: dict[tuple[str, str], Room]
    staff: StaffDirectory
    tracks: dict[TrackKey, Track]
    services: dict[str, ServiceType]
    meetings: dict[tuple[str, str], list[Meeting]]
    stated: dict[tuple[str, str], list[MeetingRow]]
    """The rows of one code, in the order of their first days."""


def write_meetings(
    work: ImportRun,
    sites: dict[str, Site],
    rooms: dict[tuple[str, str], Room],
    staff: StaffDirectory,
    tracks: dict[TrackKey, Track],
) -> tuple[dict[int, ImportRow], set[TrackKey]]:
    """Answers the ids of the tracks whose meetings were changed, with a row that did, and the tracks with a faulty row."""
    stated: dict[tuple[str, str], list[MeetingRow]] = {}
    given = work.tables.get(MeetingRow.table)
    for row in sorted(given.rows if given else (), key=lambda row: row.runs_from):
        stated.setdefault((row.site, row.code), []).append(row)
    services = {service.code: service for service in ServiceType.objects.all()}
    known = MeetingReferences(sites, rooms, staff, tracks, services, _meetings_by_code(), stated)
    changed_by: dict[int, ImportRow] = {}
    for row in work.rows(MeetingRow.table):
        before = known.meetings.setdefault((row.site, row.code), [])
        held = find_existing(row, before, known.stated[row.site, row.code])
        values = _values(work, row, known, held)
        if values is not None:
            served = {track.pk for meeting in before for track in meeting.tracks.all()}
            if _write(work, row, values, known, held):
                changed_by.update(dict.fromkeys(served | {track.pk for track in values.tracks}, row))
    return changed_by, _tracks_with_faulty_rows(work, tracks)


def _meetings_by_code() -> dict[tuple[str, str], list[Meeting]]:
    found: dict[tuple[str, str], list[Meeting]] = {}
    meetings = Meeting.objects.select_related("site", "room", "service_type").prefetch_related(
        "tracks", "meeting_facilitators__user"
    )
    for meeting in meetings.order_by("runs_from"):
        found.setdefault((meeting.site.code, meeting.code), []).append(meeting)
    return found


def _tracks_with_faulty_rows(work: ImportRun, tracks: dict[TrackKey, Track]) -> set[TrackKey]:
    given = work.tables.get(MeetingRow.table)
    if given is None:
        return set()
    if not given.is_readable:
        return set(tracks)
    return {
        (cells.get("site", ""), code.strip()) for cells in given.spoiled for code in cells.get("tracks", "").split(";")
    }


def _values(work: ImportRun, row: MeetingRow, known: MeetingReferences, held: Meeting | None) -> MeetingValues | None:
    """The row with what its codes refer to; None when something is wrong with one of them, which is noted."""
    faults = len(work.faults)
    site = work.find(row, "site", "sites", {"code": row.site}, known.sites)
    if site is None:
        return None
    room = work.find(row, "room", "rooms", {"site": row.site, "code": row.room}, known.rooms) if row.room else None
    tracks = [work.find(row, "tracks", "tracks", {"site": row.site, "code": code}, known.tracks) for code in row.tracks]
    lead = find_clinician(work, row, "lead", row.lead, known.staff, site=row.site)
    assistants = [find_clinician(work, row, "assistants", name, known.staff, site=row.site) for name in row.assistants]
    service = known.services.get(row.service_type)
    if service is None:
        codes = ", ".join(sorted(known.services))
        work.blame(row, "service_type", f"“{row.service_type}” is not a service; it can be {codes}.")
    places = row.places or (held.places if held else room.places if room else None)
    if places is None:
        work.blame(row, "places", "Without a room the number of places must be given.")
    elif room is not None and places > room.places:
        work.blame(row, "places", f"{places} people don't fit into {room.name}, which holds {room.places}.")
    for earlier, later in pairwise(known.stated[row.site, row.code]):
        if later is row and (earlier.runs_until is None or earlier.runs_until > row.runs_from):
            work.blame(row, "runs_from", f"Row {earlier.number} has the same code and still runs on this day.")
    missing = (row.room and not room) or None in tracks or (row.lead and not lead) or None in assistants
    if missing or len(work.faults) > faults or service is None or places is None:
        return None
    pause = row.pause
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
        break_starts=pause[0],
        break_ends=pause[1],
        room=room,
        modality=row.modality,
        lead=lead,
        assistants=tuple(each for each in assistants if each),
        tracks=tuple(each for each in tracks if each),
    )


def find_clinician(
    work: ImportRun,
    row: ImportRow,
    column: str,
    name: str,
    staff: StaffDirectory,
    *,
    site: str,
    to: str = "be in its groups",
) -> User | None:
    """A clinician of the site with this code, by their own code or e-mail; what nobody else can is said in `to`."""
    if not name:
        return None
    user = staff.by_name.get(name) or staff.by_name.get(name.lower())
    if user is None:
        if work.is_spoiled("staff", {"code": name}) or work.is_spoiled("staff", {"email": name.lower()}):
            work.spoil(row)
        else:
            work.blame(row, column, f"“{name}” is nobody's code or e-mail in staff.csv, nor in the database.")
    elif not staff.leads_at(user, site):
        work.blame(row, column, f"{user.name} is not a clinician at {site}, and can't {to}.")
        return None
    return user


def _write(
    work: ImportRun, row: MeetingRow, values: MeetingValues, known: MeetingReferences, meeting: Meeting | None
) -> bool:
    """Whether anything was changed."""
    meetings = known.meetings[row.site, row.code]
    today = today_at(work, known.sites[row.site])
    changes: tuple[FieldChange, ...] = ()
    try:
        if meeting is None:
            site = known.sites[row.site]
            written = create_meeting(site=site, values=values, by=work.by, now=work.now, defer_checks=True)
        else:
            values = merge_with_existing(row, values, meeting)
            changes = changes_of(
                row, values, meeting, followed=has_following_row(row, meetings, known.stated[row.site, row.code])
            )
            wrong = check_change(values, meeting, changes, today)
            if wrong:
                work.blame(row, *wrong)
            if wrong or not changes:
                return False
            written = apply_change(values, meeting, changes, by=work.by, now=work.now, today=today)
    except Refused as refused:
        work.refuse(row, "", refused)
        return False
    known.meetings[row.site, row.code] = sorted({*meetings, written}, key=lambda each: each.runs_from)
    detail = work.note(row, is_new=meeting is None, fields=changes).detail
    record(written, by=work.by, action=Action.IMPORTED, at=work.now, detail=detail)
    return True
