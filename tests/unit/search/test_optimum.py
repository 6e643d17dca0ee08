"""A constraint solver proves that the search finds the best schedules in a clinic with 200 weekly meetings."""

from dataclasses import replace
from random import Random

import pytest

from bench.solver_model import ScheduleModel
from bench.worlds import clinic, needs
from scheduling.domain.search.conflicts import ConflictFinder
from scheduling.domain.search.schedules import find_schedules

MEETINGS = 200


@pytest.mark.parametrize(("seed", "patients", "most"), [(1, 3, 2), (7, 4, 1), (8, 4, 1), (9, 4, 1)])
def test_the_best_schedule_over_200_meetings_is_the_optimum(seed: int, patients: int, most: int) -> None:
    random = Random(seed)
    offers = clinic(random, MEETINGS)
    assert sum(len(offer.meetings) for offer in offers) == MEETINGS
    for need in needs(random, patients):
        found = find_schedules(offers, replace(need, finder=ConflictFinder()), most=most)
        assert [schedule.points for schedule in found] == ScheduleModel(offers, need).best(most, workers=1)
