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
    Track,
    TrackStatus,
)
from scheduling.models.session import SessionQuerySet
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
    """Writes what is missing from now, or from `first` if it is given, to the horizon; running it twice changes nothing.

    A session that exists is never touched, whatever became of it; a booking that was released is not made again. Two that
    run at once write everything once: the second waits for the first.
    """
    Site.objects.select_for_update(no_key=True).get(pk=site.pk)
    book = RuleBook.of(site)
    begin, until, since = first or today, horizon_end(today), None if first else now
    sessions = write_sessions(site=site, first=begin, until=until, book=book, now=now, since=since)
    bookings, unplaced = book_enrollments(site=site, first=begin, until=until, now=now, book=book, since=since)
    return Extension(sessions, bookings, unplaced)


def write_sessions(
    *, site: Site, first: date, until: date, book: RuleBook, now: datetime, since: datetime | None = None
) -> int:
    """Sessions of every meeting of a published track on the half-open dates, closures left out; how many were new.

    None that begins before the instant `since`.
    """
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
        if (meeting.pk, session.on) not in existing and (since is None or session.starts >= since)
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
    mark_stale_of_sessions({session.pk for session in new}, now)
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
    *, site: Site, first: date, until: date, now: datetime, book: RuleBook, since: datetime | None = None
) -> tuple[int, int]:
    """Books standing enrollments into their scheduled sessions; answers how many, and how many places there were not.

    Nobody is booked twice, over a full session, into two sessions at once, or into one that begins before the instant
    `since`; a released booking is not made again. Who was enrolled first comes first.
    """
    places = EnrollmentMeeting.objects.filter(enrollment__episode__site=site).filter(
        Q(ends=None) | Q(ends__gt=first), starts__lt=until
    )
    by_meeting: dict[int, list[EnrollmentMeeting]] = defaultdict(list)
    for place in places.select_related("enrollment").order_by("enrollment__starts", "pk"):
        by_meeting[place.meeting_id].append(place)
    scheduled = Session.objects.filter(site=site, meeting__in=by_meeting, status=SessionStatus.SCHEDULED)
    if since is not None:
        scheduled = scheduled.filter(starts__gte=since)
    sessions = sorted(lock_sessions(scheduled.between(first, until)), key=lambda session: (session.starts, session.pk))
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
    recount_places({booking.session_id for booking in new}, now)
    mark_stale_of_episodes({booking.episode_id for booking in new}, now)
    return len(new), unplaced


def lock_sessions(sessions: SessionQuerySet) -> list[Session]:
    """The sessions as they stand, held until the transaction ends. Always locked in the order of their ids.

    Whoever changes the rosters of several sessions begins with this, so that two who do it at once never wait for each other.
    """
    return list(sessions.select_for_update(of=("self",), no_key=True).order_by("pk"))


def recount_places(session_ids: Collection[int], now: datetime) -> None:
    """Sets `booked` to what the bookings say, and raises the version; the constraint refuses one too many."""
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
    mark_stale_of_sessions(session_ids, now)


def mark_stale_of_episodes(episode_ids: Collection[int], now: datetime) -> None:
    """The patients' calendars are written anew when next read."""
    for batch in _batches(sorted(episode_ids)):
        Feed.objects.live().filter(patient__episodes__in=batch).update(stale_at=now)


def mark_stale_of_sessions(session_ids: Collection[int], now: datetime) -> None:
    """The calendars of the sessions' rooms, tracks and facilitators are written anew when next read."""
    for batch in _batches(sorted(session_ids)):
        leads = SessionFacilitator.objects.filter(session__in=batch)
        rooms = Session.objects.filter(pk__in=batch, room__isnull=False)
        tracks = Track.objects.filter(meetings__sessions__in=batch)
        Feed.objects.live().filter(
            Q(facilitator__in=leads.values("user"))
            | Q(room__in=rooms.values("room"))
            | Q(track__in=tracks.values("pk"))
        ).update(stale_at=now)


def _batches(ids: list[int], size: int = 500) -> Iterable[list[int]]:
    return (ids[begin : begin + size] for begin in range(0, len(ids), size))
