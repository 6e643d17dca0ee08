"""Benchmark the search for schedules against a constraint solver and against brute force.

    .venv/bin/python -m bench.fit [--tiny]

The time of the search is compared with the times of these tasks:

- Brute force tries every set of meetings.
- Suggestions are found for patients whom no schedule fits.
- The solver finds the best schedules on one thread.
- The solver finds only the single best schedule, on all threads.

Each result is a ratio: the time of the task divided by the time of the search. Times are medians over several rounds.
The solver is slow, so each of its tasks is timed only once for each patient. Every timed run starts without cached
conflicts.

The solver finds one schedule at a time. It then excludes that schedule and starts again. The solver's model
(`bench/solver_model.py`) and the search get the same tracks and needs. Their schedules must have the same points.
"""

import sys
from collections.abc import Callable, Iterable
from dataclasses import replace
from itertools import combinations, islice
from random import Random
from statistics import median
from time import perf_counter

from bench.command_line import parse_tiny
from bench.solver_model import ScheduleModel
from bench.worlds import clinic, needs
from scheduling.domain.hours.rules import HoursRules
from scheduling.domain.search.conflicts import ConflictFinder
from scheduling.domain.search.fit import judge
from scheduling.domain.search.need import Need, Offer
from scheduling.domain.search.schedules import MAX_SCHEDULES, find_schedules
from scheduling.domain.suggestions.suggestions import find_suggestions

MEETINGS, PATIENTS, ROUNDS = 200, 5, 3
FAILING_MEETINGS, FAILURES = 100, 20
SMALL_CLINIC_MEETINGS = 14
Offers = tuple[Offer, ...]
Task = Callable[[Offers, Need], object]


def run_search(offers: Offers, need: Need) -> list[int]:
    return [schedule.points for schedule in find_schedules(offers, need)]


def run_solver(offers: Offers, need: Need) -> list[int]:
    return ScheduleModel(offers, need).best(MAX_SCHEDULES, workers=1)


def run_solver_all_threads(offers: Offers, need: Need) -> list[int]:
    return ScheduleModel(offers, need).best(1, workers=0)


def run_brute_force(offers: Offers, need: Need) -> list[int]:
    """Try every set of the tracks' meetings. Return the number of meetings in each set that fits."""
    together = replace(offers[0], meetings=tuple(each for offer in offers for each in offer.meetings))
    meetings = [offered.meeting for offered in together.meetings]
    sets = (chosen for size in range(len(meetings) + 1) for chosen in combinations(meetings, size))
    return [len(chosen) for chosen in sets if not judge(together, need, chosen)]


def without_memory(need: Need) -> Need:
    """Return a copy of the need with an empty cache of conflicts."""
    return replace(need, finder=ConflictFinder())


def time_once(task: Task, offers: Offers, need: Need) -> tuple[float, object]:
    """Run the task once on a need without cached conflicts. Return its run time in seconds and its result."""
    fresh = without_memory(need)
    began = perf_counter()
    found = task(offers, fresh)
    return perf_counter() - began, found


def time_rounds(offers: Offers, need: Need, *tasks: Task) -> list[float]:
    """Return the median run time of each task in seconds. Each round runs every task once."""
    seconds = [[time_once(task, offers, need)[0] for task in tasks] for _ in range(ROUNDS)]
    return [median(column) for column in zip(*seconds, strict=True)]


def measure_best_schedules() -> Iterable[str]:
    random = Random(1)
    offers = clinic(random, MEETINGS)
    with_enough = (
        need for need in needs(random, 100) if len(find_schedules(offers, without_memory(need))) == MAX_SCHEDULES
    )
    ratios, ratios_of_best = [], []
    for need in islice(with_enough, PATIENTS):
        search, found = time_once(run_search, offers, need)
        solve, solutions = time_once(run_solver, offers, need)
        assert found == solutions, "both must find the same"
        one, _ = time_once(run_solver_all_threads, offers, need)
        [again] = time_rounds(offers, need, run_search)
        search = median((search, again))
        ratios.append(solve / search)
        ratios_of_best.append(one / search)
        yield f"  {_describe_need(need)}: {search * 1000:.1f} ms, {solve / search:.0f} times as fast"
    yield (
        f"The exact best {MAX_SCHEDULES} over {MEETINGS} meetings: {median(ratios):.0f} times as fast as CP-SAT on one thread;"
        f" its best one alone, on all threads, takes {median(ratios_of_best):.0f} times as long"
    )


def measure_suggestions() -> Iterable[str]:
    """Measure the time to find suggestions for patients whom no schedule fits. Each patient gets a new random clinic."""
    ratios, found = [], []
    for seed in range(1000):
        random = Random(seed)
        offers = clinic(random, FAILING_MEETINGS)
        need = next(
            (need for need in needs(random, 20) if not find_schedules(offers, without_memory(need), most=1)), None
        )
        if need is not None:
            search, explain = time_rounds(offers, need, find_schedules, find_suggestions)
            ratios.append(explain / search)
            found.append(len(find_suggestions(offers, without_memory(need))))
        if len(ratios) == FAILURES:
            break
    yield (
        f"Explaining a failure over {FAILING_MEETINGS} meetings, {sum(found) / len(found):.0f} suggestions found:"
        f" {median(ratios):.0f} searches' time, at most {max(ratios):.0f}"
    )


def measure_brute_force() -> Iterable[str]:
    random = Random(2)
    offers = clinic(random, SMALL_CLINIC_MEETINGS)
    need = replace(next(iter(needs(random, 1))), busy=(), prescribed_minutes=540, rules=HoursRules(maximum_minutes=900))
    assert len(find_schedules(offers, need, most=10**6)) == len(run_brute_force(offers, need)), (
        "both must find the same"
    )
    search, trying = time_rounds(offers, need, run_search, run_brute_force)
    yield f"Over {SMALL_CLINIC_MEETINGS} meetings: {trying / search:.0f} times as fast as trying every set of them"


def _describe_need(need: Need) -> str:
    what = ", ".join(busy.label.lower() for busy in need.busy)
    return f"{need.prescribed_minutes // 60} h over {need.prescribed_days} days around {what}"


def shrink() -> None:
    """Make the benchmark so small that it runs in seconds. The figures of a small run mean nothing."""
    global MEETINGS, PATIENTS, ROUNDS, FAILING_MEETINGS, FAILURES, SMALL_CLINIC_MEETINGS
    MEETINGS, PATIENTS, ROUNDS = 20, 1, 1
    FAILING_MEETINGS, FAILURES, SMALL_CLINIC_MEETINGS = 15, 1, 6


def main() -> None:
    if parse_tiny(__doc__):
        shrink()
    for part in (measure_brute_force, measure_suggestions, measure_best_schedules):
        for line in part():
            sys.stdout.write(line + "\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main()
