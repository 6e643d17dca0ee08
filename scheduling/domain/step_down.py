"""Plan a weekly schedule for each future level of care, so that as little as possible changes when a patient steps down.

Each level of an episode of care needs its own schedule. A schedule gets extra points for every day, time and group that
differs from the schedule before it (see `score`). The best plan has the fewest points in total.
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
"""How many schedules to try for each step that needs a schedule (product rule).

`BEAM_WIDTHS` is for one or two such steps. If there are more, 12 schedules are tried for the first, 3 for the second,
and 1 for each later step. A plan for three steps then needs at most about fifty searches.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class EnrolledMeetings:
    """Meetings in which a patient is enrolled, the keys of their tracks, and the tracks' individual minutes per week."""

    meetings: tuple[WeeklyMeeting, ...]
    tracks: frozenset[Key]
    individual_minutes: int = 0


NOT_ENROLLED = EnrolledMeetings(meetings=(), tracks=frozenset())


@dataclass(frozen=True, kw_only=True)
class Step:
    """A level of care from its first day on.

    `offers` are the tracks on offer. `offers_if_enrolled` are the same tracks, as they are offered to a patient who is
    already enrolled in them. `arranged` are the meetings in which the patient is already enrolled for this step.

    A meeting can have several versions. `follows` maps the key of each earlier or later version to the version that
    runs when the step starts.
    """

    need: Need
    offers: tuple[Offer, ...]
    offers_if_enrolled: tuple[Offer, ...] = ()
    follows: Mapping[Key, WeeklyMeeting] = field(default_factory=dict)
    arranged: EnrolledMeetings = NOT_ENROLLED

    @property
    def starts(self) -> date:
        """The first day of the level of care."""
        return self.need.from_day

    def open_to(self, tracks: frozenset[Key]) -> tuple[Offer, ...]:
        """Return the tracks on offer to a patient who is enrolled in the tracks with these keys."""
        known = {offer.key: offer for offer in self.offers_if_enrolled if offer.key in tracks}
        return tuple(known.get(offer.key, offer) for offer in self.offers)

    def current_versions(self, meetings: Iterable[WeeklyMeeting]) -> tuple[WeeklyMeeting, ...]:
        """Return the meetings, each replaced by the version that runs when the step starts."""
        return tuple(self.follows.get(each.key, each) for each in meetings)

    @property
    def arranged_reasons(self) -> tuple[Reason, ...]:
        """The reasons why the arranged meetings do not fit: wrong weekly hours or days, or a conflict."""
        return check_enrolled_meetings(self.arranged, self.need) if self.arranged.meetings else ()

    @property
    def is_settled(self) -> bool:
        """Whether the step has arranged meetings, and they fit. If so, no schedule has to be found for the step."""
        return bool(self.arranged.meetings) and not self.arranged_reasons


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleDifference:
    """The difference between a schedule and the one before it: groups kept, dropped and added.

    `same_time` are new groups at the same time as a group in the earlier schedule; they are not in `added`.
    """

    kept: tuple[WeeklyMeeting, ...]
    same_time: tuple[WeeklyMeeting, ...]
    dropped: tuple[WeeklyMeeting, ...]
    added: tuple[WeeklyMeeting, ...]

    @property
    def is_empty(self) -> bool:
        """Whether all groups are kept and none is added."""
        return not (self.same_time or self.dropped or self.added)

    @property
    def days(self) -> tuple["ChangedDays", ...]:
        """The weekdays of both schedules, grouped by how they change, in the order of `DAY_CODES`."""
        found: dict[str, set[int]] = {}
        for day in {each.weekday for each in (*self.kept, *self.same_time, *self.dropped, *self.added)}:
            found.setdefault(self._day_code(day), set()).add(day)
        return tuple(ChangedDays(code, tuple(sorted(found[code]))) for code in DAY_CODES if code in found)

    def _day_code(self, day: int) -> str:
        kept, same_time, dropped, added = (
            any(each.weekday == day for each in group)
            for group in (self.kept, self.same_time, self.dropped, self.added)
        )
        if not (kept or same_time or added):
            return "dropped"
        if not (kept or same_time or dropped):
            return "added"
        if same_time or not kept:
            return "other_times" if dropped or added else "other_group"
        return "other_times" if dropped and added else "part" if dropped else "more" if added else "kept"


