"""Cancels a session, and gives it back."""

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction
from django.db.models import F

from accounts.audit import record, record_all
from accounts.models import Action, User
from scheduling.models import Booking, ReleaseCause, Session, SessionFacilitator, SessionStatus
from scheduling.services.bookings.release import release_bookings
from scheduling.services.integrity import in_words
from scheduling.services.reasons import ClosedOn, HasBegun, IsNotCancelled, NeedsReason, refuse_for
from scheduling.services.rosters import MOST_LETTERS, facilitator_times, recount_places
from scheduling.services.rulebook import RuleBook
from scheduling.services.sessions.locking import against_any_change, held_session, slot_of, tell_calendars
from scheduling.services.sessions.slots import against_people, against_room, against_times
from timekeeping.intervals import Interval
from timekeeping.reasons import Reason


@transaction.atomic
def cancel_session(*, session: Session, reason: str, by: User, now: datetime) -> Session:
    """Cancels a session to come and gives its places back; they stand again if it is reinstated.

    Raises Refused without a reason, for one that has begun, and for one that is cancelled already.
    """
    session = held_session(session)
    refuse_for([*against_any_change(session, now), *([] if reason.strip() else [NeedsReason()])])
    cancel_held(session, reason=reason.strip(), by=by, now=now)
    record(session, by=by, action=Action.CANCELLED, at=now, reason=reason)
    return session


def cancel_held(session: Session, *, reason: str, by: User | None, now: datetime) -> None:
    """Cancels a session that the caller has locked and asked about."""
    bookings = Booking.objects.standing().filter(session=session)
    told = list(bookings.select_related("episode__patient", "session"))
    record_all(told, by=by, action=Action.CANCELLED, at=now, detail=str(session), reason=reason)
    tell_calendars(session, now)
    release_bookings(bookings=bookings, cause=ReleaseCause.CANCELLED, reason=reason, now=now)
    session.status, session.cancel_reason = SessionStatus.CANCELLED, reason[:MOST_LETTERS]
    session.departed_at, session.version = now, F("version") + 1
    session.save(update_fields=["status", "cancel_reason", "departed_at", "version", "closure"])
    SessionFacilitator.objects.filter(session=session).update(starts=None, ends=None)
    session.refresh_from_db(fields=["version", "booked"])


@transaction.atomic
def reinstate_session(*, session: Session, by: User, now: datetime) -> Session:
    """A cancelled session is held after all; who lost a place by the cancelling has it again, if nothing else took its time.

    Raises Refused for one that is not cancelled, would have begun, is on a closed day, or whose room or people are taken.
    """
    session = held_session(session)
    reasons: list[Reason] = []
    if session.status != SessionStatus.CANCELLED:
        reasons.append(IsNotCancelled(session.name, session.on))
    if session.starts <= now:
        reasons.append(HasBegun(session.name, session.on))
    reasons += (reason for reason in against_times(slot_of(session), session.site, now) if isinstance(reason, ClosedOn))
    people = [each.user for each in session.session_facilitators.select_related("user")]
    time = Interval(session.starts, session.ends)
    reasons += against_room(session.room, time, session.places, session.site, apart_from=session.pk)
    reasons += against_people(people, time, session.site, apart_from=session.pk)
    refuse_for(reasons)
    with in_words():
        reinstate_held(session, by=by, now=now)
    record(session, by=by, action=Action.CHANGED, at=now, detail="reinstated")
    return session


def reinstate_held(session: Session, *, by: User | None, now: datetime) -> None:
    """Gives back a cancelled session that the caller has locked and asked about."""
    session.status, session.cancel_reason, session.closure = SessionStatus.SCHEDULED, "", None
    session.departed_at, session.version = now, F("version") + 1
    session.save(update_fields=["status", "cancel_reason", "closure", "departed_at", "version"])
    SessionFacilitator.objects.filter(session=session).update(**facilitator_times(session))
    back = [booking for booking in _lost_by_cancelling(session) if not _is_elsewhere(booking)][: session.places]
    Booking.objects.filter(pk__in=[booking.pk for booking in back]).update(
        released_at=None,
        release_cause="",
        release_reason="",
        starts=session.starts,
        ends=session.ends,
        countable_minutes=session.countable_minutes,
        week=RuleBook.of(session.site).week_of(session.on),
    )
    recount_places([session.pk], now)
    record_all(back, by=by, action=Action.BOOKED, at=now, detail=f"{session}: reinstated")
    tell_calendars(session, now)
    session.refresh_from_db(fields=["version", "booked"])


def _lost_by_cancelling(session: Session) -> Sequence[Booking]:
    """Places given back only because the session was cancelled, whose patients would still come on its day."""
    lost = Booking.objects.filter(session=session, release_cause=ReleaseCause.CANCELLED)
    found = lost.select_related("episode__patient", "enrollment", "session").order_by("pk")
    return [
        booking
        for booking in found
        if (booking.enrollment is None or booking.enrollment.ends is None or session.on < booking.enrollment.ends)
        and (booking.episode.ends is None or session.on < booking.episode.ends)
    ]


def _is_elsewhere(booking: Booking) -> bool:
    session = booking.session
    others = Booking.objects.standing().filter(episode=booking.episode_id)
    return others.filter(starts__lt=session.ends, ends__gt=session.starts).exists()
