"""Draws up treatment weeks from the rows: one patient's, or a whole site's with the same number of queries."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from django.db.models import F

from attendance.domain.ledger import BookedSession, Opening, PartialReason, Standing, WeekLedger, WeekPolicy, draw_up
from attendance.models import Attendance
from patients.models import Commitment, Episode, Patient
from scheduling.domain.interval import Interval
from scheduling.domain.occurrences import at_wall_clock
from scheduling.domain.week import MINUTES_A_DAY
from scheduling.models import Booking, Closure, EnrollmentMeeting, Session, SessionStatus, Site
from scheduling.services.fitting import span_in_force
from scheduling.services.rules import RuleBook


@dataclass(frozen=True, slots=True)
class Row:
    """One patient's treatment week."""

    episode: Episode
    week: date
    ledger: WeekLedger

    @property
    def patient(self) -> Patient:
        return self.episode.patient


def ledger_of(*, episode: Episode, week: date, now: datetime) -> WeekLedger | None:
    """One episode's week; None when it has no day in it or no level was ever stated."""
    rows = _rows([episode], site=episode.site, week=week, now=now)
    return rows[0].ledger if rows else None


def ledgers_at(*, site: Site, week: date, now: datetime, episodes: Iterable[Episode]) -> list[Row]:
    """The week that begins on `week` for episodes of the site, which come with patient and prefetched spans."""
    return _rows(list(episodes), site=site, week=week, now=now)


def weeks_of(*, episode: Episode, now: datetime, weeks: int = 8) -> list[Row]:
    """The last weeks of an episode up to the present one, newest first."""
    book = RuleBook.of(episode.site)
    current = book.week_of(now.astimezone(episode.site.zone).date())
    found = []
    for back in range(weeks):
        found += _rows(
            [episode], site=episode.site, week=current - timedelta(weeks=back), now=now, with_openings=back == 0
        )
    return found


def openings_for(*, episode: Episode, week: date, now: datetime) -> list[Session]:
    """Sessions of the rest of the week that the patient could take: a place left, countable, and the time is free."""
    found = {session.pk: session for session in _open_sessions(episode.site, week, now)}
    busy = _busy_by_patient([episode.patient_id], episode.site, week)
    return [
        found[each.key]
        for each in _openings(found.values(), busy[episode.patient_id], _bookings([episode], week)[episode.pk])
    ]


def _rows(
    episodes: Sequence[Episode], *, site: Site, week: date, now: datetime, with_openings: bool = True
) -> list[Row]:
    until = week + timedelta(weeks=1)
    touching = [each for each in episodes if each.starts < until and (each.ends is None or each.ends > week)]
    today = now.astimezone(site.zone).date()
    is_over = today >= until
    bookings = _bookings(touching, week)
    closed = [closure.as_interval() for closure in Closure.objects.filter(site=site).touching(week, until)]
    weekdays = _usual_weekdays(touching, week, until) if closed else {}
    sessions: list[Session] = []
    busy: dict[int, list[Interval[datetime]]] = defaultdict(list)
    if with_openings and not is_over:
        sessions = list(_open_sessions(site, week, now))
        busy = _busy_by_patient([each.patient_id for each in touching], site, week)
    rows = []
    for episode in touching:
        span = span_in_force(episode, max(week, episode.starts))
        if span is None:
            continue
        policy = WeekPolicy(
            prescribed_minutes=span.prescribed_minutes,
            prescribed_days=span.prescribed_days,
            is_over=is_over,
            partial=_partial(episode, week, until, closed, weekdays.get(episode.pk, frozenset())),
        )
        booked = bookings[episode.pk]
        openings = _openings(sessions, busy[episode.patient_id], booked)
        rows.append(Row(episode, week, draw_up(policy, booked, openings)))
    return rows


def _bookings(episodes: Collection[Episode], week: date) -> dict[int, list[BookedSession]]:
    """Each episode's standing bookings of the week with what was credited."""
    found: dict[int, list[BookedSession]] = defaultdict(list)
    rows = (
        Booking.objects.standing()
        .in_week(week)
        .filter(episode__in=[episode.pk for episode in episodes])
        .values_list(
            "pk",
            "episode",
            "session__on",
            "starts",
            "ends",
            "countable_minutes",
            "session__status",
            "attendance__credited_minutes",
        )
    )
    for pk, episode, on, starts, ends, countable, status, credited in rows:
        found[episode].append(
            BookedSession(
                key=pk,
                on=on,
                time=Interval(starts, ends),
                countable_minutes=countable,
                credited_minutes=credited,
                cancelled=status == SessionStatus.CANCELLED,
            )
        )
    return found


