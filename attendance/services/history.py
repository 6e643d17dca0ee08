"""Write imported attendance from the time before the program was in use."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from accounts.audit import record_all
from accounts.models import Action, User
from attendance.models import Attendance
from attendance.services.marks import Mark, normalized_status
from scheduling.models import Booking, Session, Site
from scheduling.services.bookings.book import insert_bookings
from scheduling.services.bookings.past_sessions import PastSessions
from scheduling.services.locks import lock_site

BATCH = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class PastMark:
    """The attendance of one patient at one past session. The booking and its session may be unsaved."""

    booking: Booking
    session: Session
    mark: Mark
    credited_minutes: int


@transaction.atomic
def write_history(
    marks: Sequence[PastMark], *, site: Site, sessions: PastSessions, by: User | None, now: datetime
) -> None:
    """Write the marks with their unsaved bookings and sessions. Each mark says that it was imported.

    The caller has checked each mark: the patient has no other mark for this session, was in no other session at that time,
    and the mark agrees with the times of the session. Bookings that others make up for are written first.
    """
    lock_site(site.pk)
    booked = Counter(id(each.session) for each in marks if each.booking.pk is None)
    new_sessions = {id(each.session): each.session for each in marks if each.session.pk is None}
    sessions.insert(new_sessions.values(), booked, now)
    _make_room({id(each.session): each.session for each in marks if id(each.session) not in new_sessions}, booked)
    new = [each.booking for each in marks if each.booking.pk is None]
    for makes_up in (False, True):
        bookings = [booking for booking in new if (booking.enrollment_id is None) == makes_up]
        insert_bookings(bookings, site=site, now=now)
    for begin in range(0, len(marks), BATCH):
        written = Attendance.objects.bulk_create(
            Attendance(
                booking=each.booking,
                status=normalized_status(each.session, each.mark),
                arrived=each.mark.arrived,
                left=each.mark.left,
                credited_minutes=each.credited_minutes,
                reason=each.mark.reason,
                recorded_by=by,
                recorded_at=now,
                imported_at=now,
            )
            for each in marks[begin : begin + BATCH]
        )
        record_all(written, by=by, action=Action.IMPORTED, at=now, detail="new")


def _make_room(sessions: dict[int, Session], booked: Counter[int]) -> None:
    """Give sessions from earlier imports more spots if they need them for further patients."""
    tight = [
        session
        for key, session in sessions.items()
        if session.imported_at is not None and session.places_left < booked[key]
    ]
    for session in tight:
        session.places = session.booked + booked[id(session)]
    Session.objects.bulk_update(tight, ["places"], batch_size=BATCH)
