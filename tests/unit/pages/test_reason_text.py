"""Every reason has a text on pages, in commands and in JSON. The text contains the numbers of the reason."""

import dataclasses
import importlib
import pkgutil
import sys
import typing
from collections.abc import Iterator
from datetime import date, datetime, time
from zoneinfo import ZoneInfo

import pytest
from django.forms import BaseForm, BaseFormSet
from django.template import Context
from django.template.engine import Engine
from django.utils.html import escape

import accounts
import attendance
import patients
import scheduling
from patients.forms.availability import commitments
from scheduling.domain.hours.reasons import TooFewMinutes
from scheduling.domain.hours.rules import WeeklyMeeting
from scheduling.domain.individual.proposals import HourConflict, HourNotFree, NearestHour, NoFreeHour, WeeklyHour
from scheduling.domain.search.conflicts import CommitmentConflict
from scheduling.domain.search.fit import AlreadyEnrolled
from scheduling.formats import breakable
from scheduling.management.fit.json_output import reasons_json
from scheduling.reason_text import reason_template, reason_text
from tests.paths import PROJECT
from timekeeping.busy_times import BusyTime
from timekeeping.reasons import Reason
from timekeeping.weeks import Recurrence

GROUP = WeeklyMeeting(key=1, name="Relapse & recovery", weekday=3, starts=time(16, 30), ends=time(17, 30))
SHIFT = BusyTime(
    key=1,
    label="Night shift",
    kind="work",
    recurrence=Recurrence(weekdays=frozenset({3})),
    starts=time(17, 45),
    ends=time(2),
    travel_before=25,
    travel_after=25,
)
HOUR = WeeklyHour(counselor=1, weekday=1, starts=720, ends=780)
TAKEN = (
    HourConflict(label="Family group", is_counselors=True, minutes=30, first_date=date(2026, 11, 24), dates=12),
    HourConflict(label="Dentist", is_counselors=False, minutes=15, first_date=date(2026, 12, 1), dates=1),
)
EXAMPLES: dict[object, object] = {
    int: 3,
    int | None: 3,
    str: "Coping & <skills>",
    bool: True,
    time: time(9),
    time | None: time(9),
    date: date(2026, 11, 26),
    date | None: date(2026, 11, 27),
    datetime: datetime(2026, 11, 26, 15, 30, tzinfo=ZoneInfo("America/Chicago")),
    int | str: "Room 2",
    tuple[date, ...]: (date(2026, 11, 26), date(2026, 11, 30)),
    tuple[str, ...]: ("Rosa Lindqvist", "Sam O'Neil"),
    WeeklyMeeting: GROUP,
    BusyTime: SHIFT,
    WeeklyHour: HOUR,
    tuple[HourConflict, ...]: TAKEN,
    NearestHour | None: NearestHour(name="Ada Park", hour=HOUR, conflicts=TAKEN),
}


def reason_classes() -> Iterator[type[Reason]]:
    """Import the domains, services and forms of all apps, and yield each reason class, possibly more than once."""
    for app in (accounts, patients, scheduling, attendance):
        for module in pkgutil.walk_packages(app.__path__, f"{app.__name__}."):
            if module.name.split(".")[1] in {"domain", "services", "forms"}:
                importlib.import_module(module.name)
    to_visit = [Reason]
    while to_visit:
        found = to_visit.pop()
        to_visit += found.__subclasses__()
        # `dataclass(slots=True)` replaces a class with a copy. The original class may still be listed as a subclass.
        if found is not Reason and getattr(sys.modules[found.__module__], found.__name__) is found:
            yield found


REASONS = sorted(set(reason_classes()), key=lambda reason: reason.__name__)


def example(reason: type[Reason]) -> Reason:
    hints = typing.get_type_hints(reason)
    needed = [field.name for field in dataclasses.fields(reason) if field.default is dataclasses.MISSING]
    return reason(**{name: EXAMPLES[hints[name]] for name in needed})


