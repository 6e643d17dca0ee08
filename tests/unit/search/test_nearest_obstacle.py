"""The nearest obstacle of a track. Lists show this obstacle in one line, and fold away all other reasons."""

from dataclasses import replace
from datetime import date

import pytest
from django.template.loader import render_to_string
from django.utils.html import strip_tags

from scheduling.domain.hours.rules import HoursRules, WeeklyMeeting
from scheduling.domain.search.fit import WrongLevel
from scheduling.domain.search.nearest_obstacle import BlockedGroups, nearest_obstacle
from scheduling.domain.search.need import Need, Offer
from scheduling.formats import breakable, one_line
from tests.unit.search.test_commitment_conflicts import busy, need
from tests.unit.search.test_fit import MONDAY, MORNINGS, WEEK, fit_of, offer
from timekeeping.busy_times import TREATMENT, BusyTime, treatment_key

FOUR = MORNINGS[:4]
WORK = busy((0, 1, 2, 3), "08:00", "16:00", label="Work")
CLASS = busy((1,), "09:00", "10:00", label="Class")


def attended(meeting: WeeklyMeeting) -> BusyTime:
    """Return the busy time of a group that the patient already attends."""
    starts, ends = f"{meeting.starts:%H:%M}", f"{meeting.ends:%H:%M}"
    held = busy((meeting.weekday,), starts, ends, label=meeting.name, anchor=meeting.anchor)
    return replace(held, key=treatment_key(meeting.key), kind=TREATMENT)


def text_of(track: Offer, asked: Need) -> str:
    nearest = nearest_obstacle(fit_of(track, asked))
    line = render_to_string("scheduling/search/_nearest_obstacle.html", {"nearest": nearest})
    return strip_tags(breakable(one_line(line)))


