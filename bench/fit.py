"""The search for a schedule against trying every combination of meetings, pair by pair: `python -m bench.fit`.

Prints the median times and their ratio for one patient and ten tracks, and the time of 60 patients by 20 tracks.
"""

from collections.abc import Callable
from datetime import date, time
from itertools import combinations
from random import Random
from statistics import median
from time import perf_counter

from scheduling.domain.fit import Need, Offer, OfferedMeeting, judge, search
from scheduling.domain.hours import WeeklyMeeting
from scheduling.domain.week import BusyTime, Recurrence

RANDOM = Random(7)
MONDAY = date(2026, 11, 23)


def make_offer(number: int, meetings: int) -> Offer:
    return Offer(
        key=number,
        name=f"Track {number}",
        meetings=tuple(
            OfferedMeeting(
                meeting=WeeklyMeeting(
                    key=f"{number}-{each}",
                    name="Group",
                    weekday=each % 5,
                    starts=time(begin := RANDOM.choice([8, 9, 13, 17])),
                    ends=time(begin + 3),
                )
            )
            for each in range(meetings)
        ),
    )


def make_need() -> Need:
    begin = RANDOM.randrange(6, 15)
    shift = BusyTime(
        key=1,
        label="Shift",
        kind="work",
        recurrence=Recurrence(weekdays=frozenset(RANDOM.sample(range(7), 4))),
        starts=time(begin),
        ends=time(begin + 5),
        travel_before=25,
        travel_after=25,
    )
    return Need(prescribed_minutes=540, prescribed_days=3, from_day=MONDAY, busy=(shift,))


def try_everything(offers: list[Offer], need: Need) -> list[bool]:
    """The peer: whether any set of meetings of each track passes every rule."""
    return [
        any(
            not judge(offer, need, chosen)
            for size in range(len(offer.meetings) + 1)
            for chosen in combinations([each.meeting for each in offer.meetings], size)
        )
        for offer in offers
    ]


def seconds(work: Callable[[], object]) -> float:
    begin = perf_counter()
    work()
    return perf_counter() - begin


def main() -> None:
    offers = [make_offer(number, 10) for number in range(10)]
    need = make_need()
    assert [fit.fits for fit in sorted(search(offers, need), key=lambda fit: int(fit.offer.key))] == try_everything(
        offers, need
    )
    pairs = [(seconds(lambda: search(offers, need)), seconds(lambda: try_everything(offers, need))) for _ in range(7)]
    ours, theirs = (median(each) for each in zip(*pairs, strict=True))
    print(f"search {ours * 1000:.1f} ms, every combination {theirs * 1000:.1f} ms: 1 to {theirs / ours:.0f}")
    many, needs = [make_offer(number, 8) for number in range(20)], [make_need() for _ in range(60)]
    whole = median(seconds(lambda: [search(many, each) for each in needs]) for _ in range(3))
    print(f"60 patients by 20 tracks: {whole:.2f} s, {whole / 60 * 1000:.1f} ms for each patient")


if __name__ == "__main__":
    main()
