"""What is said of a schedule, as values: what it asks of a life, and what speaks for it. Templates find the words by `code`."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import ClassVar, Literal

from scheduling.domain.hours.rules import WeeklyMeeting
from scheduling.domain.search.conflicts import (
    TIGHT_GAP_MINUTES,
    CommitmentMove,
    is_temporary,
    missed_dates,
    resolve_meeting,
)
from scheduling.domain.search.need import Need, Offer
from scheduling.domain.search.schedules import Schedule
from scheduling.domain.search.score import minutes_on_site
from timekeeping.reasons import Key
from timekeeping.weeks import MINUTES_A_DAY, BusyTime

Side = Literal["for", "neither", "against"]


@dataclass(frozen=True, slots=True)
class Remark:
    """One thing said of a schedule. `code` is what templates choose their words by, `side` what it speaks for."""

    code: ClassVar[str] = ""
    side: ClassVar[Side] = "neither"


@dataclass(frozen=True, slots=True)
class StartsOn(Remark):
    """Its first day, so many days after the one that was asked for."""

    code: ClassVar[str] = "begins"
    on: date
    wait_days: int


@dataclass(frozen=True, slots=True)
class WholeTrack(Remark):
    code: ClassVar[str] = "whole_track"
    side: ClassVar[Side] = "for"
    track: str


@dataclass(frozen=True, slots=True)
class PartOfTrack(Remark):
    """So many of the groups that the track has a week."""

    code: ClassVar[str] = "part_of_track"
    track: str
    chosen: int
    groups: int


@dataclass(frozen=True, slots=True)
class MixesTracks(Remark):
    """`tracks` by name, the one to enroll in first."""

    code: ClassVar[str] = "mixes_tracks"
    tracks: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class WeeklyTrips(Remark):
    """Days a week on which the patient comes, and the minutes from the first group's start to the last one's end."""

    code: ClassVar[str] = "trips"
    number: int
    shortest: int
    longest: int


@dataclass(frozen=True, slots=True)
class NothingMoves(Remark):
    """Everything in the patient's life stays as it is, and no session is missed."""

    code: ClassVar[str] = "nothing_moves"
    side: ClassVar[Side] = "for"


@dataclass(frozen=True, slots=True)
class WouldMove(Remark):
    """A commitment ends earlier, or begins later, by so many minutes on the weekdays; one that `passes` does so on dates."""

    code: ClassVar[str] = "would_move"
    side: ClassVar[Side] = "against"
    busy: BusyTime
    weekdays: tuple[int, ...]
    ends_earlier: bool
    minutes: int
    passes: bool

    @property
    def then(self) -> time:
        """When it would end, or begin."""
        wall = self.busy.ends if self.ends_earlier else self.busy.starts
        moved = timedelta(minutes=-self.minutes if self.ends_earlier else self.minutes)
        return (datetime.combine(date(2000, 1, 2), wall) + moved).time()


@dataclass(frozen=True, slots=True)
class MissedSessions(Remark):
    """Dates on which the patient will not be there, of so many sessions up to the horizon."""

    code: ClassVar[str] = "misses"
    side: ClassVar[Side] = "against"
    missed: tuple[tuple[date, WeeklyMeeting], ...]
    sessions: int


@dataclass(frozen=True, slots=True)
class FacilitatorCount(Remark):
    """How many people lead its groups."""

    code: ClassVar[str] = "led_by"
    number: int


@dataclass(frozen=True, slots=True)
class TightGap(Remark):
    """Little time, the way aside, between a commitment and a group on a weekday; `before` says that life comes first."""

    code: ClassVar[str] = "cut_fine"
    side: ClassVar[Side] = "against"
    busy: BusyTime
    weekday: int
    minutes: int
    before: bool


@dataclass(frozen=True, slots=True)
class KeepsSchedule(Remark):
    """Every day and every group is one of those that the patient has."""

    code: ClassVar[str] = "keeps_schedule"
    side: ClassVar[Side] = "for"


@dataclass(frozen=True, slots=True)
class ChangesSchedule(Remark):
    """Days and groups that are other than those the patient has; `at_the_time` of the groups are at the same times."""

    code: ClassVar[str] = "changes_schedule"
    side: ClassVar[Side] = "against"
    other_days: int
    other_groups: int
    at_the_time: int


def remarks_on(schedule: Schedule, offers: Iterable[Offer]) -> tuple[Remark, ...]:
    """All that its ranking rests on. `offers` are the tracks among which it was found."""
    meetings, need, price = schedule.meetings, schedule.need, schedule.price
    asked = (*move_remarks(price.gives), *missed_session_remarks(meetings, need))
    found: list[Remark] = [StartsOn(schedule.starts, price.wait_days), _track_remark(schedule, offers)]
    lengths = sorted(minutes_on_site(today) for today in _by_day(meetings))
    found.append(WeeklyTrips(price.trips, lengths[0], lengths[-1]))
    if asked:
        found.extend(asked)
    elif any(not busy.is_treatment for busy in need.busy):
        found.append(NothingMoves())
    found.extend(find_tight_gaps(meetings, need))
    if price.people:
        found.append(FacilitatorCount(price.people))
    if schedule.wish.kept:
        is_other = price.other_days or price.other_groups
        changes = ChangesSchedule(price.other_days, price.other_groups, price.at_the_time)
        found.append(changes if is_other else KeepsSchedule())
    return tuple(found)


