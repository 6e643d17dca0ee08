"""The baseline of `bench.fit`: the search for schedules, modeled for a constraint solver (OR-Tools CP-SAT)."""

from dataclasses import replace
from typing import Any

from ortools.sat.python import cp_model

from scheduling.domain.hours.rules import WeeklyMeeting
from scheduling.domain.search.fit import check_places
from scheduling.domain.search.need import Need, Offer
from scheduling.domain.search.score import WEIGHTS, score_meetings

DAY_MINUTES = 24 * 60


class ScheduleModel:
    """A constraint model of the search for one patient's schedule.

    The model assumes that all tracks can be mixed, that patients can start on any day, and that all groups count toward
    the hours.
    """

    def __init__(self, offers: tuple[Offer, ...], need: Need) -> None:
        self.model = model = cp_model.CpModel()
        offered = {each.meeting.key: each for offer in offers for each in offer.meetings}
        self.meetings = [
            each.meeting
            for each in offered.values()
            if not need.conflicts_with(each.meeting).blocking and not any(check_places(each, need))
        ]
        self.attends = [model.new_bool_var("") for _ in self.meetings]
        rules, individual = need.rules, offers[0].individual_minutes
        minutes = [each.minutes(rules) for each in self.meetings]
        least = max(need.prescribed_minutes, rules.minimum_minutes)
        total = sum(long * attends for long, attends in zip(minutes, self.attends, strict=True))
        model.add_linear_constraint(total, least - individual, rules.maximum_minutes - individual)
        costs = [self._day(weekday, minutes, rules.minimum_minutes_per_day) for weekday in range(7)]
        trips = sum(trip for trip, _ in costs)
        model.add_linear_constraint(trips, max(need.prescribed_days, rules.minimum_days), rules.maximum_days)
        points: Any = sum(WEIGHTS.trip * trip + present for trip, present in costs)
        points += sum(
            _meeting_points(each, need) * attends for each, attends in zip(self.meetings, self.attends, strict=True)
        )
        self.points = points + WEIGHTS.person * self._people_after_the_first() + WEIGHTS.mixed * self._is_mixed(offers)
        model.minimize(self.points)

    def _day(self, weekday: int, minutes: list[int], least: int) -> tuple[cp_model.IntVar, cp_model.LinearExpr | int]:
        """Return two variables for a weekday: whether the patient comes, and how long the patient is on site."""
        model = self.model
        today = [number for number, each in enumerate(self.meetings) if each.weekday == weekday]
        trip = model.new_bool_var("")
        first, last = model.new_int_var(0, DAY_MINUTES, ""), model.new_int_var(0, DAY_MINUTES, "")
        model.add(last >= first)
        for number in today:
            span, attends = self.meetings[number].span, self.attends[number]
            model.add_implication(attends, trip)
            model.add(first <= span.start).only_enforce_if(attends)
            model.add(last >= span.end).only_enforce_if(attends)
        # This constraint is redundant, but the solver derives bounds from it. Without it, the solver takes minutes.
        spans = {number: self.meetings[number].span for number in today}
        long = sum((span.end - span.start) * self.attends[number] for number, span in spans.items())
        model.add(last - first >= long)
        for start in {span.start for span in spans.values()}:
            model.add_at_most_one(self.attends[number] for number, span in spans.items() if span.contains(start))
        model.add_bool_or([*(self.attends[number] for number in today), ~trip])
        if least:
            model.add(sum(minutes[number] * self.attends[number] for number in today) >= least).only_enforce_if(trip)
        return trip, last - first

    def _people_after_the_first(self) -> cp_model.IntVar:
        """Return a variable for the number of different facilitators of the attended groups, minus one."""
        model = self.model
        met = {person: model.new_bool_var("") for each in self.meetings for person in each.facilitators}
        for each, attends in zip(self.meetings, self.attends, strict=True):
            for person in each.facilitators:
                model.add_implication(attends, met[person])
        others = model.new_int_var(0, len(met), "")
        model.add(others >= sum(met.values()) - 1)
        return others

    def _is_mixed(self, offers: tuple[Offer, ...]) -> cp_model.IntVar:
        """Return a variable that is true if no single track has all the attended groups."""
        model = self.model
        in_one_track = []
        for offer in offers:
            keys = offer.keys
            has_all = model.new_bool_var("")
            for each, attends in zip(self.meetings, self.attends, strict=True):
                if each.key not in keys:
                    model.add_implication(has_all, ~attends)
            in_one_track.append(has_all)
        mixed = model.new_bool_var("")
        model.add_bool_or([mixed, *in_one_track])
        return mixed

    def best(self, most: int, workers: int) -> list[int]:
        """Return the points of up to `most` schedules, best first.

        Each schedule found is excluded from the next search.
        """
        found: list[int] = []
        while len(found) < most:
            solver = cp_model.CpSolver()
            solver.parameters.num_workers = workers
            status = solver.solve(self.model)
            if status != cp_model.OPTIMAL:
                break
            found.append(round(solver.objective_value))
            self.model.add_bool_or([~each if solver.boolean_value(each) else each for each in self.attends])
        return found


def _meeting_points(meeting: WeeklyMeeting, need: Need) -> int:
    """Return the points that the meeting adds to a schedule, regardless of the schedule's other meetings."""
    alone = score_meetings((meeting,), need, asked=need.from_day)
    return replace(alone, trips=0, present_minutes=0, people=0).points()
