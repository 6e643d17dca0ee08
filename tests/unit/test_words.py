"""How hours, times, days and standings are said."""

from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

import pytest
import time_machine
from django.template import Context, Template

from attendance.domain.credit import AttendanceStatus
from attendance.domain.ledger import Standing
from attendance.models import AttendanceStatus as AttendanceChoices
from scheduling.models import SessionStatus, TrackStatus
from scheduling.templatetags import words
from scheduling.week_picture import Block, draw

NEW_YORK = ZoneInfo("America/New_York")
IN_2026 = datetime(2026, 11, 23, 12, tzinfo=UTC)


def show(source: str, **context: object) -> str:
    return Template("{% load words %}" + source).render(Context(context)).strip()


@pytest.mark.parametrize(
    ("minutes", "said"),
    [
        (450, "7 h 30"),
        (540, "9 h"),
        (65, "1 h 05"),
        (45, "45 min"),
        (0, "0 h"),
        (-90, "−1 h 30"),
        (-10, "−10 min"),
        (None, "–"),
    ],
)
def test_hours_are_said_with_their_minutes(minutes: int | None, said: str) -> None:
    assert words.hours(minutes) == said


@pytest.mark.parametrize(
    ("minutes", "said"), [(450, "7 hours 30 minutes"), (61, "1 hour 1 minute"), (540, "9 hours"), (0, "0 minutes")]
)
def test_minutes_can_be_read_aloud(minutes: int, said: str) -> None:
    assert words.minutes_words(minutes) == said


@pytest.mark.parametrize(
    ("number", "noun", "said"),
    [
        (1, "place", "1 place"),
        (3, "place", "3 places"),
        (0, "place", "0 places"),
        (2, "person,people", "2 people"),
        (1, "person,people", "1 person"),
    ],
)
def test_a_noun_follows_its_number(number: int, noun: str, said: str) -> None:
    assert words.counted(number, noun) == said


def test_times_are_said_with_an_en_dash() -> None:
    assert show("{% times a b %}", a=time(9), b=time(12, 5)) == "9:00–12:05"


def test_the_same_instant_is_said_on_the_clock_of_its_site() -> None:
    starts, ends = datetime(2026, 11, 23, 14, tzinfo=UTC), datetime(2026, 11, 23, 17, tzinfo=UTC)

    assert show("{% times a b zone %}", a=starts, b=ends, zone=NEW_YORK) == "9:00–12:00"
    assert words.clock(starts.astimezone(NEW_YORK)) == "9:00"
    assert words.clock(words.at_zone(starts, NEW_YORK)) == "9:00"


def test_an_instant_without_a_site_is_refused_rather_than_shown_wrong() -> None:
    starts = datetime(2026, 11, 23, 14, tzinfo=UTC)

    for say in (words.clock, words.day, words.dated, words.instant):
        with pytest.raises(ValueError, match="give the site's"):
            say(starts)


@pytest.mark.parametrize(("minute", "said"), [(0, "0:00"), (545, "9:05"), (1440, "24:00")])
def test_minutes_of_the_day_are_a_time(minute: int, said: str) -> None:
    assert words.clock(minute) == said


@time_machine.travel(IN_2026)
def test_a_day_has_its_year_only_when_it_is_another_one() -> None:
    assert words.day(date(2026, 11, 23)) == "Mon 23 Nov"
    assert words.day(date(2027, 1, 4)) == "Mon 4 Jan 2027"
    assert words.day(date(2027, 1, 4), date(2027, 3, 1)) == "Mon 4 Jan"
    assert words.day(None) == "–"


@time_machine.travel(IN_2026)
def test_the_day_of_an_instant_is_the_site_s() -> None:
    late = datetime(2026, 11, 24, 2, tzinfo=UTC)

    assert words.day(late, NEW_YORK) == "Mon 23 Nov"
    assert words.instant(late, NEW_YORK) == "Mon 23 Nov, 21:00"
    assert words.dated(late.astimezone(NEW_YORK)) == "23 Nov 2026"


