"""A track can be limited to a level of care or an age range. The limits are checked when a patient is enrolled."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import time_machine
from django.test import Client
from django.urls import reverse

from accounts.models import User
from accounts.permissions import Role
from clinic_import.reading.faults import ImportFailed
from patients.models import Episode, LevelOfCare
from patients.services.care.episodes import LevelValues, set_level_of_care
from scheduling.domain.hours.rules import HoursRules
from scheduling.domain.search.fit import OutsideAges, WrongLevel
from scheduling.models import Enrollment, Site, Track
from scheduling.services.bookings.horizon import extend_horizon
from scheduling.services.enrollment.change import change_meetings
from scheduling.services.enrollment.enroll import enroll_patient
from scheduling.services.enrollment.transfer import transfer_enrollment
from scheduling.services.search.offers import search_tracks
from tests.factories import (
    MONDAY,
    admit,
    make_meeting,
    make_patient,
    make_site,
    make_staff,
    make_track,
    make_weekday_track,
)
from tests.spreadsheets import clinic_with, import_files
from timekeeping.reasons import Refused

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 11, 22, 17, tzinfo=UTC)
WEEK = timedelta(weeks=1)
TYPED = {"code": "T", "name": "Teens", "individual_minutes": 0, "entry": "rolling"}


@pytest.fixture(autouse=True)
def sunday_noon() -> Iterator[None]:
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def site() -> Site:
    return make_site()


@pytest.fixture
def by(site: Site) -> User:
    return make_staff(Role.COORDINATOR, site)


@pytest.fixture
def desk(by: User, client: Client) -> Client:
    client.force_login(by)
    return client


@pytest.fixture
def episode(site: Site) -> Episode:
    """Episode of a patient who turns 18 a week after admission."""
    return admit(make_patient(site, birth_date=date(2008, 11, 30)))


def enroll(episode: Episode, track: Track, by: User, starts: date = MONDAY) -> Enrollment:
    extend_horizon(site=track.site, now=NOW)
    meetings = list(track.meetings.filter(weekday__in=(0, 2, 4)))
    return enroll_patient(episode=episode, track=track, meetings=meetings, starts=starts, by=by, now=NOW)


def refused(act: Any, *args: Any, **said: Any) -> tuple[Any, ...]:
    with pytest.raises(Refused) as refusal:
        act(*args, **said)
    return refusal.value.reasons


def step_up(episode: Episode, by: User, starts: date) -> None:
    values = LevelValues(
        level=LevelOfCare.HIGHER, prescribed_minutes=540, prescribed_days=3, starts=starts, stated_by="Dr. Cole, MD"
    )
    set_level_of_care(episode=episode, values=values, rules=HoursRules(), by=by, now=NOW)


def test_the_level_is_checked_on_the_first_day(episode: Episode, by: User) -> None:
    track = make_weekday_track(episode.site, level=LevelOfCare.HIGHER)
    step_up(episode, by, MONDAY + WEEK)
    assert refused(enroll, episode, track, by) == (WrongLevel("2.5", "2.1"),)
    assert search_tracks(episode=episode, from_day=MONDAY, now=NOW)[0].obstacles == (WrongLevel("2.5", "2.1"),)
    assert enroll(episode, track, by, starts=MONDAY + WEEK).starts == MONDAY + WEEK


def test_the_age_is_checked_on_the_first_day(episode: Episode, by: User) -> None:
    adults = make_weekday_track(episode.site, from_age=18, name="Adults")
    assert refused(enroll, episode, adults, by) == (OutsideAges(17, 18, None),)
    assert enroll(episode, adults, by, starts=MONDAY + WEEK).starts == MONDAY + WEEK
    (fit,) = search_tracks(episode=episode, from_day=MONDAY, now=NOW)
    assert not fit.fits


def test_a_patient_stays_in_a_track_beyond_its_audience_but_a_new_track_checks_it(
    episode: Episode, site: Site, by: User
) -> None:
    teens = make_track(site, [make_meeting(site, day) for day in range(5)], to_age=17, level="2.1", name="Teens")
    evenings = make_track(
        site, [make_meeting(site, day, "18:00", "21:00") for day in (0, 2, 4)], to_age=17, level="2.1", name="Evenings"
    )
    enrollment = enroll(episode, teens, by)
    step_up(episode, by, MONDAY + WEEK)
    arguments: dict[str, Any] = {"by": by, "now": NOW}
    later = MONDAY + 2 * WEEK
    others = list(teens.meetings.filter(weekday__in=(0, 1, 2)))
    change_meetings(enrollment=enrollment, meetings=others, from_day=later, **arguments)
    meetings = list(evenings.meetings.all())
    assert refused(
        transfer_enrollment, enrollment=enrollment, track=evenings, meetings=meetings, starts=later, **arguments
    ) == (WrongLevel("2.1", "2.5"), OutsideAges(18, None, 17))


def test_the_form_saves_a_level_and_ages_and_the_page_shows_them(desk: Client, site: Site) -> None:
    made = desk.post(reverse("track-new"), TYPED | {"level": "2.1", "from_age": "13", "to_age": "17"})
    track = Track.objects.get()
    assert (made.status_code, track.level, track.from_age, track.to_age) == (302, "2.1", 13, 17)
    page = desk.get(reverse("track", args=[track.pk])).text
    assert "Level 2.1 only" in page
    assert "Ages 13 to 17" in page
    form = desk.get(reverse("track-edit", args=[track.pk])).text
    assert 'name="from_age" value="13"' in form
    desk.post(reverse("track-edit", args=[track.pk]), TYPED | {"from_age": "", "to_age": "17"})
    assert "Ages up to 17" in desk.get(reverse("track", args=[track.pk])).text
    desk.post(reverse("track-edit", args=[track.pk]), TYPED)
    assert "Any age and level of care" in desk.get(reverse("track", args=[track.pk])).text


def test_an_invalid_age_range_is_refused_beside_the_field_and_the_input_is_kept(desk: Client, site: Site) -> None:
    response = desk.post(reverse("track-new"), TYPED | {"level": "2.5", "from_age": "18", "to_age": "17"})
    assert response.status_code == 422
    assert "The maximum age is below the minimum age." in response.text
    assert 'value="18"' in response.text
    assert '<option value="2.5" selected>' in response.text
    assert desk.post(reverse("track-new"), TYPED | {"to_age": "121"}).status_code == 422
    assert not Track.objects.exists()


def test_the_page_says_why_a_patient_of_another_age_does_not_fit(desk: Client, episode: Episode) -> None:
    make_weekday_track(episode.site, from_age=18, level="2.5")
    page = desk.get(reverse("find-schedule", args=[episode.patient_id]), {"from": "2026-11-23"}).text
    assert "This track is for ages 18 and over. The patient will be 17 on the first day." in page
    assert "This track is for level 2.5, and the ordered level is 2.1." in page


def test_an_import_sets_level_ages_and_mixing(tmp_path: Path) -> None:
    import_files(tmp_path)
    track = Track.objects.get()
    files = clinic_with(
        "tracks", "status\nNORTH,AM,Morning,published", "level,from_age,to_age\nNORTH,AM,Morning,2.1,18,25"
    )
    (change,) = import_files(tmp_path, files).changes
    assert [(each.column, each.before, each.after) for each in change.fields] == [
        ("level", "nothing", "2.1"),
        ("from_age", "nothing", "18"),
        ("to_age", "nothing", "25"),
    ]
    track.refresh_from_db()
    assert (track.level, track.from_age, track.to_age) == ("2.1", 18, 25)
    assert import_files(tmp_path, files).changes == ()
    assert import_files(tmp_path).changes == (), "what a file does not have stays"
    sites = clinic_with("sites", "time_zone\nNORTH,Harbor Street,America/New_York", "time_zone,mixes_tracks\n"
                    "NORTH,Harbor Street,America/New_York,yes")  # fmt: skip
    (change,) = import_files(tmp_path, sites).changes
    assert [(each.column, each.before, each.after) for each in change.fields] == [("mixes_tracks", "no", "yes")]
    assert Site.objects.get().mixes_tracks


@pytest.mark.parametrize(
    ("columns", "cells", "fault"),
    [
        ("from_age,to_age", "18,17", "to_age: The maximum age, 17, is less than the minimum age, 18."),
        ("to_age", "12", "to_age: The maximum age, 12, is less than the minimum age, 13."),
        ("to_age", "grown up", "to_age: “grown up” is not a whole number."),
        ("level", "3.1", "level: “3.1” is not one of the options. Use one of these: 2.1, 2.5."),
    ],
)
def test_import_errors_name_row_and_column(tmp_path: Path, columns: str, cells: str, fault: str) -> None:
    import_files(tmp_path)
    Track.objects.update(from_age=13)
    with pytest.raises(ImportFailed) as faulty:
        import_files(
            tmp_path,
            clinic_with("tracks", "status\nNORTH,AM,Morning,published", f"{columns}\nNORTH,AM,Morning,{cells}"),
        )
    assert [str(each) for each in faulty.value.faults] == [f"tracks.csv, row 2, {fault}"]
