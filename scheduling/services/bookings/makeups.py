"""Book a patient into a make-up session."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db import transaction

from accounts.audit import record
from accounts.models import Action, User
from patients.models import Episode
from scheduling.models import Booking, LeaveOfAbsence, Session, SessionStatus
from scheduling.services.bookings.book import insert_bookings, new_booking
from scheduling.services.locks import lock_site
from scheduling.services.reasons import InAnotherSession, SessionFull
from scheduling.services.rulebook import RuleBook
from timekeeping.reasons import Reason, Refused


@dataclass(frozen=True, slots=True)
class NotBookable(Reason):
    """The session can't be booked as a make-up session.

    It has begun, is canceled, is at another site, is after the discharge, or does not count toward weekly hours.
    """

    session: str
    on: date


@dataclass(frozen=True, slots=True)
class AlreadyHasMakeup(Reason):
    """The missed session already has a make-up session."""

    session: str
    on: date


@dataclass(frozen=True, slots=True)
class OnLeave(Reason):
    """The patient is on leave on the day of the session."""

    on: date


@transaction.atomic
def book_makeup(*, session: Session, makes_up: Booking, by: User, now: datetime) -> Booking:
    """Book a patient into `session` to make up for the missed booking `makes_up`. Return the new booking.

    Raises Refused if the session is full, or not bookable as described in `NotBookable`. Also raises Refused if the
    patient is in another session at that time, or on leave on that day. A missed session that already has a make-up
    session is refused, too.
    """
    lock_site(session.site_id)
    episode = Episode.objects.select_for_update(no_key=True).get(pk=makes_up.episode_id)
    session = Session.objects.select_for_update(of=("self",), no_key=True).select_related("site").get(pk=session.pk)
    reasons: list[Reason] = []
    over = session.status != SessionStatus.SCHEDULED or session.starts <= now
    discharged = episode.ends is not None and episode.ends <= session.on
    if over or discharged or session.site_id != episode.site_id or not session.countable_minutes:
        reasons.append(NotBookable(session.name, session.on))
    elsewhere = (
        Booking.objects.active()
        .filter(episode=makes_up.episode_id, starts__lt=session.ends, ends__gt=session.starts)
        .select_related("session")
    )
    reasons += (InAnotherSession(booking.session.name, booking.session.on) for booking in elsewhere)
    if LeaveOfAbsence.objects.filter(episode=episode).overlapping(session.on, session.on + timedelta(days=1)).exists():
        reasons.append(OnLeave(session.on))
    if makes_up.made_up_by.active().exists():
        reasons.append(AlreadyHasMakeup(makes_up.session.name, makes_up.session.on))
    if session.places_left <= 0:
        reasons.append(SessionFull(session.name, session.on))
    if reasons:
        raise Refused(reasons)
    booking = new_booking(
        session,
        episode_id=makes_up.episode_id,
        enrollment_id=None,
        week=RuleBook.of(session.site).week_of(session.on),
        makes_up=makes_up,
    )
    insert_bookings([booking], site=session.site, now=now)
    record(booking, by=by, action=Action.BOOKED, at=now, detail=f"makes up {makes_up.session}")
    return booking