@pytest.fixture
def unknown_names_show(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make templates print UNKNOWN for each variable that does not exist."""
    monkeypatch.setattr(Engine.get_default(), "string_if_invalid", "UNKNOWN")


@pytest.mark.usefixtures("unknown_names_show")
@pytest.mark.parametrize("reason", REASONS, ids=lambda reason: reason.__name__)
def test_every_reason_has_a_text(reason: type[Reason]) -> None:
    sentence = reason_text(example(reason))
    assert sentence.endswith((".", "?")), f"no text for {reason.code}"
    assert "&amp;" not in sentence
    assert "None" not in sentence.replace("None of", "")
    assert "UNKNOWN" not in sentence
    assert sentence == " ".join(sentence.split())


@pytest.mark.parametrize("reason", REASONS, ids=lambda reason: reason.__name__)
def test_every_reason_has_the_same_text_on_a_page_and_in_json(reason: type[Reason]) -> None:
    value = example(reason)
    page = (
        Engine.get_default()
        .from_string("{% load reasons %}<li>{% reason reason %}</li>")
        .render(Context({"reason": value}))
    )
    assert breakable(page) == f"<li>{escape(reason_text(value))}</li>"
    assert reasons_json([value]) == [{"code": reason.code, "sentence": reason_text(value)}]


def test_no_two_reasons_have_the_same_code() -> None:
    codes = [reason.code for reason in REASONS]
    assert sorted(set(codes)) == sorted(codes)


def test_every_text_belongs_to_a_reason() -> None:
    texts: set[str] = set()
    for path in (PROJECT / "templates").glob("*/reasons/*.html"):
        name = str(path.relative_to(PROJECT / "templates"))
        source = path.read_text()
        partials = Engine.get_default().get_template(name).extra_data["partials"]
        texts |= {f"{name}#{partial}" for partial in partials if f"{{% partial {partial} %}}" not in source}
    assert texts == {reason_template(reason) for reason in REASONS}


def test_forms_name_only_codes_that_a_reason_has() -> None:
    named = set(commitments.REASON_FIELDS)
    to_visit: list[type] = [BaseForm, BaseFormSet]
    while to_visit:
        form = to_visit.pop()
        to_visit += form.__subclasses__()
        fields = getattr(form, "reason_fields", {})
        named |= set() if isinstance(fields, property) else set(fields)
    assert len(named) > 40
    assert named <= {reason.code for reason in REASONS}


def test_a_code_is_the_name_of_its_class_unless_the_code_is_public() -> None:
    """Four codes differ from the names of their classes. These codes are public: `manage.py fit --json` prints them."""
    assert TooFewMinutes.code == "too_few_minutes"
    different_codes = {reason.code for reason in REASONS if reason.code.replace("_", "") != reason.__name__.lower()}
    assert different_codes == {"clash", "full", "other_level", "two_at_once"}


def clash(**numbers: typing.Any) -> CommitmentConflict:
    given: dict[str, typing.Any] = {
        "minutes": 10,
        "overlap_minutes": 0,
        "gap_minutes": 15,
        "before": False,
        "dates": 12,
    } | numbers
    given = {"sessions": 12, "every_other_week": False} | given
    return CommitmentConflict(meeting=GROUP, busy=SHIFT, first_date=date(2026, 11, 26), **given)


@pytest.mark.parametrize(
    ("reason", "sentence"),
    [
        pytest.param(
            clash(),
            "Thursday’s “Relapse & recovery” (4:30–5:30 PM) ends 15 min before Night shift starts at 5:45 PM. Travel takes"
            " 25 min, so the patient would be 10 min late. Every week.",
            id="too close before the shift",
        ),
        pytest.param(
            clash(before=True, gap_minutes=20, minutes=5),
            "Thursday’s “Relapse & recovery” (4:30–5:30 PM) starts 20 min after Night shift ends at 2:00 AM. Travel takes"
            " 25 min, so the patient would be 5 min late. Every week.",
            id="too close after the shift",
        ),
        pytest.param(
            clash(overlap_minutes=30, minutes=55, gap_minutes=0),
            "Night shift (5:45 PM–2:00 AM) overlaps Thursday’s “Relapse & recovery” (4:30–5:30 PM) by 30 min,"
            " or 55 min with travel. Every week.",
            id="overlap and travel",
        ),
        pytest.param(
            clash(overlap_minutes=30, minutes=30, gap_minutes=0, dates=1),
            "Night shift (5:45 PM–2:00 AM) overlaps Thursday’s “Relapse & recovery” (4:30–5:30 PM) by 30 min."
            " Only on Thu, Nov 26.",
            id="once",
        ),
        pytest.param(
            clash(overlap_minutes=30, minutes=30, gap_minutes=0, dates=6, every_other_week=True),
            "Night shift (5:45 PM–2:00 AM) overlaps Thursday’s “Relapse & recovery” (4:30–5:30 PM) by 30 min."
            " Every other Thursday, next on Thu, Nov 26; 6 of 12 dates.",
            id="every other week",
        ),
        pytest.param(
            clash(overlap_minutes=30, minutes=30, gap_minutes=0, dates=5),
            "Night shift (5:45 PM–2:00 AM) overlaps Thursday’s “Relapse & recovery” (4:30–5:30 PM) by 30 min."
            " On 5 of 12 dates, next on Thu, Nov 26.",
            id="on some dates",
        ),
        pytest.param(
            clash(before=True, gap_minutes=0, minutes=25),
            "Thursday’s “Relapse & recovery” (4:30–5:30 PM) starts when Night shift ends at 2:00 AM. Travel takes 25 min, so"
            " the patient would be that late. Every week.",
            id="right after the shift",
        ),
        pytest.param(
            clash(gap_minutes=0, minutes=25),
            "Thursday’s “Relapse & recovery” (4:30–5:30 PM) ends when Night shift starts at 5:45 PM. Travel takes 25 min, so"
            " the patient would be that late. Every week.",
            id="right before the shift",
        ),
        pytest.param(
            TooFewMinutes(535, 540),
            "8 h 55 min a week is 5 min less than the 9 h required.",
            id="five minutes short",
        ),
        pytest.param(
            AlreadyEnrolled("Morning", date(2026, 11, 2)),
            "The patient has been enrolled in Morning since Mon, Nov 2. End that enrollment first.",
            id="what would help",
        ),
        pytest.param(
            NoFreeHour(60, NearestHour(name="Ada Park", hour=HOUR, conflicts=TAKEN)),
            "No counselor has 1 h free every week that fits, in one session or split into two. The closest is Tuesday"
            " 12:00–1:00 PM with Ada Park. The counselor’s “Family group” takes 30 min of it. The patient’s “Dentist” takes"
            " 15 min of it on Tue, Dec 1.",
            id="no free hour, and what comes nearest",
        ),
        pytest.param(
            NoFreeHour(45, None),
            "No counselor has 45 min free every week that fits. No counselor’s hours are long enough.",
            id="hours that are too short",
        ),
        pytest.param(
            HourNotFree("Ada Park", HOUR, ()),
            "Tuesday 12:00–1:00 PM is outside Ada Park’s hours for individual sessions.",
            id="outside the counselor's hours",
        ),
        pytest.param(
            HourNotFree("Ada Park", HOUR, TAKEN[:1]),
            "Tuesday 12:00–1:00 PM with Ada Park is not available. The counselor’s “Family group” takes 30 min of it.",
            id="taken meanwhile",
        ),
    ],
)
def test_the_text_of_a_reason_says_what_is_wrong_where_and_by_how_much(reason: Reason, sentence: str) -> None:
    assert reason_text(reason) == sentence
