"""The positions of groups, commitments and travel in the picture of a week."""

from datetime import date, time, timedelta

import pytest
from django.template.loader import render_to_string
from hypothesis import given
from hypothesis import strategies as st

from scheduling.templatetags.formats import lines_in_block, week_picture
from scheduling.week_picture import Block, assign_lanes, busy_blocks, draw_week
from timekeeping.busy_times import BusyTime
from timekeeping.weeks import Recurrence

MONDAY = date(2026, 11, 23)


def group(starts: int, ends: int, weekday: int = 0) -> Block:
    return Block(weekday, starts, ends, "treatment", "Group")


blocks_of_a_day = st.lists(
    st.tuples(st.integers(0, 1439), st.integers(1, 300)).map(lambda pair: group(pair[0], min(1440, sum(pair)))),
    max_size=8,
)


@given(blocks_of_a_day)
def test_no_block_covers_another(blocks: list[Block]) -> None:
    lanes = assign_lanes(blocks)

    assert sorted(lane.block.starts for lane in lanes) == sorted(block.starts for block in blocks)
    for one in lanes:
        assert one.number < one.lanes
        for two in lanes:
            if one is not two and one.block.starts < two.block.ends and two.block.starts < one.block.ends:
                assert (one.number, one.lanes) != (two.number, two.lanes)
                assert one.lanes == two.lanes


def test_blocks_that_only_touch_keep_the_full_width() -> None:
    assert [lane.lanes for lane in assign_lanes([group(540, 600), group(600, 660)])] == [1, 1]


def test_two_groups_at_once_share_the_width_of_the_day() -> None:
    left, right = draw_week([group(540, 720), group(600, 660)]).rectangles

    assert (left.x, left.width) == ("0.000%", "7.143%")
    assert (right.x, right.width) == ("7.143%", "7.143%")


def test_the_picture_shows_whole_hours_that_contain_every_block() -> None:
    short_day, long_day = draw_week([group(600, 660)]), draw_week([group(395, 460), group(1290, 1435)])

    assert [tick.hour for tick in short_day.ticks] == list(range(8, 18))
    assert short_day.height == 300
    assert [tick.hour for tick in long_day.ticks] == list(range(6, 24, 2))
    assert long_day.rectangles[0].y == 17
    assert long_day.height == 18 * 30


def test_pictures_of_several_weeks_have_the_same_scale() -> None:
    early, late = [group(540, 720)], [group(1200, 1380)]
    pictures = [draw_week(week, other_weeks=[*early, *late]) for week in (early, late)]
    assert pictures[0].height == pictures[1].height == draw_week([*early, *late]).height
    assert pictures[0].rectangles[0].y == draw_week([*early, *late]).rectangles[0].y


def test_a_block_of_one_minute_is_visible() -> None:
    assert draw_week([group(540, 541)]).rectangles[0].height == 2


def test_minutes_of_simultaneous_groups_count_once() -> None:
    picture = draw_week(
        [group(540, 720), group(600, 780), group(540, 600, weekday=2), Block(4, 0, 60, "life", "Shift")]
    )

    assert picture.treatment_minutes == 300
    assert picture.treatment_days == 2
    assert picture.kinds == ("treatment", "life")


def test_a_dated_week_may_begin_on_any_day() -> None:
    sunday = MONDAY - timedelta(days=1)
    picture = draw_week([group(540, 600, weekday=6)], [sunday + timedelta(days=number) for number in range(7)])

    assert picture.columns[0].on == sunday
    assert picture.columns[0].weekday == 6
    assert picture.rectangles[0].x == "0.000%"


def test_a_night_shift_is_drawn_on_both_days_with_its_travel() -> None:
    shift = BusyTime(
        key=1,
        label="Night shift",
        kind="work",
        recurrence=Recurrence(weekdays=frozenset({6})),
        starts=time(22),
        ends=time(6),
        travel_before=30,
        travel_after=30,
    )

    assert sorted(busy_blocks([shift], MONDAY), key=lambda block: (block.weekday, block.starts)) == [
        Block(0, 0, 360, "life", "Night shift"),
        Block(0, 360, 390, "travel", "Travel from Night shift"),
        Block(6, 1290, 1320, "travel", "Travel to Night shift"),
        Block(6, 1320, 1440, "life", "Night shift"),
    ]


@pytest.mark.parametrize(
    ("weekday", "starts", "ends", "kind"),
    [(0, 600, 600, "life"), (0, -1, 60, "life"), (0, 0, 1441, "life"), (7, 0, 60, "life"), (0, 0, 60, "work")],
)
def test_a_block_outside_a_day_cannot_be_built(weekday: int, starts: int, ends: int, kind: str) -> None:
    with pytest.raises(ValueError, match="a block"):
        Block(weekday, starts, ends, kind, "Nonsense")


def test_a_week_has_seven_days() -> None:
    with pytest.raises(ValueError, match="seven days"):
        draw_week([], [MONDAY])


def test_a_group_every_other_week_is_shown_but_not_counted() -> None:
    family = Block(2, 1080, 1170, "treatment", "Family night", uncounted=15, every_other_week=True)
    picture = draw_week([group(540, 720), family])

    assert picture.every_other_week == ("Family night",)
    assert (picture.treatment_minutes, picture.treatment_days) == (180, 1)
    page = render_to_string("components/week_picture.html", week_picture(picture))
    assert 'aria-label="3 h of treatment on 1 day"' in page
    assert "Family night meets every other week, so it isn’t part of the weekly total." in page
    assert page.count("Family night, every other week") == 1


def test_breaks_do_not_count_as_minutes_of_treatment() -> None:
    picture = draw_week([Block(0, 540, 735, "treatment", "Morning group", uncounted=15)])
    assert picture.treatment_minutes == 180


@pytest.mark.parametrize(
    ("label", "height", "lines"),
    [
        pytest.param("Dialysis", 100, ["Dialysis"], id="one word"),
        pytest.param("Morning group", 100, ["Morning", "group"], id="two lines in a high block"),
        pytest.param("Morning group", 30, ["Morning…"], id="one line in a low block"),
        pytest.param("Grief and loss and change", 100, ["Grief and", "loss and…"], id="never three lines"),
    ],
)
def test_a_label_breaks_into_the_lines_that_fit_in_its_block(label: str, height: int, lines: list[str]) -> None:
    assert lines_in_block(label, height) == lines
