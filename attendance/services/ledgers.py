"""Draws up treatment weeks from the rows: one patient's, or a whole site's with the same number of queries."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
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
from attendance.models import Attendance, AttendanceStatus
from attendance.services.openings import open_sessions
from patients.models import Episode, LevelOfCareSpan, Patient
from scheduling.models import Booking, Closure, EnrollmentMeeting, Session, SessionStatus, Site
from scheduling.services.absences import is_on_leave, leave_days
from scheduling.services.availability.commitments import busy_intervals, busy_times
from scheduling.services.enrollment.site_transfer import transfers_of
from scheduling.services.rulebook import RuleBook
from scheduling.services.search.queries import span_in_force
from timekeeping.intervals import Interval
from timekeeping.weeks import BusyTime


@dataclass(frozen=True, slots=True)
class LedgerRow:
    """One patient's treatment week, on the half-open dates `week` to `until`."""

    episode: Episode
    week: date
    until: date
    ledger: WeekLedger
    unmarked: int
    """How many sessions of the week are over and not marked yet."""

    @property
    def patient(self) -> Patient:
        return self.episode.patient

    @property
    def last_day(self) -> date:
        return self.until - timedelta(days=1)


def week_ledger(*, episode: Episode, week: date, now: datetime) -> WeekLedger | None:
    """One episode's week, given by any of its days; None when no care was prescribed in it."""
    rows = site_ledgers(site=episode.site_on(week), week=week, now=now, episodes=[episode])
    return rows[0].ledger if rows else None


def site_ledgers(*, site: Site, week: date, now: datetime, episodes: Iterable[Episode]) -> list[LedgerRow]:
    """The week around the day `week` for episodes of the site, which come with patient and prefetched spans."""
    episodes, book = list(episodes), RuleBook.of(site)
    around = book.week_around(week)
    reading = _load_ledger_data(episodes, site, [around], now)
    return [row for episode in episodes if (row := reading.row(episode, around))]


def recent_weeks(
    *,
    episode: Episode,
    now: datetime,
    weeks: int = 8,
    book: RuleBook | None = None,
    life: Iterable[BusyTime] | None = None,
) -> list[LedgerRow]:
    """The last weeks of an episode up to the present one, newest first; as many queries for eight weeks as for one.

    `book` is its site's, and `life` what the patient's asks of them from today on, if these were read already.
    """
    books = {episode.site_id: book or RuleBook.of(episode.site)}

    def week_around(day: date) -> Interval[date]:
        site = episode.site_on(day)
        if site.pk not in books:
            books[site.pk] = RuleBook.of(site)
        return books[site.pk].week_around(day)

    around = [week_around(now.astimezone(episode.site.zone).date())]
    while len(around) < weeks and around[-1].start > episode.starts:
        around.append(week_around(around[-1].start - timedelta(days=1)))
    lives = None if life is None else {episode.patient_id: life}
    reading = _load_ledger_data([episode], episode.site, around, now, lives)
    return [row for each in around if (row := reading.row(episode, each))]


def week_openings(*, episode: Episode, week: date, now: datetime) -> list[Session]:
    """Sessions of the rest of the week that the patient could take: a place left, countable, and the time is free."""
    around = RuleBook.of(episode.site).week_around(week)
    return ledger_with_openings(episode=episode, week=around, now=now)[1]


def ledger_with_openings(
    *, episode: Episode, week: Interval[date], now: datetime
) -> tuple[LedgerRow | None, list[Session]]:
    """A whole treatment week with the sessions that the patient could still take in it, where they are in the end of it."""
    reading = _load_ledger_data([episode], episode.site_on(week.end - timedelta(days=1)), [week], now)
    found = {session.pk: session for session in reading.sessions}
    return reading.row(episode, week), [found[opening.key] for opening in reading.openings(episode, week)]


