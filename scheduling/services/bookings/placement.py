"""Determine which dated sessions an enrollment covers, and book all enrollments of a site into their sessions."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import batched

from django.db import connection
from django.db.models import Q, QuerySet

from scheduling.models import Booking, Enrollment, EnrollmentMeeting, ReleaseCause, Session, SessionStatus, Site
from scheduling.models.booking import BookingQuerySet
from scheduling.services.booking_counts import recount_booked
from scheduling.services.bookings.after_booking import run_after_booking
from scheduling.services.locks import lock_sessions
from scheduling.services.rulebook import RuleBook
from scheduling.services.stale_feeds import mark_episode_feeds_stale
from timekeeping.busy_index import BusyIndex
from timekeeping.intervals import Interval

ROWS_AT_ONCE = 5000
BOOKING_COLUMNS = (
    "session_id", "episode_id", "enrollment_id", "starts", "ends", "countable_minutes", "week", "release_cause",
    "release_reason",
)  # fmt: skip
BookingValues = tuple[int, int, int, datetime, datetime, int, date, str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Placement:
    """The period in which an enrolled patient attends one meeting.

    `episode` and `enrollment` are ids. The patient attends the meeting on dates in [starts, ends). `enrolled_until` is
    the first day after the enrollment, and `care_ends` is the first day after the episode of care.
    """

    episode: int
    enrollment: int
    starts: date
    ends: date | None
    enrolled_from: date
    enrolled_until: date | None
    care_ends: date | None

    def covers(self, session: Session) -> bool:
        """Whether the patient attends the session.

        The patient must attend the meeting on the session's original date. If the session was moved, the enrollment and
        the episode of care must also be in force on the new date.
        """
        return self.covers_dates(session.pattern_date or session.on, session.on)

    def covers_dates(self, pattern_date: date, on: date) -> bool:
        """Whether the patient attends a session of the meeting that was planned for `pattern_date` and is held on `on`."""
        return (
            self.starts <= pattern_date
            and (self.ends is None or pattern_date < self.ends)
            and self.enrolled_from <= on
            and (self.enrolled_until is None or on < self.enrolled_until)
            and (self.care_ends is None or on < self.care_ends)
        )


PlacementsByMeeting = dict[int, list[Placement]]
"""Map meeting id to the placements in that meeting."""


def is_covered(placements: PlacementsByMeeting, session: Session) -> bool:
    """Whether one of the placements covers the session."""
    return any(placement.covers(session) for placement in placements.get(session.meeting_id or 0, ()))


def placements_of(enrollment: Enrollment) -> PlacementsByMeeting:
    """Return the placements of one enrollment, by meeting id."""
    return read_placements(EnrollmentMeeting.objects.filter(enrollment=enrollment))


def book_enrollments(
    *, site: Site, first: date, until: date, now: datetime, book: RuleBook, since: datetime | None = None
) -> tuple[int, int]:
    """Book the site's enrollments into their scheduled sessions in [first, until), the earliest enrollments first.

    Patients are not booked into full sessions, or into two sessions at the same time. They are not booked again into a
    session that they gave up. Sessions that start before the instant `since` are left out.

    Return two numbers: how many bookings were created, and how many could not be created. A booking can't be created if
    the session is full or the patient is in another session.
    """
    by_meeting = _site_placements(site, first, until)
    scheduled = Session.objects.filter(site=site, meeting__in=by_meeting, status=SessionStatus.SCHEDULED)
    if since is not None:
        scheduled = scheduled.filter(starts__gte=since)
    sessions = sorted(lock_sessions(scheduled.between(first, until)), key=lambda session: (session.starts, session.pk))
    known = Booking.objects.filter(session__site=site, session__on__gte=first, session__on__lt=until)
    settled, taken = _settled_bookings(known)
    new: list[BookingValues] = []
    weeks: dict[date, date] = {}
    unplaced = 0
    for session in sessions:
        left, time, settled_episodes = session.places_left, Interval(session.starts, session.ends), settled[session.pk]
        week = weeks.setdefault(session.on, book.week_of(session.on))
        session_values = (session.starts, session.ends, session.countable_minutes, week)
        for placement in by_meeting[session.meeting_id or 0]:
            if placement.episode in settled_episodes or not placement.covers(session):
                continue
            if left <= 0 or not taken.is_free(placement.episode, time):
                unplaced += 1
                continue
            left -= 1
            taken.take(placement.episode, time)
            new.append((session.pk, placement.episode, placement.enrollment, *session_values, "", ""))
    _insert_bookings(new)
    episodes = {row[1] for row in new}
    recount_booked({row[0] for row in new}, now)
    mark_episode_feeds_stale(episodes, now)
    run_after_booking(site=site, episode_ids=episodes, now=now)
    return len(new), unplaced


def _site_placements(site: Site, first: date, until: date) -> PlacementsByMeeting:
    """Return the placements of the site's enrollments in [first, until), the earliest enrollments first."""
    rows = EnrollmentMeeting.objects.filter(enrollment__episode__site=site)
    return read_placements(rows.filter(Q(ends=None) | Q(ends__gt=first), starts__lt=until))


def read_placements(enrollment_meetings: QuerySet[EnrollmentMeeting]) -> PlacementsByMeeting:
    """Return the placements of these rows, by meeting id, the earliest enrollments first. Runs one query."""
    rows = enrollment_meetings.order_by("enrollment__starts", "pk").values_list(
        "meeting",
        "enrollment__episode",
        "enrollment",
        "starts",
        "ends",
        "enrollment__starts",
        "enrollment__ends",
        "enrollment__episode__ends",
    )
    found: PlacementsByMeeting = defaultdict(list)
    for meeting, episode, enrollment, starts, ends, enrolled_from, enrolled_until, care_ends in rows:
        placement = Placement(
            episode=episode,
            enrollment=enrollment,
            starts=starts,
            ends=ends,
            enrolled_from=enrolled_from,
            enrolled_until=enrolled_until,
            care_ends=care_ends,
        )
        found[meeting].append(placement)
    return found


def _settled_bookings(bookings: BookingQuerySet) -> tuple[dict[int, set[int]], BusyIndex]:
    """Return the episodes that need no new booking, by session id. Also return the times at which episodes are booked.

    No new booking is needed if the episode is already booked into the session, or if the patient gave up the session.
    """
    settled: dict[int, set[int]] = defaultdict(set)
    taken = BusyIndex()
    times: dict[int, Interval[datetime]] = {}
    rows = bookings.filter(Q(released_at=None) | Q(release_cause=ReleaseCause.GIVEN_BACK))
    columns = rows.order_by().values_list("session", "episode", "starts", "ends", "released_at")
    for session, episode, starts, ends, released_at in columns.iterator(chunk_size=ROWS_AT_ONCE):
        settled[session].add(episode)
        if released_at is None:
            taken.take(episode, times.setdefault(session, Interval(starts, ends)))
    return settled, taken


def _insert_bookings(rows: Sequence[BookingValues]) -> None:
    """Insert bookings in bulk, with COPY on PostgreSQL. COPY checks every constraint, like any other statement."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            columns = ", ".join(BOOKING_COLUMNS)
            with cursor.copy(f"COPY {Booking._meta.db_table} ({columns}) FROM STDIN") as copy:
                for row in rows:
                    copy.write_row(row)
        return
    for batch in batched(rows, ROWS_AT_ONCE):
        Booking.objects.bulk_create(_as_bookings(batch), batch_size=500)


def _as_bookings(rows: Iterable[BookingValues]) -> Iterator[Booking]:
    return (Booking(**dict(zip(BOOKING_COLUMNS, row, strict=True))) for row in rows)
