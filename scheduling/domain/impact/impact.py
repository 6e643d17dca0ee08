"""The impact of a change on sessions and patients, as the difference between snapshots before and after the change."""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from hashlib import sha256
from itertools import zip_longest

from scheduling.domain.impact.week_changes import LedgerChange
from timekeeping.intervals import Interval


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionState:
    """The state of a session in one snapshot.

    A meeting and all meetings that continue it form a series. `series` identifies the series of the session's meeting.
    `series_week` is the Monday of the week of the session's original date. A session and its replacement have the same
    `series` and `series_week`.

    `lacks_room` is set if the meeting has a room but the session has none. `lacks_people` is set if the meeting has
    facilitators but the session has none. Times are in UTC; `places` and `booked` are numbers of patients.
    """

    key: int
    name: str
    on: date
    time: Interval[datetime]
    series: int | None = None
    series_week: date | None = None
    room: str = ""
    people: tuple[str, ...] = ()
    places: int = 1
    booked: int = 0
    countable_minutes: int = 0
    is_cancelled: bool = False
    is_open: bool = False
    """Whether this is a future group session that is not canceled. Patients may make up missed sessions in it."""
    lacks_room: bool = False
    lacks_people: bool = False

    @property
    def shown(self) -> tuple[object, ...]:
        """The values that an impact displays for the session. If all stay the same, the session counts as unchanged."""
        return (self.name, self.time, self.room, self.people, self.places, self.is_cancelled)

    @property
    def places_left(self) -> int:
        """Number of free spots in the session."""
        return self.places - self.booked


@dataclass(frozen=True, slots=True, kw_only=True)
class BookingState:
    """The state of a patient's booking in one snapshot. Snapshots leave out bookings in canceled sessions.

    `week` is the treatment week in which the booking counts. `minutes` are the minutes of treatment that the booking adds
    to that week, either already credited or still expected.
    """

    patient: int
    session: int
    name: str
    on: date
    time: Interval[datetime]
    week: date
    minutes: int
    series: int | None = None
    series_week: date | None = None
    is_excused: bool = False

    @property
    def shown(self) -> tuple[object, ...]:
        """The values that an impact displays for the booking."""
        return (self.name, self.time, self.is_excused)


@dataclass(frozen=True, slots=True)
class SessionChange:
    """A session before and after a change.

    `before` is None for a new session. `after` is None for a removed session.
    """

    before: SessionState | None
    after: SessionState | None

    @property
    def kind(self) -> str:
        """The most important change: "added", "removed", "cancelled", "reinstated", "moved" or "changed"."""
        if self.before is None:
            return "added"
        if self.after is None:
            return "removed"
        if self.before.is_cancelled != self.after.is_cancelled:
            return "cancelled" if self.after.is_cancelled else "reinstated"
        return "moved" if self.before.time != self.after.time else "changed"


@dataclass(frozen=True, slots=True)
class BookingChange:
    """A booking before and after a change. `before` is None for a new booking. `after` is None for a lost one.

    If the booking is lost, `instead` is the name of another session that the patient attends at that time, or "" if
    there is none.
    """

    patient: int
    before: BookingState | None
    after: BookingState | None
    instead: str = ""

    @property
    def kind(self) -> str:
        """The kind of change: "lost", "gained", "moved" to another time, "excused", or "expected" again after an excuse."""
        if self.before is None or self.after is None:
            return "gained" if self.before is None else "lost"
        if self.before.time != self.after.time:
            return "moved"
        return "excused" if self.after.is_excused else "expected"

    @property
    def at(self) -> tuple[datetime, str]:
        """Start time and name of the booked session before the change, or after the change if the booking is new."""
        booking = self.before or self.after
        assert booking is not None
        return booking.time.start, booking.name


