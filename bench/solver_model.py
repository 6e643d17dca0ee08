"""The same question as the search answers, for a solver of constraints (OR-tools CP-SAT): the peer that is measured against."""

from dataclasses import replace
from typing import Any

from ortools.sat.python import cp_model

from scheduling.domain.hours.rules import WeeklyMeeting
from scheduling.domain.search.fit import check_places
from scheduling.domain.search.need import Need, Offer
from scheduling.domain.search.score import WEIGHTS, score_meetings

DAY_MINUTES = 24 * 60


class ScheduleModel:
    """Tracks that all mix and take people on any day, none of whose groups comes on top of the hours."""

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
        self.points = points + WEIGHTS.person * self._others_than_one() + WEIGHTS.mixed * self._is_mixed(offers)
        model.minimize(self.points)

    def _day(self, weekday: int, minutes: list[int], least: int) -> tuple[cp_model.IntVar, cp_model.LinearExpr | int]:
        """Whether the patient comes on the day, and how long they are there."""
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
        # Said once more in sums, which the solver's bounds are made of: without them it takes minutes.
        spans = {number: self.meetings[number].span for number in today}
        long = sum((span.end - span.start) * self.attends[number] for number, span in spans.items())
        model.add(last - first >= long)
        for start in {span.start for span in spans.values()}:
            model.add_at_most_one(self.attends[number] for number, span in spans.items() if span.contains(start))
        model.add_bool_or([*(self.attends[number] for number in today), ~trip])
        if least:
            model.add(sum(minutes[number] * self.attends[number] for number in today) >= least).only_enforce_if(trip)
        return trip, last - first

    def _others_than_one(self) -> cp_model.IntVar:
        """How many people are met beyond the first."""
        model = self.model
        met = {person: model.new_bool_var("") for each in self.meetings for person in each.facilitators}
        for each, attends in zip(self.meetings, self.attends, strict=True):
            for person in each.facilitators:
                model.add_implication(attends, met[person])
        others = model.new_int_var(0, len(met), "")
        model.add(others >= sum(met.values()) - 1)
        return others

    def _is_mixed(self, offers: tuple[Offer, ...]) -> cp_model.IntVar:
        """Whether no track has all that is attended."""
        model = self.model
        of_one = []
        for offer in offers:
            keys = offer.keys
            is_its = model.new_bool_var("")
            for each, attends in zip(self.meetings, self.attends, strict=True):
                if each.key not in keys:
                    model.add_implication(is_its, ~attends)
            of_one.append(is_its)
        mixed = model.new_bool_var("")
        model.add_bool_or([mixed, *of_one])
        return mixed

    def best(self, most: int, workers: int) -> list[int]:
        """The points of the best schedules: each is forbidden once it is found, and the next looked for."""
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
    """What attending it asks, whatever else is attended."""
    alone = score_meetings((meeting,), need, asked=need.from_day)
    return replace(alone, trips=0, present_minutes=0, people=0).points()
