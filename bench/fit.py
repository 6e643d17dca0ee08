"""How long the search for a fit takes, as ratios: against a solver of constraints for the same schedules, against trying every
set of meetings, and, where nothing fits, how many searches explaining it takes.

    .venv/bin/python -m bench.fit

Rounds are interleaved, figures are medians, and every round works on needs that remember nothing. The solver is asked for the
best schedule on one thread, told never to say it again, and asked for the next: one round for each patient, as that takes it
long. With as many threads as it likes, it is asked for the best alone. Its model (`bench/constraints.py`) and the search start
from the same tracks and needs, and must give the same points.
"""

import sys
from collections.abc import Callable, Iterable
from dataclasses import replace
from itertools import combinations, islice
from random import Random
from statistics import median
from time import perf_counter

from bench.solver_model import Model
from bench.worlds import clinic, needs
from scheduling.domain.hours.rules import RuleSet
from scheduling.domain.search.fit import judge
from scheduling.domain.search.need import Need, Offer
from scheduling.domain.search.schedules import MOST, find
from scheduling.domain.suggestions.suggestions import repairs

MEETINGS, PATIENTS, ROUNDS = 200, 5, 3
FAILING_MEETINGS, FAILURES = 100, 20
FEW_MEETINGS = 14
Offers = tuple[Offer, ...]
Act = Callable[[Offers, Need], object]


def searched(offers: Offers, need: Need) -> list[int]:
    return [schedule.points for schedule in find(offers, need)]


def solved(offers: Offers, need: Need) -> list[int]:
    return Model(offers, need).best(MOST, workers=1)


def best_on_all_threads(offers: Offers, need: Need) -> list[int]:
    return Model(offers, need).best(1, workers=0)


def tried(offers: Offers, need: Need) -> list[int]:
    """The same by asking the rules about every set of the tracks' meetings: how many fit."""
    together = replace(offers[0], meetings=tuple(each for offer in offers for each in offer.meetings))
    meetings = [offered.meeting for offered in together.meetings]
    sets = (chosen for size in range(len(meetings) + 1) for chosen in combinations(meetings, size))
    return [len(chosen) for chosen in sets if not judge(together, need, chosen)]


def taken(act: Act, offers: Offers, need: Need) -> tuple[float, object]:
    """The seconds it takes, and what it finds."""
    fresh = replace(need)
    began = perf_counter()
    found = act(offers, fresh)
    return perf_counter() - began, found


def rounds(offers: Offers, need: Need, *acts: Act) -> list[float]:
    """The median seconds of each, in interleaved rounds."""
    seconds = [[taken(act, offers, need)[0] for act in acts] for _ in range(ROUNDS)]
    return [median(column) for column in zip(*seconds, strict=True)]


def best_fifty() -> Iterable[str]:
    random = Random(1)
    offers = clinic(random, MEETINGS)
    have_some = (need for need in needs(random, 100) if len(find(offers, replace(need))) == MOST)
    ratios, of_one = [], []
    for need in islice(have_some, PATIENTS):
        search, found = taken(searched, offers, need)
        solve, solutions = taken(solved, offers, need)
        assert found == solutions, "both must find the same"
        one, _ = taken(best_on_all_threads, offers, need)
        [again] = rounds(offers, need, searched)
        search = median((search, again))
        ratios.append(solve / search)
        of_one.append(one / search)
        yield f"  {_life(need)}: {search * 1000:.1f} ms, {solve / search:.0f} times as fast"
    yield (
        f"The exact best {MOST} over {MEETINGS} meetings: {median(ratios):.0f} times as fast as CP-SAT on one thread;"
        f" its best one alone, on all threads, takes {median(of_one):.0f} times as long"
    )


def explaining() -> Iterable[str]:
    """In clinics of their own, each with patients whom nothing fits."""
    ratios, found = [], []
    for seed in range(1000):
        random = Random(seed)
        offers = clinic(random, FAILING_MEETINGS)
        need = next((need for need in needs(random, 20) if not find(offers, replace(need), most=1)), None)
        if need is not None:
            search, explain = rounds(offers, need, find, repairs)
            ratios.append(explain / search)
            found.append(len(repairs(offers, replace(need))))
        if len(ratios) == FAILURES:
            break
    yield (
        f"Explaining a failure over {FAILING_MEETINGS} meetings, {sum(found) / len(found):.0f} repairs found:"
        f" {median(ratios):.0f} searches' time, at most {max(ratios):.0f}"
    )


def everything() -> Iterable[str]:
    random = Random(2)
    offers = clinic(random, FEW_MEETINGS)
    need = replace(next(iter(needs(random, 1))), busy=(), prescribed_minutes=540, rules=RuleSet(maximum_minutes=900))
    assert len(find(offers, need, most=10**6)) == len(tried(offers, need)), "both must find the same"
    search, trying = rounds(offers, need, searched, tried)
    yield f"Over {FEW_MEETINGS} meetings: {trying / search:.0f} times as fast as trying every set of them"


def _life(need: Need) -> str:
    what = ", ".join(busy.label.lower() for busy in need.busy)
    return f"{need.prescribed_minutes // 60} h over {need.prescribed_days} days around {what}"


def main() -> None:
    for part in (everything, explaining, best_fifty):
        for line in part():
            sys.stdout.write(line + "\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main()
