"""Step-down ahead: one weekly schedule after the other through a course of care, with as little change as can be.

Each level of care that is to come asks for a schedule of its own. One that follows another pays for days, times and groups
that are other than those before it (`price`); the best way through is the one whose schedules ask least of all together.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Literal

from scheduling.domain.hours.rules import WeeklyMeeting
from scheduling.domain.search.fit import gives_the_hours, keeps_commitments
from scheduling.domain.search.need import Need, Offer
from scheduling.domain.search.schedules import MAX_SCHEDULES, Preferences, Schedule, find_schedules
from scheduling.domain.search.score import WEIGHTS, Weights, has_same_time, is_new_group
from timekeeping.reasons import Key, Reason

BEAM_WIDTHS = {1: (1,), 2: (MAX_SCHEDULES, 1)}
BEAM_WIDTHS_FOR_MORE = (12, 3, 1)
"""By the number of steps for which a schedule is looked for, how many of the best are weighed for each: of the last one is
enough, and so it is for every step after the third. Together they keep it to some fifty searches (the product's own choice).
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class EnrolledMeetings:
    """Meetings in which a patient stands, in which tracks, and how much individual time comes with them."""

    meetings: tuple[WeeklyMeeting, ...]
    tracks: frozenset[Key]
    individual_minutes: int = 0


NOT_ENROLLED = EnrolledMeetings(meetings=(), tracks=frozenset())


@dataclass(frozen=True, kw_only=True)
class Step:
    """A level of care from its first day, the need's `from_day`: what is needed then, and the tracks on offer.

    `offers_if_enrolled` are the same tracks as they are for a patient who is enrolled in them already. `follows` maps a
    meeting's key to the meeting that replaces it by then. `arranged` are the meetings of an enrollment that was made for the
    step in advance.
    """

    need: Need
    offers: tuple[Offer, ...]
    offers_if_enrolled: tuple[Offer, ...] = ()
    follows: Mapping[Key, WeeklyMeeting] = field(default_factory=dict)
    arranged: EnrolledMeetings = NOT_ENROLLED

    @property
    def starts(self) -> date:
        return self.need.from_day

    def open_to(self, tracks: frozenset[Key]) -> tuple[Offer, ...]:
        """The tracks on offer to a patient who stands in some."""
        known = {offer.key: offer for offer in self.offers_if_enrolled if offer.key in tracks}
        return tuple(known.get(offer.key, offer) for offer in self.offers)

    def current_versions(self, meetings: Iterable[WeeklyMeeting]) -> tuple[WeeklyMeeting, ...]:
        """The same groups, as they are by then."""
        return tuple(self.follows.get(each.key, each) for each in meetings)

    @property
    def against_arranged(self) -> tuple[Reason, ...]:
        """What stands against going on with what is arranged: too few hours or days, or something in the way."""
        return check_enrolled_meetings(self.arranged, self.need) if self.arranged.meetings else ()

    @property
    def is_settled(self) -> bool:
        """Whether nothing is to be looked for."""
        return bool(self.arranged.meetings) and not self.against_arranged


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleDifference:
    """What differs from one week to the next: groups `kept`, those at the same time as another `before`, dropped, and added."""

    kept: tuple[WeeklyMeeting, ...]
    at_the_time: tuple[WeeklyMeeting, ...]
    dropped: tuple[WeeklyMeeting, ...]
    added: tuple[WeeklyMeeting, ...]

    @property
    def is_nothing(self) -> bool:
        return not (self.at_the_time or self.dropped or self.added)

    @property
    def days(self) -> tuple["ChangedDays", ...]:
        """What becomes of each weekday that is in either week, days alike together, in the order of `DAYS`."""
        found: dict[str, set[int]] = {}
        for day in {each.weekday for each in (*self.kept, *self.at_the_time, *self.dropped, *self.added)}:
            found.setdefault(self._of_day(day), set()).add(day)
        return tuple(ChangedDays(code, tuple(sorted(found[code]))) for code in DAY_CODES if code in found)

    def _of_day(self, day: int) -> str:
        kept, at_the_time, dropped, added = (
            any(each.weekday == day for each in group)
            for group in (self.kept, self.at_the_time, self.dropped, self.added)
        )
        if not (kept or at_the_time or added):
            return "dropped"
        if not (kept or at_the_time or dropped):
            return "added"
        if at_the_time or not kept:
            return "other_times" if dropped or added else "other_group"
        return "other_times" if dropped and added else "part" if dropped else "more" if added else "kept"


DAY_CODES = ("kept", "part", "more", "other_group", "other_times", "dropped", "added")
"""What can become of a weekday: all its groups stay, some fall out, or some come on top; there are others at the same times,
or at other times; there is nothing any more, or was nothing before.
"""


@dataclass(frozen=True, slots=True)
class ChangedDays:
    """Weekdays of which the same becomes; templates find the words by `code`, one of `DAYS`."""

    code: str
    weekdays: tuple[int, ...]


@dataclass(frozen=True, kw_only=True)
class StepPlan:
    """What a step comes to: what is arranged for it, or the schedule that is best with those before and after it; or neither.

    `before` is what the patient attends until then, as of then, and what the schedule would keep; `tracks` where. `rank` is the
    schedule's among those of this step alone, from 1.
    """

    step: Step
    before: tuple[WeeklyMeeting, ...]
    tracks: frozenset[Key]
    schedule: Schedule | None = None
    rank: int = 1

    @property
    def meetings(self) -> tuple[WeeklyMeeting, ...]:
        if self.step.is_settled:
            return self.step.arranged.meetings
        return self.schedule.meetings if self.schedule else ()

    @property
    def in_tracks(self) -> frozenset[Key]:
        """The tracks in which its meetings are attended; of a mixed schedule the one to enroll in."""
        if self.step.is_settled:
            return self.step.arranged.tracks
        return frozenset({self.schedule.offer.key}) if self.schedule else frozenset()

    @property
    def state(self) -> Literal["arranged", "found", "none"]:
        """Whether something is arranged, or was found, or nothing fits."""
        return "arranged" if self.step.is_settled else "found" if self.schedule else "none"

    @property
    def individual_minutes(self) -> int:
        """Those a week that come with its meetings."""
        if self.step.is_settled:
            return self.step.arranged.individual_minutes
        return self.schedule.offer.individual_minutes if self.schedule else 0

    @property
    def difference(self) -> ScheduleDifference | None:
        """From what came before; None where there is nothing to compare."""
        return compare_schedules(self.before, self.meetings) if self.before and self.meetings else None

    @property
    def goes_on_as_arranged(self) -> bool:
        """Whether the patient attends it already, and nothing changes."""
        return self.step.is_settled and self.difference is not None and self.difference.is_nothing

    def ranked(self, *, weights: Weights = WEIGHTS, most: int = MAX_SCHEDULES) -> tuple[Schedule, ...]:
        """The best schedules of this step alone that keep what is before it, the best first."""
        preferences = Preferences(kept=self.before, weights=weights)
        return find_schedules(self.step.open_to(self.tracks), self.step.need, preferences=preferences, most=most)


def check_enrolled_meetings(standing: EnrolledMeetings, need: Need) -> tuple[Reason, ...]:
    """What stands against attending these meetings from `need.from_day`, by who has a place in them already."""
    track = Offer(key="", name="", meetings=(), individual_minutes=standing.individual_minutes)
    return (*gives_the_hours(track, need, standing.meetings), *keeps_commitments(track, need, standing.meetings))


def compare_schedules(before: Sequence[WeeklyMeeting], after: Sequence[WeeklyMeeting]) -> ScheduleDifference:
    """What is kept of a week by another, in the order of the week."""
    kept = [each for each in after if not is_new_group(each, before)] if before else []
    other = [each for each in after if each not in kept]
    at_the_time = [each for each in other if has_same_time(each, before)]
    keys = {each.key for each in kept}
    left = [each for each in before if each.key not in keys and not has_same_time(each, at_the_time)]
    added = [each for each in other if each not in at_the_time]
    return ScheduleDifference(
        kept=_in_week_order(kept),
        at_the_time=_in_week_order(at_the_time),
        dropped=_in_week_order(left),
        added=_in_week_order(added),
    )


def plan_steps(
    steps: Sequence[Step],
    *,
    standing: EnrolledMeetings = NOT_ENROLLED,
    weights: Weights = WEIGHTS,
    widths: Sequence[int] | None = None,
) -> tuple[StepPlan, ...]:
    """A stage for each step, in order: the schedules whose points add up to least, each keeping what it can of the one before.

    `standing` is where the patient is until the first of them. What is arranged stays; where nothing fits, the next step keeps
    what was before. It is exact over the best `widths` of each step given the one before it, in the order of the steps that
    are not settled (`WIDTHS`). Among ways that ask the same, the one with the better first schedule is taken.
    """
    return _PlanSearch(tuple(steps), weights, widths).from_step(0, standing).stages


@dataclass(frozen=True, slots=True)
class _Plan:
    """The best from a step to the end, with the sum of its points."""

    points: int
    stages: tuple[StepPlan, ...]


class _PlanSearch:
    """Tries the schedules of a step, the best first, each with the best way on from there.

    What follows costs at least what it would with nothing to be kept, since keeping only ever costs: once that and a
    schedule come to no less than the best way so far, no later one can do better.
    """

    def __init__(self, steps: tuple[Step, ...], weights: Weights, widths: Sequence[int] | None) -> None:
        self.steps = steps
        self.weights = weights
        self.widths = _widths_by_step(steps, widths)
        self.known: dict[tuple[int, tuple[str, ...], frozenset[Key]], _Plan] = {}
        self.least_from = [0] * (len(steps) + 1)
        for number in range(len(steps) - 1, 0, -1):
            self.least_from[number] = self.least_from[number + 1] + self._least(steps[number])

    def _least(self, step: Step) -> int:
        """What the step costs at least, whatever came before it: in a track anew, or as somebody who is in it already."""
        if step.is_settled:
            return 0
        either = (*step.offers, *(offer for offer in step.offers_if_enrolled if offer not in step.offers))
        return sum(
            schedule.points
            for schedule in find_schedules(either, step.need, preferences=Preferences(weights=self.weights), most=1)
        )

    def from_step(self, number: int, standing: EnrolledMeetings) -> _Plan:
        if number == len(self.steps):
            return _Plan(0, ())
        key = (number, tuple(sorted(str(each.key) for each in standing.meetings)), standing.tracks)
        if key not in self.known:
            self.known[key] = self._best(number, standing)
        return self.known[key]

    def _best(self, number: int, standing: EnrolledMeetings) -> _Plan:
        step = self.steps[number]
        before = step.current_versions(standing.meetings)
        nothing = StepPlan(step=step, before=before, tracks=standing.tracks)
        if step.is_settled:
            on = self.from_step(number + 1, step.arranged)
            return _Plan(on.points, (nothing, *on.stages))
        best: _Plan | None = None
        ranked = nothing.ranked(weights=self.weights, most=self.widths[number])
        for rank, schedule in enumerate(ranked, start=1):
            if best is not None and schedule.points + self.least_from[number + 1] >= best.points:
                break
            on = self.from_step(number + 1, _enrolled_meetings(schedule))
            points = schedule.points + on.points
            if best is None or points < best.points:
                best = _Plan(points, (replace(nothing, schedule=schedule, rank=rank), *on.stages))
        if best is None:
            on = self.from_step(number + 1, standing)
            best = _Plan(on.points, (nothing, *on.stages))
        return best


def _enrolled_meetings(schedule: Schedule) -> EnrolledMeetings:
    individual = schedule.offer.individual_minutes
    tracks = frozenset({schedule.offer.key})
    return EnrolledMeetings(meetings=schedule.meetings, tracks=tracks, individual_minutes=individual)


def _widths_by_step(steps: Sequence[Step], widths: Sequence[int] | None) -> list[int]:
    """How many schedules are weighed for each step; none for those that are settled."""
    open_steps = [step for step in steps if not step.is_settled]
    given = iter(widths or BEAM_WIDTHS.get(len(open_steps), BEAM_WIDTHS_FOR_MORE))
    return [0 if step.is_settled else next(given, 1) for step in steps]


def _in_week_order(meetings: Iterable[WeeklyMeeting]) -> tuple[WeeklyMeeting, ...]:
    return tuple(sorted(meetings, key=lambda each: (each.weekday, each.span.start, str(each.key))))
