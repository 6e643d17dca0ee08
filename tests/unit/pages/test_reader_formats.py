"""Dates, times and durations are written in the format of the reader's locale and clock."""

from datetime import date, datetime, time
from zoneinfo import ZoneInfo

import pytest
from django.template import Context, Template
from django.utils import translation

from iopmanager.reader import hour_clock_of
from scheduling import formats
from scheduling.templatetags.formats import clock_in_block

NEW_YORK = ZoneInfo("America/New_York")
MONDAY = date(2026, 11, 23)


@pytest.mark.parametrize(
    ("language", "hour_clock", "starts", "ends", "expected"),
    [
        pytest.param("en", "12", time(9), time(12, 15), "9:00 AM–12:15 PM", id="from one half of the day to the other"),
        pytest.param("en", "12", time(9), time(11, 30), "9:00–11:30 AM", id="within the morning"),
        pytest.param("en", "12", time(12), time(13), "12:00–1:00 PM", id="noon"),
        pytest.param("en", "12", time(22), time(6), "10:00 PM–6:00 AM", id="past midnight"),
        pytest.param("en", "12", time(23), time(13), "11:00 PM–1:00 PM", id="past midnight to the same half of a day"),
        pytest.param("en", "12", 1080, 1440, "6:00 PM–12:00 AM", id="to the end of the day"),
        pytest.param("en", "24", time(9), time(17, 30), "9:00–17:30", id="24 hours"),
        pytest.param("en", "24", 1080, 1440, "18:00–24:00", id="24 hours, to the end of the day"),
        pytest.param("es", "12", time(9), time(17, 30), "9:00 AM–5:30 PM", id="US Spanish"),
        pytest.param("en", "12", time(9), time(9), "all day", id="all day"),
    ],
)
def test_times_follow_the_reader(
    language: str, hour_clock: str, starts: time | int, ends: time | int, expected: str
) -> None:
    with translation.override(language), hour_clock_of(lambda: hour_clock):
        assert formats.times(starts, ends) == expected


@pytest.mark.parametrize(
    ("language", "expected"),
    [
        pytest.param(
            "en", ("Mon, Nov 23", "Mon, Nov 23, 2026", "Nov 23, 2026", "Monday, November 23"), id="US English"
        ),
        pytest.param("es", ("lun 23 nov", "lun 23 nov 2026", "23 nov 2026", "lunes 23 de noviembre"), id="US Spanish"),
    ],
)
def test_dates_follow_the_reader(language: str, expected: tuple[str, ...]) -> None:
    with translation.override(language):
        shown = (
            formats.day(MONDAY, MONDAY),
            formats.day(MONDAY, date(2025, 1, 1)),
            formats.full_date(MONDAY),
            formats.long_day(MONDAY),
        )
    assert shown == expected


@pytest.mark.parametrize(
    ("language", "zone", "expected"),
    [
        pytest.param("en", "America/New_York", "Eastern (New York)", id="English"),
        pytest.param("es", "America/New_York", "Este (Nueva York)", id="Spanish"),
        pytest.param("es", "America/Detroit", "Detroit", id="a zone without a usual name"),
        pytest.param("es", "Etc/GMT+5", "GMT+5", id="a zone without a city"),
    ],
)
def test_a_time_zone_is_named_in_the_readers_language(language: str, zone: str, expected: str) -> None:
    with translation.override(language):
        assert formats.zone_name(zone) == expected


def test_an_instant_is_shown_in_the_zone_of_the_site() -> None:
    moment = datetime(2026, 11, 23, 22, 30, tzinfo=ZoneInfo("UTC"))
    assert formats.clock(moment, NEW_YORK) == "5:30 PM"


@pytest.mark.parametrize(
    ("minutes", "expected"),
    [
        (450, "7 h 30 min"),
        (65, "1 h 5 min"),
        (540, "9 h"),
        (45, "45 min"),
        (0, "0 h"),
        (-90, "−1 h 30 min"),
        (None, "–"),
    ],
)
def test_durations_have_hours_and_minutes(minutes: int | None, expected: str) -> None:
    assert formats.hours(minutes) == expected


def test_on_pages_no_line_breaks_between_a_number_and_its_unit_or_in_a_range() -> None:
    values = {
        "starts": time(9),
        "ends": time(12, 15),
        "at": datetime(2026, 11, 23, 9, tzinfo=NEW_YORK),
        "days": [0, 1, 2],
    }
    page = Template(
        "{% load formats %}{{ 450|hours }}, {{ 540|long_hours }}, {% hours_and_days 90 1 %}, {{ 9|hour_tick }}, "
        "{{ starts|clock }}, {% times starts ends %}, {{ at|instant }}, {{ days|weekdays }}"
    ).render(Context(values))

    assert page.replace("\N{NO-BREAK SPACE}", "_").replace("\N{WORD JOINER}", "|") == (
        "7_h 30_min, 9_hours, 1_h 30_min and 1_day, 9_AM, 9:00_AM, 9:00_AM|–|12:15_PM, Mon, Nov 23, 9:00_AM, Mon|–|Wed"
    )
    assert formats.breakable(page).endswith("9:00 AM, 9:00 AM–12:15 PM, Mon, Nov 23, 9:00 AM, Mon–Wed")


def test_headings_do_not_break_after_a_short_part_of_a_word() -> None:
    page = Template("{% load formats %}{{ html|safe|unbroken_words }}").render(
        Context({"html": '<b class="co-op">Co-occurring</b> step-down, P-1, 3-day'})
    )
    assert page == '<b class="co-op">Co\N{NON-BREAKING HYPHEN}occurring</b> step-down, P-1, 3-day'
    assert formats.breakable(page) == '<b class="co-op">Co-occurring</b> step-down, P-1, 3-day'


def test_elsewhere_durations_and_times_have_plain_spaces() -> None:
    assert formats.hours(450) == "7 h 30 min"
    assert formats.instant(datetime(2026, 11, 23, 9, tzinfo=NEW_YORK)) == "Mon, Nov 23, 9:00 AM"


@pytest.mark.parametrize(
    ("hour_clock", "expected"), [("12", '5:30<tspan class="block-meridiem"> PM</tspan>'), ("24", "17:30")]
)
def test_a_narrow_picture_can_leave_out_am_and_pm(hour_clock: str, expected: str) -> None:
    with hour_clock_of(lambda: hour_clock):
        assert clock_in_block(time(17, 30)) == expected


@pytest.mark.parametrize(
    ("hour_clock", "expected"), [("12", ["8 AM", "12 PM", "12 AM"]), ("24", ["8:00", "12:00", "24:00"])]
)
def test_the_scale_of_a_picture_follows_the_clock(hour_clock: str, expected: list[str]) -> None:
    with hour_clock_of(lambda: hour_clock):
        assert [formats.hour_tick(hour) for hour in (8, 12, 24)] == expected


def test_a_range_of_times_can_break_after_its_dash_where_it_may_not_fit() -> None:
    together, apart = (
        Template(f"{{% load formats %}}{{% times 540 735 as range %}}{{{{ range{after} }}}}").render(Context())
        for after in ("", "|breaks_at_dash")
    )
    assert together == "9:00\N{NO-BREAK SPACE}AM\N{WORD JOINER}–\N{WORD JOINER}12:15\N{NO-BREAK SPACE}PM"
    assert apart == "9:00\N{NO-BREAK SPACE}AM\N{WORD JOINER}–12:15\N{NO-BREAK SPACE}PM"
