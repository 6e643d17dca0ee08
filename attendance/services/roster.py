"""What marking, finalizing and amending share: reasons, the locked session, and its bookings without a mark."""

from dataclasses import dataclass
from enum import Enum
from typing import Final

from attendance.models import Attendance
from scheduling.models import Booking, Session
from timekeeping.reasons import Reason


@dataclass(frozen=True, slots=True)
class AlreadyFinalized(Reason):
    """The session is finalized: its marks change only by an amendment."""


@dataclass(frozen=True, slots=True)
class ChangedMeanwhile(Reason):
    """Somebody else changed the record after the person loaded the page."""


class AnyVersion(Enum):
    """The type of `ANY`."""

    ANY = "any"


ANY: Final = AnyVersion.ANY
"""Passed for what a person saw by callers without a page, such as the demo: whatever is recorded is accepted."""


def lock_roster(session_id: int) -> Session:
    """Return the session, with its site, locked until the transaction ends.

    Only this row is locked, not the site: marking attendance must not wait for changes to the timetable.
    """
    return Session.objects.select_for_update(of=("self",)).select_related("site").get(pk=session_id)


def unmarked_bookings(session: Session) -> list[Booking]:
    """Return the session's active bookings that nobody has marked, with session and patient."""
    return list(
        Booking.objects.active().filter(session=session, attendance=None).select_related("session", "episode__patient")
    )


def attendance_of(booking: Booking) -> Attendance | None:
    """Return the booking's mark, or None. Makes no query if `attendance` was joined or prefetched."""
    return getattr(booking, "attendance", None)
