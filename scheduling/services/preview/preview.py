"""Shows what an act on the timetable does to people before it is done, and does what was shown.

An impact is a rehearsal: the act itself is carried out in a transaction, what it changed is read, and everything is taken
back. So the preview can't promise anything else than the act does. When the act is confirmed it is carried out for good under
the site's lock, read again, and taken back once more if it would do anything else than what was shown.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from django.db import transaction

from attendance.domain.ledger import BookedSession, MakeupOpening, find_makeup_openings
from patients.models import Episode
from scheduling.domain.impact.dated_conflicts import find_overlaps
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
from scheduling.models import (
    Site,
)
from scheduling.services.absences import is_on_leave, leave_days
from scheduling.services.availability.commitments import busy_times
from scheduling.services.bookings.horizon import horizon_end
from scheduling.services.preview.snapshot import Snapshot, SnapshotScope, take_snapshot
from scheduling.services.rosters import lock_site
from scheduling.services.rulebook import RuleBook
from scheduling.services.search.queries import span_in_force
from timekeeping.intervals import Interval
from timekeeping.weeks import BusyTime

WEEK = timedelta(weeks=1)


class ImpactChanged(Exception):
    """Nothing was written: the act would do something else by now than what was shown. `impact` is what it would do."""

    def __init__(self, impact: Impact) -> None:
        self.impact = impact
        super().__init__("what was shown is not what would happen")


class _RolledBack(Exception):
    """Ends a rehearsal."""


def preview_impact[T](act: Callable[[], T], *, scene: SnapshotScope, now: datetime) -> Impact:
    """What the act would change. Raises what the act raises; nothing stays written."""
    with transaction.atomic():
        lock_site(scene.site.pk)
        before = take_snapshot(scene, now)
        try:
            with transaction.atomic():
                act()
                impact = _compare(scene, before, take_snapshot(scene, now), now)
                raise _RolledBack
        except _RolledBack:
            return impact


def apply_previewed[T](act: Callable[[], T], *, scene: SnapshotScope, now: datetime, seen: str) -> T:
    """Does the act if it does what was shown: `seen` is the key of the impact that was.

    Raises ImpactChanged, with what it would do by now, if that is something else, and what the act raises.
    """
    with transaction.atomic():
        lock_site(scene.site.pk)
        before = take_snapshot(scene, now)
        done = act()
        impact = _compare(scene, before, take_snapshot(scene, now), now)
        if impact.key != seen:
            raise ImpactChanged(impact)
        return done


def _compare(scene: SnapshotScope, before: Snapshot, after: Snapshot, now: datetime) -> Impact:
    seats = find_booking_changes(before.seats, after.seats)
    touched = {change.patient for change in seats}
    if not touched:
        return Impact(sessions=find_session_changes(before.sessions, after.sessions))
    lives = _AffectedPatients.of(scene.site, touched, scene.first, horizon_end(now.astimezone(scene.site.zone).date()))
    drops = find_week_shortfalls(
        [seat for seat in before.seats if seat.patient in touched],
        [seat for seat in after.seats if seat.patient in touched],
        lives.prescribed,
    )
    return Impact(
        sessions=find_session_changes(before.sessions, after.sessions),
        seats=tuple(_with_replacement(change, after) for change in seats),
        clashes=tuple(_conflicts(seats, lives)),
        drops=tuple(_with_savers(drops, after, lives)),
    )


def _with_replacement(change: BookingChange, after: Snapshot) -> BookingChange:
    """Who lost a place in a session that is held, or that another took the place of, is in another one then, or it is full."""
    lost = change.before
    if lost is None or change.after is not None:
        return change
    session = after.sessions.get(lost.session)
    if session is None or session.is_cancelled:
        session = next((each for each in after.held_in(lost.line, lost.slot)), None)
    if session is None:
        return change
    others = (seat for seat in after.seats if seat.patient == change.patient and seat.time.overlaps(session.time))
    return replace(change, instead=next((seat.name for seat in others), ""))


@dataclass(frozen=True, slots=True)
class _AffectedPatients:
    """What is prescribed to some patients, and what their lives ask of them."""

    site: Site
    episodes: dict[int, list[Episode]]
    busy: dict[int, list[BusyTime]]
    away: Mapping[int, Sequence[Interval[date]]]
    until: date
    """The first day on which no sessions need exist yet: a week that it cuts is not told of."""

    @classmethod
    def of(cls, site: Site, patients: Collection[int], first: date, until: date) -> "_AffectedPatients":
        episodes: dict[int, list[Episode]] = defaultdict(list)
        for episode in Episode.objects.filter(patient__in=patients, site=site).prefetch_related("spans"):
            episodes[episode.patient_id].append(episode)
        busy = busy_times(patients, site, first - WEEK)
        own = [episode.pk for each in episodes.values() for episode in each]
        return cls(site, episodes, busy, leave_days(own, first - WEEK, date.max), until)

    def prescribed(self, patient: int, week: date) -> tuple[int, int] | None:
        """Minutes and days of the patient's week, as it began or as care began in it; None when there is no care in it, or
        not all of its sessions are written yet."""
        if week + WEEK > self.until:
            return None
        for episode in self.episodes[patient]:
            if episode.starts < week + WEEK and (episode.ends is None or week < episode.ends):
                span = span_in_force(episode, week)
                if span is not None and span.starts < week + WEEK:
                    return span.prescribed_minutes, span.prescribed_days
        return None

    def is_in_care(self, patient: int, day: date) -> bool:
        """Whether the patient comes on the day if asked to: in the program, and not on leave."""
        return any(
            each.starts <= day
            and (each.ends is None or day < each.ends)
            and not is_on_leave(self.away.get(each.pk, ()), day)
            for each in self.episodes[patient]
        )

    def is_away_in(self, patient: int, week: date) -> bool:
        days = Interval(week, week + WEEK)
        return any(days.overlaps(leave) for each in self.episodes[patient] for leave in self.away.get(each.pk, ()))


def _conflicts(seats: Iterable[BookingChange], lives: _AffectedPatients) -> Iterable[ImpactConflict]:
    """What the new and the moved places run into."""
    by_patient: dict[int, list[BookingState]] = defaultdict(list)
    for change in seats:
        if change.after is not None and not change.after.is_excused:
            by_patient[change.patient].append(change.after)
    zone = lives.site.zone
    for patient in sorted(by_patient):
        times = [
            (seat, seat.time.start.astimezone(zone), seat.time.end.astimezone(zone)) for seat in by_patient[patient]
        ]
        for seat, busy in find_overlaps(times, lives.busy[patient]):
            yield ImpactConflict(patient, seat, busy.label)


def _with_savers(drops: Iterable[WeekShortfall], after: Snapshot, lives: _AffectedPatients) -> Iterable[WeekShortfall]:
    """Each with the fewest sessions of its week, the earliest among equals, that would give back what it owes."""
    book = RuleBook.of(lives.site)
    open_in: dict[date, list[SessionState]] = defaultdict(list)
    for session in after.sessions.values():
        if session.is_open and session.places_left > 0 and session.countable_minutes:
            open_in[book.week_of(session.on)].append(session)
    seats_in: dict[tuple[int, date], list[BookingState]] = defaultdict(list)
    for seat in after.seats:
        seats_in[seat.patient, seat.week].append(seat)
    for drop in drops:
        found = _savers(drop, seats_in[drop.patient, drop.week], open_in[drop.week], lives)
        saving = None if found is None else tuple(after.sessions[each.key] for each in found)
        yield replace(drop, savers=saving, is_on_leave=lives.is_away_in(drop.patient, drop.week))


def _savers(
    drop: WeekShortfall, own: Sequence[BookingState], open_: Sequence[SessionState], lives: _AffectedPatients
) -> tuple[MakeupOpening, ...] | None:
    zone = lives.site.zone
    times = [(each.key, each.time.start.astimezone(zone), each.time.end.astimezone(zone)) for each in open_]
    taken = {key for key, _ in find_overlaps(times, lives.busy[drop.patient])}
    return find_makeup_openings(
        [
            MakeupOpening(key=each.key, on=each.on, time=each.time, countable_minutes=each.countable_minutes)
            for each in open_
            if each.key not in taken and lives.is_in_care(drop.patient, each.on)
        ],
        booked=[
            BookedSession(key=each.session, on=each.on, time=each.time, countable_minutes=each.minutes) for each in own
        ],
        minutes=drop.missing_minutes,
        days=drop.missing_days,
        days_kept={seat.on for seat in own if seat.minutes},
    )
