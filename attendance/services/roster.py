"""Code shared by the services that mark, finalize and amend attendance, such as the lock on a session."""

from dataclasses import dataclass
from enum import Enum
from typing import Final

from attendance.models import Attendance
from scheduling.models import Booking, Session
from timekeeping.reasons import Reason


@dataclass(frozen=True, slots=True)
class AlreadyFinalized(Reason):
    """The session is finalized, so its marks change only through an amendment."""


@dataclass(frozen=True, slots=True)
class ChangedMeanwhile(Reason):
    """Another user changed the record after this user loaded the page."""


class AnyVersion(Enum):
    """Type of the sentinel `ANY`."""

    ANY = "any"


ANY: Final = AnyVersion.ANY
"""Pass this instead of a version to skip the check. For callers that show no page, such as the demo."""


def lock_roster(session_id: int) -> Session:
    """Lock the session until the transaction ends, and return it with its site.

    Only the session's row is locked. The site is not locked, so marking attendance does not wait for changes to the
    timetable.
    """
    return Session.objects.select_for_update(of=("self",)).select_related("site").get(pk=session_id)


def unmarked_bookings(session: Session) -> list[Booking]:
    """Return the session's active bookings that have no mark. Each is loaded with its session and patient."""
    return list(
        Booking.objects.active().filter(session=session, attendance=None).select_related("session", "episode__patient")
    )


def attendance_of(booking: Booking) -> Attendance | None:
    """Return the booking's mark, or None. Runs no query if `attendance` was joined or prefetched."""
    return getattr(booking, "attendance", None)
