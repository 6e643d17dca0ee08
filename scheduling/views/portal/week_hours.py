"""A patient's weekly hours as the portal shows them: a bar, and how many more appointments will complete the week."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from attendance.domain.ledger import Standing, WeekLedger
from attendance.services.roster import attendance_of
from scheduling.models import Booking, SessionStatus

HOUR = 60


@dataclass(frozen=True, slots=True)
class PortalHours:
    """The ledger of one week. `appointments` is the number of appointments still needed, or 0 if the week is not on pace."""

    ledger: WeekLedger
    appointments: int

    @property
    def is_whole(self) -> bool:
        """Whether the hours done and the hours prescribed are both whole numbers."""
        return not self.ledger.credited_minutes % HOUR and not self.ledger.prescribed_minutes % HOUR

    @property
    def is_behind(self) -> bool:
        """Whether the booked appointments are not enough for the week's hours and days."""
        return self.ledger.standing in (Standing.AT_RISK, Standing.CANNOT_BE_MET)

    @property
    def done(self) -> int:
        return self.ledger.credited_minutes // HOUR

    @property
    def prescribed(self) -> int:
        return self.ledger.prescribed_minutes // HOUR

    @property
    def done_share(self) -> str:
        """Width of the bar's part for completed hours, as a CSS percentage. 100% means all prescribed hours."""
        return self._share(self.ledger.credited_minutes)

    @property
    def planned_share(self) -> str:
        """Width of the bar's part for completed and planned hours together, as a CSS percentage."""
        return self._share(self.ledger.credited_minutes + self.ledger.remaining_minutes)

    def _share(self, minutes: int) -> str:
        return f"{min(100.0, 100 * minutes / self.ledger.prescribed_minutes):.2f}%"


def portal_hours(ledger: WeekLedger | None, bookings: Iterable[Booking], now: datetime) -> PortalHours | None:
    """Return the week's hours, or None if there is no ledger. `bookings` are the week's bookings, sorted by time."""
    return PortalHours(ledger, _appointments_to_complete(ledger, bookings, now)) if ledger else None


def _appointments_to_complete(ledger: WeekLedger, bookings: Iterable[Booking], now: datetime) -> int:
    """Return how many more appointments will complete the week's hours and days, or 0 if the week is not on pace."""
    if ledger.standing != Standing.ON_PACE:
        return 0
    minutes, days, appointments = ledger.credited_minutes, ledger.credited_days, 0
    seen = set()
    for booking in bookings:
        session = booking.session
        if session.status == SessionStatus.CANCELLED or attendance_of(booking) or not session.countable_minutes:
            continue
        if minutes >= ledger.prescribed_minutes and days >= ledger.prescribed_days:
            break
        minutes += session.countable_minutes
        days += session.on not in seen
        seen.add(session.on)
        appointments += booking.ends > now
    return appointments
