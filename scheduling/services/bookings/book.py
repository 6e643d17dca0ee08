"""Select the sessions to book for an enrollment, and write bookings: new, restored and moved ones.

Bookings are added and moved only here and in `placement.book_enrollments`. Every function that adds or moves bookings
runs `run_after_booking` as its last step. Patients on leave are therefore excused in the same transaction.
"""

from collections.abc import Callable, Collection, Iterable, Sequence
from datetime import date, datetime, tzinfo

from django.db.models import Q

from iopmanager.stored_reasons import StoredReason
from scheduling.domain.impact.overlaps import find_overlaps
from scheduling.domain.search.need import Need
from scheduling.models import (
    Booking,
    Enrollment,
    Meeting,
    ReleaseCause,
    Session,
    SessionFacilitator,
    SessionStatus,
    Site,
)
from scheduling.models.booking import BookingQuerySet
from scheduling.services.booking_counts import recount_booked
from scheduling.services.bookings.after_booking import run_after_booking
from scheduling.services.bookings.horizon import horizon_end
from scheduling.services.bookings.placement import is_covered, placements_of
from scheduling.services.locks import lock_sessions
from scheduling.services.rulebook import RuleBook
from scheduling.services.session_facilitators import facilitator_times
from scheduling.services.stale_feeds import mark_episode_feeds_stale
from timekeeping.busy_index import BusyIndex
from timekeeping.intervals import Interval


def sessions_to_book(enrollment: Enrollment, today: date, now: datetime) -> list[Session]:
    """Lock and return the sessions that the enrollment still has to be booked into, up to the horizon.

    Sessions that have begun or are canceled are left out, and so are sessions that the patient gave up. The lock lasts
    until the transaction ends, so that only one patient can get the last spot in a session.
    """
    placements = placements_of(enrollment)
    to_come = Session.objects.filter(meeting__in=list(placements), status=SessionStatus.SCHEDULED, starts__gte=now)
    settled = Booking.objects.filter(episode=enrollment.episode_id).filter(
        Q(released_at=None, enrollment=enrollment) | Q(release_cause=ReleaseCause.GIVEN_BACK)
    )
    open_ = to_come.between(enrollment.starts, horizon_end(today)).exclude(pk__in=settled.values("session"))
    return [session for session in lock_sessions(open_) if is_covered(placements, session)]


def missed_sessions(
    sessions: Sequence[Session], meetings: Iterable[Meeting], need: Need, zone: tzinfo
) -> list[Session]:
    """Return the `sessions` that the patient will miss because of a temporary commitment.

    If commitments block a meeting, none of its sessions are returned. A session that was moved is returned only if it
    still overlaps a temporary commitment. `zone` is the site's time zone. Reads the meetings' prefetched facilitators
    and service types.
    """
    dates = {meeting.pk: need.conflicts_with(meeting.as_weekly_meeting()).missed for meeting in meetings}
    found = [session for session in sessions if session.pattern_date in dates.get(session.meeting_id or 0, ())]
    times = [(session.pk, session.starts.astimezone(zone), session.ends.astimezone(zone)) for session in found]
    busy = {pk for pk, _ in find_overlaps(times, need.temporary_busy_times)}
    return [session for session in found if session.pk in busy]


def split_overlapping(sessions: Iterable[Session]) -> tuple[list[Session], list[Session]]:
    """Return the sessions that one patient can attend, and those that overlap one of these.

    Sessions of different meetings overlap if one of them was moved. The one that was not changed by hand is attended, or
    else the earlier one.
    """
    taken = BusyIndex()
    attended, overlapping = [], []
    for session in sorted(sessions, key=lambda each: (each.is_changed, each.starts, each.pk)):
        time = Interval(session.starts, session.ends)
        if taken.is_free(0, time):
            taken.take(0, time)
            attended.append(session)
        else:
            overlapping.append(session)
    return attended, overlapping


def missed_text(missed: Sequence[Session], covered: Sequence[Session]) -> str:
    """Return the number of missed sessions as text for the audit trail, or an empty string if there are none."""
    return f", misses {len(missed)} of {len(covered)} sessions" if missed else ""


def missed_from_the_start(enrollment: Enrollment) -> BookingQuerySet:
    """Return the released bookings that `book_sessions` saved for the enrollment's missed sessions."""
    return Booking.objects.filter(enrollment=enrollment, release_reason=StoredReason.NOT_AVAILABLE)


