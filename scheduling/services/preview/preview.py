"""Preview what an action changes for people, and carry out the action as previewed.

A preview runs the action itself in a transaction, compares the site before and after, and rolls back. So it shows
exactly what the action does. When the user confirms the action, it runs again under the site's lock, and its changes
are compared with the preview. If the changes differ, the action is rolled back and previewed again.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from django.db import transaction

from attendance.domain.ledger import BookedSession, MakeupOpening, find_makeup_openings
from patients.models import Episode
from scheduling.domain.impact.impact import (
    BookingChange,
    BookingState,
    Impact,
    ImpactConflict,
    SessionState,
    WeekShortfall,
    find_booking_changes,
    find_session_changes,
    find_week_shortfalls,
)
from scheduling.domain.impact.overlaps import find_overlaps
from scheduling.domain.impact.week_changes import LedgerState, find_week_changes
from scheduling.models import Site
from scheduling.services.absences import is_on_leave, leave_days
from scheduling.services.availability.commitments import busy_times
from scheduling.services.bookings.horizon import extend_horizon, horizon_end
from scheduling.services.locks import lock_site
from scheduling.services.preview.snapshot import Snapshot, SnapshotScope, take_snapshot
from scheduling.services.rulebook import RuleBook
from scheduling.services.search.need import span_in_force
from timekeeping.busy_times import BusyTime
from timekeeping.intervals import Interval

WEEK = timedelta(weeks=1)

type WeekReader = Callable[[], Sequence[LedgerState]]
"""Function that returns the treatment weeks of the patient whose record changes, or no weeks (`no_weeks`)."""


def no_weeks() -> Sequence[LedgerState]:
    """Return no treatment weeks."""
    return ()


class ImpactChanged(Exception):
    """The action's impact has changed since the preview, so nothing was saved. `impact` is the new impact."""

    def __init__(self, impact: Impact) -> None:
        self.impact = impact
        super().__init__("the impact has changed since it was shown")


class _RolledBack(Exception):
    """Raised at the end of a preview to roll back its transaction."""


def preview_impact[T](
    act: Callable[[], T], *, scope: SnapshotScope, now: datetime, weeks: WeekReader = no_weeks
) -> Impact:
    """Return what the action would change, without saving its changes. Raises whatever the action raises."""
    _write_missing_sessions(scope, now)
    with transaction.atomic():
        lock_site(scope.site.pk)
        before, weeks_before = take_snapshot(scope, now), weeks()
        try:
            with transaction.atomic():
                act()
                impact = _compare(scope, before, take_snapshot(scope, now), now)
                impact = replace(impact, weeks=find_week_changes(weeks_before, weeks()))
                raise _RolledBack
        except _RolledBack:
            return impact


def apply_previewed[T](
    act: Callable[[], T], *, scope: SnapshotScope, now: datetime, seen: str, weeks: WeekReader = no_weeks
) -> T:
    """Carry out the action if it still changes what the preview showed, and return the action's result.

    `seen` is the key of the previewed impact. Raises ImpactChanged, with the new impact, if the impact differs from the
    preview. Also raises whatever the action raises.
    """
    _write_missing_sessions(scope, now)
    with transaction.atomic():
        lock_site(scope.site.pk)
        before, weeks_before = take_snapshot(scope, now), weeks()
        outcome = act()
        impact = _compare(scope, before, take_snapshot(scope, now), now)
        impact = replace(impact, weeks=find_week_changes(weeks_before, weeks()))
        if impact.key != seen:
            raise ImpactChanged(impact)
        return outcome


def _write_missing_sessions(scope: SnapshotScope, now: datetime) -> None:
    """Create missing sessions permanently before the action runs.

    Otherwise, the action itself would create these sessions, and the preview would show them as changes.
    """
    if scope.extends_horizon:
        extend_horizon(site=scope.site, now=now)


def _compare(scope: SnapshotScope, before: Snapshot, after: Snapshot, now: datetime) -> Impact:
    changes = find_booking_changes(before.seats, after.seats)
    affected = {change.patient for change in changes} | _patients_with_other_hours(before.seats, after.seats)
    if not affected:
        return Impact(sessions=find_session_changes(before.sessions, after.sessions))
    patients = _AffectedPatients.of(scope.site, affected, scope.first, horizon_end(scope.site.today_at(now)))
    shortfalls = find_week_shortfalls(
        _in_new_weeks([booking for booking in before.seats if booking.patient in affected], after.seats),
        [booking for booking in after.seats if booking.patient in affected],
        patients.prescribed,
    )
    return Impact(
        sessions=find_session_changes(before.sessions, after.sessions),
        bookings=tuple(_with_replacement(change, after) for change in changes),
        conflicts=tuple(_conflicts(changes, patients)),
        shortfalls=tuple(_with_savers(shortfalls, after, patients)),
    )


def _patients_with_other_hours(before: Iterable[BookingState], after: Iterable[BookingState]) -> set[int]:
    """Return the patients with a booking that counts for more or fewer minutes than before, because the rules changed."""
    minutes = {(each.patient, each.session): each.minutes for each in before}
    return {each.patient for each in after if minutes.get((each.patient, each.session), each.minutes) != each.minutes}


def _in_new_weeks(before: Sequence[BookingState], after: Iterable[BookingState]) -> list[BookingState]:
    """Return the bookings in `before`, each in the treatment week that applies after the change.

    If a booking is in `after` on the same date, its week comes from there. Otherwise, a change of the week's first day
    would look like lost hours. A booking that moves to another date keeps its old week, because that week loses its hours.
    """
    weeks = {(each.patient, each.session, each.on): each.week for each in after}
    return [replace(each, week=weeks.get((each.patient, each.session, each.on), each.week)) for each in before]