@dataclass(frozen=True, slots=True, kw_only=True)
class _LedgerData:
    """The rows that some weeks of some episodes of a site are drawn up from.

    `closed` are the days of each site at which one of them is or was, `moves` those on which an episode came to another.
    """

    today: date
    now: datetime
    booked: dict[tuple[int, date], list[BookedSession]]
    closed: Mapping[int, Sequence[Interval[date]]]
    moves: Mapping[int, Sequence[date]]
    away: Mapping[int, Sequence[Interval[date]]]
    places: dict[int, list[EnrollmentMeeting]]
    sessions: Sequence[Session]
    busy: dict[int, list[Interval[datetime]]]

    def row(self, episode: Episode, week: Interval[date]) -> LedgerRow | None:
        span = _prescription(episode, week)
        if span is None or episode.starts >= week.end or (episode.ends is not None and episode.ends <= week.start):
            return None
        policy = WeekPolicy(
            prescribed_minutes=span.prescribed_minutes,
            prescribed_days=span.prescribed_days,
            is_over=self.today >= week.end,
            partial=self._partial(episode, week),
        )
        booked = self.booked[episode.pk, week.start]
        ledger = build_ledger(policy, booked)
        if ledger.standing == Standing.CANNOT_BE_MET:  # unless one of the openings brings it back
            ledger = build_ledger(policy, booked, self.openings(episode, week))
        unmarked = sum(each.is_pending and each.time.end <= self.now for each in booked)
        return LedgerRow(episode, week.start, week.end, ledger, unmarked)

    def openings(self, episode: Episode, week: Interval[date]) -> list[MakeupOpening]:
        """Sessions with a place in which the patient has nothing else to do, while the episode lasts and they are here."""
        away = self.away.get(episode.pk, ())
        # A place in a cancelled session stands until it is released, and nobody stands in two at once.
        taken = [*self.busy[episode.patient_id], *(each.time for each in self.booked[episode.pk, week.start])]
        found = []
        for session in self.sessions:
            if not week.contains(session.on) or not _is_in_care(episode, session.on) or is_on_leave(away, session.on):
                continue
            when = Interval(session.starts, session.ends)
            if not any(when.overlaps(other) for other in taken):
                minutes = session.countable_minutes
                found.append(MakeupOpening(key=session.pk, on=session.on, time=when, countable_minutes=minutes))
        return found

    def _partial(self, episode: Episode, week: Interval[date]) -> frozenset[PartialReason]:
        """What cut the week short."""
        reasons = set()
        begins = [span.starts for span in episode.spans.all()]
        care_begins = max(episode.starts, min(begins))
        if week.start < care_begins < week.end:
            reasons.add(PartialReason.ADMISSION)
        if episode.ends is not None and week.start < episode.ends < week.end:
            reasons.add(PartialReason.DISCHARGE)
        if any(week.start < starts < week.end and starts > care_begins for starts in begins):
            reasons.add(PartialReason.LEVEL_CHANGE)
        if any(week.start < day < week.end for day in self.moves.get(episode.pk, ())):
            reasons.add(PartialReason.MOVE)
        usual_at = list(self._usual_days(episode, week))
        if any(is_on_leave(self.closed.get(site, ()), day) for site, day in usual_at):
            reasons.add(PartialReason.CLOSURE)
        booked = [each.on for each in self.booked.get((episode.pk, week.start), ())]
        whole = [week.start + timedelta(days=number) for number in range((week.end - week.start).days)]
        usual = [day for _, day in usual_at]
        if any(is_on_leave(self.away.get(episode.pk, ()), day) for day in [*usual, *booked] or whole):
            reasons.add(PartialReason.LEAVE)
        return frozenset(reasons)

    def _usual_days(self, episode: Episode, week: Interval[date]) -> Iterable[tuple[int, date]]:
        """The sites and dates of the week at which the patient's meetings would be held."""
        for place in self.places[episode.pk]:
            until = week.end if place.ends is None else min(week.end, place.ends)
            dates = place.meeting.as_pattern().recurrence.dates(max(week.start, place.starts), until)
            yield from ((place.meeting.site_id, day) for day in dates)


def _is_in_care(episode: Episode, day: date) -> bool:
    return episode.starts <= day and (episode.ends is None or day < episode.ends)


def _prescription(episode: Episode, week: Interval[date]) -> LevelOfCareSpan | None:
    """What was in force on the week's first day, or the first that began in it. Reads prefetched spans."""
    span = span_in_force(episode, week.start)
    return span if span is not None and span.starts < week.end else None


