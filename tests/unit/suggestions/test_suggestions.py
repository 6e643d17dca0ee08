"""In small random clinics, no suggestion for a commitment or a full group is missing, and each suggestion is minimal.

The tests apply each suggestion and count the schedules that fit. Then they make the suggestion one step smaller, and
expect that no schedule fits.
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from random import Random
from typing import Any

import pytest

from scheduling.domain.hours.rules import HoursRules
from scheduling.domain.search.need import Need, Offer, OfferedMeeting
from scheduling.domain.search.schedules import find_schedules
from scheduling.domain.suggestions.changes import Adjustment, NumberAdjustment, OneMorePlace, PlacesInTrack, StartsLater
from scheduling.domain.suggestions.commitment_changes import (
    BeginsLater,
    CommitmentAdjustment,
    CommitmentSkipped,
    EndsEarlier,
    MinutesAdjustment,
    MoreFlexibility,
    ShorterTravel,
    is_covered_by,
)
from scheduling.domain.suggestions.suggestions import apply_adjustments, find_suggestions
from scheduling.domain.suggestions.what_if import FeasibilityCheck
from tests.unit.hours.test_rules import meeting
from tests.unit.search.test_schedules import random_busy_time, random_world
from timekeeping.busy_times import BusyTime
from timekeeping.weeks import OnDates, Recurrence, RecurrencePattern, weekdays_of

MONDAY = date(2026, 11, 2)
DAY = timedelta(days=1)
STEP = 5
WORLDS, TRIED_WORLDS = 900, 120


def hard_world(seed: int) -> tuple[tuple[Offer, ...], Need]:
    """Return a small random clinic and a need. An odd seed gives a low prescription and more commitments."""
    random = Random(seed)
    offers, need, _ = random_world(random)
    if seed % 2:
        more = tuple(random_busy_time(random, key) for key in range(10, 10 + random.randint(1, 3)))
        need = replace(need, prescribed_minutes=120, prescribed_days=1, busy=(*need.busy, *more))
    return tuple(offers), need


def fits(changes: tuple[Adjustment, ...], offers: tuple[Offer, ...], need: Need) -> bool:
    return bool(find_schedules(*apply_adjustments(changes, offers, need), most=1))


def one_step_less(change: Adjustment) -> tuple[Adjustment, ...]:
    """Return the change reduced by one step, or an empty tuple if it can't be smaller."""
    if isinstance(change, MinutesAdjustment):
        return (replace(change, minutes=change.minutes - STEP),) if change.minutes > STEP else ()
    if isinstance(change, NumberAdjustment):
        step = STEP if "minutes" in f"{change.code} {getattr(change, 'rule', '')}" else 1
        after = change.after + (step if change.after < change.before else -step)
        return () if after == change.before else (replace(change, after=after),)
    if isinstance(change, StartsLater):
        earlier = replace(change, first=change.first - DAY)
        return () if earlier.first == change.asked else (earlier,)
    if isinstance(change, PlacesInTrack):
        return (replace(change, places=change.places[1:]),)
    return ()


