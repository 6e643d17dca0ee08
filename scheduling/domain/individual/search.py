"""Find weekly times for individual sessions in counselors' free hours, around a patient's commitments and groups.

Product rules:

- Sessions start on the quarter hour.
- A patient has one or two sessions a week. Two sessions are about equally long, at least 30 minutes each, on different
  days, and with the same counselor.
- Up to 90 minutes a week, two sessions are tried only if one does not fit. Above 90 minutes, two are tried first.
- One time is proposed for each counselor and day, or for each counselor and pair of days.
- Days on which the patient has a group come first, because they need no extra trip. Among these days, the shortest wait
  between group and session comes first. The other days follow in the order of the week.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from itertools import combinations

from scheduling.domain.hours.rules import WeeklyMeeting
from scheduling.domain.individual.proposals import (
    AdjacentGroup,
    Counselor,
    HourConflict,
    HourNotFree,
    IndividualProposals,
    NearestHour,
    NoCounselorHours,
    NoFreeHour,
    Proposal,
    WeeklyHour,
    WrongIndividualTime,
    split_into_sessions,
)
from scheduling.domain.search.need import Need
from timekeeping.busy_times import TREATMENT, BusyTime
from timekeeping.intervals import Interval, covered_minutes, merge, subtract
from timekeeping.reasons import Reason
from timekeeping.weeks import MINUTES_A_DAY

STARTS_EVERY_MINUTES = 15
WHOLE_DAY = Interval(0, MINUTES_A_DAY)


def propose_individual_times(
    minutes: int, counselors: Iterable[Counselor], attended: Sequence[WeeklyMeeting], need: Need
) -> IndividualProposals:
    """Propose weekly times for individual sessions within the counselors' hours.

    `minutes` is the individual time per week, and `attended` are the meetings that the patient attends. Every proposed
    time is free on all open dates of the need's horizon: it overlaps none of the patient's busy times (travel
    included), none of the attended meetings, and none of the counselor's busy times. Proposals are sorted by
    `Proposal.rank`. If there are none, the result has a refusal.
    """
    patient_busy = _patient_busy(attended, need)
    weeks = [_CounselorWeek(counselor, attended, need, patient_busy) for counselor in counselors]
    if not any(week.counselor.hours for week in weeks):
        return IndividualProposals(refusal=NoCounselorHours())
    for lengths in split_into_sessions(minutes):
        best = [proposal for week in weeks for proposal in week.best_proposals(lengths)]
        if best:
            return IndividualProposals(proposals=_in_order(best), others=_in_order(_others(weeks, lengths, best)))
    return IndividualProposals(refusal=NoFreeHour(minutes, _nearest_hour(split_into_sessions(minutes), weeks)))


def _others(weeks: Iterable["_CounselorWeek"], lengths: Sequence[int], best: Iterable[Proposal]) -> Iterable[Proposal]:
    """Return every free time that is not in `best`. If the weekly time is split into two sessions, return nothing."""
    if len(lengths) > 1:
        return ()
    return {proposal for week in weeks for proposal in week.all_proposals(lengths[0])} - set(best)


def _in_order(proposals: Iterable[Proposal]) -> tuple[Proposal, ...]:
    return tuple(sorted(proposals, key=_proposal_rank))


def check_choice(
    minutes: int,
    hours: Sequence[WeeklyHour],
    counselors: Iterable[Counselor],
    attended: Sequence[WeeklyMeeting],
    need: Need,
) -> Iterator[Reason]:
    """Yield every reason against the chosen `hours`, by the same rules as `propose_individual_times`.

    `minutes` is the weekly time that the hours must add up to, and `attended` are the meetings that the patient
    attends.
    """
    counselors_by_key, patient_busy = {each.key: each for each in counselors}, _patient_busy(attended, need)
    in_order = sorted(hours, key=lambda hour: (hour.weekday, hour.starts))
    if not _is_allowed_split(in_order, minutes):
        yield WrongIndividualTime(minutes)
        return
    for hour in in_order:
        counselor = counselors_by_key.get(hour.counselor)
        if counselor is None:
            yield WrongIndividualTime(minutes)
            continue
        week = _CounselorWeek(counselor, attended, need, patient_busy)
        if not any(window.covers(hour.span) for window in week.free(hour.weekday)):
            yield HourNotFree(counselor.name, hour, week.conflicts_at(hour))


def _is_allowed_split(hours: Sequence[WeeklyHour], minutes: int) -> bool:
    """Whether the hours have allowed lengths and are on different days with the same counselor."""
    has_lengths = tuple(hour.minutes for hour in hours) in split_into_sessions(minutes)
    are_on_different_days = len({hour.weekday for hour in hours}) == len(hours)
    return has_lengths and are_on_different_days and len({hour.counselor for hour in hours}) <= 1


class _CounselorWeek:
    """Finds the times of the week at which both a counselor and a patient are free."""

    def __init__(
        self, counselor: Counselor, attended: Sequence[WeeklyMeeting], need: Need, patient_busy: "_BusyByDay"
    ) -> None:
        self.counselor, self.need, self.patient_busy = counselor, need, patient_busy
        self.groups = [each for each in attended if each.anchor is None]
        self.counselor_busy = _busy_by_day(counselor.busy, need)
        self.open_dates = need.finder.horizon.open_days
        self.free_on: dict[int, tuple[Interval[int], ...]] = {}

    def hours_on(self, weekday: int) -> tuple[Interval[int], ...]:
        """Return the parts of the weekday that are within the counselor's hours on every open date.

        The parts are in minutes since midnight. There are none if the site is not open on this weekday.
        """
        outside: list[Interval[int]] = []
        for on in self.open_dates[weekday]:
            hours = [Interval(each.starts, each.ends) for each in self.counselor.hours if each.happens_on(on)]
            outside += subtract([WHOLE_DAY], hours)
        return subtract([WHOLE_DAY], outside) if self.open_dates[weekday] else ()

    def free(self, weekday: int) -> tuple[Interval[int], ...]:
        """Return the free parts of the counselor's hours on the weekday.

        In a free part, neither the counselor nor the patient is busy on any open date.
        """
        if weekday not in self.free_on:
            hours = self.hours_on(weekday)
            self.free_on[weekday] = subtract(hours, self._busy(weekday)) if hours else ()
        return self.free_on[weekday]

    def _busy(self, weekday: int) -> set[Interval[int]]:
        return {time for on in self.open_dates[weekday] for _, _, time in self._busy_on(on)}

    def _busy_on(self, on: date) -> Iterator[tuple[str, bool, Interval[int]]]:
        """For each busy time on the date, yield its label, whether it is the counselor's, and its start and end."""
        day = (on - self.need.from_day).days
        yield from ((busy.label, False, time) for busy, time in self.patient_busy.get(day, ()))
        yield from ((busy.label, True, time) for busy, time in self.counselor_busy.get(day, ()))

    def starts(self, windows: Iterable[Interval[int]], minutes: int) -> Iterator[int]:
        """Yield the start times, on the quarter hour, at which a session of `minutes` fits into one of the windows."""
        for window in windows:
            first = -(-window.start // STARTS_EVERY_MINUTES) * STARTS_EVERY_MINUTES
            yield from range(first, window.end - minutes + 1, STARTS_EVERY_MINUTES)

    def hour(self, weekday: int, starts: int, minutes: int) -> WeeklyHour:
        """Return a weekly session of `minutes` with this counselor."""
        return WeeklyHour(counselor=self.counselor.key, weekday=weekday, starts=starts, ends=starts + minutes)

    def all_proposals(self, minutes: int) -> Iterator[Proposal]:
        """Yield a proposal for every free time at which one session of `minutes` can start."""
        for weekday in range(7):
            for starts in self.starts(self.free(weekday), minutes):
                yield self._proposal(self.hour(weekday, starts, minutes))

    def best_proposals(self, lengths: Sequence[int]) -> Iterator[Proposal]:
        """Yield the best proposal for each day, or for each pair of days if there are two sessions.

        The best pair of times has the best time of each day, because the days do not affect each other.
        """
        by_day = [
            {
                proposal.days[0]: proposal
                for proposal in sorted(self.all_proposals(each), key=_proposal_rank, reverse=True)
            }
            for each in lengths
        ]
        if len(lengths) == 1:
            yield from by_day[0].values()
            return
        earlier, later = by_day
        for one, two in combinations(range(7), 2):
            if one in earlier and two in later:
                yield self._proposal(*earlier[one].hours, *later[two].hours)

    def _proposal(self, *hours: WeeklyHour) -> Proposal:
        return Proposal(name=self.counselor.name, hours=hours, adjacent_groups=tuple(map(self._adjacent_group, hours)))

    def _adjacent_group(self, hour: WeeklyHour) -> AdjacentGroup | None:
        """Return the group nearest to the session time `hour` on the same day, or None if there is none.

        If two groups are equally near, return the one before the session.
        """
        near = []
        for group in self.groups:
            if group.weekday == hour.weekday:
                after = group.span.end <= hour.starts
                gap = hour.starts - group.span.end if after else group.span.start - hour.ends
                if gap >= 0:
                    near.append((gap, not after, group.name))
        if not near:
            return None
        gap, is_before, name = min(near)
        return AdjacentGroup(name, gap, not is_before)

    def conflicts_at(self, hour: WeeklyHour) -> tuple[HourConflict, ...]:
        """Return the busy times that overlap the session time `hour`, the longest overlap first."""
        shared: dict[tuple[str, bool], list[Interval[int]]] = {}
        dates: dict[tuple[str, bool], set[date]] = {}
        for on in self.open_dates[hour.weekday]:
            for label, is_counselors, time in self._busy_on(on):
                both = time.intersection(hour.span)
                if both is not None:
                    shared.setdefault((label, is_counselors), []).append(both)
                    dates.setdefault((label, is_counselors), set()).add(on)
        conflicts = [
            HourConflict(
                label=label,
                is_counselors=is_counselors,
                minutes=covered_minutes(times),
                first_date=min(dates[label, is_counselors]),
                dates=len(dates[label, is_counselors]),
            )
            for (label, is_counselors), times in shared.items()
        ]
        return tuple(sorted(conflicts, key=lambda each: (-each.minutes, each.is_counselors, each.label)))

    def busy_proposals(self, minutes: int, *, is_whole: bool) -> Iterator[tuple[int, Proposal]]:
        """Yield the session times that are within the counselor's hours but not free.

        Each result is a pair: the number of busy minutes, and a proposal for the session time.

        The patient needs one session if `is_whole` is True, and otherwise two sessions on different days. If two
        sessions are needed and only one day has a free time, this day is skipped, because one session gets this day.
        """
        free_days = [weekday for weekday in range(7) if any(self.starts(self.free(weekday), minutes))]
        for weekday in range(7):
            if not is_whole and free_days == [weekday]:
                continue
            busy = merge(self._busy(weekday))
            for starts in self.starts(self.hours_on(weekday), minutes):
                hour = self.hour(weekday, starts, minutes)
                busy_minutes = covered_minutes(both for time in busy if (both := time.intersection(hour.span)))
                if busy_minutes:
                    yield busy_minutes, self._proposal(hour)


def _proposal_rank(proposal: Proposal) -> tuple[int, int, tuple[tuple[int, int], ...], str, str]:
    return proposal.rank


def _nearest_hour(splits: Sequence[tuple[int, ...]], weeks: Sequence[_CounselorWeek]) -> NearestHour | None:
    for lengths in splits:
        busy = [
            (minutes, proposal, week)
            for week in weeks
            for minutes, proposal in week.busy_proposals(lengths[0], is_whole=len(lengths) == 1)
        ]
        if busy:
            _, proposal, week = min(busy, key=lambda each: (each[0], each[1].rank))
            hour = proposal.hours[0]
            return NearestHour(name=proposal.name, hour=hour, conflicts=week.conflicts_at(hour))
    return None


def _as_busy(meeting: WeeklyMeeting) -> BusyTime:
    return BusyTime(
        key=meeting.key,
        label=meeting.name,
        kind=TREATMENT,
        recurrence=meeting.recurrence,
        starts=meeting.starts,
        ends=meeting.ends,
    )


_BusyByDay = dict[int, list[tuple[BusyTime, Interval[int]]]]
"""Maps the index of each day in the horizon to the busy times of that day.

Each busy time comes with its start and end in minutes since midnight, travel included.
"""


def _patient_busy(attended: Iterable[WeeklyMeeting], need: Need) -> _BusyByDay:
    return _busy_by_day((*need.busy, *map(_as_busy, attended)), need)


def _busy_by_day(busy_times: Iterable[BusyTime], need: Need) -> _BusyByDay:
    by_day: _BusyByDay = {}
    for busy in busy_times:
        for occasion in busy.occasions(need.from_day, need.until):
            taken = occasion.with_travel
            for day in range(taken.start // MINUTES_A_DAY, (taken.end - 1) // MINUTES_A_DAY + 1):
                midnight = day * MINUTES_A_DAY
                own = Interval(taken.start - midnight, taken.end - midnight).intersection(WHOLE_DAY)
                if own is not None:
                    by_day.setdefault(day, []).append((busy, own))
    return by_day
