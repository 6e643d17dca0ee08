"""The pages on which individual sessions are chosen, arranged later or moved, and the pages for counselor hours."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from accounts.models import Action, AuditEvent, User
from accounts.permissions import Role
from patients.models import Episode
from scheduling.domain.individual.proposals import WeeklyHour
from scheduling.forms.enrollment.individual import WeeklyHoursField, encode_hours
from scheduling.models import Booking, CounselorHours, Enrollment, Meeting, Session, Site, Track
from scheduling.services.bookings.horizon import extend_horizon
from scheduling.services.enrollment.end import end_enrollment
from scheduling.services.enrollment.enroll import enroll_patient
from tests.confirmation import preview_and_confirm
from tests.factories import (
    MONDAY,
    admit,
    make_hours,
    make_patient,
    make_patient_user,
    make_site,
    make_staff,
    make_weekday_track,
)

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 11, 22, 17, tzinfo=UTC)


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
def ada(site: Site) -> User:
    return make_staff(Role.CLINICIAN, site, "Ada Park")


@pytest.fixture
def track(site: Site, ada: User) -> Track:
    track = make_weekday_track(site, lead=ada, individual_minutes=60)
    make_hours(ada, site, 2, "12:00", "15:00")
    make_hours(ada, site, 1, "09:00", "10:00")
    extend_horizon(site=site, now=NOW)
    return track


@pytest.fixture
def episode(site: Site) -> Episode:
    return admit(make_patient(site), minutes=600)


@pytest.fixture
def desk(by: User) -> Client:
    return signed_in_as(by)


def signed_in_as(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def hour(who: User, weekday: int, starts: int, minutes: int = 60) -> WeeklyHour:
    return WeeklyHour(counselor=who.pk, weekday=weekday, starts=starts * 60, ends=starts * 60 + minutes)


def enrolled(episode: Episode, track: Track, by: User, *hours: WeeklyHour) -> Enrollment:
    return enroll_patient(
        episode=episode,
        track=track,
        meetings=list(track.meetings.all()),
        starts=MONDAY,
        individual=hours,
        by=by,
        now=NOW,
    )


def address(episode: Episode, track: Track) -> str:
    return reverse("enroll", args=[episode.patient_id, track.pk])


def filled_in(track: Track, *hours: WeeklyHour, **more: Any) -> dict[str, Any]:
    meetings = [meeting.pk for meeting in track.meetings.all()]
    return {"starts": MONDAY, "meetings": meetings, "modality": "in_person", "individual": encode_hours(hours), **more}


def test_times_are_proposed_with_reasons_and_chosen_with_the_track(
    desk: Client, episode: Episode, track: Track, ada: User
) -> None:
    page = desk.get(address(episode, track)).text
    assert "1 h a week with one counselor" in page
    assert "<strong>Wednesday 12:00–1:00 PM</strong> with Ada Park" in page
    assert "right after Group" in page
    assert "on a day without groups" in page
    assert "More times" in page
    assert 'value="none" id="individual-none" checked' in page
    response = desk.post(address(episode, track), filled_in(track, hour(ada, 2, 12)), follow=True)
    assert "All upcoming sessions are booked." in response.text
    assert "need to be scheduled" not in response.text
    assert Session.objects.filter(service_type__code="individual", booked=1).count() == 12


def test_individual_time_can_be_arranged_later_and_the_chart_says_so(
    desk: Client, episode: Episode, track: Track
) -> None:
    page = desk.post(address(episode, track), filled_in(track), follow=True).text
    assert "Individual sessions still need to be scheduled." in page
    assert "1 h of individual sessions a week" in page


def test_the_chart_shows_individual_time_with_the_enrollment_and_counts_it_once(
    desk: Client, episode: Episode, track: Track, by: User, ada: User
) -> None:
    enrolled(episode, track, by, hour(ada, 2, 12))
    page = desk.get(reverse("patient", args=[episode.patient_id])).text
    assert "Individual session" in page
    assert "10 h on 3 days." in page
    assert "To schedule" not in page
    assert "of no track" not in page


def test_a_time_that_was_taken_in_the_meantime_is_refused_and_the_input_is_kept(
    desk: Client, episode: Episode, track: Track, by: User, ada: User, site: Site
) -> None:
    enrolled(admit(make_patient(site), minutes=600), track, by, hour(ada, 2, 12))
    response = desk.post(address(episode, track), filled_in(track, hour(ada, 2, 12), modality="telehealth"))
    page = response.text
    assert response.status_code == 422
    assert (
        "Wednesday 12:00–1:00 PM with Ada Park is not available. The counselor’s “Individual session” takes 1 h of it."
        in page
    )
    assert f'value="{encode_hours([hour(ada, 2, 12)])}" id="individual-gone" checked' in page
    assert (
        'value="telehealth" class="form-check-input" id="id_modality_1" required checked' in page or "checked" in page
    )
    assert not episode.enrollments.exists()


@pytest.mark.parametrize("nonsense", ["x", "1.7.720.60", "1.2.720", "1.2.1400.60", "1.2.720.0", "1.2.720.60+", "²" * 3])
def test_invalid_input_is_not_a_time(desk: Client, episode: Episode, track: Track, nonsense: str) -> None:
    response = desk.post(address(episode, track), filled_in(track) | {"individual": nonsense})
    assert response.status_code == 422
    assert "Choose one of the times." in response.text


def test_encoded_hours_are_decoded_to_the_same_hours(ada: User) -> None:
    hours = (hour(ada, 1, 9, 30), hour(ada, 2, 12, 30))
    assert WeeklyHoursField().clean(encode_hours(hours)) == hours
    assert WeeklyHoursField().clean("none") == ()
    assert WeeklyHoursField(required=False).clean("") is None


def test_without_counselor_hours_the_page_says_where_to_enter_them(
    desk: Client, episode: Episode, track: Track
) -> None:
    CounselorHours.objects.all().delete()
    page = desk.get(address(episode, track)).text
    assert "No counselor at this site has hours for individual sessions" in page
    assert reverse("counselor-hours") in page


def test_a_track_without_individual_time_offers_no_times(desk: Client, episode: Episode, track: Track) -> None:
    track.individual_minutes = 0
    track.save()
    assert "Individual sessions<" not in desk.get(address(episode, track)).text


def test_individual_time_is_arranged_after_the_preview_was_confirmed(
    desk: Client, episode: Episode, track: Track, by: User, ada: User
) -> None:
    enrollment = enrolled(episode, track, by)
    page_address = reverse("individual-sessions", args=[enrollment.pk])
    page = desk.get(page_address).text
    assert "Wednesday 12:00–1:00 PM" in page
    assert "individual-none" not in page
    assert desk.post(page_address, {"starts": MONDAY}).status_code == 422
    typed = {"starts": MONDAY + timedelta(weeks=1), "individual": encode_hours([hour(ada, 2, 12)])}
    desk.post(page_address, typed)
    assert Meeting.objects.filter(kept_for=enrollment).count() == 0
    shown = preview_and_confirm(desk, page_address, typed)
    assert "Gains “Individual session”" in shown.text
    assert Booking.objects.active().filter(session__service_type__code="individual").count() == 11
    page = desk.get(page_address).text
    assert "current time" in page
    assert "No individual sessions from that day on" in page


def test_changing_the_day_updates_only_the_list_of_times(
    desk: Client, episode: Episode, track: Track, by: User, ada: User
) -> None:
    enrollment = enrolled(episode, track, by, hour(ada, 2, 12))
    page_address = reverse("individual-sessions", args=[enrollment.pk])
    typed = {"starts": MONDAY, "individual": encode_hours([hour(ada, 1, 9)]), "check": "1"}
    part = desk.post(page_address, typed, headers={"HX-Request": "true"}).text
    assert "<html" not in part
    assert f'value="{encode_hours([hour(ada, 1, 9)])}" id="individual-2" checked' in part


def test_reasons_against_moving_individual_sessions_are_shown(
    desk: Client, episode: Episode, track: Track, by: User, ada: User
) -> None:
    enrollment = enrolled(episode, track, by, hour(ada, 2, 12))
    page_address = reverse("individual-sessions", args=[enrollment.pk])
    past = desk.post(page_address, {"starts": "2026-11-20", "individual": encode_hours([hour(ada, 1, 9)])})
    assert "is too early" in past.text
    same = desk.post(page_address, {"starts": MONDAY, "individual": encode_hours([hour(ada, 2, 12)])})
    assert "Nothing has changed, so there is nothing to save." in same.text
    outside = desk.post(page_address, {"starts": MONDAY, "individual": encode_hours([hour(ada, 2, 15)])})
    assert "is outside" in outside.text
    assert {past.status_code, same.status_code, outside.status_code} == {422}


def test_removed_sessions_are_not_on_the_calendar_and_do_not_name_the_patient(
    desk: Client, episode: Episode, track: Track, by: User, ada: User
) -> None:
    enrollment = enrolled(episode, track, by, hour(ada, 2, 12))
    wednesday = reverse("today") + "?date=2026-12-02"
    assert "Individual session" in desk.get(wednesday).text
    end_enrollment(enrollment=enrollment, last_day=MONDAY, reason="Relapsed", by=by, now=NOW)
    assert "Individual session" not in desk.get(wednesday).text
    assert set(Session.objects.filter(service_type__code="individual").values_list("cancel_reason", flat=True)) == {
        "Not arranged any more"
    }


def test_other_staff_see_the_hour_without_the_patient(
    episode: Episode, track: Track, by: User, ada: User, site: Site
) -> None:
    enrolled(episode, track, by, hour(ada, 2, 12))
    colleague = signed_in_as(make_staff(Role.CLINICIAN, site))
    board = reverse("board-sessions") + "?start=2026-11-23&end=2026-11-30"
    for page in (reverse("today") + "?date=2026-11-25", board):
        seen = colleague.get(page).text
        assert "Individual session" in seen
        assert "Lindqvist" not in seen
    assert "Lindqvist" in signed_in_as(ada).get(reverse("today") + "?date=2026-11-25").text


def test_individual_sessions_have_no_group_page(
    desk: Client, episode: Episode, track: Track, by: User, ada: User
) -> None:
    enrollment = enrolled(episode, track, by, hour(ada, 2, 12))
    meeting = enrollment.one_to_ones.get()
    for name in ("meeting-edit", "meeting-end"):
        assert desk.get(reverse(name, args=[meeting.pk])).status_code == 404


@pytest.mark.parametrize("counselors", [1, 3])
def test_proposing_takes_as_many_queries_for_three_counselors_as_for_one(
    desk: Client,
    episode: Episode,
    track: Track,
    site: Site,
    counselors: int,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    for number in range(1, counselors):
        make_hours(make_staff(Role.CLINICIAN, site, f"C{number}"), site, 3, "09:00", "12:00")
    desk.get(address(episode, track))
    with django_assert_num_queries(30):
        desk.get(address(episode, track))


@pytest.mark.parametrize("counselors", [1, 3])
def test_the_page_of_one_enrollment_takes_as_many_queries_for_three_as_for_one(
    desk: Client,
    episode: Episode,
    track: Track,
    by: User,
    ada: User,
    site: Site,
    counselors: int,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    for number in range(1, counselors):
        make_hours(make_staff(Role.CLINICIAN, site, f"C{number}"), site, 3, "09:00", "12:00")
    page = reverse("individual-sessions", args=[enrolled(episode, track, by, hour(ada, 2, 12)).pk])
    desk.get(page)
    with django_assert_num_queries(24):
        desk.get(page)


# Counselor hours


def stated(**more: Any) -> dict[str, Any]:
    return {"weekday": 3, "starts": "09:00", "ends": "12:00", "valid_from": "", "last_day": "", **more}


def test_a_clinician_enters_only_their_own_hours(site: Site, track: Track, ada: User) -> None:
    client = signed_in_as(ada)
    assert 'name="user"' not in client.get(reverse("counselor-hours-new")).text
    response = client.post(
        reverse("counselor-hours-new"), stated(user=make_staff(Role.CLINICIAN, site).pk), follow=True
    )
    assert "Thursday" in response.text
    mine = CounselorHours.objects.get(weekday=3)
    assert mine.user == ada
    assert AuditEvent.objects.filter(action=Action.CREATED, subject_kind="counselorhours").count() == 1
    theirs = make_hours(make_staff(Role.CLINICIAN, site, "Ben Strand"), site, 4, "09:00", "12:00")
    page = client.get(reverse("counselor-hours")).text
    assert "Ben Strand" in page
    assert reverse("counselor-hours-edit", args=[mine.pk]) in page
    assert reverse("counselor-hours-edit", args=[theirs.pk]) not in page
    assert client.post(reverse("counselor-hours-edit", args=[theirs.pk]), stated()).status_code == 403
    assert client.post(reverse("counselor-hours-remove", args=[theirs.pk])).status_code == 403
    assert CounselorHours.objects.filter(pk=theirs.pk).exists()


def test_a_coordinator_enters_the_hours_of_any_counselor(desk: Client, site: Site, track: Track, ada: User) -> None:
    response = desk.post(reverse("counselor-hours-new"), stated(user=ada.pk, last_day="2026-12-31"), follow=True)
    assert "through Thu, Dec 31" in response.text
    hours = CounselorHours.objects.get(weekday=3)
    assert hours.valid_until == date(2027, 1, 1)
    page = desk.get(reverse("counselor-hours-edit", args=[hours.pk])).text
    assert 'value="2026-12-31"' in page
    desk.post(reverse("counselor-hours-edit", args=[hours.pk]), stated(ends="13:00"))
    hours = CounselorHours.objects.get(pk=hours.pk)
    assert (f"{hours.ends:%H:%M}", hours.valid_until) == ("13:00", None)
    desk.post(reverse("counselor-hours-remove", args=[hours.pk]))
    assert not CounselorHours.objects.filter(weekday=3).exists()


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        pytest.param({"ends": "08:00"}, "The end (8:00 AM) must be after the start (9:00 AM).", id="backwards"),
        pytest.param(
            {"weekday": 2, "starts": "14:00", "ends": "16:00"},
            "These hours overlap others on Wednesday, 12:00–3:00 PM, at Harbor Street. Change the start or the end.",
            id="entered already",
        ),
        pytest.param(
            {"valid_from": "2026-12-01", "last_day": "2026-11-30"}, "Mon, Nov 30 is too early", id="last before first"
        ),
        pytest.param({"ends": "22:30"}, "The site closes at 10:00 PM.", id="after the site closes"),
        pytest.param({"starts": "soon"}, "Enter a time.", id="no time"),
    ],
)
def test_invalid_hours_are_refused_beside_the_input(
    desk: Client, site: Site, track: Track, ada: User, typed: dict[str, Any], sentence: str
) -> None:
    Site.objects.update(closes="22:00")
    response = desk.post(reverse("counselor-hours-new"), stated(user=ada.pk, **typed))
    assert response.status_code == 422
    assert sentence in response.text
    assert CounselorHours.objects.count() == 2


def test_only_permitted_users_see_the_hours(site: Site, track: Track) -> None:
    reviewer = signed_in_as(make_staff(Role.REVIEWER, site))
    page = reviewer.get(reverse("counselor-hours")).text
    assert "Ada Park" in page
    assert "Add hours" not in page
    assert reviewer.get(reverse("counselor-hours-new")).status_code == 403
    assert signed_in_as(make_patient_user(make_patient(site))).get(reverse("counselor-hours")).status_code == 403
    elsewhere = signed_in_as(make_staff(Role.COORDINATOR, make_site("Elsewhere")))
    assert "Ada Park" not in elsewhere.get(reverse("counselor-hours")).text


@pytest.mark.parametrize("counselors", [1, 3])
def test_the_list_of_hours_takes_as_many_queries_for_three_as_for_one(
    desk: Client, site: Site, track: Track, counselors: int, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(1, counselors):
        make_hours(make_staff(Role.CLINICIAN, site, f"C{number}"), site, 3, "09:00", "12:00")
    with django_assert_num_queries(7):
        desk.get(reverse("counselor-hours"))
