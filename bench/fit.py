"""How long the search for a fit takes, as a ratio: against trying every set of meetings, and against merely looking.

    .venv/bin/python -m bench.fit

Rounds are interleaved, figures are medians. The peer asks the same rules about every set of a track's meetings, as the
tests do; the limit is one look at every date and every busy occasion that a search must have looked at, with no rule asked.
"""

import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import date, time
from itertools import combinations
from random import Random
from statistics import median
from time import perf_counter

from scheduling.domain.fit import judge, search
from scheduling.domain.hours import WeeklyMeeting
from scheduling.domain.need import Need, Offer, OfferedMeeting
from scheduling.domain.week import BusyTime, Recurrence

FROM = date(2026, 11, 2)
PATIENTS, TRACKS, ROUNDS = 60, 20, 3
FEW_PATIENTS, FEW_TRACKS = 3, 6
Offers = tuple[Offer, ...]
Needs = tuple[Need, ...]
Act = Callable[[Offers, Needs], int]
LIFE = (
    ("Day shift", (0, 1, 2, 3, 4), time(8), time(16)),
    ("Late shift", (1, 3, 5), time(14), time(22)),
    ("Night shift", (0, 1, 2), time(22), time(6)),
    ("School run", (0, 1, 2, 3, 4), time(14, 30), time(15, 15)),
    ("Class", (1, 3), time(18), time(20)),
    ("Dialysis", (0, 2, 4), time(6), time(10)),
    ("Church", (6,), time(10), time(12)),
)
BLOCKS = ((time(9), time(12)), (time(12, 30), time(14)), (time(16), time(19)), (time(18), time(21)))


def clinic(random: Random) -> Offers:
    """Tracks of two blocks or of one with two groups side by side, on three to five days."""
    offers = []
    for track in range(TRACKS):
        days = sorted(random.sample(range(6), random.choice((3, 4, 5))))
        blocks = random.sample(BLOCKS[:3], 2) if track % 2 else [random.choice(BLOCKS)] * 2
        meetings = [
            WeeklyMeeting(key=f"{track}-{day}-{number}", name="Group", weekday=day, starts=starts, ends=ends)
            for day in days
            for number, (starts, ends) in enumerate(blocks)
        ]
        offered = tuple(OfferedMeeting(meeting=meeting) for meeting in meetings)
        offers.append(Offer(key=track, name=f"Track {track:02}", meetings=offered))
    return tuple(offers)


def patients(random: Random) -> Needs:
    """Two to four commitments each, some of every other week, with a way of up to three quarters of an hour."""
    needs = []
    for _ in range(PATIENTS):
        chosen = random.sample(LIFE, random.choice((2, 3, 4)))
        way = random.choice((0, 15, 30, 45))
        busy = tuple(
            BusyTime(
                key=number,
                label=label,
                kind="work",
                recurrence=Recurrence(weekdays=frozenset(days), anchor=FROM if random.random() < 0.3 else None),
                starts=starts,
                ends=ends,
                travel_before=way,
                travel_after=way,
            )
            for number, (label, days, starts, ends) in enumerate(chosen)
        )
        minutes, days_a_week = random.choice(((540, 3), (720, 4), (900, 5)))
        needs.append(Need(prescribed_minutes=minutes, prescribed_days=days_a_week, from_day=FROM, busy=busy))
    return tuple(needs)


def searched(offers: Offers, needs: Needs) -> int:
    """How many tracks fit somebody."""
    return sum(fit.fits for need in map(replace, needs) for fit in search(offers, need))


def tried(offers: Offers, needs: Needs) -> int:
    """The same, by asking the rules about every set of each track's meetings, as the smallest is looked for."""
    return sum(bool(_sets_that_fit(offer, need)) for need in map(replace, needs) for offer in offers)


def _sets_that_fit(offer: Offer, need: Need) -> list[tuple[WeeklyMeeting, ...]]:
    meetings = [offered.meeting for offered in offer.meetings]
    sets = (chosen for size in range(len(meetings) + 1) for chosen in combinations(meetings, size))
    return [chosen for chosen in sets if not judge(offer, need, chosen)]


def looked(offers: Offers, needs: Needs) -> int:
    """How many busy occasions and how many dates of meetings there are."""
    return sum(
        sum(len(found) for found in need.occasions_by_day.values())
        + sum(1 for offer in offers for offered in offer.meetings for _ in need.dates_of(offered.meeting))
        for need in map(replace, needs)
    )


def rounds(offers: Offers, needs: Needs, *acts: Act) -> list[float]:
    """The median seconds of each, in interleaved rounds. Each works on needs that remember nothing."""
    taken: dict[Act, list[float]] = {act: [] for act in acts}
    for _ in range(ROUNDS):
        for act in acts:
            began = perf_counter()
            act(offers, needs)
            taken[act].append(perf_counter() - began)
    return [median(taken[act]) for act in acts]


def main() -> None:
    random = Random(1)
    offers, needs = clinic(random), patients(random)
    searching, looking = rounds(offers, needs, searched, looked)
    few = offers[:FEW_TRACKS], needs[:FEW_PATIENTS]
    assert searched(*few) == tried(*few), "both must find the same"
    searching_few, trying = rounds(*few, searched, tried)
    report = (
        f"{PATIENTS} patients x {TRACKS} tracks: {searching * 1000:.0f} ms, {searching / PATIENTS * 1000:.1f} ms a patient",
        f"  against merely looking at every date: {searching / looking:.1f} times its time",
        f"{FEW_PATIENTS} patients x {FEW_TRACKS} tracks: {searching_few * 1000:.1f} ms",
        f"  against trying every set of meetings: {trying / searching_few:.0f} times as fast",
    )
    sys.stdout.write("\n".join(report) + "\n")


if __name__ == "__main__":
    main()
