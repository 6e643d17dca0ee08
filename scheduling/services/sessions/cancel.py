"""Cancels a session, and gives it back."""

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction
from django.db.models import F

from accounts.audit import record, record_all
from accounts.models import Action, User
from scheduling.models import Booking, ReleaseCause, Session, SessionFacilitator, SessionStatus
from scheduling.services.bookings.release import release_bookings
from scheduling.services.integrity import translate_integrity_errors
from scheduling.services.reasons import HasBegun, ReasonRequired, SessionNotCancelled, SiteClosed
from scheduling.services.rosters import REASON_MAX_LENGTH, facilitator_times, recount_booked
from scheduling.services.rulebook import RuleBook
from scheduling.services.sessions.locking import check_changeable, lock_session, mark_calendars_stale, slot_of
from scheduling.services.sessions.slots import check_facilitators, check_room, check_times
from timekeeping.intervals import Interval
from timekeeping.reasons import Reason, refuse_if_any


@transaction.atomic
def cancel_session(*, session: Session, reason: str, by: User, now: datetime) -> Session:
    """Cancels a session to come and gives its places back; they stand again if it is reinstated.

    Raises Refused without a reason, for one that has begun, and for one that is cancelled already.
    """
    session = lock_session(session)
    refuse_if_any([*check_changeable(session, now), *([] if reason.strip() else [ReasonRequired()])])
    cancel_locked(session, reason=reason.strip(), by=by, now=now)
    record(session, by=by, action=Action.CANCELLED, at=now, reason=reason)
    return session


def cancel_locked(session: Session, *, reason: str, by: User | None, now: datetime) -> None:
    """Cancels a session that the caller has locked and asked about."""
    bookings = Booking.objects.active().filter(session=session)
    told = list(bookings.select_related("episode__patient", "session"))
    record_all(told, by=by, action=Action.CANCELLED, at=now, detail=str(session), reason=reason)
    mark_calendars_stale(session, now)
    release_bookings(bookings=bookings, cause=ReleaseCause.CANCELLED, reason=reason, now=now)
    session.status, session.cancel_reason = SessionStatus.CANCELLED, reason[:REASON_MAX_LENGTH]
    session.departed_at, session.version = now, F("version") + 1
    session.save(update_fields=["status", "cancel_reason", "departed_at", "version", "closure"])
    SessionFacilitator.objects.filter(session=session).update(starts=None, ends=None)
    session.refresh_from_db(fields=["version", "booked"])


@transaction.atomic
def restore_session(*, session: Session, by: User, now: datetime) -> Session:
    """A cancelled session is held after all; who lost a place by the cancelling has it again, if nothing else took its time.

    Raises Refused for one that is not cancelled, would have begun, is on a closed day, or whose room or people are taken.
    """
    session = lock_session(session)
    reasons: list[Reason] = []
    if session.status != SessionStatus.CANCELLED:
        reasons.append(SessionNotCancelled(session.name, session.on))
    if session.starts <= now:
        reasons.append(HasBegun(session.name, session.on))
    reasons += (reason for reason in check_times(slot_of(session), session.site, now) if isinstance(reason, SiteClosed))
    people = [each.user for each in session.session_facilitators.select_related("user")]
    time = Interval(session.starts, session.ends)
    reasons += check_room(session.room, time, session.places, session.site, apart_from=session.pk)
    reasons += check_facilitators(people, time, session.site, apart_from=session.pk)
    refuse_if_any(reasons)
    with translate_integrity_errors():
        restore_locked(session, by=by, now=now)
    record(session, by=by, action=Action.CHANGED, at=now, detail="reinstated")
    return session


def restore_locked(session: Session, *, by: User | None, now: datetime) -> None:
    """Gives back a cancelled session that the caller has locked and asked about."""
    session.status, session.cancel_reason, session.closure = SessionStatus.SCHEDULED, "", None
    session.departed_at, session.version = now, F("version") + 1
    session.save(update_fields=["status", "cancel_reason", "closure", "departed_at", "version"])
    SessionFacilitator.objects.filter(session=session).update(**facilitator_times(session))
    back = [booking for booking in _released_by_cancellation(session) if not _is_booked_elsewhere(booking)][
        : session.places
    ]
    Booking.objects.filter(pk__in=[booking.pk for booking in back]).update(
        released_at=None,
        release_cause="",
        release_reason="",
        starts=session.starts,
        ends=session.ends,
        countable_minutes=session.countable_minutes,
        week=RuleBook.of(session.site).week_of(session.on),
    )
    recount_booked([session.pk], now)
    record_all(back, by=by, action=Action.BOOKED, at=now, detail=f"{session}: reinstated")
    mark_calendars_stale(session, now)
    session.refresh_from_db(fields=["version", "booked"])


def _released_by_cancellation(session: Session) -> Sequence[Booking]:
    """Places given back only because the session was cancelled, whose patients would still come on its day."""
    lost = Booking.objects.filter(session=session, release_cause=ReleaseCause.CANCELLED)
    found = lost.select_related("episode__patient", "enrollment", "session").order_by("pk")
    return [
        booking
        for booking in found
        if (booking.enrollment is None or booking.enrollment.ends is None or session.on < booking.enrollment.ends)
        and (booking.episode.ends is None or session.on < booking.episode.ends)
    ]


def _is_booked_elsewhere(booking: Booking) -> bool:
    session = booking.session
    others = Booking.objects.active().filter(episode=booking.episode_id)
    return others.filter(starts__lt=session.ends, ends__gt=session.starts).exists()
