"""Which levels of care and ages a track takes, which tracks mix, and which of the mixed tracks is the home track."""

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from scheduling.domain.search.fit import AlreadyEnrolled, OutsideAges, WrongLevel, find_fits, judge
from scheduling.domain.search.mixed_tracks import MoreOfAnotherTrack, check_home_track, home_track
from scheduling.domain.search.need import CurrentEnrollment, age_on
from scheduling.domain.search.schedules import find_schedules
from tests.unit.hours.test_rules import meeting
from tests.unit.search.test_commitment_conflicts import DAY, MONDAY, need
from tests.unit.search.test_fit import MORNINGS, offer
from timekeeping.reasons import Reason

THREE = MORNINGS[:3]


@pytest.mark.parametrize(
    ("track_fields", "need_fields", "reasons"),
    [
        pytest.param({}, {}, (), id="a track for anybody"),
        pytest.param({}, {"level": "2.5", "age": 3}, (), id="a track for anybody, and a patient of any level and age"),
        pytest.param({"level": "2.1"}, {"level": "2.1"}, (), id="the same level"),
        pytest.param({"level": "2.1"}, {"level": "2.5"}, (WrongLevel("2.1", "2.5"),), id="a higher level"),
        pytest.param({"level": "2.5"}, {"level": "2.1"}, (WrongLevel("2.5", "2.1"),), id="a lower level"),
        pytest.param({"level": "2.5"}, {}, (WrongLevel("2.5", ""),), id="a patient without a level of care"),
        pytest.param({"from_age": 18}, {"age": 18}, (), id="just old enough"),
        pytest.param({"from_age": 18}, {"age": 17}, (OutsideAges(17, 18, None),), id="a year too young"),
        pytest.param({"to_age": 17}, {"age": 17}, (), id="just young enough"),
        pytest.param({"to_age": 17}, {"age": 18}, (OutsideAges(18, None, 17),), id="a year too old"),
        pytest.param({"from_age": 18, "to_age": 25}, {"age": 26}, (OutsideAges(26, 18, 25),), id="outside both bounds"),
        pytest.param({"from_age": 0, "to_age": 0}, {"age": 0}, (), id="zero is an age"),
        pytest.param({"from_age": 18}, {}, (), id="an unknown age is not checked"),
    ],
)
def test_a_track_takes_patients_of_its_level_and_ages(
    track_fields: dict[str, Any], need_fields: dict[str, Any], reasons: tuple[Reason, ...]
) -> None:
    track, patient_need = offer(*THREE, **track_fields), need(**need_fields)
    assert judge(track, patient_need, THREE) == reasons
    (fit,) = find_fits([track], patient_need)
    assert fit.fits == (not reasons)
    assert fit.obstacles == reasons
    assert (fit.whole, fit.enough) == ((None, None) if reasons else (tuple(THREE), tuple(THREE)))


@pytest.mark.parametrize(
    ("enrollment", "is_refused"),
    [
        pytest.param(CurrentEnrollment("T", MONDAY - DAY), True, id="enrolled without an end"),
        pytest.param(CurrentEnrollment("T", MONDAY - DAY, MONDAY + DAY), True, id="until the first day"),
        pytest.param(CurrentEnrollment("T", MONDAY - DAY, MONDAY), False, id="until the day before"),
        pytest.param(CurrentEnrollment("T", MONDAY + DAY), True, id="from a later day on"),
        pytest.param(CurrentEnrollment("E", MONDAY - DAY), False, id="in another track"),
    ],
)
def test_a_track_takes_nobody_who_is_enrolled_in_it(enrollment: CurrentEnrollment, is_refused: bool) -> None:
    patient_need = need(enrollments=(enrollment,))
    assert judge(offer(*THREE), patient_need, THREE) == (
        (AlreadyEnrolled("Track", enrollment.starts),) if is_refused else ()
    )
    assert (not find_schedules([offer(*THREE)], patient_need)) == is_refused


@pytest.mark.parametrize(
    ("day", "years"),
    [
        pytest.param(date(2026, 5, 16), 17, id="the day before"),
        pytest.param(date(2026, 5, 17), 18, id="the birthday"),
        pytest.param(date(2027, 5, 16), 18, id="the day before the next birthday"),
        pytest.param(date(2008, 5, 17), 0, id="the day of birth"),
    ],
)
def test_age_is_in_whole_years(day: date, years: int) -> None:
    assert age_on(day, born=date(2008, 5, 17)) == years


def test_a_person_born_on_a_leap_day_is_a_year_older_on_march_1() -> None:
    born = date(2008, 2, 29)
    assert [age_on(day, born) for day in (date(2026, 2, 28), date(2026, 3, 1), date(2028, 2, 29))] == [17, 18, 20]


@pytest.mark.parametrize(
    ("other", "mixes"),
    [
        pytest.param({}, True, id="the same patients at one site"),
        pytest.param({"name": "Evenings", "key": "E"}, True, id="another name"),
        pytest.param({"site": 2}, False, id="another site"),
        pytest.param({"level": "2.5"}, False, id="another level"),
        pytest.param({"level": ""}, False, id="any level"),
        pytest.param({"from_age": 16}, False, id="younger patients"),
        pytest.param({"to_age": None}, False, id="older patients"),
        pytest.param({"individual_minutes": 60}, False, id="other individual minutes"),
        pytest.param({"mixes": False}, False, id="a track that does not mix"),
    ],
)
def test_tracks_for_the_same_patients_mix(other: dict[str, Any], mixes: bool) -> None:
    one = offer(*THREE, site=1, mixes=True, level="2.1", from_age=18, to_age=25)
    two = replace(one, **other)
    assert one.mixes_with(two) == two.mixes_with(one) == mixes


def test_the_home_track_is_the_one_with_most_of_the_meetings_then_by_name() -> None:
    evenings = [meeting(day, "18:00", "21:00", key=f"E{day}") for day in range(3)]
    shared = meeting(4, key="shared")
    tracks = [offer(*evenings, shared, name="B", key="B"), offer(*MORNINGS[:3], shared, name="A", key="A")]
    assert home_track(tracks, [*evenings[:2], MORNINGS[0]]).key == "B"
    assert home_track(tracks, [evenings[0], MORNINGS[0]]).key == "A"
    assert home_track(tracks, [evenings[0], shared]).key == "B"
    assert home_track(tracks[:1], []).key == "B"
    assert list(check_home_track(tracks[1], tracks[:1], [*evenings[:2], MORNINGS[0]])) == [MoreOfAnotherTrack("B")]
    assert list(check_home_track(tracks[1], tracks[:1], [evenings[0], MORNINGS[0]])) == []
    assert list(check_home_track(tracks[0], tracks[1:], [evenings[0], MORNINGS[0]])) == [], (
        "either of two tracks with as many meetings"
    )
