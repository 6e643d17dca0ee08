"""Writes bookings: new ones, restored ones, and the times of a session that moved.

Besides the nightly `book_enrollments`, this is the only place that does. Each function runs `run_after_booking` as its
last step, so that whoever is on leave is excused in the same transaction.
"""

from collections.abc import Collection, Sequence
from datetime import date, datetime

from django.db.models import F, Q

from scheduling.models import Booking, Enrollment, ReleaseCause, Session, SessionFacilitator, SessionStatus, Site
from scheduling.services.bookings.after_booking import run_after_booking
from scheduling.services.bookings.horizon import horizon_end
from scheduling.services.bookings.missed_dates import NOT_AVAILABLE
from scheduling.services.bookings.placement import is_covered, placements_of
from scheduling.services.rosters import (
    facilitator_times,
    lock_sessions,
    mark_episode_feeds_stale,
    mark_session_feeds_stale,
    recount_booked,
)
from scheduling.services.rulebook import RuleBook


def sessions_to_book(enrollment: Enrollment, today: date, now: datetime) -> list[Session]:
    """Lock and return the sessions to come, up to the horizon, that the enrollment covers and has no booking in.

    Sessions whose booking the patient gave back are left out. The lock lasts until the transaction ends, so that the last
    spot in a session goes to one patient only.
    """
    placements = placements_of(enrollment)
    to_come = Session.objects.filter(meeting__in=list(placements), status=SessionStatus.SCHEDULED, starts__gte=now)
    settled = Booking.objects.filter(episode=enrollment.episode_id).filter(
        Q(released_at=None, enrollment=enrollment) | Q(release_cause=ReleaseCause.GIVEN_BACK)
    )
    open_ = to_come.between(enrollment.starts, horizon_end(today)).exclude(pk__in=settled.values("session"))
    return [session for session in lock_sessions(open_) if is_covered(placements, session)]


def book_sessions(
    enrollment: Enrollment, sessions: Sequence[Session], now: datetime, *, missed: Sequence[Session] = ()
) -> None:
    """Book an enrollment into locked sessions that have passed `check_sessions`.

    For each of the `missed` sessions a booking is written that counts as given back: it takes no spot, the nightly work
    does not book it again, and the patient can make it up.
    """
    book = RuleBook.of(enrollment.episode.site)
    given_back = {"released_at": now, "release_cause": ReleaseCause.GIVEN_BACK, "release_reason": NOT_AVAILABLE}
    insert_bookings(
        [
            new_booking(
                session,
                episode_id=enrollment.episode_id,
                enrollment_id=enrollment.pk,
                week=book.week_of(session.on),
                **released,
            )
            for group, released in ((sessions, {}), (missed, given_back))
            for session in group
        ],
        site=enrollment.episode.site,
        now=now,
    )


def new_booking(
    session: Session, *, episode_id: int, enrollment_id: int | None, week: date, **fields: object
) -> Booking:
    """Return an unsaved booking that copies the session's times and minutes; its treatment week begins on `week`."""
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
    """Insert new bookings and count the active ones in their sessions. The database refuses one too many."""
    booked = [booking.session_id for booking in bookings if booking.released_at is None]
    episodes = {booking.episode_id for booking in bookings}
    Session.objects.filter(pk__in=booked).update(booked=F("booked") + 1, version=F("version") + 1)
    Booking.objects.bulk_create(bookings)
    mark_session_feeds_stale(booked, now)
    mark_episode_feeds_stale(episodes, now)
    run_after_booking(site=site, episode_ids=episodes, now=now)


def restore_bookings(bookings: Collection[Booking], session: Session, now: datetime) -> None:
    """Make released bookings of the session active again, at the times that the session has now."""
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


def copy_times(session: Session, week: date, now: datetime) -> None:
    """Write the session's times, minutes and week into its active bookings, and its times into its facilitators."""
    active = Booking.objects.active().filter(session=session)
    active.update(starts=session.starts, ends=session.ends, countable_minutes=session.countable_minutes, week=week)
    SessionFacilitator.objects.filter(session=session).update(**facilitator_times(session))
    run_after_booking(site=session.site, episode_ids=set(active.values_list("episode", flat=True)), now=now)
