"""Build the ledgers of treatment weeks from the database, for one patient or for all patients of a site.

The number of queries does not depend on the number of patients.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from attendance.domain.ledger import (
    BookedSession,
    MakeupOpening,
    PartialReason,
    Standing,
    WeekLedger,
    WeekPolicy,
    build_ledger,
)
from attendance.models import AttendanceStatus
from attendance.services.openings import open_sessions
from attendance.services.roster import attendance_of
from patients.models import Episode, LevelOfCareSpan, Patient
from scheduling.models import Booking, Closure, EnrollmentMeeting, Session, SessionStatus, Site
from scheduling.services.absences import is_on_leave, leave_days
from scheduling.services.availability.commitments import busy_intervals, busy_times
from scheduling.services.enrollment.site_transfer import transfers_of
from scheduling.services.rulebook import RuleBook
from scheduling.services.search.need import span_in_force
from timekeeping.busy_times import BusyTime
from timekeeping.intervals import Interval

DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class LedgerRow:
    """One patient's treatment week, on the dates [week, until)."""

    episode: Episode
    week: date
    until: date
    ledger: WeekLedger
    booked: Sequence[BookedSession]
    """The patient's booked sessions of the week, canceled ones included."""
    unmarked: int
    """How many of the week's sessions that count toward the weekly hours are over and have no mark."""

    @property
    def patient(self) -> Patient:
        """The patient whose week this is."""
        return self.episode.patient

    @property
    def last_day(self) -> date:
        """Last date of the week."""
        return self.until - DAY


def week_ledger(*, episode: Episode, week: date, now: datetime) -> WeekLedger | None:
    """Return the ledger of a week, or None if no care was prescribed in it. `week` is any date in the week."""
    rows = site_ledgers(site=episode.site_on(week), week=week, now=now, episodes=[episode])
    return rows[0].ledger if rows else None


def site_ledgers(*, site: Site, week: date, now: datetime, episodes: Iterable[Episode]) -> list[LedgerRow]:
    """Return a row for each episode with prescribed care in a week. `week` is any date in the week.

    The episodes must have been loaded with `select_related("patient")` and `prefetch_related("spans")`.
    """
    episodes, dates = list(episodes), RuleBook.of(site).week_around(week)
    data = _load_ledger_data(episodes, site, [dates], now)
    return [row for episode in episodes if (row := data.row(episode, dates))]


def recent_weeks(
    *,
    episode: Episode,
    now: datetime,
    weeks: int = 8,
    book: RuleBook | None = None,
    busy: Iterable[BusyTime] | None = None,
) -> list[LedgerRow]:
    """Return up to `weeks` treatment weeks of the episode: the current week, then the weeks before it, newest first.

    The number of queries does not depend on `weeks`. To save queries, callers can pass what they have already loaded:
    `book` is the site's rules, and `busy` is the patient's busy times from today on (commitments and imported calendars).
    """
    books = {episode.site_id: book or RuleBook.of(episode.site)}

    def week_around(day: date) -> Interval[date]:
        site = episode.site_on(day)
        if site.pk not in books:
            books[site.pk] = RuleBook.of(site)
        return books[site.pk].week_around(day)

    dates = [week_around(now.astimezone(episode.site.zone).date())]
    while len(dates) < weeks and dates[-1].start > episode.starts:
        dates.append(week_around(dates[-1].start - DAY))
    busy_by_patient = None if busy is None else {episode.patient_id: busy}
    data = _load_ledger_data([episode], episode.site, dates, now, busy_by_patient)
    return [row for week in dates if (row := data.row(episode, week))]


def ledger_with_openings(
    *, episode: Episode, week: Interval[date], now: datetime
) -> tuple[LedgerRow | None, list[Session]]:
    """Return a treatment week, and the sessions that the patient could still attend in it.

    Each of the sessions has a free spot, counts toward the weekly hours, fits the patient's availability, and takes
    place at the site where the patient is at the end of the week.
    """
    data = _load_ledger_data([episode], episode.site_on(week.end - DAY), [week], now)
    sessions = {session.pk: session for session in data.sessions}
    return data.row(episode, week), [sessions[opening.key] for opening in data.openings(episode, week)]