DAY_CODES = ("kept", "part", "more", "other_group", "other_times", "dropped", "added")
"""What can happen to the groups on a weekday when the next schedule begins.

"kept": all groups stay. "part": some groups are dropped. "more": some groups are added. "other_group": the times stay,
but the groups change. "other_times": the groups and their times change. "dropped": no groups are left. "added": the day
had no groups before.
"""


@dataclass(frozen=True, slots=True)
class ChangedDays:
    """Weekdays that change in the same way. `code` is one of `DAY_CODES` and selects the text in templates."""

    code: str
    weekdays: tuple[int, ...]


@dataclass(frozen=True, kw_only=True)
class StepPlan:
    """The plan for one step.

    `schedule` is the schedule that is best for the whole plan. It is None if nothing fits, or if the step is settled.
    `rank` is the position of the schedule in a ranking for this step alone, counted from 1.

    `before` are the meetings that the patient attends until the step, in the versions that run when the step starts.
    The search prefers schedules that keep these meetings. `tracks_before` are the keys of the tracks in which the
    patient is enrolled until the step.
    """

    step: Step
    before: tuple[WeeklyMeeting, ...]
    tracks_before: frozenset[Key]
    schedule: Schedule | None = None
    rank: int = 1

    @property
    def meetings(self) -> tuple[WeeklyMeeting, ...]:
        """The arranged meetings if the step is settled, otherwise the meetings of `schedule`. Empty if nothing fits."""
        if self.step.is_settled:
            return self.step.arranged.meetings
        return self.schedule.meetings if self.schedule else ()

    @property
    def track_keys(self) -> frozenset[Key]:
        """The keys of the tracks in which the patient is enrolled during the step; empty if nothing fits."""
        if self.step.is_settled:
            return self.step.arranged.tracks
        return frozenset({self.schedule.offer.key}) if self.schedule else frozenset()

    @property
    def state(self) -> Literal["arranged", "found", "none"]:
        """The state of the step: "arranged" if the step is settled, "found" if it has a schedule, otherwise "none"."""
        return "arranged" if self.step.is_settled else "found" if self.schedule else "none"

    @property
    def individual_minutes(self) -> int:
        """Individual minutes per week that come with the step's meetings."""
        if self.step.is_settled:
            return self.step.arranged.individual_minutes
        return self.schedule.offer.individual_minutes if self.schedule else 0

    @property
    def difference(self) -> ScheduleDifference | None:
        """The difference between `before` and `meetings`. None if either is empty."""
        return compare_schedules(self.before, self.meetings) if self.before and self.meetings else None

    @property
    def continues_unchanged(self) -> bool:
        """Whether the step is settled, and its meetings are exactly the meetings in `before`."""
        return self.step.is_settled and self.difference is not None and self.difference.is_empty

    def ranked(self, *, weights: Weights = WEIGHTS, most: int = MAX_SCHEDULES) -> tuple[Schedule, ...]:
        """Return up to `most` schedules for this step alone, best first. Keeping meetings in `before` is preferred."""
        preferences = Preferences(kept=self.before, weights=weights)
        return find_schedules(self.step.open_to(self.tracks_before), self.step.need, preferences=preferences, most=most)


def check_enrolled_meetings(enrolled: EnrolledMeetings, need: Need) -> tuple[Reason, ...]:
    """Return every reason why a patient with a spot in these meetings can't attend them from `need.from_day` on."""
    track = Offer(key="", name="", meetings=(), individual_minutes=enrolled.individual_minutes)
    return (*gives_the_hours(track, need, enrolled.meetings), *keeps_commitments(track, need, enrolled.meetings))


def compare_schedules(before: Sequence[WeeklyMeeting], after: Sequence[WeeklyMeeting]) -> ScheduleDifference:
    """Return which meetings the schedule `after` keeps, drops and adds compared with the schedule `before`.

    The meetings are in order of weekday and time.
    """
    kept = [each for each in after if not is_new_group(each, before)] if before else []
    other = [each for each in after if each not in kept]
    same_time = [each for each in other if has_same_time(each, before)]
    keys = {each.key for each in kept}
    left = [each for each in before if each.key not in keys and not has_same_time(each, same_time)]
    added = [each for each in other if each not in same_time]
    return ScheduleDifference(
        kept=_in_week_order(kept),
        same_time=_in_week_order(same_time),
        dropped=_in_week_order(left),
        added=_in_week_order(added),
    )


