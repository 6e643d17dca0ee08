"""In small random clinics, the search finds the same schedules, in the same order, as trying every set of meetings."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from itertools import combinations
from random import Random

import pytest

from scheduling.domain.hours.rules import HoursRules, WeeklyMeeting, add_up
from scheduling.domain.search.fit import judge
from scheduling.domain.search.meeting_choice import as_much_as_possible
from scheduling.domain.search.need import CurrentEnrollment, Need, Offer, OfferedMeeting
from scheduling.domain.search.schedules import Preferences, Schedule, find_schedules
from scheduling.domain.search.score import score_meetings
from tests.unit.hours.test_rules import meeting
from tests.unit.search.test_exact import half_past
from timekeeping.busy_times import BusyTime
from timekeeping.intervals import Interval
from timekeeping.weeks import OnDates, Recurrence, Rotation

MONDAY = date(2026, 11, 2)
DAY, WEEK = timedelta(days=1), timedelta(weeks=1)
WORLDS = 3000
Found = tuple[int, tuple[object, ...], tuple[str, ...], tuple[object, ...], bool]


def random_meeting(random: Random, key: int) -> WeeklyMeeting:
    start, length = random.randint(16, 24), random.randint(2, 5)
    kind = random.random()
    return meeting(
        random.randint(0, 4),
        half_past(start),
        half_past(start + length),
        key=key,
        facilitators=frozenset(random.sample("ABC", random.randint(0, 2))),
        anchor=random.choice([MONDAY, MONDAY + WEEK]) if kind < 0.08 else None,
        countable=kind < 0.92,
    )


def random_busy_time(random: Random, key: int) -> BusyTime:
    start = random.randint(14, 26)
    patterns = (
        Recurrence(weekdays=frozenset(random.sample(range(5), random.randint(1, 3)))),
        Recurrence(weekdays=frozenset({random.randint(0, 4)}), anchor=MONDAY),
        Recurrence(weekdays=frozenset(range(5)), valid_until=MONDAY + random.randint(1, 20) * DAY),
        Rotation(cycle_days=random.choice((6, 7, 8)), days_on=frozenset({0, 1, 2}), first=MONDAY),
        OnDates(frozenset(MONDAY + random.randint(0, 80) * DAY for _ in range(random.randint(1, 3)))),
    )
    return BusyTime(
        key=key,
        label=f"Commitment {key}",
        kind=random.choice(("work", "work", "treatment")),
        recurrence=random.choice(patterns),
        starts=meeting(0, half_past(start), "23:30").starts,
        ends=meeting(0, half_past(start + random.randint(1, 4)), "23:30").starts,
        travel_before=random.choice((0, 10, 25)),
        travel_after=random.choice((0, 10, 25)),
        movable_minutes=random.choice((0, 0, 20, 60)),
    )


def random_world(random: Random) -> tuple[list[Offer], Need, Preferences]:
    """Return up to three tracks that share some meetings, a need, and sometimes a current schedule to keep."""
    meetings = [random_meeting(random, key) for key in range(random.randint(3, 9))]
    full = {each.key: (MONDAY + 7 * DAY + each.weekday * DAY,) if random.random() < 0.1 else () for each in meetings}
    offers = []
    for number in range(random.randint(1, 3)):
        chosen = random.sample(meetings, random.randint(2, min(7, len(meetings))))
        offered = tuple(OfferedMeeting(meeting=each, full_on=full[each.key]) for each in chosen)
        offers.append(
            Offer(
                key=number,
                name=random.choice(("Evening", "Morning")),
                meetings=offered,
                individual_minutes=random.choice((0, 0, 30)),
                start_dates=(MONDAY + random.randint(-1, 9) * DAY,) if random.random() < 0.2 else None,
                mixes=random.random() < 0.6,
            )
        )
    need = Need(
        prescribed_minutes=random.choice((120, 180, 240, 300)),
        prescribed_days=random.randint(1, 3),
        from_day=MONDAY,
        busy=tuple(random_busy_time(random, key) for key in range(random.randint(0, 3))),
        rules=HoursRules(
            minimum_minutes=120,
            maximum_minutes=random.choice((360, 480)),
            minimum_days=random.randint(1, 2),
            maximum_days=random.randint(3, 4),
            minimum_minutes_per_day=random.choice((0, 90)),
        ),
        closed=(Interval(MONDAY + 14 * DAY, MONDAY + 17 * DAY),) if random.random() < 0.2 else (),
    )
    kept = tuple(random.sample(meetings, 2)) if random.random() < 0.3 else ()
    own = Random(str(need))  # other tests draw from `random` after this, so their worlds stay as they were
    if own.random() < 0.2:
        ends = own.choice((None, MONDAY, MONDAY + 4 * DAY))
        need = replace(need, enrollments=(CurrentEnrollment(own.choice(offers).key, MONDAY - WEEK, ends),))
    return offers, need, Preferences(kept=kept)


def try_everything(offers: list[Offer], need: Need, preferences: Preferences) -> list[Found]:
    """Try every set of meetings of each track, and of the tracks that mix with it. Return the sets that fit, best first."""
    found: dict[object, Found] = {}
    for offer in sorted(offers, key=lambda offer: (offer.name, offer.key)):
        start = offer.next_start_date(need.from_day)
        if start is None or is_enrolled(need, offer, start):
            continue
        then = replace(need, from_day=start)
        pooled_offers = [
            other
            for other in sorted(offers, key=lambda other: (other.name, other.key))
            if (other is offer or other.mixes_with(offer))
            and other.next_start_date(need.from_day) == start
            and not is_enrolled(need, other, start)
        ]
        pooled = {each.meeting.key: each for other in pooled_offers for each in other.meetings}
        together = replace(offer, meetings=tuple(pooled.values()), start_dates=None)
        counting = [each.meeting for each in pooled.values() if each.meeting.anchor is None and each.meeting.countable]
        for chosen in sets_of(counting):
            if judge(together, then, chosen):
                continue
            keys = {each.key for each in chosen}
            homes = [other for other in pooled_offers if keys <= {each.meeting.key for each in other.meetings}]
            home = (
                homes[0]
                if homes
                else max(pooled_offers, key=lambda other: len(keys & {each.meeting.key for each in other.meetings}))
            )
            identity = (start, frozenset(keys), tuple(other.key for other in pooled_offers))
            found[identity] = _expected(home, then, need, chosen, not homes, preferences)
        most = as_much_as_possible([each.meeting for each in offer.meetings], need.rules)
        for chosen in sets_of([each.meeting for each in offer.meetings]):
            extras = [each for each in chosen if each.anchor or not each.countable]
            is_whole = len(chosen) == len(most) and add_up(chosen, need.rules) == add_up(most, need.rules)
            if extras and is_whole and chosen == _possible(offer, then) and not judge(offer, then, chosen):
                found[(offer.key, "whole")] = _expected(offer, then, need, chosen, False, preferences)
    return sorted(found.values())


def is_enrolled(need: Need, offer: Offer, day: date) -> bool:
    return any(each.track == offer.key and (each.ends is None or each.ends > day) for each in need.enrollments)


def _possible(offer: Offer, need: Need) -> tuple[WeeklyMeeting, ...]:
    """Return the largest part of the track that the patient can attend.

    If several parts are equally large, `as_much_as_possible` chooses one.
    """
    free = [each.meeting for each in offer.meetings if not _is_blocked(offer, each.meeting, need)]
    return as_much_as_possible(free, need.rules)


def _is_blocked(offer: Offer, group: WeeklyMeeting, need: Need) -> bool:
    return any(reason.code in ("clash", "full") for reason in judge(offer, need, (group,)))


def sets_of(meetings: list[WeeklyMeeting]) -> Iterator[tuple[WeeklyMeeting, ...]]:
    in_order = sorted(meetings, key=lambda each: (each.weekday, each.starts, each.ends, str(each.key)))
    for size in range(len(in_order) + 1):
        for chosen in combinations(in_order, size):
            weekly = [each for each in chosen if each.anchor is None and each.countable]
            if not any(
                one.weekday == two.weekday and one.span.overlaps(two.span) for one, two in combinations(weekly, 2)
            ):
                yield chosen


def _expected(
    home: Offer, then: Need, need: Need, chosen: tuple[WeeklyMeeting, ...], is_mixed: bool, preferences: Preferences
) -> Found:
    score = score_meetings(chosen, then, asked=need.from_day, is_mixed=is_mixed, kept=preferences.kept)
    week = [sorted((each.span.start, each.span.end) for each in chosen if each.weekday == day) for day in range(7)]
    times = tuple(tuple(spans) or ((1440, 1440),) for spans in week)
    return score.points(), times, tuple(str(each.key) for each in chosen), (home.name, str(home.key)), is_mixed


def as_found(schedule: Schedule) -> Found:
    points, times, keys, *home = schedule.order
    assert points == schedule.score.points()
    return points, times, keys, tuple(home), schedule.is_mixed


@pytest.mark.parametrize("hundred", range(WORLDS // 100))
def test_schedules_and_their_order_equal_the_result_of_trying_every_set(hundred: int) -> None:
    fitting = 0
    for seed in range(hundred * 100, hundred * 100 + 100):
        offers, need, preferences = random_world(Random(seed))
        everything = try_everything(offers, need, preferences)
        assert [
            as_found(schedule) for schedule in find_schedules(offers, need, preferences=preferences, most=10_000)
        ] == everything, seed
        first = find_schedules(offers, need, preferences=preferences, most=5)
        assert [as_found(schedule) for schedule in first] == everything[:5], seed
        fitting += bool(everything)
    assert fitting > 20, "too few worlds in which something fits"
