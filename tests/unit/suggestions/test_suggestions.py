"""Repairs are true: applied, they give the schedules that they promise. They are small: of one step less, nothing comes. And
none is missed, in small worlds in which every one can be tried.
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from random import Random

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
from tests.unit.search.test_schedules import a_life, a_world
from timekeeping.weeks import BusyTime, OnDates, Recurrence, RecurrencePattern, weekdays_of

MONDAY = date(2026, 11, 2)
DAY = timedelta(days=1)
STEP = 5
WORLDS, TRIED_WORLDS = 900, 120


def a_hard_world(seed: int) -> tuple[tuple[Offer, ...], Need]:
    """A small world; every other one asks for little treatment, around more of a life."""
    random = Random(seed)
    offers, need, _ = a_world(random)
    if seed % 2:
        lives = tuple(a_life(random, key) for key in range(10, 10 + random.randint(1, 3)))
        need = replace(need, prescribed_minutes=120, prescribed_days=1, busy=(*need.busy, *lives))
    return tuple(offers), need


def fits(changes: tuple[Adjustment, ...], offers: tuple[Offer, ...], need: Need) -> bool:
    return bool(find_schedules(*apply_adjustments(changes, offers, need), most=1))


def less(change: Adjustment) -> tuple[Adjustment, ...]:
    """The changes that ask one step less; none of them if it is one step alone."""
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
def test_a_repair_is_true_and_of_a_step_less_nothing_comes(hundred):
    singles = pairs = 0
    for seed in range(hundred * 100, hundred * 100 + 100):
        world = a_hard_world(seed)
        fits_already = fits((), *world)
        found = find_suggestions(*world, most=100)
        assert FeasibilityCheck(*world).allows_fit() == fits_already, seed
        assert not (fits_already and found)
        for repair in found:
            schedules = find_schedules(*repair.apply(*world))
            assert (len(schedules), schedules[0].order) == (repair.schedules, repair.best.order), (seed, repair.token)
            for number, change in enumerate(repair.changes):
                smaller = (*repair.changes[:number], *less(change), *repair.changes[number + 1 :])
                assert not fits(smaller, *world), (seed, repair.token)
            singles += len(repair.changes) == 1
            pairs += len(repair.changes) == 2
    assert min(singles, 3 * pairs) > 30, "worlds without repairs prove little"


def all_of_a_life(busy: BusyTime) -> Iterator[list[CommitmentAdjustment]]:
    """Every way in which a commitment could give way, each by all amounts, the least first."""
    days = sorted(weekdays_of(busy.recurrence))
    for weekday in (*(days if len(days) > 1 else ()), None):
        steps = range(STEP, busy.minutes - busy.movable_minutes, STEP)
        if busy.movable_minutes:
            yield [MoreFlexibility(busy=busy, weekday=weekday, minutes=by) for by in steps]
        else:
            yield [EndsEarlier(busy=busy, weekday=weekday, minutes=by) for by in steps]
            yield [BeginsLater(busy=busy, weekday=weekday, minutes=by) for by in steps]
        yield [CommitmentSkipped(busy=busy, weekday=weekday)]
    for before, takes in ((True, busy.travel_before), (False, busy.travel_after)):
        yield [ShorterTravel(busy=busy, before=before, minutes=by) for by in range(STEP, takes + 1, STEP)]


def test_no_repair_of_a_life_or_of_a_place_is_missed():
    looked = 0
    for world in map(a_hard_world, range(TRIED_WORLDS)):
        if fits((), *world):
            continue
        offers, need = world
        enough: list[Adjustment] = []
        for busy in (each for each in need.busy if each.kind != "treatment"):
            for amounts in all_of_a_life(busy):
                enough += [change for change in amounts if fits((change,), *world)][:1]
        for each in {each.meeting.key: each for offer in offers for each in offer.meetings}.values():
            place = OneMorePlace(meeting=each.meeting, full_on=each.full_on)
            enough += [place] if each.full_on and fits((place,), *world) else []
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
        found = [repair.changes[0] for repair in find_suggestions(*world, most=100) if len(repair.changes) == 1]
        assert {change.token for change in found if isinstance(change, CommitmentAdjustment | OneMorePlace)} == smallest
        looked += bool(smallest)
    assert looked > 12, "worlds without repairs prove little"


SITE = (
    meeting(1, "16:00", "19:00", key="Tue", name="Skills"),
    meeting(3, "16:00", "19:00", key="Thu", name="Skills"),
    meeting(4, "16:00", "19:00", key="Fri", name="Skills"),
)
EVERY_DAY = Recurrence(weekdays=frozenset(range(5)))


def life(starts: str, ends: str, pattern: RecurrencePattern, **more: object) -> BusyTime:
    group = meeting(0, starts, ends)
    given = {"key": 1, "label": "Shift", "kind": "work", **more}
    return BusyTime(recurrence=pattern, starts=group.starts, ends=group.ends, **given)


def track(*, full: tuple[date, ...] = (), start_dates: tuple[date, ...] | None = None) -> tuple[Offer, ...]:
    offered = tuple(OfferedMeeting(meeting=each, full_on=full if each.key == "Thu" else ()) for each in SITE)
    return (Offer(key=1, name="Evening", meetings=offered, start_dates=start_dates),)


def on(*weekdays: int) -> Recurrence:
    return Recurrence(weekdays=frozenset(weekdays))


def shortest(busy: tuple[BusyTime, ...] = (), offers: tuple[Offer, ...] | None = None, **more: object) -> list[str]:
    given = {"prescribed_minutes": 540, "prescribed_days": 3, "from_day": MONDAY, **more}
    return [repair.token for repair in find_suggestions(offers or track(), Need(busy=busy, **given))]


@pytest.mark.parametrize(
    ("busy", "tokens"),
    [
        pytest.param(life("09:00", "16:20", on(3)), ["ends_earlier:work-1::20"], id="it ends earlier on its only day"),
        pytest.param(
            life("09:00", "16:20", on(0, 3)), ["ends_earlier:work-1:3:20"], id="on the day on which it matters"
        ),
        pytest.param(
            life("09:00", "16:20", on(1, 3)), ["ends_earlier:work-1::20"], id="on all its days, if all of them matter"
        ),
        pytest.param(life("18:42", "23:00", on(0, 3)), ["begins_later:work-1:3:20"], id="it begins later, on the grid"),
        pytest.param(
            life("09:00", "15:50", on(3), travel_after=20),
            ["ends_earlier:work-1::10", "shorter_way:work-1::10:False"],
            id="or the way takes less",
        ),
        pytest.param(
            life("09:00", "16:30", on(3), movable_minutes=20),
            ["moves_further:work-1::10"],
            id="what moves moves further",
        ),
        pytest.param(
            life("15:00", "20:00", on(0, 3)),
            ["begins_later:work-1:3:240", "ends_earlier:work-1:3:240"],
            id="it is as long as it takes",
        ),
        pytest.param(life("16:00", "19:00", on(0, 3)), ["takes_no_place:work-1:3"], id="the whole of it"),
        pytest.param(life("16:30", "17:00", EVERY_DAY), ["takes_no_place:work-1:"], id="the whole of it, every day"),
        pytest.param(life("16:30", "17:00", on(3), kind="treatment"), [], id="other treatment is never asked"),
    ],
)
def test_what_gives_way_in_a_life(busy, tokens):
    found = [token for token in shortest((busy,)) if not token.startswith(("prescribes", "rule"))]
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
            {"rules": HoursRules(minimum_minutes_per_day=200)}, ["rule:200:180:minimum_minutes_per_day"], id="short"
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
            id="what is prescribed is what the rules ask",
        ),
    ],
)
def test_what_gives_way_elsewhere(given, tokens):
    assert shortest(**given) == tokens


def test_a_place_is_needed_and_a_shift_to_end_earlier():
    shift = life("09:00", "16:20", on(1))
    found = shortest((shift,), track(full=(MONDAY + 10 * DAY,)))
    assert found[0] == "ends_earlier:work-1::20+one_more_place:Thu:1"


def test_a_job_that_passes_lets_treatment_begin_later():
    job = life("12:00", "20:00", Recurrence(weekdays=frozenset(range(5)), valid_until=MONDAY + 35 * DAY))
    assert "begins_on:2026-11-02:2026-11-21" in shortest((job,))


def test_the_first_of_what_is_found_asks_least():
    shift = life("09:00", "16:20", on(0, 3))
    errand = life("18:55", "19:30", on(3), key=2, label="Errand", movable_minutes=0)
    court = life("15:00", "15:50", OnDates(frozenset({MONDAY + 3 * DAY})), key=3, label="Court", travel_after=20)
    both = shortest((shift, errand, court))
    assert both[0] == "begins_later:work-2::5+ends_earlier:work-1:3:20"
