"""What a change of the timetable does to people: what was looked at before and after it, compared.

Sessions that were not there before have no number that anybody has seen, so what an impact says names them by name and
time; `Impact.key` is the same for two acts that do the same.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from hashlib import sha256
from itertools import zip_longest

from timekeeping.intervals import Interval


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionState:
    """A session as it stood at one moment.

    `line` is the meeting that it comes from and every meeting that continued it, `slot` the Monday of the week that it stands
    for: what takes the place of a session has the same two. `lacks_room` and `lacks_people` say that its meeting gives it
    some and it has none.
    """

    key: int
    name: str
    on: date
    time: Interval[datetime]
    line: int | None = None
    slot: date | None = None
    room: str = ""
    people: tuple[str, ...] = ()
    places: int = 1
    booked: int = 0
    countable_minutes: int = 0
    is_cancelled: bool = False
    is_open: bool = False
    """Whether anybody could be booked into it for another: a group to come that counts."""
    lacks_room: bool = False
    lacks_people: bool = False

    @property
    def said(self) -> tuple[object, ...]:
        return (self.name, self.time, self.room, self.people, self.places, self.is_cancelled)

    @property
    def places_left(self) -> int:
        return self.places - self.booked


@dataclass(frozen=True, slots=True, kw_only=True)
class BookingState:
    """A patient's place in a session that is held, excused from it or expected. `minutes` is what it was credited or would be;
    `week` its treatment week."""

    patient: int
    session: int
    name: str
    on: date
    time: Interval[datetime]
    week: date
    minutes: int
    line: int | None = None
    slot: date | None = None
    is_excused: bool = False

    @property
    def said(self) -> tuple[object, ...]:
        return (self.name, self.time, self.is_excused)


@dataclass(frozen=True, slots=True)
class SessionChange:
    """A session before and after; None where it was not there yet, or is not any more."""

    before: SessionState | None
    after: SessionState | None

    @property
    def kind(self) -> str:
        """What is to be said of it first: added, removed, cancelled, reinstated, moved or changed."""
        if self.before is None:
            return "added"
        if self.after is None:
            return "removed"
        if self.before.is_cancelled != self.after.is_cancelled:
            return "cancelled" if self.after.is_cancelled else "reinstated"
        return "moved" if self.before.time != self.after.time else "changed"


@dataclass(frozen=True, slots=True)
class BookingChange:
    """A patient's place before and after: lost, gained, moved to another time, excused, or expected again. `instead` is the
    session that the patient is in at the time to which the lost one moved."""

    patient: int
    before: BookingState | None
    after: BookingState | None
    instead: str = ""

    @property
    def kind(self) -> str:
        if self.before is None or self.after is None:
            return "gained" if self.before is None else "lost"
        if self.before.time != self.after.time:
            return "moved"
        return "excused" if self.after.is_excused else "expected"

    @property
    def at(self) -> tuple[datetime, str]:
        seat = self.before or self.after
        assert seat is not None
        return seat.time.start, seat.name


@dataclass(frozen=True, slots=True)
class ImpactConflict:
    """A place, new or moved, that something in the patient's life runs into. `label` says what."""

    patient: int
    seat: BookingState
    label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WeekShortfall:
    """A treatment week that falls below what is prescribed, or further below, in minutes or days.

    `savers` are sessions that together would repair it; None when none would. `is_on_leave` says that the patient is away in
    the week, which is not blamed.
    """

    patient: int
    week: date
    prescribed_minutes: int
    prescribed_days: int
    minutes_before: int
    minutes_after: int
    days_before: int
    days_after: int
    savers: tuple[SessionState, ...] | None = None
    is_on_leave: bool = False

    @property
    def missing_minutes(self) -> int:
        return max(0, self.prescribed_minutes - self.minutes_after)

    @property
    def missing_days(self) -> int:
        return max(0, self.prescribed_days - self.days_after)


@dataclass(frozen=True, slots=True, kw_only=True)
class Impact:
    """Everything that an act changes, in a fixed order."""

    sessions: tuple[SessionChange, ...] = ()
    seats: tuple[BookingChange, ...] = ()
    clashes: tuple[ImpactConflict, ...] = ()
    drops: tuple[WeekShortfall, ...] = ()

    @property
    def patients(self) -> frozenset[int]:
        """Whom it touches."""
        return frozenset(each.patient for each in self.seats)

    @property
    def lacking(self) -> tuple[SessionState, ...]:
        """Sessions that will have lost their room or those who lead them to another session."""
        after = (change.after for change in self.sessions if change.after is not None)
        return tuple(each for each in after if each.lacks_room or each.lacks_people)

    @property
    def key(self) -> str:
        """What was shown, in 32 letters: two that are told the same have the same."""
        sessions = [[each.said if each else None for each in (one.before, one.after)] for one in self.sessions]
        seats = [
            [one.patient, one.instead, *(each.said if each else None for each in (one.before, one.after))]
            for one in self.seats
        ]
        clashes = [[one.patient, one.seat.said, one.label] for one in self.clashes]
        drops = [
            [one.patient, one.week, one.minutes_after, one.days_after, one.is_on_leave]
            + [each.said for each in one.savers or ()]
            for one in self.drops
        ]
        return sha256(repr([sessions, seats, clashes, drops]).encode()).hexdigest()[:32]