@dataclass(frozen=True, slots=True, kw_only=True)
class _LedgerData:
    """Everything that is loaded from the database to build the weeks of some episodes at a site."""

    today: date
    now: datetime
    booked: dict[tuple[int, date], list[BookedSession]]
    """Booked sessions by episode id and first day of the week."""
    closed: Mapping[int, Sequence[Interval[date]]]
    """Closures by site id, for all present and former sites of the episodes."""
    transfers: Mapping[int, Sequence[date]]
    """Dates on which an episode was transferred to another site, by episode id."""
    away: Mapping[int, Sequence[Interval[date]]]
    """Leaves of absence by episode id."""
    enrolled: dict[int, list[EnrollmentMeeting]]
    """Meetings of the patient's past, present and future enrollments, by episode id."""
    sessions: Sequence[Session]
    """The site's future sessions with a free spot."""
    busy: dict[int, list[Interval[datetime]]]
    """Intervals in which a patient is busy, travel included, by patient id."""

    def row(self, episode: Episode, week: Interval[date]) -> LedgerRow | None:
        """Return the episode's week with its ledger, or None if no care was prescribed in the week."""
        span = _prescription(episode, week)
        if span is None or episode.starts >= week.end or (episode.ends is not None and episode.ends <= week.start):
            return None
        policy = WeekPolicy(
            prescribed_minutes=span.prescribed_minutes,
            prescribed_days=span.prescribed_days,
            is_over=self.today >= week.end,
            partial=self._partial_reasons(episode, week),
        )
        booked = self.booked[episode.pk, week.start]
        ledger = build_ledger(policy, booked)
        if ledger.standing == Standing.CANNOT_BE_MET:  # search for make-up sessions only if needed: the search is slow
            ledger = build_ledger(policy, booked, self.openings(episode, week))
        unmarked = sum(each.is_pending and each.time.end <= self.now for each in booked)
        return LedgerRow(episode, week.start, week.end, ledger, booked, unmarked)

    def openings(self, episode: Episode, week: Interval[date]) -> list[MakeupOpening]:
        """Return the week's sessions that have a free spot and that the patient could attend.

        On the session's date, the patient must be in care and not on leave. At the session's time, the patient must be
        neither busy nor booked.
        """
        away = self.away.get(episode.pk, ())
        # Until a booking of a canceled session is released, the patient can't have another booking at the same time.
        taken = [*self.busy[episode.patient_id], *(each.time for each in self.booked[episode.pk, week.start])]
        found = []
        for session in self.sessions:
            if not week.contains(session.on) or not episode.holds_on(session.on) or is_on_leave(away, session.on):
                continue
            time = Interval(session.starts, session.ends)
            if not any(time.overlaps(other) for other in taken):
                minutes = session.countable_minutes
                found.append(MakeupOpening(key=session.pk, on=session.on, time=time, countable_minutes=minutes))
        return found

    def _partial_reasons(self, episode: Episode, week: Interval[date]) -> frozenset[PartialReason]:
        """Return the reasons why the week is not a full week of treatment."""
        return frozenset(
            [
                *_care_changes(episode, week, self.transfers.get(episode.pk, ())),
                *self._days_without_sessions(episode, week),
            ]
        )

    def _days_without_sessions(self, episode: Episode, week: Interval[date]) -> Iterator[PartialReason]:
        """Yield CLOSURE if a day with one of the patient's meetings is in a closure.

        Yield LEAVE if a day with a meeting or a booking is in a leave. If the week has no such day, a leave on any day
        of the week counts.
        """
        usual = list(self._usual_days(episode, week))
        if any(is_on_leave(self.closed.get(site_id, ()), day) for site_id, day in usual):
            yield PartialReason.CLOSURE
        booked = [each.on for each in self.booked.get((episode.pk, week.start), ())]
        every_day = [week.start + timedelta(days=number) for number in range((week.end - week.start).days)]
        days = [*(day for _, day in usual), *booked] or every_day
        if any(is_on_leave(self.away.get(episode.pk, ()), day) for day in days):
            yield PartialReason.LEAVE

    def _usual_days(self, episode: Episode, week: Interval[date]) -> Iterator[tuple[int, date]]:
        """Yield (site id, date) for each date in the week on which the patient has a meeting, ignoring closures and leaves."""
        for attended in self.enrolled[episode.pk]:
            until = week.end if attended.ends is None else min(week.end, attended.ends)
            dates = attended.meeting.as_pattern().recurrence.dates(max(week.start, attended.starts), until)
            yield from ((attended.meeting.site_id, day) for day in dates)