@dataclass(frozen=True, slots=True)
class ImpactConflict:
    """A new or moved booking that conflicts with a commitment of the patient. `label` is the commitment's name."""

    patient: int
    booking: BookingState
    label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WeekShortfall:
    """A treatment week that is short after a change: it has fewer minutes, or days, than before and than prescribed.

    If 540 minutes are prescribed, a change from 600 to 480 minutes makes a week short, and a change from 600 to 540
    does not. `makeups` are make-up sessions that together would cover the shortfall, or None if no such sessions exist.
    `is_on_leave` is whether the patient is on a leave of absence in the week. If so, the week is not counted as missed.
    """

    patient: int
    week: date
    prescribed_minutes: int
    prescribed_days: int
    minutes_before: int
    minutes_after: int
    days_before: int
    days_after: int
    makeups: tuple[SessionState, ...] | None = None
    is_on_leave: bool = False

    @property
    def missing_minutes(self) -> int:
        """Minutes by which the week is below the prescription after the change."""
        return max(0, self.prescribed_minutes - self.minutes_after)

    @property
    def missing_days(self) -> int:
        """Days by which the week is below the prescription after the change."""
        return max(0, self.prescribed_days - self.days_after)


@dataclass(frozen=True, slots=True, kw_only=True)
class Impact:
    """All effects of an action on sessions, bookings and treatment weeks. Each list has a fixed order."""

    sessions: tuple[SessionChange, ...] = ()
    bookings: tuple[BookingChange, ...] = ()
    conflicts: tuple[ImpactConflict, ...] = ()
    shortfalls: tuple[WeekShortfall, ...] = ()
    weeks: tuple[LedgerChange, ...] = ()

    @property
    def patients(self) -> frozenset[int]:
        """The ids of the patients whose bookings change or whose weeks fall short."""
        return frozenset(each.patient for each in self.bookings) | {each.patient for each in self.shortfalls}

    @property
    def incomplete(self) -> tuple[SessionState, ...]:
        """Changed sessions that are left without their room or facilitators."""
        after = (change.after for change in self.sessions if change.after is not None)
        return tuple(each for each in after if each.lacks_room or each.lacks_people)

    @property
    def key(self) -> str:
        """A hash of everything that the impact displays, as 32 hex digits. Impacts that look the same have the same key."""
        sessions = [_shown_pair(change) for change in self.sessions]
        bookings = [[change.patient, change.instead, *_shown_pair(change)] for change in self.bookings]
        conflicts = [[each.patient, each.booking.shown, each.label] for each in self.conflicts]
        shortfalls = [
            [each.patient, each.week, each.minutes_after, each.days_after, each.is_on_leave]
            + [session.shown for session in each.makeups or ()]
            for each in self.shortfalls
        ]
        return sha256(repr([sessions, bookings, conflicts, shortfalls, self.weeks]).encode()).hexdigest()[:32]


def _shown_pair(change: SessionChange | BookingChange) -> list[tuple[object, ...] | None]:
    return [each.shown if each else None for each in (change.before, change.after)]


def find_session_changes(
    before: Mapping[int, SessionState], after: Mapping[int, SessionState]
) -> tuple[SessionChange, ...]:
    """Return every visible change of a session. A removed session and its replacement count as one change."""
    gone = {key: each for key, each in before.items() if _is_gone(each, after.get(key))}
    new = {key: each for key, each in after.items() if key not in before and not each.is_cancelled}
    pairs = [(each, after[key]) for key, each in before.items() if key not in gone]
    replacements = _by_series_week(new.values())
    for each in gone.values():
        candidates = replacements.get((each.series, each.series_week), []) if each.series is not None else []
        if candidates:
            replacement = candidates.pop(0)
            del new[replacement.key]
            pairs.append((each, replacement))
    replaced = {one.key for one, _ in pairs}
    changes = [SessionChange(one, two) for one, two in pairs if one.shown != two.shown]
    changes += (SessionChange(each, after.get(key)) for key, each in gone.items() if key not in replaced)
    changes += (SessionChange(None, each) for each in new.values())
    return tuple(sorted(changes, key=_session_change_order))


def _is_gone(before: SessionState, after: SessionState | None) -> bool:
    return after is None or (after.is_cancelled and not before.is_cancelled)


def _session_change_order(change: SessionChange) -> tuple[datetime, str, str]:
    session = change.before or change.after
    assert session is not None
    return session.time.start, session.name, change.kind