def find_session_changes(
    before: Mapping[int, SessionState], after: Mapping[int, SessionState]
) -> tuple[SessionChange, ...]:
    """Every session that is told differently. One that is taken out and one that takes its place are one change."""
    gone = {key: each for key, each in before.items() if key not in after or _is_newly_cancelled(each, after[key])}
    new = {key: each for key, each in after.items() if key not in before and not each.is_cancelled}
    changes = [
        SessionChange(each, after[key])
        for key, each in before.items()
        if key in after and key not in gone and each.said != after[key].said
    ]
    successors = _by_slot(new.values())
    for key, each in gone.items():
        replaced = successors.get((each.line, each.slot), []) if each.line is not None else []
        if replaced:
            follower = replaced.pop(0)
            del new[follower.key]
            if each.said != follower.said:
                changes.append(SessionChange(each, follower))
        else:
            changes.append(SessionChange(each, after.get(key)))
    changes += (SessionChange(None, each) for each in new.values())
    return tuple(sorted(changes, key=_session_change_order))


def _is_newly_cancelled(before: SessionState, after: SessionState) -> bool:
    return after.is_cancelled and not before.is_cancelled


def _session_change_order(change: SessionChange) -> tuple[datetime, str, str]:
    session = change.before or change.after
    assert session is not None
    return session.time.start, session.name, change.kind


def _by_slot[T: (SessionState, BookingState)](each_of: Iterable[T]) -> dict[tuple[int | None, date | None], list[T]]:
    found: dict[tuple[int | None, date | None], list[T]] = defaultdict(list)
    for each in sorted(each_of, key=lambda one: (one.time.start, one.name)):
        found[each.line, each.slot].append(each)
    return found


def find_booking_changes(
    before: Collection[BookingState], after: Collection[BookingState]
) -> tuple[BookingChange, ...]:
    """Every place that is lost, gained or at another time. One in the session that took the place of another has moved."""
    old, new = _by_patient(before), _by_patient(after)
    changes = [
        change
        for patient in old.keys() | new.keys()
        for change in _patient_changes(patient, old[patient], new[patient])
    ]
    return tuple(sorted(changes, key=lambda change: (change.patient, change.at, change.kind)))


def _by_patient(seats: Iterable[BookingState]) -> defaultdict[int, list[BookingState]]:
    found: defaultdict[int, list[BookingState]] = defaultdict(list)
    for seat in seats:
        found[seat.patient].append(seat)
    return found


def _patient_changes(
    patient: int, before: Sequence[BookingState], after: Sequence[BookingState]
) -> Iterable[BookingChange]:
    kept = {seat.session: seat for seat in after}
    for seat in before:
        now = kept.get(seat.session)
        if now is not None and (now.time, now.is_excused) != (seat.time, seat.is_excused):
            yield BookingChange(patient, seat, now)
    was = {seat.session for seat in before}
    lost = _by_slot(seat for seat in before if seat.session not in kept)
    gained = _by_slot(seat for seat in after if seat.session not in was)
    for slot in lost.keys() | gained.keys():
        if slot == (None, None):
            pairs: Iterable[tuple[BookingState | None, BookingState | None]] = [
                *((seat, None) for seat in lost[slot]),
                *((None, seat) for seat in gained[slot]),
            ]
        else:
            pairs = zip_longest(lost[slot], gained[slot])
        for one, two in pairs:
            if one is None or two is None or (one.time, one.is_excused) != (two.time, two.is_excused):
                yield BookingChange(patient, one, two)


def find_week_shortfalls(
    before: Collection[BookingState],
    after: Collection[BookingState],
    prescribed: Callable[[int, date], tuple[int, int] | None],
) -> tuple[WeekShortfall, ...]:
    """Weeks that end up with less than before and less than `prescribed`, which answers minutes and days of a week."""
    was, becomes = _week_sums(before), _week_sums(after)
    drops = []
    for patient, week in sorted(was):
        old, new = was[patient, week], becomes.get((patient, week), _EMPTY_WEEK)
        if new.minutes >= old.minutes and len(new.days) >= len(old.days):
            continue
        owed = prescribed(patient, week)
        if owed is None:
            continue
        fewer_minutes = new.minutes < min(old.minutes, owed[0])
        fewer_days = len(new.days) < min(len(old.days), owed[1])
        if fewer_minutes or fewer_days:
            drops.append(
                WeekShortfall(
                    patient=patient,
                    week=week,
                    prescribed_minutes=owed[0],
                    prescribed_days=owed[1],
                    minutes_before=old.minutes,
                    minutes_after=new.minutes,
                    days_before=len(old.days),
                    days_after=len(new.days),
                )
            )
    return tuple(drops)


@dataclass(frozen=True, slots=True)
class _WeekSum:
    minutes: int
    days: frozenset[date]


_EMPTY_WEEK = _WeekSum(0, frozenset())


def _week_sums(seats: Iterable[BookingState]) -> dict[tuple[int, date], _WeekSum]:
    found: dict[tuple[int, date], list[BookingState]] = defaultdict(list)
    for seat in seats:
        found[seat.patient, seat.week].append(seat)
    return {
        key: _WeekSum(sum(seat.minutes for seat in each), frozenset(seat.on for seat in each if seat.minutes))
        for key, each in found.items()
    }
