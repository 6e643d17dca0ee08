"""Books standing enrollments into the dated sessions of their meetings."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import batched

from django.db import connection
from django.db.models import Q, QuerySet

from scheduling.models import Booking, Enrollment, EnrollmentMeeting, ReleaseCause, Session, SessionStatus, Site
from scheduling.models.booking import BookingQuerySet
from scheduling.services.bookings.after_booking import run_after_booking
from scheduling.services.rosters import lock_sessions, mark_episode_feeds_stale, recount_booked
from scheduling.services.rulebook import RuleBook
from timekeeping.intervals import Interval
from timekeeping.occupancy import BusyIndex

ROWS_AT_ONCE = 5000
BOOKING_COLUMNS = (
    "session_id", "episode_id", "enrollment_id", "starts", "ends", "countable_minutes", "week", "release_cause",
    "release_reason",
)  # fmt: skip
BookingValues = tuple[int, int, int, datetime, datetime, int, date, str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Placement:
    """A standing place in a meeting, on half-open dates, with those of its enrollment and of its course of care."""

    episode: int
    enrollment: int
    starts: date
    ends: date | None
    first: date
    until: date | None
    care_ends: date | None

    def covers(self, session: Session) -> bool:
        """Whether it is for this session: by the date that it stands for, and while the patient comes at all."""
        stands_for = session.pattern_date or session.on
        return (
            self.starts <= stands_for
            and (self.ends is None or stands_for < self.ends)
            and self.first <= session.on
            and (self.until is None or session.on < self.until)
            and (self.care_ends is None or session.on < self.care_ends)
        )


PlacementsByMeeting = dict[int, list[Placement]]
"""Under each meeting who stands in it."""


def is_covered(places: PlacementsByMeeting, session: Session) -> bool:
    """Whether one of the places is for the session."""
    return any(place.covers(session) for place in places.get(session.meeting_id or 0, ()))


def placements_of(enrollment: Enrollment) -> PlacementsByMeeting:
    """The standing places of one enrollment."""
    return _read_placements(EnrollmentMeeting.objects.filter(enrollment=enrollment))


def book_enrollments(
    *, site: Site, first: date, until: date, now: datetime, book: RuleBook, since: datetime | None = None
) -> tuple[int, int]:
    """Books standing enrollments into their scheduled sessions; answers how many, and how many places there were not.

    Nobody is booked twice, over a full session, into two sessions at once, or into one that begins before the instant
    `since`; a place that the patient gave back is not taken again. Who was enrolled first comes first.
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
        left, time, has = session.places_left, Interval(session.starts, session.ends), settled[session.pk]
        week = weeks.setdefault(session.on, book.week_of(session.on))
        for place in by_meeting[session.meeting_id or 0]:
            if place.episode in has or not place.covers(session):
                continue
            if left <= 0 or not taken.is_free(place.episode, time):
                unplaced += 1
                continue
            left -= 1
            taken.take(place.episode, time)
            minutes = session.countable_minutes
            copies = (session.starts, session.ends, minutes, week)
            new.append((session.pk, place.episode, place.enrollment, *copies, "", ""))
    _insert_bookings(new)
    episodes = {row[1] for row in new}
    recount_booked({row[0] for row in new}, now)
    mark_episode_feeds_stale(episodes, now)
    run_after_booking(site=site, episode_ids=episodes, now=now)
    return len(new), unplaced


def _site_placements(site: Site, first: date, until: date) -> PlacementsByMeeting:
    """Who stands in a meeting on some of the dates, the longest enrolled first."""
    places = EnrollmentMeeting.objects.filter(enrollment__episode__site=site)
    return _read_placements(places.filter(Q(ends=None) | Q(ends__gt=first), starts__lt=until))


def _read_placements(places: QuerySet[EnrollmentMeeting]) -> PlacementsByMeeting:
    rows = places.order_by("enrollment__starts", "pk").values_list(
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
    for meeting, episode, enrollment, starts, ends, begins, over, care_ends in rows:
        place = Placement(
            episode=episode,
            enrollment=enrollment,
            starts=starts,
            ends=ends,
            first=begins,
            until=over,
            care_ends=care_ends,
        )
        found[meeting].append(place)
    return found


def _settled_bookings(bookings: BookingQuerySet) -> tuple[dict[int, set[int]], BusyIndex]:
    """Under each session the patients of whom it is decided whether they are in it, and when each patient is taken."""
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
    """As fast as the database takes them: PostgreSQL by COPY, which checks every constraint like any other statement."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            columns = ", ".join(BOOKING_COLUMNS)
            with cursor.copy(f"COPY {Booking._meta.db_table} ({columns}) FROM STDIN") as copy:
                for row in rows:
                    copy.write_row(row)
        return
    for some in batched(rows, ROWS_AT_ONCE):
        Booking.objects.bulk_create(_as_bookings(some), batch_size=500)


def _as_bookings(rows: Iterable[BookingValues]) -> Iterator[Booking]:
    return (Booking(**dict(zip(BOOKING_COLUMNS, row, strict=True))) for row in rows)