def _by_series_week[T: (SessionState, BookingState)](
    states: Iterable[T],
) -> dict[tuple[int | None, date | None], list[T]]:
    grouped: dict[tuple[int | None, date | None], list[T]] = defaultdict(list)
    for each in sorted(states, key=lambda state: (state.time.start, state.name)):
        grouped[each.series, each.series_week].append(each)
    return grouped


def find_booking_changes(
    before: Collection[BookingState], after: Collection[BookingState]
) -> tuple[BookingChange, ...]:
    """Return every change of a booking. A booking whose session is replaced counts as moved to the replacement."""
    old, new = _by_patient(before), _by_patient(after)
    changes = [
        change
        for patient in old.keys() | new.keys()
        for change in _patient_changes(patient, old[patient], new[patient])
    ]
    return tuple(sorted(changes, key=lambda change: (change.patient, change.at, change.kind)))


def _by_patient(bookings: Iterable[BookingState]) -> defaultdict[int, list[BookingState]]:
    grouped: defaultdict[int, list[BookingState]] = defaultdict(list)
    for booking in bookings:
        grouped[booking.patient].append(booking)
    return grouped


def _patient_changes(
    patient: int, before: Sequence[BookingState], after: Sequence[BookingState]
) -> Iterable[BookingChange]:
    for one, two in _booking_pairs(before, after):
        if one is None or two is None or (one.time, one.is_excused) != (two.time, two.is_excused):
            yield BookingChange(patient, one, two)


def _booking_pairs(
    before: Sequence[BookingState], after: Sequence[BookingState]
) -> Iterable[tuple[BookingState | None, BookingState | None]]:
    """Pair a patient's bookings before and after a change. A booking with no counterpart is paired with None.

    Bookings belong together if they are in the same session, or in a session and its replacement.
    """
    old_sessions, new = {booking.session for booking in before}, {booking.session: booking for booking in after}
    yield from ((booking, new[booking.session]) for booking in before if booking.session in new)
    lost = _by_series_week(booking for booking in before if booking.session not in new)
    gained = _by_series_week(booking for booking in after if booking.session not in old_sessions)
    for key in lost.keys() | gained.keys():
        if key == (None, None):  # a session without a series has no replacement
            yield from ((booking, None) for booking in lost[key])
            yield from ((None, booking) for booking in gained[key])
        else:
            yield from zip_longest(lost[key], gained[key])


def find_week_shortfalls(
    before: Collection[BookingState],
    after: Collection[BookingState],
    prescribed: Callable[[int, date], tuple[int, int] | None],
) -> tuple[WeekShortfall, ...]:
    """Return the treatment weeks that are short after the change, as defined by `WeekShortfall`.

    `prescribed` is a function of a patient's id and a week. It returns the minutes and days of the prescription, or
    None if there is no prescription.
    """
    totals_before, totals_after = _week_totals(before), _week_totals(after)
    shortfalls = []
    for patient, week in sorted(totals_before):
        old, new = totals_before[patient, week], totals_after.get((patient, week), _EMPTY_WEEK)
        if new.minutes >= old.minutes and len(new.days) >= len(old.days):
            continue
        owed = prescribed(patient, week)
        if owed is None:
            continue
        fewer_minutes = new.minutes < min(old.minutes, owed[0])
        fewer_days = len(new.days) < min(len(old.days), owed[1])
        if fewer_minutes or fewer_days:
            shortfalls.append(
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
    return tuple(shortfalls)


@dataclass(frozen=True, slots=True)
class _WeekTotal:
    minutes: int
    days: frozenset[date]


_EMPTY_WEEK = _WeekTotal(0, frozenset())


def _week_totals(bookings: Iterable[BookingState]) -> dict[tuple[int, date], _WeekTotal]:
    grouped: dict[tuple[int, date], list[BookingState]] = defaultdict(list)
    for booking in bookings:
        grouped[booking.patient, booking.week].append(booking)
    return {
        key: _WeekTotal(sum(each.minutes for each in week), frozenset(each.on for each in week if each.minutes))
        for key, week in grouped.items()
    }