@pytest.mark.parametrize("hundred", range(WORLDS // 100))
def test_a_suggestion_gives_its_schedules_and_one_step_less_is_not_enough(hundred: int) -> None:
    singles = pairs = 0
    for seed in range(hundred * 100, hundred * 100 + 100):
        world = hard_world(seed)
        fits_already = fits((), *world)
        found = find_suggestions(*world, most=100)
        assert FeasibilityCheck(*world).allows_fit() == fits_already, seed
        assert not (fits_already and found)
        for suggestion in found:
            schedules = find_schedules(*suggestion.apply(*world))
            assert (len(schedules), schedules[0].order) == (suggestion.schedules, suggestion.best.order), (
                seed,
                suggestion.token,
            )
            for number, change in enumerate(suggestion.changes):
                smaller = (*suggestion.changes[:number], *one_step_less(change), *suggestion.changes[number + 1 :])
                assert not fits(smaller, *world), (seed, suggestion.token)
            singles += len(suggestion.changes) == 1
            pairs += len(suggestion.changes) == 2
    assert min(singles, 3 * pairs) > 30, "too few worlds with suggestions"


def all_adjustments_of(busy: BusyTime) -> Iterator[list[CommitmentAdjustment]]:
    """Yield a list for each kind of adjustment of a commitment.

    A list has one adjustment for each possible amount, the smallest first.
    """
    days = sorted(weekdays_of(busy.recurrence))
    for weekday in (*(days if len(days) > 1 else ()), None):
        steps = range(STEP, busy.minutes - busy.movable_minutes, STEP)
        if busy.movable_minutes:
            yield [MoreFlexibility(busy=busy, weekday=weekday, minutes=by) for by in steps]
        else:
            yield [EndsEarlier(busy=busy, weekday=weekday, minutes=by) for by in steps]
            yield [BeginsLater(busy=busy, weekday=weekday, minutes=by) for by in steps]
        yield [CommitmentSkipped(busy=busy, weekday=weekday)]
    for before, travel in ((True, busy.travel_before), (False, busy.travel_after)):
        yield [ShorterTravel(busy=busy, before=before, minutes=by) for by in range(STEP, travel + 1, STEP)]


def test_no_adjustment_of_a_commitment_or_a_full_group_is_missing() -> None:
    worlds = 0
    for world in map(hard_world, range(TRIED_WORLDS)):
        if fits((), *world):
            continue
        offers, need = world
        enough: list[Adjustment] = []
        for busy in (each for each in need.busy if each.kind != "treatment"):
            for amounts in all_adjustments_of(busy):
                enough += [change for change in amounts if fits((change,), *world)][:1]
        for each in {each.meeting.key: each for offer in offers for each in offer.meetings}.values():
            one_more_spot = OneMorePlace(meeting=each.meeting, full_on=each.full_on)
            enough += [one_more_spot] if each.full_on and fits((one_more_spot,), *world) else []
        smallest = {
            one.token
            for one in enough
            if not any(
                other is not one
                and isinstance(one, CommitmentAdjustment)
                and isinstance(other, CommitmentAdjustment)
                and is_covered_by(other, one)
                for other in enough
            )
        }
        found = [
            suggestion.changes[0] for suggestion in find_suggestions(*world, most=100) if len(suggestion.changes) == 1
        ]
        assert {change.token for change in found if isinstance(change, CommitmentAdjustment | OneMorePlace)} == smallest
        worlds += bool(smallest)
    assert worlds > 12, "too few worlds with suggestions"


SITE = (
    meeting(1, "16:00", "19:00", key="Tue", name="Skills"),
    meeting(3, "16:00", "19:00", key="Thu", name="Skills"),
    meeting(4, "16:00", "19:00", key="Fri", name="Skills"),
)
EVERY_DAY = Recurrence(weekdays=frozenset(range(5)))


def commitment(starts: str, ends: str, pattern: RecurrencePattern, **more: Any) -> BusyTime:
    group = meeting(0, starts, ends)
    given = {"key": 1, "label": "Shift", "kind": "work", **more}
    return BusyTime(recurrence=pattern, starts=group.starts, ends=group.ends, **given)


def track(*, full: tuple[date, ...] = (), start_dates: tuple[date, ...] | None = None) -> tuple[Offer, ...]:
    offered = tuple(OfferedMeeting(meeting=each, full_on=full if each.key == "Thu" else ()) for each in SITE)
    return (Offer(key=1, name="Evening", meetings=offered, start_dates=start_dates),)


def on(*weekdays: int) -> Recurrence:
    return Recurrence(weekdays=frozenset(weekdays))


def tokens_of(busy: tuple[BusyTime, ...] = (), offers: tuple[Offer, ...] | None = None, **more: Any) -> list[str]:
    given = {"prescribed_minutes": 540, "prescribed_days": 3, "from_day": MONDAY, **more}
    return [suggestion.token for suggestion in find_suggestions(offers or track(), Need(busy=busy, **given))]


@pytest.mark.parametrize(
    ("busy", "tokens"),
    [
        pytest.param(
            commitment("09:00", "16:20", on(3)), ["ends_earlier:work-1::20"], id="it ends earlier on its only day"
        ),
        pytest.param(
            commitment("09:00", "16:20", on(0, 3)), ["ends_earlier:work-1:3:20"], id="on the only day with a conflict"
        ),
        pytest.param(
            commitment("09:00", "16:20", on(1, 3)),
            ["ends_earlier:work-1::20"],
            id="on all its days, if each has a conflict",
        ),
        pytest.param(
            commitment("18:42", "23:00", on(0, 3)),
            ["begins_later:work-1:3:20"],
            id="it starts later, in steps of five",
        ),
        pytest.param(
            commitment("09:00", "15:50", on(3), travel_after=20),
            ["ends_earlier:work-1::10", "shorter_way:work-1::10:False"],
            id="or travel takes less",
        ),
        pytest.param(
            commitment("09:00", "16:30", on(3), movable_minutes=20),
            ["moves_further:work-1::10"],
            id="a movable commitment moves further",
        ),
        pytest.param(
            commitment("15:00", "20:00", on(0, 3)),
            ["begins_later:work-1:3:240", "ends_earlier:work-1:3:240"],
            id="by hours",
        ),
        pytest.param(commitment("16:00", "19:00", on(0, 3)), ["takes_no_place:work-1:3"], id="it is skipped"),
        pytest.param(commitment("16:30", "17:00", EVERY_DAY), ["takes_no_place:work-1:"], id="it is skipped every day"),
        pytest.param(commitment("16:30", "17:00", on(3), kind="treatment"), [], id="other treatment never moves"),
    ],
)
def test_the_smallest_adjustment_of_a_commitment_is_suggested(busy: BusyTime, tokens: list[str]) -> None:
    found = [token for token in tokens_of((busy,)) if not token.startswith(("prescribes", "rule"))]
    assert found == tokens


@pytest.mark.parametrize(
    ("given", "tokens"),
    [
        pytest.param(
            {"offers": track(full=(MONDAY + 10 * DAY, MONDAY + 17 * DAY))},
            ["one_more_place:Thu:2", "begins_on:2026-11-02:2026-11-20"],
            id="a full group",
        ),
        pytest.param(
            {"prescribed_minutes": 600}, ["prescribes_fewer_minutes:600:540"], id="more is prescribed than there is"
        ),
        pytest.param(
            {"prescribed_days": 4}, ["prescribes_fewer_days:4:3"], id="more days are prescribed than there are"
        ),
        pytest.param(
            {"rules": HoursRules(minimum_minutes=545)}, ["rule:545:540:minimum_minutes"], id="too few minutes"
        ),
        pytest.param(
            {"rules": HoursRules(minimum_minutes_per_day=200)},
            ["rule:200:180:minimum_minutes_per_day"],
            id="short days",
        ),
        pytest.param({"rules": HoursRules(minimum_days=4)}, ["rule:4:3:minimum_days"], id="too few days"),
        pytest.param(
            {"rules": HoursRules(minimum_minutes=300, maximum_minutes=530)},
            ["rule:530:540:maximum_minutes"],
            id="too many minutes",
        ),
        pytest.param(
            {"rules": HoursRules(minimum_days=1, maximum_days=2)}, ["rule:2:3:maximum_days"], id="too many days"
        ),
        pytest.param(
            {"offers": track(start_dates=(MONDAY - DAY,))},
            ["joins_between:1:2026-11-02"],
            id="no start date is left",
        ),
        pytest.param(
            {"prescribed_minutes": 600, "rules": HoursRules(minimum_minutes=600)},
            ["prescribes_fewer_minutes:600:540+rule:600:540:minimum_minutes"],
            id="as much is prescribed as the rules require",
        ),
    ],
)
def test_spots_prescriptions_rules_and_start_dates_are_adjusted(given: dict[str, Any], tokens: list[str]) -> None:
    assert tokens_of(**given) == tokens


def test_an_earlier_end_of_a_shift_and_a_spot_are_suggested_together() -> None:
    shift = commitment("09:00", "16:20", on(1))
    found = tokens_of((shift,), track(full=(MONDAY + 10 * DAY,)))
    assert found[0] == "ends_earlier:work-1::20+one_more_place:Thu:1"


def test_a_start_after_a_temporary_job_is_suggested() -> None:
    job = commitment("12:00", "20:00", Recurrence(weekdays=frozenset(range(5)), valid_until=MONDAY + 35 * DAY))
    assert "begins_on:2026-11-02:2026-11-21" in tokens_of((job,))


def test_the_smallest_suggestion_comes_first() -> None:
    shift = commitment("09:00", "16:20", on(0, 3))
    errand = commitment("18:55", "19:30", on(3), key=2, label="Errand", movable_minutes=0)
    court = commitment("15:00", "15:50", OnDates(frozenset({MONDAY + 3 * DAY})), key=3, label="Court", travel_after=20)
    both = tokens_of((shift, errand, court))
    assert both[0] == "begins_later:work-2::5+ends_earlier:work-1:3:20"