@pytest.mark.parametrize(
    ("track", "asked", "text"),
    [
        pytest.param(offer(*FOUR), need(WORK), "Work conflicts with all 4 groups, every week", id="all groups"),
        pytest.param(
            offer(*FOUR),
            need(WORK, CLASS),
            "Work conflicts with all 4 groups, every week · 1 more reason",
            id="another commitment is in the way too",
        ),
        pytest.param(
            offer(*FOUR, full={1: [MONDAY + WEEK]}),
            need(WORK, CLASS),
            "Work conflicts with all 4 groups, every week · 2 more reasons",
            id="another commitment and a full group are in the way too",
        ),
        pytest.param(
            offer(*MORNINGS[:3], replace(MORNINGS[3], anchor=MONDAY)),
            need(WORK),
            "Work conflicts with all 4 groups, every time they meet",
            id="all groups, one of which meets every other week",
        ),
        pytest.param(
            offer(*MORNINGS[:3], replace(MORNINGS[3], anchor=MONDAY)),
            need(busy((2, 3), "08:00", "16:00", label="Work")),
            "Work conflicts with 2 of 4 groups (Wed, Thu) by up to 3 h each, every time they meet",
            id="two groups, one of which meets every other week",
        ),
        pytest.param(
            offer(*MORNINGS[:3], replace(MORNINGS[3], anchor=MONDAY)),
            need(*map(attended, (*MORNINGS[:3], replace(MORNINGS[3], anchor=MONDAY)))),
            "All 4 groups are part of the current enrollment",
            id="the track of the current enrollment",
        ),
        pytest.param(
            offer(*FOUR),
            need(attended(MORNINGS[2])),
            "1 of 4 groups is part of the current enrollment (Wed)",
            id="a track that shares a group with the current enrollment",
        ),
        pytest.param(
            offer(*FOUR),
            need(busy((0, 1), "08:00", "16:00", label="Work"), CLASS),
            "Work conflicts with 2 of 4 groups (Mon, Tue) by up to 3 h each, every week · 1 more reason",
            id="the commitment that blocks the most groups",
        ),
        pytest.param(
            offer(*FOUR),
            need(busy((0, 1), "08:00", "16:00", label="Work", anchor=MONDAY + WEEK)),
            "Work conflicts with 2 of 4 groups (Mon, Tue) by up to 3 h each, every other week, next on Mon, Nov 9",
            id="every other week",
        ),
        pytest.param(
            offer(*FOUR),
            need(busy((0, 1, 2, 3), "08:00", "16:00", label="Work", anchor=MONDAY)),
            "Work conflicts with all 4 groups, every other week, next on Mon, Nov 2",
            id="all groups every other week",
        ),
        pytest.param(
            offer(*FOUR),
            need(busy((0, 1), "08:00", "16:00", label="Work", valid_from=MONDAY + WEEK)),
            "Work conflicts with 2 of 4 groups (Mon, Tue) by up to 3 h each on 6 of 8 dates, next on Mon, Nov 9",
            id="from next week on",
        ),
        pytest.param(
            offer(*FOUR),
            need(busy((0, 1, 2, 3), "08:00", "16:00", label="Work", valid_from=MONDAY + WEEK)),
            "Work conflicts with all 4 groups on 12 of 16 dates, next on Mon, Nov 9",
            id="all groups from next week on",
        ),
        pytest.param(
            offer(*FOUR),
            need(busy((0,), "08:00", "16:00", label="Choir", anchor=MONDAY), CLASS),
            "Class conflicts with 1 of 4 groups (Tue) by 1 h, every week · 1 more reason",
            id="of two commitments, the one on more dates",
        ),
        pytest.param(
            offer(*FOUR),
            need(busy((0,), "08:00", "16:00", label="Work", valid_from=MONDAY + WEEK)),
            "Work conflicts with 1 of 4 groups (Mon) by 3 h on 3 of 4 dates, next on Mon, Nov 9",
            id="one group on some dates",
        ),
        pytest.param(
            offer(*FOUR),
            need(
                CLASS,
                *(replace(busy((day,), "09:00", "12:00", label=f"Group {day}"), kind=TREATMENT) for day in (0, 2)),
            ),
            "Current enrollment conflicts with 2 of 4 groups (Mon, Wed) by up to 3 h each, every week · 1 more reason",
            id="the groups of the current enrollment count as one busy time",
        ),
        pytest.param(
            offer(MORNINGS[0]), need(WORK), "Work conflicts with its only group, every week", id="the only group"
        ),
        pytest.param(
            offer(*FOUR, full={1: [MONDAY + WEEK]}),
            need(prescribed_minutes=720),
            "1 of 4 groups is full (Tue), first on Mon, Nov 9",
            id="one full group",
        ),
        pytest.param(
            offer(*FOUR, full={day: [date(2026, 11, 5)] for day in range(4)}),
            need(CLASS),
            "All 4 groups are full, first on Thu, Nov 5 · 1 more reason",
            id="more groups are full than conflict",
        ),
        pytest.param(
            offer(*FOUR, level="3.1"),
            need(WORK, level="2.1"),
            "This track is for level 3.1, and the ordered level is 2.1.",
            id="the track is for another level",
        ),
        pytest.param(
            offer(*MORNINGS[:2]),
            need(rules=HoursRules(minimum_minutes=360, minimum_days=2)),
            "6 h a week is 3 h less than the 9 h prescribed.",
            id="only the hours are missing",
        ),
    ],
)
def test_the_nearest_obstacle_says_what_is_in_the_way_and_how_often(track: Offer, asked: Need, text: str) -> None:
    assert text_of(track, asked) == text


def test_a_track_that_fits_has_no_obstacle() -> None:
    assert nearest_obstacle(fit_of(offer(*FOUR), need())) is None


def test_an_obstacle_of_the_whole_track_is_a_reason_and_a_blocked_group_is_counted_once() -> None:
    assert nearest_obstacle(fit_of(offer(*FOUR, level="3.1"), need(WORK, level="2.1"))) == WrongLevel("3.1", "2.1")
    twice = busy((0,), "09:00", "10:00", label="Work"), busy((0,), "11:00", "12:00", label="Work")
    assert nearest_obstacle(fit_of(offer(*FOUR), need(*twice, prescribed_minutes=720))) == BlockedGroups(
        commitment="Work",
        blocked=1,
        groups=4,
        weekdays=(0,),
        is_always=True,
        is_every_week=True,
        every_other_week=False,
        dates=4,
        first_date=MONDAY,
        sessions=4,
        minutes=120,
    )
