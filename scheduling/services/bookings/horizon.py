"""Create dated sessions and their bookings, as far ahead as the clinic plans."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import F

from scheduling.models import (
    Closure,
    Meeting,
    MeetingFacilitator,
    Session,
    SessionFacilitator,
    SessionStatus,
    Site,
)
from scheduling.services.bookings.placement import book_enrollments
from scheduling.services.locks import lock_site
from scheduling.services.rulebook import RuleBook
from scheduling.services.session_facilitators import new_facilitator
from scheduling.services.stale_feeds import mark_session_feeds_stale
from timekeeping.busy_index import BusyIndex
from timekeeping.intervals import Interval
from timekeeping.occurrences import expand_pattern, occurrence_dates
from timekeeping.weeks import week_start


@dataclass(frozen=True, slots=True)
class HorizonExtension:
    """How many sessions and bookings were created, and how many are missing or incomplete.

    `unplaced` counts bookings that could not be created because the session was full or the patient was in another
    session. `unroomed` counts sessions created without their room, because another session is in the room at that time.
    `unled` counts sessions created without one of their facilitators, because that person is in another session.
    """

    sessions: int
    bookings: int
    unplaced: int = 0
    unroomed: int = 0
    unled: int = 0


def horizon_end(today: date) -> date:
    """Return the first day after the planning horizon. Sessions are created on the days before it."""
    return today + timedelta(weeks=settings.HORIZON_WEEKS)


@transaction.atomic
def extend_horizon(*, site: Site, now: datetime, first: date | None = None) -> HorizonExtension:
    """Create the missing sessions and bookings from now, or from the date `first`, up to the horizon.

    A second run changes nothing: existing sessions never change, and bookings that the patient gave up are not created
    again. If two runs overlap, the second one waits for the first.
    """
    lock_site(site.pk)
    book, today = RuleBook.of(site), site.today_at(now)
    start, until, since = first or today, horizon_end(today), None if first else now
    written = write_sessions(site=site, first=start, until=until, book=book, now=now, since=since)
    bookings, unplaced = book_enrollments(site=site, first=start, until=until, now=now, book=book, since=since)
    return HorizonExtension(written.sessions, bookings, unplaced, written.unroomed, written.unled)


def write_sessions(
    *,
    site: Site,
    first: date,
    until: date,
    book: RuleBook,
    now: datetime,
    since: datetime | None = None,
    only: Collection[int] | None = None,
) -> HorizonExtension:
    """Create the missing sessions of the site's meetings in [first, until), except on closed days.

    - The meetings are those in `MeetingQuerySet.held_from`. If `only` is given, they must also have one of these ids.
    - A session that would start before the instant `since` is not created.
    - A date that already has a session gets no second one, even if the session was moved to another day. This also holds
      if the group changed after the moved session was held.
    - If the room is taken at that time, the session is created without a room.
    - If a facilitator is in another session at that time, the session is created without this facilitator.
    """
    meetings = (
        Meeting.objects.filter(site=site)
        .held_from(first)
        .select_related("service_type")
        .prefetch_related("meeting_facilitators")
    )
    if only is not None:
        meetings = meetings.filter(pk__in=only)
    existing = set(
        Session.objects.filter(site=site, pattern_date__gte=first, pattern_date__lt=until).values_list(
            "meeting", "pattern_date"
        )
    )
    used = _used_weeks(site, first, until, now)
    closed = [closure.as_interval() for closure in Closure.objects.filter(site=site).overlapping(first, until)]
    # Most meetings have all their sessions already. Building these again only to drop them would take most of the time.
    incomplete = [
        meeting
        for meeting in meetings
        if any(
            (meeting.pk, day) not in existing for day in occurrence_dates(meeting.as_pattern(), first, until, closed)
        )
    ]
    new = [
        session
        for meeting in incomplete
        for session in sessions_of(meeting, site, first, until, closed, book)
        if (meeting.pk, session.on) not in existing
        and (meeting.pk, week_start(session.on)) not in used
        and (since is None or session.starts >= since)
    ]
    if not new:
        return HorizonExtension(0, 0)
    return insert_sessions(new, incomplete, site=site, now=now)


def insert_sessions(
    new: Sequence[Session], meetings: Iterable[Meeting], *, site: Site, now: datetime
) -> HorizonExtension:
    """Insert unsaved sessions of the site with the facilitators of their meetings, and return how many were inserted.

    A session whose room is taken at that time is inserted without the room, and a facilitator who is in another session
    at that time is left out. Reads the meetings' prefetched facilitators.
    """
    unroomed = _drop_taken_rooms(new, site)
    Session.objects.bulk_create(new, batch_size=500)
    people = {meeting.pk: list(meeting.meeting_facilitators.all()) for meeting in meetings}
    unled = _write_facilitators(new, people)
    mark_session_feeds_stale({session.pk for session in new}, now)
    return HorizonExtension(len(new), 0, unroomed=unroomed, unled=unled)


def _used_weeks(site: Site, first: date, until: date, now: datetime) -> set[tuple[int, date]]:
    """Return the weeks, as (meeting id, Monday), whose session was held before the meeting began.

    This happens if a session was moved to an earlier day of its week and held there, and its group then changed on a day
    between these two days. The new meeting gets no session in that week. Runs one query, or two if there is such a week.
    """
    held = Session.objects.filter(
        site=site,
        meeting__runs_until__lte=F("pattern_date"),
        pattern_date__gte=week_start(first),
        pattern_date__lt=until,
        starts__lte=now,
    ).exclude(status=SessionStatus.CANCELLED)
    weeks = {(meeting, week_start(day)) for meeting, day in held.values_list("meeting", "pattern_date") if day}
    if not weeks:
        return set()
    earlier = dict(Meeting.objects.filter(site=site).values_list("continues", "pk").exclude(continues=None))
    used: set[tuple[int, date]] = set()
    for meeting, week in weeks:
        following = earlier.get(meeting)
        while following is not None and (following, week) not in used:
            used.add((following, week))
            following = earlier.get(following)
    return used


def sessions_of(
    meeting: Meeting, site: Site, first: date, until: date, closed: Collection[Interval[date]], book: RuleBook
) -> Iterable[Session]:
    """Yield a meeting's unsaved sessions. The rules in force in each session's week decide whether its break counts."""
    common = {
        "site": site,
        "meeting": meeting,
        "service_type": meeting.service_type,
        "room_id": meeting.room_id,
        "name": meeting.name,
        "modality": meeting.modality,
        "places": meeting.places,
    }
    pattern = meeting.as_pattern()
    for counts in (False, True):
        for each in expand_pattern(
            pattern,
            first,
            until,
            zone=site.zone,
            closed=closed,
            breaks_count=counts,
            countable=meeting.service_type.countable,
        ):
            if book.on(book.week_of(each.on)).breaks_count == counts:
                yield Session(
                    pattern_date=each.on,
                    on=each.on,
                    starts=each.starts,
                    ends=each.ends,
                    break_starts=each.break_starts,
                    break_ends=each.break_ends,
                    countable_minutes=each.countable_minutes,
                    **common,
                )


def session_interval(session: Session) -> Interval[datetime]:
    """Return the time from the start to the end of the session."""
    return Interval(session.starts, session.ends)


def _drop_taken_rooms(new: Sequence[Session], site: Site) -> int:
    """Clear the room of each new session whose room is taken at that time. Return how many rooms were cleared."""
    first, until = min(session.starts for session in new), max(session.ends for session in new)
    others = Session.objects.filter(site=site, room__isnull=False, starts__lt=until, ends__gt=first)
    rooms, cleared = BusyIndex(), 0
    taken = others.exclude(status=SessionStatus.CANCELLED).values_list("room", "starts", "ends")
    for room, starts, ends in taken:
        rooms.take(room, Interval(starts, ends))
    for session in new:
        if session.room_id is None:
            continue
        if rooms.is_free(session.room_id, session_interval(session)):
            rooms.take(session.room_id, session_interval(session))
        else:
            session.room_id, cleared = None, cleared + 1
    return cleared


def _write_facilitators(new: Sequence[Session], people: dict[int, list[MeetingFacilitator]]) -> int:
    """Assign each meeting's facilitators to its new sessions. Return how many sessions lack a facilitator.

    A facilitator who is in another session at that time is not assigned.
    """
    first, until = min(session.starts for session in new), max(session.ends for session in new)
    busy, unled = BusyIndex(), set()
    users = {each.user_id for meeting in people.values() for each in meeting}
    taken = SessionFacilitator.objects.filter(user__in=users, starts__lt=until, ends__gt=first)
    for user, starts, ends in taken.values_list("user", "starts", "ends"):
        assert starts is not None
        assert ends is not None
        busy.take(user, Interval(starts, ends))
    rows = []
    for session in new:
        for each in people[session.meeting_id or 0]:
            if busy.is_free(each.user_id, session_interval(session)):
                busy.take(each.user_id, session_interval(session))
                rows.append(new_facilitator(session, user_id=each.user_id, part=each.part))
            else:
                unled.add(session.pk)
    SessionFacilitator.objects.bulk_create(rows, batch_size=500)
    return len(unled)
