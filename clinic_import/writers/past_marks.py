"""Check the attendance rows of one site against its sessions and against what is recorded, and write the new marks."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from django.utils.translation import gettext as _

from attendance.models import Attendance
from attendance.services.history import PastMark, write_history
from attendance.services.marks import Mark, credited_minutes, normalized_status
from attendance.services.roster import attendance_of
from clinic_import.import_run import ImportRun
from clinic_import.rows.care_rows import THERE, AttendanceRow
from clinic_import.writers.care import batches
from patients.domain.codes import fold_code
from patients.models import Episode
from scheduling.formats import clock, full_date
from scheduling.models import Booking, Session, SessionStatus, Site
from scheduling.services.bookings.book import new_booking
from scheduling.services.bookings.horizon import session_interval
from scheduling.services.bookings.past_sessions import PastSessions, dates_around
from timekeeping.busy_index import BusyIndex
from timekeeping.intervals import Interval
from timekeeping.occurrences import at_wall_clock
from timekeeping.reasons import Refused

DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class PlacedRow:
    """A row of attendance.csv with the ids of its meeting and of its enrollment, which is None for a make-up session."""

    row: AttendanceRow
    episode: Episode
    meeting: int
    enrollment: int | None


class SiteHistory:
    """The attendance rows of one site, with the sessions, bookings and marks that exist."""

    def __init__(self, run: ImportRun, site: Site, rows: Sequence[PlacedRow]) -> None:
        self._run, self._site, self._rows = run, site, rows
        days = {placed.row.on for placed in rows} | {each.row.makes_up_on for each in rows if each.row.makes_up_on}
        first, until = dates_around(days)
        self._sessions = PastSessions(site, {placed.meeting for placed in rows}, first, until)
        self._bookings: dict[tuple[int, int, date], Booking] = {}
        """Bookings by episode, meeting and date. A released booking is included only if there is no other."""
        self._missable: dict[tuple[int, str, date], tuple[Booking, bool]] = {}
        """Bookings by episode, folded code of the group and date, and whether the patient came."""
        self._busy = BusyIndex()
        self._taken: Counter[int] = Counter()
        self._credit: dict[tuple[int, Mark], int] = {}
        self._weeks: dict[date, date] = {}
        self._load_bookings({placed.episode.pk: placed.episode for placed in rows}, first, until)

    def _load_bookings(self, episodes: dict[int, Episode], first: date, until: date) -> None:
        begins = datetime.combine(first - DAY, time.min, UTC)
        ends = datetime.combine(until + DAY, time.min, UTC)
        for batch in batches(sorted(episodes)):
            rows = Booking.objects.filter(episode__in=batch, starts__gte=begins, starts__lt=ends)
            rows = rows.select_related("session__meeting", "attendance__recorded_by")
            for booking in rows.prefetch_related("attendance__amendments").order_by("released_at", "pk"):
                booking.episode = episodes[booking.episode_id]
                session = booking.session
                if booking.released_at is None:
                    self._busy.take(booking.episode_id, Interval(booking.starts, booking.ends))
                if session.meeting is None:
                    continue
                key = booking.episode_id, session.meeting.pk, session.on
                if booking.released_at is None:
                    mark = attendance_of(booking)
                    missable = booking.episode_id, fold_code(session.meeting.code), session.on
                    self._missable[missable] = booking, mark is not None and mark.status in THERE
                    self._bookings[key] = booking
                else:
                    self._bookings.setdefault(key, booking)

    def write(self) -> None:
        """Write the marks that are new. Make-up sessions come last, because they refer to the missed ones."""
        marks: list[PastMark] = []
        for placed in sorted(self._rows, key=lambda placed: bool(placed.row.makes_up)):
            mark = self._new_mark(placed)
            if mark is not None:
                marks.append(mark)
                self._run.note(placed.row, is_new=True)
        if marks:
            write_history(marks, site=self._site, sessions=self._sessions, by=self._run.by, now=self._run.now)

    def _new_mark(self, placed: PlacedRow) -> PastMark | None:
        """Return the row's mark, or None if it is recorded already or if the row has a fault."""
        row, run = placed.row, self._run
        session = self._sessions.find(placed.meeting, row.on)
        not_held = self._session_fault(row, session)
        if session is None or not_held:
            run.add_fault(row, "on", not_held)
            return None
        if run.ask_about_times(row, self._site):
            return None
        mark = Mark(row.status, self._instant(row, row.arrived), self._instant(row, row.left), row.reason)
        minutes = self._credited(session, mark)
        if minutes is None:
            sentence = _("These times don't fit the group, which was held from %(starts)s to %(ends)s.")
            starts, ends = (each.astimezone(self._site.zone) for each in (session.starts, session.ends))
            column = "arrived" if row.arrived else "left"
            run.add_fault(row, column, sentence % {"starts": clock(starts.time()), "ends": clock(ends.time())})
            return None
        booking = self._bookings.get((placed.episode.pk, placed.meeting, row.on))
        recorded = attendance_of(booking) if booking else None
        if recorded is not None:
            if not _agrees(row, session, mark, recorded):
                run.add_fault(row, "status", _recorded_text(recorded))
            return None
        if fault := self._booking_fault(placed, session, booking):
            run.add_fault(row, *fault)
            return None
        if booking is None:
            booking = self._book(placed, session)
        code = fold_code(row.group)
        self._missable[placed.episode.pk, code, row.on] = booking, row.status in THERE
        return PastMark(booking=booking, session=session, mark=mark, credited_minutes=minutes)

    def _session_fault(self, row: AttendanceRow, session: Session | None) -> str:
        """Return a sentence if nobody can have attended the group on the day, or an empty text."""
        if session is None and self._sessions.is_closed(row.on):
            sentence = _("The site is closed on %(date)s.")
        elif session is None:
            sentence = _("%(group)s is not held on %(date)s.")
        elif session.status == SessionStatus.CANCELLED:
            sentence = _("%(group)s was canceled on %(date)s.")
        elif session.ends > self._run.now:
            sentence = _("%(group)s on %(date)s is not over yet.")
        else:
            return ""
        return sentence % {"group": row.group, "date": full_date(row.on)}

    def _booking_fault(self, placed: PlacedRow, session: Session, booking: Booking | None) -> tuple[str, str] | None:
        """Return a fault if the mark can't be added to the session, or None."""
        row = placed.row
        if session.finalized_at is not None and session.imported_at is None:
            sentence = _("%(name)s finalized this session. Add the attendance on the session's page, not by import.")
            return "on", sentence % {"name": session.finalized_credential}
        if booking is not None:
            if booking.released_at is None:
                return None
            return "on", _("The patient gave up this session. Add the attendance on the session's page, not by import.")
        if not self._busy.is_free(placed.episode.pk, session_interval(session)):
            return "on", _("%(code)s was in another session at this time.") % {"code": row.patient}
        has_room = session.pk is None or session.imported_at is not None
        if not has_room and session.places_left <= self._taken[session.pk]:
            return "on", _("The session was full.")
        if placed.enrollment is None:
            return self._makeup_fault(placed)
        return None

    def _makeup_fault(self, placed: PlacedRow) -> tuple[str, str] | None:
        row = placed.row
        if row.makes_up_on is None:
            return None
        missed = self._missable.get((placed.episode.pk, fold_code(row.makes_up), row.makes_up_on))
        values = {"code": row.patient, "group": row.makes_up, "date": full_date(row.makes_up_on)}
        if missed is None:
            sentence = _("No attendance of %(code)s in %(group)s is known for %(date)s. Add it to %(file)s.")
            return "makes_up", sentence % {**values, "file": self._run.file_of(AttendanceRow.table)}
        if missed[1]:
            return "makes_up", _("%(code)s attended %(group)s on %(date)s, so there is nothing to make up.") % values
        return None

    def _book(self, placed: PlacedRow, session: Session) -> Booking:
        """Return an unsaved booking of the row's patient, and note that the patient is busy at this time."""
        row, makes_up = placed.row, None
        if row.makes_up and row.makes_up_on:
            makes_up = self._missable[placed.episode.pk, fold_code(row.makes_up), row.makes_up_on][0]
        week = self._weeks.get(row.on) or self._weeks.setdefault(row.on, self._sessions.book.week_of(row.on))
        booking = new_booking(
            session, episode_id=placed.episode.pk, enrollment_id=placed.enrollment, week=week, makes_up=makes_up
        )
        booking.episode = placed.episode
        self._busy.take(placed.episode.pk, session_interval(session))
        self._bookings[placed.episode.pk, placed.meeting, row.on] = booking
        if session.pk is not None:
            self._taken[session.pk] += 1
        return booking

    def _instant(self, row: AttendanceRow, wall: time | None) -> datetime | None:
        return None if wall is None else at_wall_clock(row.on, wall, self._site.zone)

    def _credited(self, session: Session, mark: Mark) -> int | None:
        """Return the minutes that the mark credits, or None if its times are not those of the session."""
        key = id(session), mark
        if key not in self._credit:
            try:
                self._credit[key] = credited_minutes(session, mark, self._sessions.book)
            except Refused:
                return None
        return self._credit[key]


def _agrees(row: AttendanceRow, session: Session, mark: Mark, recorded: Attendance) -> bool:
    """Return whether the row says what is recorded, or what was recorded before somebody amended it.

    The reason is compared only if the file has this column and nobody amended the mark.
    """
    amendments = sorted(recorded.amendments.all(), key=lambda each: (each.at, each.pk))
    wanted = normalized_status(session, mark), mark.arrived, mark.left
    if wanted == (recorded.status, recorded.arrived, recorded.left):
        return bool(amendments) or "reason" in row.absent or row.reason == recorded.reason
    if not amendments:
        return False
    first = amendments[0]
    return wanted == (first.status_before, first.arrived_before, first.left_before)


def _recorded_text(recorded: Attendance) -> str:
    """Return a sentence that says which attendance is recorded, and that only an amendment changes it."""
    status = recorded.get_status_display()
    if recorded.imported_at is not None or recorded.recorded_by is None:
        return _("“%(status)s” was imported before. Amend it on the session's page, not by import.") % {
            "status": status
        }
    sentence = _("%(name)s recorded “%(status)s”. Change it on the session's page, not by import.")
    return sentence % {"name": recorded.recorded_by.name, "status": status}