def _load_ledger_data(
    episodes: Sequence[Episode],
    site: Site,
    weeks: Sequence[Interval[date]],
    now: datetime,
    lives: Mapping[int, Iterable[BusyTime]] | None = None,
) -> _LedgerData:
    first, until = min(week.start for week in weeks), max(week.end for week in weeks)
    today = now.astimezone(site.zone).date()
    sites, moves = transfers_of(episodes)
    closed: dict[int, list[Interval[date]]] = defaultdict(list)
    for closure in Closure.objects.filter(site__in={site.pk, *sites}).overlapping(first, until):
        closed[closure.site_id].append(closure.as_interval())
    away = leave_days([episode.pk for episode in episodes], first, until)
    running = [week for week in weeks if week.end > today]
    sessions: Sequence[Session] = ()
    busy: dict[int, list[Interval[datetime]]] = defaultdict(list)
    if running:
        ahead = Interval(min(week.start for week in running), until)
        sessions = list(open_sessions(site, ahead, now))
        if lives is None:
            lives = busy_times([episode.patient_id for episode in episodes], site, ahead.start, ahead.end)
        busy = busy_intervals(lives, site, ahead)
    return _LedgerData(
        today=today,
        now=now,
        booked=_load_booked_sessions(episodes, [week.start for week in weeks]),
        closed=closed,
        moves=moves,
        away=away,
        places=_load_enrollment_meetings(episodes) if closed or away else defaultdict(list),
        sessions=sessions,
        busy=busy,
    )


def _load_booked_sessions(
    episodes: Collection[Episode], weeks: Collection[date]
) -> dict[tuple[int, date], list[BookedSession]]:
    """Standing bookings under their episode and week, with what was credited."""
    found: dict[tuple[int, date], list[BookedSession]] = defaultdict(list)
    rows = (
        Booking.objects.active()
        .filter(episode__in=[episode.pk for episode in episodes], week__in=weeks)
        .select_related("session", "attendance")
    )
    for booking in rows:
        mark = attendance_of(booking)
        called_off = mark is not None and mark.status == AttendanceStatus.CANCELLED_BY_PROGRAM
        found[booking.episode_id, booking.week].append(
            BookedSession(
                key=booking.pk,
                on=booking.session.on,
                time=Interval(booking.starts, booking.ends),
                countable_minutes=booking.countable_minutes,
                credited_minutes=mark.credited_minutes if mark else None,
                cancelled=called_off or booking.session.status == SessionStatus.CANCELLED,
            )
        )
    return found


def _load_enrollment_meetings(episodes: Collection[Episode]) -> dict[int, list[EnrollmentMeeting]]:
    """The meetings in which each episode has, or had, a standing place."""
    found: dict[int, list[EnrollmentMeeting]] = defaultdict(list)
    rows = EnrollmentMeeting.objects.filter(enrollment__episode__in=[episode.pk for episode in episodes])
    for place in rows.select_related("enrollment", "meeting"):
        found[place.enrollment.episode_id].append(place)
    return found


@dataclass(frozen=True, slots=True)
class Attention:
    """What should be looked at: weeks that are slipping, and sessions that are over and not finalized."""

    weeks: list[LedgerRow]
    sessions: list[Session]


def find_attention(*, site: Site, now: datetime, rows: Iterable[LedgerRow], sessions: Iterable[Session]) -> Attention:
    """From rows and sessions that the person may see."""
    slipping = [row for row in rows if row.ledger.standing in {Standing.AT_RISK, Standing.CANNOT_BE_MET}]
    waiting = [
        session
        for session in sessions
        if session.booked
        and session.ends <= now
        and session.finalized_at is None
        and session.status != SessionStatus.CANCELLED
    ]
    return Attention(sorted(slipping, key=lambda row: row.ledger.standing != Standing.CANNOT_BE_MET), waiting)


def attendance_of(booking: Booking) -> Attendance | None:
    """The booking's mark, if there is one; reads what was joined."""
    return getattr(booking, "attendance", None)
