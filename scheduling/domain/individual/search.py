"""Weekly one-to-one times: in counselors' free hours, beside a patient's life and the groups that they attend.

The product's own choices: times start on the quarter of an hour. Individual minutes are one session; where none fits, or above
an hour and a half at once, two of about half with the same counselor on two days, each of half an hour at least. One time a
week is proposed for each counselor and day: first those that need no way of their own, on days of treatment, those with the
least waiting before these; then the others in the order of the week.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import date, timedelta
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
from timekeeping.intervals import Interval, covered_minutes, merge, subtract
from timekeeping.reasons import Reason
from timekeeping.weeks import MINUTES_A_DAY, TREATMENT, BusyTime

STARTS_EVERY_MINUTES = 15
WHOLE_DAY = Interval(0, MINUTES_A_DAY)


def propose_individual_times(
    minutes: int, counselors: Iterable[Counselor], attended: Sequence[WeeklyMeeting], need: Need
) -> IndividualProposals:
    """Weekly times for `minutes` of individual time in the counselors' free hours, from the need's day.

    None overlaps the patient's life, travel included, their treatment, the meetings `attended`, or what takes the counselor,
    on any date of the horizon on which the site is open. They come in the order of `Proposal.place`, which is total.
    """
    life = _patient_busy(attended, need)
    weeks = [_CounselorWeek(counselor, attended, need, life) for counselor in counselors]
    if not any(week.counselor.hours for week in weeks):
        return IndividualProposals(none=NoCounselorHours())
    for lengths in split_into_sessions(minutes):
        found = [proposal for week in weeks for proposal in week.best(lengths)]
        if found:
            best = sorted(found, key=lambda each: each.place)
            every = [proposal for week in weeks for proposal in week.every(lengths[0])] if len(lengths) == 1 else []
            others = sorted(set(every) - set(best), key=lambda each: each.place)
            return IndividualProposals(proposals=tuple(best), others=tuple(others))
    return IndividualProposals(none=NoFreeHour(minutes, _nearest_hour(split_into_sessions(minutes), weeks)))


def check_choice(
    minutes: int,
    hours: Sequence[WeeklyHour],
    counselors: Iterable[Counselor],
    attended: Sequence[WeeklyMeeting],
    need: Need,
) -> Iterator[Reason]:
    """Everything against giving a patient these weekly hours; nothing if all is well. The same rules as `propose`."""
    known, life = {counselor.key: counselor for counselor in counselors}, _patient_busy(attended, need)
    ordered = sorted(hours, key=lambda hour: (hour.weekday, hour.starts))
    is_divided_so = tuple(hour.minutes for hour in ordered) in split_into_sessions(minutes)
    if not is_divided_so or len({hour.weekday for hour in hours}) < len(hours) or len({h.counselor for h in hours}) > 1:
        yield WrongIndividualTime(minutes)
        return
    for hour in ordered:
        counselor = known.get(hour.counselor)
        if counselor is None:
            yield WrongIndividualTime(minutes)
            continue
        week = _CounselorWeek(counselor, attended, need, life)
        if not any(window.covers(hour.span) for window in week.free(hour.weekday)):
            yield HourNotFree(counselor.name, hour, week.against(hour))


class _CounselorWeek:
    """A counselor's week beside a patient's."""

    def __init__(self, counselor: Counselor, attended: Sequence[WeeklyMeeting], need: Need, life: "_BusyByDay") -> None:
        self.counselor, self.need, self.life = counselor, need, life
        self.groups = [each for each in attended if each.anchor is None]
        self.work = _busy_by_day(counselor.busy, need)
        self.free_on: dict[int, tuple[Interval[int], ...]] = {}

    def dates(self, weekday: int) -> Iterator[date]:
        """The dates of a weekday on which the site is open."""
        first = self.need.from_day + timedelta(days=(weekday - self.need.from_day.weekday()) % 7)
        while first < self.need.until:
            if not any(closure.contains(first) for closure in self.need.closed):
                yield first
            first += timedelta(weeks=1)

    def open(self, weekday: int) -> tuple[Interval[int], ...]:
        """The minutes that are the counselor's hours on every one of the dates."""
        shut: list[Interval[int]] = []
        dates = list(self.dates(weekday))
        for on in dates:
            hours = [Interval(each.starts, each.ends) for each in self.counselor.hours if each.holds_on(on)]
            shut += subtract([WHOLE_DAY], hours)
        return subtract([WHOLE_DAY], shut) if dates else ()

    def free(self, weekday: int) -> tuple[Interval[int], ...]:
        """Those of them in which nobody has anything else."""
        if weekday not in self.free_on:
            open_ = self.open(weekday)
            self.free_on[weekday] = subtract(open_, self._taken(weekday)) if open_ else ()
        return self.free_on[weekday]

    def _taken(self, weekday: int) -> set[Interval[int]]:
        return {time for on in self.dates(weekday) for _, _, time in self._taken_on(on)}

    def _taken_on(self, on: date) -> Iterator[tuple[str, bool, Interval[int]]]:
        """What takes somebody on the date, whether it is the counselor, and when."""
        day = (on - self.need.from_day).days
        yield from ((busy.label, False, time) for busy, time in self.life.get(day, ()))
        yield from ((busy.label, True, time) for busy, time in self.work.get(day, ()))

    def starts(self, windows: Iterable[Interval[int]], minutes: int) -> Iterator[int]:
        for window in windows:
            first = -(-window.start // STARTS_EVERY_MINUTES) * STARTS_EVERY_MINUTES
            yield from range(first, window.end - minutes + 1, STARTS_EVERY_MINUTES)

    def hour(self, weekday: int, starts: int, minutes: int) -> WeeklyHour:
        return WeeklyHour(counselor=self.counselor.key, weekday=weekday, starts=starts, ends=starts + minutes)

    def every(self, minutes: int) -> Iterator[Proposal]:
        """Every free time of one session."""
        for weekday in range(7):
            for starts in self.starts(self.free(weekday), minutes):
                yield self._proposal(self.hour(weekday, starts, minutes))

    def best(self, lengths: Sequence[int]) -> Iterator[Proposal]:
        """The best time of each day, or of each two days; as the days do not touch, each has its own best."""
        by_day = [
            {proposal.days[0]: proposal for proposal in sorted(self.every(each), key=_proposal_order, reverse=True)}
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
        return Proposal(name=self.counselor.name, hours=hours, beside=tuple(map(self._beside, hours)))

    def _beside(self, hour: WeeklyHour) -> AdjacentGroup | None:
        """The nearest of the day's groups; one that comes before, if two are as near."""
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

    def against(self, hour: WeeklyHour) -> tuple[HourConflict, ...]:
        """What takes minutes of the hour, the most minutes first."""
        shared: dict[tuple[str, bool], list[Interval[int]]] = {}
        dates: dict[tuple[str, bool], set[date]] = {}
        for on in self.dates(hour.weekday):
            for label, is_counselors, time in self._taken_on(on):
                both = time.intersection(hour.span)
                if both is not None:
                    shared.setdefault((label, is_counselors), []).append(both)
                    dates.setdefault((label, is_counselors), set()).add(on)
        found = [
            HourConflict(
                label=label,
                is_counselors=is_counselors,
                minutes=covered_minutes(times),
                first_date=min(dates[label, is_counselors]),
                dates=len(dates[label, is_counselors]),
            )
            for (label, is_counselors), times in shared.items()
        ]
        return tuple(sorted(found, key=lambda each: (-each.minutes, each.is_counselors, each.label)))

    def near(self, minutes: int, *, alone: bool) -> Iterator[tuple[int, Proposal]]:
        """Times in the counselor's hours that are not free, with the minutes that they lack. Where two are needed, a day that
        has one already is no help, if it is the only one."""
        free = [weekday for weekday in range(7) if any(self.starts(self.free(weekday), minutes))]
        for weekday in range(7):
            if not alone and free == [weekday]:
                continue
            taken = merge(self._taken(weekday))
            for starts in self.starts(self.open(weekday), minutes):
                hour = self.hour(weekday, starts, minutes)
                lacks = covered_minutes(both for time in taken if (both := time.intersection(hour.span)))
                if lacks:
                    yield lacks, self._proposal(hour)


def _proposal_order(proposal: Proposal) -> tuple[int, int, tuple[tuple[int, int], ...], str, str]:
    return proposal.place


def _nearest_hour(tried: Sequence[tuple[int, ...]], weeks: Sequence[_CounselorWeek]) -> NearestHour | None:
    for lengths in tried:
        near = [
            (lacks, proposal, week)
            for week in weeks
            for lacks, proposal in week.near(lengths[0], alone=len(lengths) == 1)
        ]
        if near:
            _, proposal, week = min(near, key=lambda each: (each[0], each[1].place))
            return NearestHour(name=proposal.name, hour=proposal.hours[0], against=week.against(proposal.hours[0]))
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
"""Under each day of the horizon the minutes of it that are taken, travel included, and by what."""


def _patient_busy(attended: Iterable[WeeklyMeeting], need: Need) -> _BusyByDay:
    return _busy_by_day((*need.busy, *map(_as_busy, attended)), need)


def _busy_by_day(everything: Iterable[BusyTime], need: Need) -> _BusyByDay:
    found: _BusyByDay = {}
    for busy in everything:
        for occasion in busy.occasions(need.from_day, need.until):
            for day in range(occasion.padded.start // MINUTES_A_DAY, (occasion.padded.end - 1) // MINUTES_A_DAY + 1):
                midnight = day * MINUTES_A_DAY
                own = Interval(occasion.padded.start - midnight, occasion.padded.end - midnight).intersection(WHOLE_DAY)
                if own is not None:
                    found.setdefault(day, []).append((busy, own))
    return found
