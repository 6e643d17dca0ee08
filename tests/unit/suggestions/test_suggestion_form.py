"""Suggestions are encoded as query parameters of the what-if form. Rule changes are parsed from such parameters."""

from dataclasses import replace
from datetime import date, time
from urllib.parse import unquote

import pytest

from scheduling.domain.hours.rules import WeeklyMeeting
from scheduling.domain.search.need import Need
from scheduling.domain.suggestions.changes import (
    Adjustment,
    JoinsBetweenStartDates,
    OneMorePlace,
    PrescribesFewerDays,
    PrescribesFewerMinutes,
    RuleAdjustment,
    StartsLater,
)
from scheduling.domain.suggestions.commitment_changes import (
    BeginsLater,
    CommitmentSkipped,
    EndsEarlier,
    MoreFlexibility,
    ShorterTravel,
)
from scheduling.forms.search.suggestion_form import encode_changes, parse_rule_change
from timekeeping.busy_times import BusyTime
from timekeeping.weeks import Recurrence, Rotation

SHOP = BusyTime(
    key=12,
    label="Shop",
    kind="work",
    recurrence=Recurrence(weekdays=frozenset({0, 3})),
    starts=time(9),
    ends=time(17, 30),
    travel_before=20,
    travel_after=30,
    movable_minutes=5,
)
ROTATION = BusyTime(
    key=13,
    label="Rotation",
    kind="work",
    recurrence=Rotation(cycle_days=7, days_on=frozenset({0, 1}), first=date(2026, 11, 30)),
    starts=time(9),
    ends=time(17),
)
GROUP = WeeklyMeeting(key=4, name="Group", weekday=0, starts=time(9), ends=time(12))


@pytest.mark.parametrize(
    ("changes", "query"),
    [
        pytest.param([EndsEarlier(busy=SHOP, minutes=20)], "c12-ends=17:10", id="ends earlier"),
        pytest.param([EndsEarlier(busy=SHOP, minutes=20, weekday=3)], "c12-only=3&c12-ends=17:10", id="on one weekday"),
        pytest.param(
            [EndsEarlier(busy=ROTATION, minutes=20, weekday=3)], "c13-ends=16:40", id="a rotation has no weekdays"
        ),
        pytest.param([BeginsLater(busy=SHOP, minutes=5)], "c12-starts=09:05", id="starts later"),
        pytest.param([MoreFlexibility(busy=SHOP, minutes=10)], "c12-movable_minutes=15", id="moves further"),
        pytest.param([ShorterTravel(busy=SHOP, minutes=5, before=True)], "c12-travel_before=15", id="travel there"),
        pytest.param([ShorterTravel(busy=SHOP, minutes=5, before=False)], "c12-travel_after=25", id="travel back"),
        pytest.param([CommitmentSkipped(busy=SHOP, weekday=0)], "c12-only=0&c12-leave_out=on", id="skipped"),
        pytest.param([OneMorePlace(meeting=GROUP, full_on=(date(2026, 12, 7),))], "place=4", id="one more place"),
        pytest.param(
            [StartsLater(asked=date(2026, 12, 1), first=date(2026, 12, 7))], "from=2026-12-07", id="a later start"
        ),
        pytest.param(
            [JoinsBetweenStartDates(track=7, name="Evening", on=date(2026, 12, 1))], "join=7", id="between dates"
        ),
        pytest.param([PrescribesFewerMinutes(before=600, after=570)], "prescribed_minutes=9+h+30+min", id="minutes"),
        pytest.param([PrescribesFewerDays(before=4, after=3)], "prescribed_days=3", id="days"),
        pytest.param([RuleAdjustment(before=3, after=2, rule="minimum_days")], "rule=minimum_days:2", id="a rule"),
        pytest.param(
            [EndsEarlier(busy=SHOP, minutes=20, weekday=3), EndsEarlier(busy=SHOP, minutes=20, weekday=0)],
            "c12-only=3&c12-only=0&c12-ends=17:10",
            id="two days with the same change",
        ),
        pytest.param(
            [EndsEarlier(busy=SHOP, minutes=20, weekday=3), EndsEarlier(busy=SHOP, minutes=10, weekday=0)],
            "",
            id="two days with different minutes have no form",
        ),
        pytest.param(
            [EndsEarlier(busy=SHOP, minutes=20, weekday=3), CommitmentSkipped(busy=SHOP, weekday=0)],
            "",
            id="two days with different kinds have no form",
        ),
        pytest.param(
            [CommitmentSkipped(busy=replace(SHOP, key="calendar 3, 1"))], "", id="a busy time of a calendar has no form"
        ),
        pytest.param(
            [EndsEarlier(busy=SHOP, minutes=20), BeginsLater(busy=ROTATION, minutes=5)],
            "c12-ends=17:10&c13-starts=09:05",
            id="two commitments",
        ),
    ],
)
def test_a_suggestion_fills_in_the_form(changes: list[Adjustment], query: str) -> None:
    assert unquote(encode_changes(changes)) == query


@pytest.mark.parametrize(
    ("text", "after"),
    [
        ("minimum_days:2", 2),
        ("minimum_days:3", None),
        ("minimum_days:9", None),
        ("minimum_days:", None),
        ("minimum_days:-2", None),
        ("week_starts:2", None),
        ("", None),
        ("maximum_minutes:1", None),
    ],
)
def test_an_invalid_change_of_a_rule_is_ignored(text: str, after: int | None) -> None:
    change = parse_rule_change(text, Need(prescribed_minutes=540, prescribed_days=3, from_day=date(2026, 12, 1)))

    assert (change and change.after) == after
