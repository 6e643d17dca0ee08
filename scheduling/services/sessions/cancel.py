"""Cancel a session, and restore a canceled session."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from django.db import transaction
from django.db.models import F

from accounts.audit import record, record_all
from accounts.models import Action, User
from iopmanager.stored_reasons import StoredReason
from scheduling.models import REASON_MAX_LENGTH, Booking, ReleaseCause, Session, SessionFacilitator, SessionStatus
from scheduling.services.bookings.book import restore_bookings
from scheduling.services.bookings.release import release_bookings
from scheduling.services.integrity import translate_integrity_errors
from scheduling.services.reasons import HasBegun, ReasonRequired
from scheduling.services.session_facilitators import facilitator_times
from scheduling.services.sessions.preconditions import check_changeable, lock_session
from scheduling.services.sessions.slots import SiteClosed, check_facilitators, check_room, check_times, slot_of
from scheduling.services.stale_feeds import mark_calendars_stale
from timekeeping.intervals import Interval
from timekeeping.reasons import Reason, refuse_if_any


@dataclass(frozen=True, slots=True)
class SessionNotCancelled(Reason):
    """The session can't be restored, because it is not canceled."""

    session: str
    on: date


@dataclass(frozen=True, slots=True)
class GroupMovedAway(Reason):
    """The session can't be restored, because its group has changed or ended and no longer meets then."""

    session: str
    on: date


WITHDRAWN = (StoredReason.GROUP_CHANGED, StoredReason.GROUP_ENDED, StoredReason.TRACK_ENDED)
"""The reasons for which sessions are canceled when their group changes or ends."""


@transaction.atomic
def cancel_session(*, session: Session, reason: str, by: User, now: datetime) -> Session:
    """Cancel a session and release its bookings. `restore_session` can undo this later.

    Raises Refused if the reason is empty, or if the session has begun or is already canceled.
    """
    session = lock_session(session)
    refuse_if_any([*check_changeable(session, now), *([] if reason.strip() else [ReasonRequired()])])
    cancel_locked(session, reason=reason.strip(), by=by, now=now)
    record(session, by=by, action=Action.CANCELLED, at=now, reason=reason)
    return session


def cancel_locked(session: Session, *, reason: str, by: User | None, now: datetime) -> None:
    """Cancel a session that the caller has already locked and checked."""
    bookings = Booking.objects.active().filter(session=session)
    released = list(bookings.select_related("episode__patient", "session"))
    record_all(released, by=by, action=Action.CANCELLED, at=now, detail=str(session), reason=reason)
    mark_calendars_stale(session, now)
    release_bookings(bookings=bookings, cause=ReleaseCause.CANCELLED, reason=reason, now=now)
    session.status, session.cancel_reason = SessionStatus.CANCELLED, reason[:REASON_MAX_LENGTH]
    session.departed_at, session.version = now, F("version") + 1
    session.save(update_fields=["status", "cancel_reason", "departed_at", "version", "closure"])
    SessionFacilitator.objects.filter(session=session).update(starts=None, ends=None)
    session.refresh_from_db(fields=["version", "booked"])


@transaction.atomic
def restore_session(*, session: Session, by: User, now: datetime) -> Session:
    """Restore a canceled session, and book its patients again unless they are now in another session at that time.

    Raises Refused if the session is not canceled, if its start time has passed, or if its group no longer meets then. Also
    raises Refused if the site is closed on that day, or if the room or a facilitator of the session is taken.
    """
    session = lock_session(session)
    reasons: list[Reason] = []
    if session.status != SessionStatus.CANCELLED:
        reasons.append(SessionNotCancelled(session.name, session.on))
    elif session.cancel_reason in WITHDRAWN:
        reasons.append(GroupMovedAway(session.name, session.on))
    if session.starts <= now:
        reasons.append(HasBegun(session.name, session.on))
    reasons += (reason for reason in check_times(slot_of(session), session.site, now) if isinstance(reason, SiteClosed))
    people = [each.user for each in session.session_facilitators.select_related("user")]
    hours = Interval(session.starts, session.ends)
    reasons += check_room(session.room, hours, session.places, session.site, apart_from=session.pk)
    reasons += check_facilitators(people, hours, session.site, apart_from=session.pk)
    refuse_if_any(reasons)
    with translate_integrity_errors():
        restore_locked(session, by=by, now=now)
    record(session, by=by, action=Action.CHANGED, at=now, detail="reinstated")
    return session


def restore_locked(session: Session, *, by: User | None, now: datetime) -> None:
    """Restore a canceled session that the caller has already locked and checked.

    Its patients are booked again until it has no spots left.
    """
    session.status, session.cancel_reason, session.closure = SessionStatus.SCHEDULED, "", None
    session.departed_at, session.version = now, F("version") + 1
    session.save(update_fields=["status", "cancel_reason", "closure", "departed_at", "version"])
    SessionFacilitator.objects.filter(session=session).update(**facilitator_times(session))
    restored = _bookings_to_restore(session)[: session.places]
    record_all(restored, by=by, action=Action.BOOKED, at=now, detail=f"{session}: reinstated")
    restore_bookings(restored, session, now)
    mark_calendars_stale(session, now)
    session.refresh_from_db(fields=["version", "booked"])


def _bookings_to_restore(session: Session) -> Sequence[Booking]:
    """Return the bookings that the cancellation released, the earliest first. Runs at most three queries.

    Bookings are left out if their enrollment or episode is over on the session's date, if the patient is now in another
    session at that time, or if the missed session that they made up is now made up by another booking.
    """
    released = _released_by_cancellation(session)
    active = Booking.objects.active()
    episodes = {booking.episode_id for booking in released}
    elsewhere = active.filter(episode__in=episodes, starts__lt=session.ends, ends__gt=session.starts)
    busy = set(elsewhere.values_list("episode", flat=True))
    missed = {booking.makes_up_id for booking in released if booking.makes_up_id is not None}
    made_up = set(active.filter(makes_up__in=missed).values_list("makes_up", flat=True)) if missed else set()
    return [each for each in released if each.episode_id not in busy and each.makes_up_id not in made_up]


def _released_by_cancellation(session: Session) -> Sequence[Booking]:
    """Return the bookings that the cancellation released, if their enrollment and episode include the session's date."""
    released = Booking.objects.filter(session=session, release_cause=ReleaseCause.CANCELLED)
    released = released.select_related("episode__patient", "enrollment", "session").order_by("pk")
    return [
        booking
        for booking in released
        if (booking.enrollment is None or booking.enrollment.ends is None or session.on < booking.enrollment.ends)
        and (booking.episode.ends is None or session.on < booking.episode.ends)
    ]