def plan_steps(
    steps: Sequence[Step],
    *,
    enrolled: EnrolledMeetings = NOT_ENROLLED,
    weights: Weights = WEIGHTS,
    widths: Sequence[int] | None = None,
) -> tuple[StepPlan, ...]:
    """Return a plan for each step, in order. The schedules in these plans have the fewest points in total.

    A step keeps its arranged meetings if they fit. Any other step needs a schedule. Changes from the meetings before
    the step cost points. Before the first step, the patient attends the meetings in `enrolled`. If nothing fits a step,
    the next step is planned as if the patient kept the earlier meetings.

    For each step that needs a schedule, only the best few schedules are tried. `widths` has the number to try for each
    of these steps, in order. The default is `BEAM_WIDTHS` or `BEAM_WIDTHS_FOR_MORE`. Ties go to the better first
    schedule.
    """
    return _PlanSearch(tuple(steps), weights, widths).from_step(0, enrolled).steps


@dataclass(frozen=True, slots=True)
class _Plan:
    """The best plan for a step and all later steps, and the total points of the plan."""

    points: int
    steps: tuple[StepPlan, ...]


class _PlanSearch:
    """A search that tries a step's schedules, best first, and combines each with the best plan for the later steps.

    The search of a step stops when its remaining schedules can't lead to a plan with fewer points. `least_from[n]` is a
    lower bound for the points of step n and all later steps: their points if changes from step to step cost nothing.
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
        """Return a lower bound for the step's points, regardless of which meetings the patient attends before the step."""
        if step.is_settled:
            return 0
        either = (*step.offers, *(offer for offer in step.offers_if_enrolled if offer not in step.offers))
        return sum(
            schedule.points
            for schedule in find_schedules(either, step.need, preferences=Preferences(weights=self.weights), most=1)
        )

    def from_step(self, number: int, enrolled: EnrolledMeetings) -> _Plan:
        """Return the best plan for step `number` and the later steps. Until then, the patient attends `enrolled`."""
        if number == len(self.steps):
            return _Plan(0, ())
        key = (number, tuple(sorted(str(each.key) for each in enrolled.meetings)), enrolled.tracks)
        if key not in self.known:
            self.known[key] = self._best(number, enrolled)
        return self.known[key]

    def _best(self, number: int, enrolled: EnrolledMeetings) -> _Plan:
        step = self.steps[number]
        before = step.current_versions(enrolled.meetings)
        unplanned = StepPlan(step=step, before=before, tracks_before=enrolled.tracks)
        if step.is_settled:
            rest = self.from_step(number + 1, step.arranged)
            return _Plan(rest.points, (unplanned, *rest.steps))
        best: _Plan | None = None
        ranked = unplanned.ranked(weights=self.weights, most=self.widths[number])
        for rank, schedule in enumerate(ranked, start=1):
            if best is not None and schedule.points + self.least_from[number + 1] >= best.points:
                break
            rest = self.from_step(number + 1, _enrolled_meetings(schedule))
            points = schedule.points + rest.points
            if best is None or points < best.points:
                best = _Plan(points, (replace(unplanned, schedule=schedule, rank=rank), *rest.steps))
        if best is None:
            rest = self.from_step(number + 1, enrolled)
            best = _Plan(rest.points, (unplanned, *rest.steps))
        return best


def _enrolled_meetings(schedule: Schedule) -> EnrolledMeetings:
    individual = schedule.offer.individual_minutes
    tracks = frozenset({schedule.offer.key})
    return EnrolledMeetings(meetings=schedule.meetings, tracks=tracks, individual_minutes=individual)


def _widths_by_step(steps: Sequence[Step], widths: Sequence[int] | None) -> list[int]:
    """Return one number for each step: how many schedules to try. It is 0 if the step is settled."""
    open_steps = [step for step in steps if not step.is_settled]
    given = iter(widths or BEAM_WIDTHS.get(len(open_steps), BEAM_WIDTHS_FOR_MORE))
    return [0 if step.is_settled else next(given, 1) for step in steps]


def _in_week_order(meetings: Iterable[WeeklyMeeting]) -> tuple[WeeklyMeeting, ...]:
    return tuple(sorted(meetings, key=lambda each: (each.weekday, each.span.start, str(each.key))))
