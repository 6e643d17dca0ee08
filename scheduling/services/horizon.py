"""Dated sessions, and the bookings of standing enrollments in them, for as far ahead as the clinic plans."""

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Count, F, OuterRef, Q, Subquery
from django.db.models.functions import Coalesce

from scheduling.domain.interval import Interval
from scheduling.domain.occurrences import expand
from scheduling.models import (
    Booking,
    Closure,
    EnrollmentMeeting,
    Feed,
    Meeting,
    Session,
    SessionFacilitator,
    SessionStatus,
    Site,
    TrackStatus,
)
from scheduling.services.rules import RuleBook


@dataclass(frozen=True, slots=True)
class Extension:
    """How many sessions and bookings were written, and how many places could not be given."""

    sessions: int
    bookings: int
    unplaced: int = 0


def horizon_end(today: date) -> date:
    """The first day on which no sessions need exist yet."""
    return today + timedelta(weeks=settings.HORIZON_WEEKS)


@transaction.atomic
def extend_horizon(*, site: Site, today: date, now: datetime, first: date | None = None) -> Extension:
    """Writes what is missing from `first` (today, unless told otherwise) to the horizon; running it twice changes nothing.

    A session that exists is never touched, whatever became of it; a booking that was released is not made again.
    """
    book = RuleBook.of(site)
    begin, until = first or today, horizon_end(today)
    sessions = write_sessions(site=site, first=begin, until=until, book=book)
    bookings, unplaced = book_enrollments(site=site, first=begin, until=until, now=now, book=book)
    return Extension(sessions, bookings, unplaced)


def write_sessions(*, site: Site, first: date, until: date, book: RuleBook) -> int:
    """Sessions of every meeting of a published track on the half-open dates, closures left out; how many were new."""
    meetings = (
        Meeting.objects.filter(site=site, tracks__status=TrackStatus.PUBLISHED)
        .not_over_on(first)
        .select_related("service_type")
        .prefetch_related("meeting_facilitators")
        .distinct()
    )
    existing = set(
        Session.objects.filter(site=site, meeting__isnull=False).between(first, until).values_list("meeting", "on")
    )
    closed = [closure.as_interval() for closure in Closure.objects.filter(site=site).touching(first, until)]
    new = [
        session
        for meeting in meetings
        for session in _sessions_of(meeting, site, first, until, closed, book)
        if (meeting.pk, session.on) not in existing
    ]
    Session.objects.bulk_create(new, batch_size=500)
    leaders = {meeting.pk: list(meeting.meeting_facilitators.all()) for meeting in meetings}
    SessionFacilitator.objects.bulk_create(
        (
            SessionFacilitator(session=session, user_id=each.user_id, part=each.part)
            for session in new
            for each in leaders[session.meeting_id or 0]
        ),
        batch_size=500,
    )
    return len(new)


def _sessions_of(
    meeting: Meeting, site: Site, first: date, until: date, closed: Collection[Interval[date]], book: RuleBook
) -> Iterable[Session]:
    """A meeting's sessions, unsaved; each counts as the rules of its own week say."""
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
        for each in expand(
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
                    on=each.on,
                    starts=each.starts,
                    ends=each.ends,
                    break_starts=each.break_starts,
                    break_ends=each.break_ends,
                    countable_minutes=each.countable_minutes,
                    **common,
                )


def new_booking(
    session: Session, *, episode_id: int, enrollment_id: int | None, week: date, **fields: object
) -> Booking:
    """A booking with the copies of its session, unsaved."""
    return Booking(
        session=session,
        episode_id=episode_id,
        enrollment_id=enrollment_id,
        starts=session.starts,
        ends=session.ends,
        countable_minutes=session.countable_minutes,
        week=week,
        **fields,
    )


def book_enrollments(
    *, site: Site, first: date, until: date, now: datetime, book: RuleBook, meetings: Collection[int] | None = None
) -> tuple[int, int]:
    """Books standing enrollments into their scheduled sessions; answers how many, and how many places there were not.

    Nobody is booked twice, over a full session, or into two sessions at once; a released booking is not made again.
    """
    places = EnrollmentMeeting.objects.filter(enrollment__episode__site=site).filter(
        Q(ends=None) | Q(ends__gt=first), starts__lt=until
    )
    if meetings is not None:
        places = places.filter(meeting__in=meetings)
    by_meeting: dict[int, list[EnrollmentMeeting]] = defaultdict(list)
    for place in places.select_related("enrollment").order_by("enrollment__starts", "pk"):
        by_meeting[place.meeting_id].append(place)
    sessions = Session.objects.filter(site=site, meeting__in=by_meeting, status=SessionStatus.SCHEDULED).between(
        first, until
    )
    known = Booking.objects.filter(session__site=site, session__on__gte=first, session__on__lt=until)
    booked = set(known.values_list("session", "episode"))
    taken: dict[int, list[Interval[datetime]]] = defaultdict(list)
    for episode, starts, ends in known.standing().values_list("episode", "starts", "ends"):
        taken[episode].append(Interval(starts, ends))
    new, unplaced = [], 0
    for session in sessions:
        left, time = session.places_left, Interval(session.starts, session.ends)
        for place in by_meeting[session.meeting_id or 0]:
            episode = place.enrollment.episode_id
            if not (place.starts <= session.on and (place.ends is None or session.on < place.ends)):
                continue
            if (session.pk, episode) in booked:
                continue
            if left <= 0 or any(time.overlaps(other) for other in taken[episode]):
                unplaced += 1
                continue
            left -= 1
            taken[episode].append(time)
            week = book.week_of(session.on)
            new.append(new_booking(session, episode_id=episode, enrollment_id=place.enrollment_id, week=week))
    Booking.objects.bulk_create(new, batch_size=500)
    recount_places({booking.session_id for booking in new})
    mark_stale_of_episodes({booking.episode_id for booking in new}, now)
    return len(new), unplaced


def recount_places(session_ids: Collection[int]) -> None:
    """Sets `booked` to what the bookings say; the constraint on it refuses one too many."""
    standing = (
        Booking.objects.standing()
        .filter(session=OuterRef("pk"))
        .order_by()
        .values("session")
        .annotate(number=Count("pk"))
    )
    for batch in _batches(sorted(session_ids)):
        Session.objects.filter(pk__in=batch).update(
            booked=Coalesce(Subquery(standing.values("number")), 0), version=F("version") + 1
        )


def mark_stale_of_episodes(episode_ids: Collection[int], now: datetime) -> None:
    """The patients' calendars are written anew when next read."""
    for batch in _batches(sorted(episode_ids)):
        Feed.objects.live().filter(patient__episodes__in=batch).update(stale_at=now)


def _batches(ids: list[int], size: int = 500) -> Iterable[list[int]]:
    return (ids[begin : begin + size] for begin in range(0, len(ids), size))