def _care_changes(episode: Episode, week: Interval[date], transfers: Collection[date]) -> Iterator[PartialReason]:
    """Yield a PartialReason for each kind of change to the patient's care during the week. Reads prefetched spans.

    The kinds are admission, discharge, a change of level, and a transfer. Changes on the first day of the week are left
    out.
    """

    def is_inside(day: date) -> bool:
        return week.start < day < week.end

    level_starts = [span.starts for span in episode.spans.all()]
    care_starts = max(episode.starts, min(level_starts))
    if is_inside(care_starts):
        yield PartialReason.ADMISSION
    if episode.ends is not None and is_inside(episode.ends):
        yield PartialReason.DISCHARGE
    if any(is_inside(day) and day > care_starts for day in level_starts):
        yield PartialReason.LEVEL_CHANGE
    if any(is_inside(day) for day in transfers):
        yield PartialReason.MOVE


def _prescription(episode: Episode, week: Interval[date]) -> LevelOfCareSpan | None:
    """Return the level of care on the first day of the week.

    If there is none on that day, return the first level of care that begins in the week, or None. Reads prefetched
    spans.
    """
    span = span_in_force(episode, week.start)
    return span if span is not None and span.starts < week.end else None


def _load_ledger_data(
    episodes: Sequence[Episode],
    site: Site,
    weeks: Sequence[Interval[date]],
    now: datetime,
    busy_by_patient: Mapping[int, Iterable[BusyTime]] | None = None,
) -> _LedgerData:
    first, until = min(week.start for week in weeks), max(week.end for week in weeks)
    today = now.astimezone(site.zone).date()
    sites, transfers = transfers_of(episodes)
    closed: dict[int, list[Interval[date]]] = defaultdict(list)
    for closure in Closure.objects.filter(site__in={site.pk, *sites}).overlapping(first, until):
        closed[closure.site_id].append(closure.as_interval())
    away = leave_days([episode.pk for episode in episodes], first, until)
    current = [week for week in weeks if week.end > today]
    sessions: Sequence[Session] = ()
    busy: dict[int, list[Interval[datetime]]] = defaultdict(list)
    if current:
        dates = Interval(min(week.start for week in current), until)
        sessions = list(open_sessions(site, dates, now))
        if busy_by_patient is None:
            busy_by_patient = busy_times([episode.patient_id for episode in episodes], site, dates.start, dates.end)
        busy = busy_intervals(busy_by_patient, site, dates)
    return _LedgerData(
        today=today,
        now=now,
        booked=_load_booked_sessions(episodes, [week.start for week in weeks]),
        closed=closed,
        transfers=transfers,
        away=away,
        enrolled=_load_enrollment_meetings(episodes) if closed or away else defaultdict(list),
        sessions=sessions,
        busy=busy,
    )


def _load_booked_sessions(
    episodes: Collection[Episode], weeks: Collection[date]
) -> dict[tuple[int, date], list[BookedSession]]:
    """Map (episode id, first day of the week) to the active bookings of that week, with their credited minutes."""
    found: dict[tuple[int, date], list[BookedSession]] = defaultdict(list)
    rows = (
        Booking.objects.active()
        .filter(episode__in=[episode.pk for episode in episodes], week__in=weeks)
        .select_related("session", "attendance")
    )
    for booking in rows:
        mark = attendance_of(booking)
        is_cancelled_for_patient = mark is not None and mark.status == AttendanceStatus.CANCELLED_BY_PROGRAM
        found[booking.episode_id, booking.week].append(
            BookedSession(
                key=booking.pk,
                on=booking.session.on,
                time=Interval(booking.starts, booking.ends),
                countable_minutes=booking.countable_minutes,
                credited_minutes=mark.credited_minutes if mark else None,
                cancelled=is_cancelled_for_patient or booking.session.status == SessionStatus.CANCELLED,
            )
        )
    return found


def _load_enrollment_meetings(episodes: Collection[Episode]) -> dict[int, list[EnrollmentMeeting]]:
    """Map episode id to the meetings of the patient's present, past and future enrollments."""
    found: dict[int, list[EnrollmentMeeting]] = defaultdict(list)
    rows = EnrollmentMeeting.objects.filter(enrollment__episode__in=[episode.pk for episode in episodes])
    for attended in rows.select_related("enrollment", "meeting"):
        found[attended.enrollment.episode_id].append(attended)
    return found