def book_sessions(
    enrollment: Enrollment,
    sessions: Sequence[Session],
    now: datetime,
    *,
    missed: Sequence[Session] = (),
    overlapping: Sequence[Session] = (),
) -> None:
    """Book an enrollment into locked sessions that have passed `check_sessions`.

    `missed` are sessions that the patient will miss but can make up. For each of these, a released booking is saved.
    It takes no spot, and it keeps the nightly job from booking the patient into the session. `overlapping` are sessions
    that overlap the others (see `split_overlapping`). Their bookings are released too, but the patient is booked again
    once the sessions no longer overlap.
    """
    site = enrollment.episode.site
    week_of = RuleBook.of(site).week_of
    bookings = new_bookings(enrollment, sessions, now, missed=missed, overlapping=overlapping, week_of=week_of)
    insert_bookings(bookings, site=site, now=now)


def new_bookings(
    enrollment: Enrollment,
    sessions: Iterable[Session],
    now: datetime,
    *,
    missed: Iterable[Session],
    overlapping: Iterable[Session],
    week_of: Callable[[date], date],
) -> list[Booking]:
    """Return unsaved bookings of an enrollment, as `book_sessions` describes them.

    `week_of` maps a date to the first day of its treatment week.
    """
    missing = {"release_cause": ReleaseCause.GIVEN_BACK, "release_reason": StoredReason.NOT_AVAILABLE}
    lost = {"release_cause": ReleaseCause.CLASH, "release_reason": StoredReason.OTHER_SESSION}
    return [
        new_booking(
            session,
            episode_id=enrollment.episode_id,
            enrollment_id=enrollment.pk,
            week=week_of(session.on),
            released_at=now if release else None,
            **release,
        )
        for group, release in ((sessions, {}), (missed, missing), (overlapping, lost))
        for session in group
    ]


def new_booking(
    session: Session, *, episode_id: int, enrollment_id: int | None, week: date, **fields: object
) -> Booking:
    """Return an unsaved booking with the session's times and minutes. `week` is the first day of its treatment week."""
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


def insert_bookings(bookings: Collection[Booking], *, site: Site, now: datetime) -> None:
    """Insert new bookings and add the active ones to their sessions' counts. The database rejects overbooking."""
    episodes = {booking.episode_id for booking in bookings}
    Booking.objects.bulk_create(bookings, batch_size=500)
    recount_booked({booking.session_id for booking in bookings if booking.released_at is None}, now)
    mark_episode_feeds_stale(episodes, now)
    run_after_booking(site=site, episode_ids=episodes, now=now)


def restore_bookings(bookings: Collection[Booking], session: Session, now: datetime) -> None:
    """Make released bookings of the session active again, with the session's current times."""
    Booking.objects.filter(pk__in=[booking.pk for booking in bookings]).update(
        released_at=None,
        release_cause="",
        release_reason="",
        starts=session.starts,
        ends=session.ends,
        countable_minutes=session.countable_minutes,
        week=RuleBook.of(session.site).week_of(session.on),
    )
    recount_booked([session.pk], now)
    run_after_booking(site=session.site, episode_ids={booking.episode_id for booking in bookings}, now=now)


def restore_released(bookings: Collection[Booking], *, site: Site, now: datetime) -> None:
    """Make released bookings in different sessions of the site active again, with their sessions' current times.

    The bookings must have been loaded with their sessions. The database rejects overbooking.
    """
    book = RuleBook.of(site)
    for booking in bookings:
        session = booking.session
        booking.released_at, booking.release_cause, booking.release_reason = None, "", ""
        booking.starts, booking.ends, booking.countable_minutes = (
            session.starts,
            session.ends,
            session.countable_minutes,
        )
        booking.week = book.week_of(session.on)
    columns = ["released_at", "release_cause", "release_reason", "starts", "ends", "countable_minutes", "week"]
    Booking.objects.bulk_update(bookings, columns, batch_size=100)
    episodes = {booking.episode_id for booking in bookings}
    recount_booked({booking.session_id for booking in bookings}, now)
    mark_episode_feeds_stale(episodes, now)
    run_after_booking(site=site, episode_ids=episodes, now=now)


def copy_times(session: Session, week: date, now: datetime) -> None:
    """Copy the session's times, minutes and week to its active bookings, and the times to the session's facilitators."""
    active = Booking.objects.active().filter(session=session)
    active.update(starts=session.starts, ends=session.ends, countable_minutes=session.countable_minutes, week=week)
    SessionFacilitator.objects.filter(session=session).update(**facilitator_times(session))
    run_after_booking(site=session.site, episode_ids=set(active.values_list("episode", flat=True)), now=now)