@time_machine.travel(IN_2026)
@pytest.mark.parametrize(
    ("first", "last", "said"),
    [
        (date(2026, 11, 23), date(2026, 11, 29), "Mon 23 – Sun 29 Nov"),
        (date(2026, 11, 30), date(2026, 12, 6), "Mon 30 Nov – Sun 6 Dec"),
        (date(2026, 12, 28), date(2027, 1, 3), "Mon 28 Dec 2026 – Sun 3 Jan 2027"),
        (date(2026, 11, 23), date(2026, 11, 23), "Mon 23 Nov"),
    ],
)
def test_a_range_of_days_says_the_month_once(first: date, last: date, said: str) -> None:
    assert words.day_range(first, last) == said


@pytest.mark.parametrize(
    ("numbers", "said"),
    [
        ({0, 2, 4}, "Mon, Wed, Fri"),
        (range(5), "Mon–Fri"),
        ({0, 1, 2, 5}, "Mon–Wed, Sat"),
        ({5, 6}, "Sat, Sun"),
        ((3, 3), "Thu"),
        ((), ""),
    ],
)
def test_weekdays_in_a_row_are_said_as_one(numbers: list[int], said: str) -> None:
    assert words.weekdays(numbers) == said


def test_weekdays_count_from_monday() -> None:
    assert (words.weekday(0), words.weekday_short(6)) == ("Monday", "Sun")


@pytest.mark.parametrize("standing", Standing)
def test_every_standing_has_an_icon_and_a_word(standing: Standing) -> None:
    badge = show("{% standing_badge standing %}", standing=standing)

    assert words.STANDINGS[standing.value].word in badge
    assert 'aria-hidden="true"' in badge


def test_a_week_without_a_ledger_has_no_badge() -> None:
    assert show("{% standing_badge none %}", none=None) == ""


@pytest.mark.parametrize("status", [*AttendanceStatus, *SessionStatus, *TrackStatus])
def test_every_status_has_a_badge(status: str) -> None:
    assert 'class="badge tone-' in show("{% status_badge status %}", status=status)


def test_marks_are_called_what_forms_call_them() -> None:
    assert {value: badge.word for value, badge in words.MARKS.items()} == dict(AttendanceChoices.choices)


def test_what_nobody_marked_is_not_marked_yet() -> None:
    assert "Not marked yet" in show("{% mark_badge none %}", none=None)


def test_the_meter_says_in_words_what_it_draws() -> None:
    drawn = show("{% meter 450 540 1500 prescribed=600 to_come=90 %}")

    assert 'aria-label="7 h 30, 1 h 30 still to come, 10 h prescribed, 9 h to 25 h a week allowed"' in drawn
    assert "style=" not in drawn


@pytest.mark.parametrize(("minutes", "tone"), [(539, "under"), (540, "enough"), (1500, "enough"), (1501, "over")])
def test_the_meter_turns_at_the_bounds(minutes: int, tone: str) -> None:
    assert f"meter-{tone}" in show("{% meter minutes 540 1500 %}", minutes=minutes)


def test_a_week_is_a_picture_and_the_same_as_a_table() -> None:
    picture = draw([Block(0, 540, 720, "treatment", "Skills group"), Block(0, 1320, 1440, "life", "Night shift")])
    drawn = show("{% week_picture picture %}", picture=picture)

    assert 'aria-label="3 h of treatment over 1 day"' in drawn
    assert "<title>Skills group, 9:00–12:00</title>" in drawn
    assert '<td class="nowrap">22:00–24:00</td>' in drawn
    assert "Travel" not in drawn
    assert "style=" not in drawn


def test_a_picture_that_others_may_see_says_nothing_about_treatment() -> None:
    picture = draw([Block(0, 540, 720, "treatment", "Appointment")])
    drawn = show("{% week_picture picture discreet=True %}", picture=picture)

    assert "3 h of appointments over 1 day" in drawn
    assert ">Treatment" not in drawn
    assert "of treatment" not in drawn


def test_a_week_with_nothing_in_it_says_so() -> None:
    assert "Nothing in this week." in show("{% week_picture picture %}", picture=draw([]))