def commitment_remarks(meetings: Sequence[WeeklyMeeting], need: Need) -> tuple[Remark, ...]:
    """What has to move for the meetings and which dates are missed, of those that nothing is in the way of."""
    gives = [give for meeting in meetings for give in resolve_meeting(meeting, need).gives]
    return (*move_remarks(gives), *missed_session_remarks(meetings, need))


def move_remarks(gives: Iterable[CommitmentMove]) -> tuple[WouldMove, ...]:
    """Each commitment's end and beginning once for as many minutes: on a weekday, the most that any group asks."""
    most: dict[tuple[Key, bool, int], CommitmentMove] = {}
    for give in gives:
        side = (give.busy.key, give.ends_earlier, give.weekday)
        if side not in most or most[side].minutes < give.minutes:
            most[side] = give
    alike: dict[tuple[BusyTime, bool, int, bool], set[int]] = {}
    for give in most.values():
        alike.setdefault((give.busy, give.ends_earlier, give.minutes, give.passes), set()).add(give.weekday)
    return tuple(
        WouldMove(busy, tuple(sorted(weekdays)), ends_earlier, minutes, passing)
        for (busy, ends_earlier, minutes, passing), weekdays in alike.items()
    )


def missed_session_remarks(meetings: Sequence[WeeklyMeeting], need: Need) -> tuple[MissedSessions, ...]:
    """One for all that is missed; none if nothing is."""
    missed = sorted(
        ((on, each) for each in meetings for on in missed_dates(each, need)),
        key=lambda one: (one[0], one[1].span.start, str(one[1].key)),
    )
    sessions = sum(1 for each in meetings for _ in need.dates_of(each))
    return (MissedSessions(tuple(missed), sessions),) if missed else ()


def find_tight_gaps(meetings: Sequence[WeeklyMeeting], need: Need) -> tuple[TightGap, ...]:
    """What makes a group close to a commitment that lasts, with the least time that is ever between the two."""
    least: dict[tuple[Key, int, bool], TightGap] = {}
    for meeting in meetings:
        if not resolve_meeting(meeting, need).is_close:
            continue
        for busy, minutes, before in _gaps(meeting, need):
            side = (busy.key, meeting.weekday, before)
            if side not in least or minutes < least[side].minutes:
                least[side] = TightGap(busy, meeting.weekday, minutes, before)
    return tuple(least.values())


def _gaps(meeting: WeeklyMeeting, need: Need) -> Iterator[tuple[BusyTime, int, bool]]:
    """Of all its dates, the minutes left to what lasts and is less than `CLOSE_MINUTES` away."""
    for on in need.dates_of(meeting):
        day = (on - need.from_day).days
        starts, ends = (day * MINUTES_A_DAY + minute for minute in (meeting.span.start, meeting.span.end))
        for number, occasion in need.occasions_by_day.get(day, ()):
            busy = need.busy[number]
            before, after = starts - occasion.padded.end, occasion.padded.start - ends
            if busy.is_treatment or is_temporary(busy, need):
                continue
            if 0 <= before < TIGHT_GAP_MINUTES:
                yield busy, before, True
            elif 0 <= after < TIGHT_GAP_MINUTES:
                yield busy, after, False


def _track_remark(schedule: Schedule, offers: Iterable[Offer]) -> Remark:
    home = schedule.offer
    if schedule.is_mixed:
        return MixesTracks((home.name, *_other_tracks(schedule, offers)))
    if schedule.is_whole:
        return WholeTrack(home.name)
    return PartOfTrack(home.name, len(schedule.meetings), len(home.meetings))


def _other_tracks(schedule: Schedule, offers: Iterable[Offer]) -> Iterator[str]:
    """The fewest other tracks, greedily, that have what the schedule's own has not."""
    strange = {each.key for each in schedule.meetings} - schedule.offer.keys
    others = [offer for offer in offers if offer.mixes_with(schedule.offer) and offer.key != schedule.offer.key]
    while strange:
        best = max(others, key=lambda offer: len(strange & offer.keys))
        yield best.name
        strange -= best.keys


def _by_day(meetings: Collection[WeeklyMeeting]) -> Iterator[list[WeeklyMeeting]]:
    for day in sorted({meeting.weekday for meeting in meetings}):
        yield [meeting for meeting in meetings if meeting.weekday == day]
