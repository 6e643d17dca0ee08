"""Remarks on a schedule: its drawbacks and its advantages for the patient."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import ClassVar, Literal

from scheduling.domain.hours.rules import WeeklyMeeting
from scheduling.domain.search.conflicts import Conflict
from scheduling.domain.search.need import Need, Offer
from scheduling.domain.search.schedules import Schedule, count_sessions, missed_sessions
from scheduling.domain.search.score import minutes_on_site
from timekeeping.busy_times import BusyTime
from timekeeping.reasons import Key, class_code

Side = Literal["for", "neither", "against"]


@dataclass(frozen=True, slots=True)
class Remark:
    """One remark on a schedule. `side` is "for" (an advantage), "against" (a drawback) or "neither".

    `code` is the class name in snake case. The partial with this name in scheduling/search/remarks.html has the text.
    """

    code: ClassVar[str] = ""
    side: ClassVar[Side] = "neither"

    def __init_subclass__(cls) -> None:
        cls.code = class_code(cls)


@dataclass(frozen=True, slots=True)
class StartsOn(Remark):
    """The first day of the schedule (`on`), which is `wait_days` days after the requested day."""

    on: date
    wait_days: int


@dataclass(frozen=True, slots=True)
class WholeTrack(Remark):
    """The schedule has as many of the track's groups as any patient could attend."""

    side: ClassVar[Side] = "for"
    track: str


@dataclass(frozen=True, slots=True)
class PartOfTrack(Remark):
    """The schedule has only some of the track's groups: `chosen` out of `groups`."""

    track: str
    chosen: int
    groups: int


@dataclass(frozen=True, slots=True)
class MixesTracks(Remark):
    """The schedule has groups of several tracks.

    `tracks` are the names of the tracks. The first one is the track to enroll in.
    """

    tracks: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class WeeklyTrips(Remark):
    """The number of days a week on which the patient comes to the site, and how long these days are.

    `shortest` and `longest` are the minutes on site on the shortest and on the longest day.
    """

    number: int
    shortest: int
    longest: int


@dataclass(frozen=True, slots=True)
class NothingMoves(Remark):
    """No commitment has to move, and no session is missed."""

    side: ClassVar[Side] = "for"


@dataclass(frozen=True, slots=True)
class WouldMove(Remark):
    """A commitment would have to end earlier or start later, by `minutes`, on some weekdays.

    A temporary commitment would move on its own dates only.
    """

    side: ClassVar[Side] = "against"
    busy: BusyTime
    weekdays: tuple[int, ...]
    ends_earlier: bool
    minutes: int
    is_temporary: bool

    @property
    def then(self) -> time:
        """The commitment's new end if it would end earlier, otherwise its new start."""
        wall = self.busy.ends if self.ends_earlier else self.busy.starts
        moved = timedelta(minutes=-self.minutes if self.ends_earlier else self.minutes)
        return (datetime.combine(date(2000, 1, 2), wall) + moved).time()


@dataclass(frozen=True, slots=True)
class MissedSessions(Remark):
    """The patient would miss some of the schedule's sessions in the horizon.

    `missed` has the date and the meeting of each missed session. `sessions` is the number of all sessions that the
    schedule has in the horizon.
    """

    side: ClassVar[Side] = "against"
    missed: tuple[tuple[date, WeeklyMeeting], ...]
    sessions: int


@dataclass(frozen=True, slots=True)
class FacilitatorCount(Remark):
    """The number of facilitators of the schedule's groups."""

    number: int


@dataclass(frozen=True, slots=True)
class TightGap(Remark):
    """After travel, only a few minutes are left between a commitment and a group.

    `before` is whether the commitment comes before the group.
    """

    side: ClassVar[Side] = "against"
    busy: BusyTime
    weekday: int
    minutes: int
    before: bool


@dataclass(frozen=True, slots=True)
class KeepsSchedule(Remark):
    """Every day and every group of the schedule is also in the patient's present schedule."""

    side: ClassVar[Side] = "for"


@dataclass(frozen=True, slots=True)
class ChangesSchedule(Remark):
    """The schedule has days or groups that are not in the patient's present schedule.

    `other_days` and `other_groups` are the numbers of these days and groups. `same_time_groups` is how many of these
    groups are at the same time as a group in the present schedule.
    """

    side: ClassVar[Side] = "against"
    other_days: int
    other_groups: int
    same_time_groups: int