def _with_replacement(change: BookingChange, after: Snapshot) -> BookingChange:
    """Return the change, with `instead` filled in if the booking is lost.

    `instead` is the name of the session that the patient attends at that time, or "" if there is none.
    """
    lost = change.before
    if lost is None or change.after is not None:
        return change
    session = after.sessions.get(lost.session)
    if session is None or session.is_cancelled:
        session = next((each for each in after.held_in(lost.series, lost.series_week)), None)
    if session is None:
        return change
    others = (each for each in after.seats if each.patient == change.patient and each.time.overlaps(session.time))
    return replace(change, instead=next((each.name for each in others), ""))


@dataclass(frozen=True, slots=True)
class _AffectedPatients:
    """The episodes, busy times and leaves of absence of the patients whose bookings change."""

    site: Site
    episodes: dict[int, list[Episode]]
    busy: dict[int, list[BusyTime]]
    away: Mapping[int, Sequence[Interval[date]]]
    until: date
    """The end of the horizon. Weeks that extend beyond the horizon are not assessed, because they lack some sessions."""

    @classmethod
    def of(cls, site: Site, patients: Collection[int], first: date, until: date) -> "_AffectedPatients":
        episodes: dict[int, list[Episode]] = defaultdict(list)
        for episode in Episode.objects.filter(patient__in=patients, site=site).prefetch_related("spans"):
            episodes[episode.patient_id].append(episode)
        busy = busy_times(patients, site, first - WEEK)
        own = [episode.pk for each in episodes.values() for episode in each]
        return cls(site, episodes, busy, leave_days(own, first - WEEK, date.max), until)

    def prescribed(self, patient: int, week: date) -> tuple[int, int] | None:
        """Return the minutes and days prescribed for the week.

        The first day of the week decides which level of care is used. If care starts later in the week, the first level
        is used. Return None if the patient is not in care in that week, or if the week extends beyond the horizon.
        """
        if week + WEEK > self.until:
            return None
        for episode in self.episodes[patient]:
            if episode.starts < week + WEEK and (episode.ends is None or week < episode.ends):
                span = span_in_force(episode, week)
                if span is not None and span.starts < week + WEEK:
                    return span.prescribed_minutes, span.prescribed_days
        return None

    def is_in_care(self, patient: int, day: date) -> bool:
        """Whether the patient is in the program and not on leave on the day."""
        return any(
            each.starts <= day
            and (each.ends is None or day < each.ends)
            and not is_on_leave(self.away.get(each.pk, ()), day)
            for each in self.episodes[patient]
        )

    def is_away_in(self, patient: int, week: date) -> bool:
        days = Interval(week, week + WEEK)
        return any(days.overlaps(leave) for each in self.episodes[patient] for leave in self.away.get(each.pk, ()))


def _conflicts(changes: Iterable[BookingChange], patients: _AffectedPatients) -> Iterable[ImpactConflict]:
    """Yield the conflicts between new or moved bookings and the patients' busy times."""
    by_patient: dict[int, list[BookingState]] = defaultdict(list)
    for change in changes:
        if change.after is not None and not change.after.is_excused:
            by_patient[change.patient].append(change.after)
    zone = patients.site.zone
    for patient in sorted(by_patient):
        times = [
            (booking, booking.time.start.astimezone(zone), booking.time.end.astimezone(zone))
            for booking in by_patient[patient]
        ]
        for booking, busy in find_overlaps(times, patients.busy[patient]):
            yield ImpactConflict(patient, booking, busy.label)


def _with_savers(
    shortfalls: Iterable[WeekShortfall], after: Snapshot, patients: _AffectedPatients
) -> Iterable[WeekShortfall]:
    """Yield each shortfall with the make-up sessions that would close it, if there are any.

    As few sessions of the week as possible are chosen, and earlier ones are preferred.
    """
    book = RuleBook.of(patients.site)
    open_in: dict[date, list[SessionState]] = defaultdict(list)
    for session in after.sessions.values():
        if session.is_open and session.places_left > 0 and session.countable_minutes:
            open_in[book.week_of(session.on)].append(session)
    booked_in: dict[tuple[int, date], list[BookingState]] = defaultdict(list)
    for booking in after.seats:
        booked_in[booking.patient, booking.week].append(booking)
    for each in shortfalls:
        openings = _savers(each, booked_in[each.patient, each.week], open_in[each.week], patients)
        savers = None if openings is None else tuple(after.sessions[opening.key] for opening in openings)
        yield replace(each, makeups=savers, is_on_leave=patients.is_away_in(each.patient, each.week))


def _savers(
    shortfall: WeekShortfall,
    booked: Sequence[BookingState],
    open_sessions: Sequence[SessionState],
    patients: _AffectedPatients,
) -> tuple[MakeupOpening, ...] | None:
    zone = patients.site.zone
    times = [(each.key, each.time.start.astimezone(zone), each.time.end.astimezone(zone)) for each in open_sessions]
    conflicting = {key for key, _ in find_overlaps(times, patients.busy[shortfall.patient])}
    return find_makeup_openings(
        [
            MakeupOpening(key=each.key, on=each.on, time=each.time, countable_minutes=each.countable_minutes)
            for each in open_sessions
            if each.key not in conflicting and patients.is_in_care(shortfall.patient, each.on)
        ],
        booked=[
            BookedSession(key=each.session, on=each.on, time=each.time, countable_minutes=each.minutes)
            for each in booked
        ],
        minutes=shortfall.missing_minutes,
        days=shortfall.missing_days,
        counted_days={each.on for each in booked if each.minutes},
    )
