"""The text of a suggestion: what changes, on which days, by how much, and how many schedules fit after the change."""

from dataclasses import replace
from datetime import date, time
from types import SimpleNamespace
from typing import Any

import pytest
from django.template.engine import Engine

from scheduling.domain.suggestions.changes import (
    Adjustment,
    JoinsBetweenStartDates,
    OneMorePlace,
    PlacesInTrack,
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
from scheduling.reason_text import suggestion_text
from tests.unit.hours.test_rules import meeting
from timekeeping.busy_times import BusyTime
from timekeeping.weeks import Recurrence

THURSDAY = date(2026, 11, 5)
SHIFT = BusyTime(
    key=1,
    label="Joe's & <son>",
    kind="work",
    recurrence=Recurrence(weekdays=frozenset({2, 3})),
    starts=time(9),
    ends=time(17, 30),
    travel_before=20,
    travel_after=25,
)
MOVABLE = replace(SHIFT, movable_minutes=20)
COURT = replace(SHIFT, label="Court", recurrence=Recurrence.once(THURSDAY))
GROUP = meeting(3, "16:30", "17:30", key=7, name="Relapse & recovery")


def text_of(*changes: Adjustment, schedules: int = 2) -> str:
    """Return the text of a suggestion with these changes. The year 2026 is removed from the text."""
    # A real Suggestion would need a best schedule, which the text doesn't mention.
    suggestion: Any = SimpleNamespace(changes=changes, schedules=schedules, is_more=schedules == 50)
    sentence = suggestion_text(suggestion)
    return sentence.replace(" 2026", "")


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        pytest.param(
            EndsEarlier(busy=SHIFT, weekday=3, minutes=20),
            "End “Joe's & <son>” at 5:10 PM instead of 5:30 PM on Thursdays.",
            id="one weekday",
        ),
        pytest.param(
            EndsEarlier(busy=SHIFT, minutes=20),
            "End “Joe's & <son>” at 5:10 PM instead of 5:30 PM.",
            id="all its days",
        ),
        pytest.param(
            EndsEarlier(busy=COURT, minutes=90),
            "End “Court” at 4:00 PM instead of 5:30 PM on Thu, Nov 5.",
            id="one date",
        ),
        pytest.param(
            BeginsLater(busy=SHIFT, weekday=2, minutes=45),
            "Start “Joe's & <son>” at 9:45 AM instead of 9:00 AM on Wednesdays.",
            id="begins later",
        ),
        pytest.param(
            MoreFlexibility(busy=MOVABLE, weekday=3, minutes=15),
            "Let “Joe's & <son>” move by 35 min instead of 20 min on Thursdays.",
            id="moves further",
        ),
        pytest.param(
            ShorterTravel(busy=SHIFT, before=True, minutes=5),
            "Cut the travel to “Joe's & <son>” from 20 min to 15 min.",
            id="the way there",
        ),
        pytest.param(
            ShorterTravel(busy=SHIFT, before=False, minutes=25),
            "Cut the travel after “Joe's & <son>” from 25 min to 0 h.",
            id="the way from there",
        ),
        pytest.param(
            CommitmentSkipped(busy=SHIFT, weekday=3),
            "Skip “Joe's & <son>” on Thursdays.",
            id="not on a weekday",
        ),
        pytest.param(CommitmentSkipped(busy=SHIFT), "Skip “Joe's & <son>”.", id="not at all"),
        pytest.param(
            OneMorePlace(meeting=GROUP, full_on=(THURSDAY, date(2026, 11, 12))),
            "Open one more spot in Thursday’s “Relapse & recovery” (4:30–5:30 PM) on 2 dates, first on Thu, Nov 5.",
            id="full",
        ),
        pytest.param(
            PlacesInTrack(
                track=1,
                name="Evening track",
                places=(
                    OneMorePlace(meeting=GROUP, full_on=(THURSDAY,)),
                    OneMorePlace(meeting=GROUP, full_on=(THURSDAY,)),
                ),
            ),
            "Open one more spot in each of 2 full groups of Evening track, first on Thu, Nov 5.",
            id="a full track",
        ),
        pytest.param(
            StartsLater(asked=date(2026, 11, 2), first=date(2026, 12, 7)),
            "Start treatment on Mon, Dec 7 instead of Mon, Nov 2.",
            id="later",
        ),
        pytest.param(
            JoinsBetweenStartDates(track=1, name="Evening track", on=THURSDAY),
            "Let the patient join Evening track on Thu, Nov 5, between its start dates.",
            id="between start dates",
        ),
        pytest.param(
            PrescribesFewerMinutes(before=540, after=510),
            "Prescribe 8 h 30 min a week instead of 9 h, if whoever ordered the level of care agrees.",
            id="prescription",
        ),
        pytest.param(
            PrescribesFewerDays(before=2, after=1),
            "Prescribe 1 day a week instead of 2, if whoever ordered the level of care agrees.",
            id="prescribed days",
        ),
        pytest.param(
            RuleAdjustment(rule="minimum_minutes", before=540, after=535),
            "Change the site’s rules to require 8 h 55 min a week instead of 9 h.",
            id="least minutes",
        ),
        pytest.param(
            RuleAdjustment(rule="maximum_minutes", before=900, after=910),
            "Change the site’s rules to allow 15 h 10 min a week instead of 15 h.",
            id="most minutes",
        ),
        pytest.param(
            RuleAdjustment(rule="minimum_days", before=3, after=2),
            "Change the site’s rules to require 2 days a week instead of 3.",
            id="least days",
        ),
        pytest.param(
            RuleAdjustment(rule="maximum_days", before=3, after=4),
            "Change the site’s rules to allow 4 days a week instead of 3.",
            id="most days",
        ),
        pytest.param(
            RuleAdjustment(rule="minimum_minutes_per_day", before=180, after=150),
            "Change the site’s rules to require 2 h 30 min a day instead of 3 h.",
            id="least of a day",
        ),
    ],
)
def test_the_text_of_a_suggestion_says_what_changes(change: Adjustment, sentence: str) -> None:
    assert text_of(change) == f"{sentence} Then 2 schedules fit."


@pytest.mark.parametrize(
    ("schedules", "end"),
    [(1, " Then 1 schedule fits."), (49, " Then 49 schedules fit."), (50, " Then 50 or more schedules fit.")],
)
def test_the_text_of_a_suggestion_says_how_many_schedules_would_fit(schedules: int, end: str) -> None:
    assert text_of(CommitmentSkipped(busy=SHIFT), schedules=schedules).endswith(end)


def test_two_changes_are_two_sentences() -> None:
    pair = (EndsEarlier(busy=SHIFT, weekday=3, minutes=20), CommitmentSkipped(busy=COURT))
    assert text_of(*pair) == (
        "Two changes together: End “Joe's & <son>” at 5:10 PM instead of 5:30 PM on Thursdays. Skip “Court” on Thu, Nov 5."
        " Then 2 schedules fit."
    )


def test_every_kind_of_change_has_a_text_and_every_text_its_kind() -> None:
    def kinds(change: type[Adjustment]) -> set[str]:
        return {change.code, *(code for kind in change.__subclasses__() for code in kinds(kind))} - {""}

    template = Engine.get_default().get_template("scheduling/suggestions/adjustments.html")
    # mypy rejects the abstract class because `kinds` could create an instance. `kinds` creates none.
    assert set(template.extra_data["partials"]) == kinds(Adjustment)  # type: ignore[type-abstract]