def remarks_on(schedule: Schedule, offers: Iterable[Offer]) -> tuple[Remark, ...]:
    """Return every remark on a schedule. `offers` are the tracks that were searched."""
    meetings, need, score = schedule.meetings, schedule.need, schedule.score
    found: list[Remark] = [StartsOn(schedule.starts, score.wait_days), _track_remark(schedule, offers)]
    lengths = sorted(minutes_on_site(today) for today in _by_day(meetings))
    found.append(WeeklyTrips(score.trips, lengths[0], lengths[-1]))
    costs = (*move_remarks(score.moves), *missed_session_remarks(meetings, need))
    if costs:
        found.extend(costs)
    elif any(not busy.is_treatment for busy in need.busy):
        found.append(NothingMoves())
    found.extend(find_tight_gaps(meetings, need))
    if score.people:
        found.append(FacilitatorCount(score.people))
    if schedule.preferences.kept:
        is_other = score.other_days or score.other_groups
        changes = ChangesSchedule(score.other_days, score.other_groups, score.same_time_groups)
        found.append(changes if is_other else KeepsSchedule())
    return tuple(found)


def commitment_remarks(meetings: Sequence[WeeklyMeeting], need: Need) -> tuple[Remark, ...]:
    """Return remarks on the commitments that would have to move, and on the sessions that would be missed."""
    moves = [move for meeting in meetings for move in need.conflicts_with(meeting).moves]
    return (*move_remarks(moves), *missed_session_remarks(meetings, need))


def move_remarks(moves: Iterable[Conflict]) -> tuple[WouldMove, ...]:
    """Return remarks on the commitments that would have to start later or end earlier.

    For each commitment and weekday, only the largest move to an earlier end and the largest move to a later start
    count. Weekdays with the same move share one remark.
    """
    most: dict[tuple[Key, bool, int], Conflict] = {}
    for move in moves:
        side = (move.busy.key, move.ends_earlier, move.weekday)
        if side not in most or most[side].minutes < move.minutes:
            most[side] = move
    alike: dict[tuple[BusyTime, bool, int, bool], set[int]] = {}
    for move in most.values():
        alike.setdefault((move.busy, move.ends_earlier, move.minutes, move.is_temporary), set()).add(move.weekday)
    return tuple(
        WouldMove(busy, tuple(sorted(weekdays)), ends_earlier, minutes, is_temporary)
        for (busy, ends_earlier, minutes, is_temporary), weekdays in alike.items()
    )


def missed_session_remarks(meetings: Sequence[WeeklyMeeting], need: Need) -> tuple[MissedSessions, ...]:
    """Return a tuple of one remark on all sessions that would be missed, or an empty tuple if there are none."""
    missed = missed_sessions(meetings, need)
    return (MissedSessions(missed, count_sessions(meetings, need)),) if missed else ()


def find_tight_gaps(meetings: Sequence[WeeklyMeeting], need: Need) -> tuple[TightGap, ...]:
    """Return the gaps of less than 15 minutes (after travel) between a group and a permanent commitment.

    For each commitment and weekday, only the smallest gap before a group and the smallest gap after a group are
    returned.
    """
    least: dict[tuple[Key, int, bool], TightGap] = {}
    for meeting in meetings:
        for busy, minutes, before in need.conflicts_with(meeting).near:
            side = (busy.key, meeting.weekday, before)
            if side not in least or minutes < least[side].minutes:
                least[side] = TightGap(busy, meeting.weekday, minutes, before)
    return tuple(least.values())


def _track_remark(schedule: Schedule, offers: Iterable[Offer]) -> Remark:
    home = schedule.offer
    if schedule.is_mixed:
        return MixesTracks((home.name, *_other_tracks(schedule, offers)))
    if schedule.is_whole:
        return WholeTrack(home.name)
    return PartOfTrack(home.name, len(schedule.meetings), len(home.meetings))


def _other_tracks(schedule: Schedule, offers: Iterable[Offer]) -> Iterator[str]:
    """Yield the names of the other tracks that a schedule needs in addition to its home track.

    Together, these tracks have every meeting that the home track lacks. The next track is always the one with the most
    meetings that are still missing.
    """
    missing = {each.key for each in schedule.meetings} - schedule.offer.keys
    others = [offer for offer in offers if offer.mixes_with(schedule.offer) and offer.key != schedule.offer.key]
    while missing:
        best = max(others, key=lambda offer: len(missing & offer.keys))
        yield best.name
        missing -= best.keys


def _by_day(meetings: Collection[WeeklyMeeting]) -> Iterator[list[WeeklyMeeting]]:
    for day in sorted({meeting.weekday for meeting in meetings}):
        yield [meeting for meeting in meetings if meeting.weekday == day]