def _usual_weekdays(episodes: Collection[Episode], week: date, until: date) -> dict[int, frozenset[int]]:
    """On which weekdays each episode's enrollments meet."""
    found: dict[int, set[int]] = defaultdict(set)
    places = EnrollmentMeeting.objects.filter(enrollment__episode__in=[each.pk for each in episodes], starts__lt=until)
    for episode, weekday, ends in places.values_list("enrollment__episode", "meeting__weekday", "ends"):
        if ends is None or ends > week:
            found[episode].add(weekday)
    return {episode: frozenset(days) for episode, days in found.items()}


def _partial(
    episode: Episode, week: date, until: date, closed: Sequence[Interval[date]], weekdays: frozenset[int]
) -> frozenset[PartialReason]:
    """What cut the week short."""
    reasons = set()
    if week < episode.starts < until:
        reasons.add(PartialReason.ADMISSION)
    if episode.ends is not None and week < episode.ends < until:
        reasons.add(PartialReason.DISCHARGE)
    if any(week < span.starts < until and span.starts != episode.starts for span in episode.spans.all()):
        reasons.add(PartialReason.LEVEL_CHANGE)
    days = [week + timedelta(days=offset) for offset in range(7)]
    if any(day.weekday() in weekdays and closure.contains(day) for day in days for closure in closed):
        reasons.add(PartialReason.CLOSURE)
    return frozenset(reasons)


def _open_sessions(site: Site, week: date, now: datetime) -> Iterable[Session]:
    """Group sessions still to come in the week that have a place and count."""
    return (
        Session.objects.filter(
            site=site, status=SessionStatus.SCHEDULED, starts__gt=now, countable_minutes__gt=0, places__gt=1
        )
        .between(week, week + timedelta(weeks=1))
        .filter(booked__lt=F("places"))
        .select_related("site", "room")
    )


def _busy_by_patient(patient_ids: Collection[int], site: Site, week: date) -> dict[int, list[Interval[datetime]]]:
    """When each patient's life, travel included, leaves no room in the week."""
    busy: dict[int, list[Interval[datetime]]] = defaultdict(list)
    until = week + timedelta(weeks=1)
    for commitment in Commitment.objects.filter(patient__in=patient_ids).in_force_from(week - timedelta(days=2)):
        for occasion in commitment.as_busy_time().occasions(week, until):
            start, end = (_instant(minute, week, site) for minute in (occasion.padded.start, occasion.padded.end))
            if start < end:
                busy[commitment.patient_id].append(Interval(start, end))
    return busy


def _instant(minute: int, origin: date, site: Site) -> datetime:
    days, rest = divmod(minute, MINUTES_A_DAY)
    return at_wall_clock(origin + timedelta(days=days), time(*divmod(rest, 60)), site.zone)


def _openings(
    sessions: Iterable[Session], busy: Sequence[Interval[datetime]], booked: Sequence[BookedSession]
) -> list[Opening]:
    taken = [*busy, *(each.time for each in booked if not each.cancelled)]
    found = []
    for session in sessions:
        when = Interval(session.starts, session.ends)
        if not any(when.overlaps(other) for other in taken):
            found.append(Opening(key=session.pk, on=session.on, time=when, countable_minutes=session.countable_minutes))
    return found


@dataclass(frozen=True, slots=True)
class Attention:
    """What should be looked at: weeks that are slipping, and sessions that are over and not finalized."""

    weeks: list[Row]
    sessions: list[Session]


def needs_attention(*, site: Site, now: datetime, rows: Iterable[Row], sessions: Iterable[Session]) -> Attention:
    """From rows and sessions that the person may see."""
    slipping = [row for row in rows if row.ledger.standing in {Standing.AT_RISK, Standing.OUT_OF_REACH}]
    waiting = [
        session
        for session in sessions
        if session.ends <= now and session.finalized_at is None and session.status != SessionStatus.CANCELLED
    ]
    return Attention(sorted(slipping, key=lambda row: row.ledger.standing != Standing.OUT_OF_REACH), waiting)


def mark_of(booking: Booking) -> Attendance | None:
    """The booking's mark, if there is one; reads what was joined."""
    return getattr(booking, "attendance", None)
