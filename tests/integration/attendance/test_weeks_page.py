"""The pages for weekly hours: the weeks of all patients, one patient's week, and booking a make-up session."""

from datetime import timedelta
from html import unescape

import pytest
import time_machine
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from accounts.models import Action, AuditEvent
from attendance.views import weeks as weeks_views
from patients.models import Episode, Patient
from scheduling.models import Booking, Session
from scheduling.templatetags.formats import unbroken
from tests.clinic import THURSDAY_NOON, WEDNESDAY, Clinic, booking_of, client_for, make_clinic
from tests.factories import MONDAY, admit, make_meeting, make_patient, make_patient_user, make_session, make_track

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("on_thursday")]
SATURDAY = MONDAY + timedelta(days=5)


@pytest.fixture
def on_thursday() -> object:
    with time_machine.travel(THURSDAY_NOON, tick=False) as moment:
        yield moment


@pytest.fixture
def clinic() -> Clinic:
    return make_clinic()


@pytest.fixture
def rosa(clinic: Clinic) -> Episode:
    """A patient who missed Monday and needs a make-up session to meet the week's hours."""
    rosa = clinic.admit("Rosa")
    clinic.mark(booking_of(rosa), "no_show")
    clinic.mark(booking_of(rosa, WEDNESDAY))
    return rosa


@pytest.fixture
def tomasz(clinic: Clinic) -> Episode:
    tomasz = clinic.admit("Tomasz")
    clinic.mark(booking_of(tomasz))
    clinic.mark(booking_of(tomasz, WEDNESDAY))
    return tomasz


@pytest.fixture
def saturday(clinic: Clinic) -> Session:
    meeting = make_meeting(clinic.site, 5, "10:00", "13:00", name="Saturday group")
    make_track(clinic.site, [meeting], name="Weekend track")
    return make_session(meeting, SATURDAY)


def week_of(episode: Episode) -> str:
    return reverse("patient-week", args=[episode.patient_id, MONDAY])


def make_up(episode: Episode) -> str:
    return reverse("makeup-book", args=[episode.patient_id, MONDAY])


@pytest.mark.usefixtures("rosa", "tomasz", "saturday")
def test_each_patients_week_has_a_row(clinic: Clinic) -> None:
    response = client_for(clinic.coordinator).get(reverse("weeks"))
    text = response.text

    assert f"This week, {unbroken('Mon, Nov 23 – Sun, Nov 29')}" in response.content.decode()
    assert "All 2" in text
    assert "On pace 1" in text
    assert "At risk 1" in text
    assert "Can’t be met" not in text


@pytest.mark.usefixtures("rosa", "tomasz", "saturday")
def test_weeks_are_filtered_by_standing(clinic: Clinic) -> None:
    text = client_for(clinic.coordinator).get(reverse("weeks"), {"standing": "at_risk"}).text
    assert "Rosa" in text
    assert "Tomasz" not in text
    assert "All 2" in text
    empty = client_for(clinic.coordinator).get(reverse("weeks"), {"standing": "short"}).text
    assert "No weeks with this standing" in empty


@pytest.mark.parametrize(
    ("sort", "names"),
    [
        pytest.param("", ["Rosa Abel", "Tomasz Lindqvist", "Wen Zhao"], id="by name unless asked otherwise"),
        pytest.param("name", ["Rosa Abel", "Tomasz Lindqvist", "Wen Zhao"], id="by name"),
        pytest.param("-name", ["Wen Zhao", "Tomasz Lindqvist", "Rosa Abel"], id="by name from the end"),
        pytest.param("standing", ["Rosa Abel", "Wen Zhao", "Tomasz Lindqvist"], id="the most urgent first"),
        pytest.param("-standing", ["Tomasz Lindqvist", "Wen Zhao", "Rosa Abel"], id="the least urgent first"),
        pytest.param("makeup", ["Wen Zhao", "Rosa Abel", "Tomasz Lindqvist"], id="the most to make up first"),
        pytest.param("-makeup", ["Tomasz Lindqvist", "Rosa Abel", "Wen Zhao"], id="the least to make up first"),
        pytest.param("x", ["Rosa Abel", "Tomasz Lindqvist", "Wen Zhao"], id="an unknown order"),
    ],
)
@pytest.mark.usefixtures("saturday")
def test_weeks_are_sorted(clinic: Clinic, rosa: Episode, tomasz: Episode, sort: str, names: list[str]) -> None:
    Patient.objects.filter(pk=rosa.patient_id).update(last_name="Abel")
    wen = clinic.admit("Wen", starts=MONDAY + timedelta(days=3))  # a partial week with only one session
    Patient.objects.filter(pk=wen.patient_id).update(last_name="Zhao")
    text = client_for(clinic.coordinator).get(reverse("weeks"), {"sort": sort}).text
    assert sorted(names, key=text.index) == names


@pytest.mark.usefixtures("rosa", "tomasz", "saturday")
def test_links_to_another_standing_order_or_week_keep_the_rest_of_the_query(clinic: Clinic) -> None:
    given = {"week": "2026-11-25", "standing": "at_risk", "sort": "makeup"}
    text = unescape(client_for(clinic.coordinator).get(reverse("weeks"), given).text)
    assert 'href="?week=2026-11-25&standing=on_course&sort=makeup"' in text
    assert 'href="?week=2026-11-25&standing=at_risk&sort=-makeup" aria-current="true"' in text
    assert 'href="?week=2026-11-25&standing=at_risk&sort=name"' in text
    assert 'href="?week=2026-11-30&standing=at_risk&sort=makeup"' in text


@pytest.mark.usefixtures("rosa")
def test_the_page_links_to_earlier_and_later_weeks(clinic: Clinic) -> None:
    client = client_for(clinic.coordinator)
    before = client.get(reverse("weeks"), {"week": "2026-11-22"}).text
    assert "Mon, Nov 16 – Sun, Nov 22" in before
    assert "No patients this week" in before
    assert "Mon, Nov 30 – Sun, Dec 6" in client.get(reverse("weeks"), {"week": "2026-11-30"}).text


@pytest.mark.parametrize(
    "nonsense", [{"week": "soon"}, {"week": "9999-12-31"}, {"week": "0001-01-01"}, {"standing": "x"}, {"page": "x"}]
)
@pytest.mark.usefixtures("rosa")
def test_an_invalid_query_string_means_this_week(clinic: Clinic, nonsense: dict[str, str]) -> None:
    response = client_for(clinic.coordinator).get(reverse("weeks"), nonsense)
    assert response.status_code == 200
    assert "This week, Mon, Nov 23 – Sun, Nov 29" in response.text


@pytest.mark.parametrize("patients", [1, 3])
@pytest.mark.usefixtures("saturday")
def test_weeks_take_as_many_queries_for_three_as_for_one(
    clinic: Clinic, patients: int, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(patients):
        clinic.mark(booking_of(clinic.admit(f"Patient {number}")), "no_show")
    client = client_for(clinic.coordinator)
    with django_assert_num_queries(17):
        assert "At risk" in client.get(reverse("weeks")).text


@pytest.mark.parametrize("openings", [1, 3])
def test_a_patients_week_takes_as_many_queries_for_three_openings_as_for_one(
    clinic: Clinic, rosa: Episode, openings: int, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(openings):
        meeting = make_meeting(clinic.site, 5, f"{9 + number * 3}:00".zfill(5), f"{12 + number * 3}:00")
        make_track(clinic.site, [meeting], name=f"Weekend track {number}")
        make_session(meeting, SATURDAY)
    client = client_for(clinic.coordinator)
    with django_assert_num_queries(19):
        assert client.get(week_of(rosa)).text.count("Book as make-up") == openings


@pytest.mark.usefixtures("tomasz")
def test_only_the_patients_who_are_shown_are_audited(
    clinic: Clinic, rosa: Episode, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(weeks_views, "PAGE_SIZE", 1)
    text = client_for(clinic.coordinator).get(reverse("weeks")).text

    assert "Page 1 of 2" in text
    event = AuditEvent.objects.get(action=Action.VIEWED)
    assert (event.patient_key, event.detail) == (rosa.patient_id, "week of 2026-11-23")


def test_a_patients_week_shows_missing_hours_and_makeup_sessions(
    clinic: Clinic, rosa: Episode, saturday: Session
) -> None:
    text = client_for(clinic.coordinator).get(week_of(rosa)).text

    for part in ("3 h</span> of 9 h", "At risk", "No-show", "9:00 AM–12:00 PM", "Saturday group", "Book as make-up"):
        assert part in text
    assert "Make-up sessions that close the gap" in text
    assert AuditEvent.objects.filter(action=Action.VIEWED, patient_key=rosa.patient_id).count() == 1


def test_a_makeup_session_booked_on_the_page_puts_the_week_back_on_pace(
    clinic: Clinic, rosa: Episode, saturday: Session
) -> None:
    client = client_for(clinic.coordinator)
    response = client.post(make_up(rosa), {"session": saturday.pk, "makes_up": booking_of(rosa).pk}, follow=True)

    assert "Rosa is booked into Saturday group as a make-up session." in response.text
    assert "On pace" in response.text
    booked = Booking.objects.get(session=saturday)
    assert (booked.makes_up, booked.week, booked.enrollment) == (booking_of(rosa), MONDAY, None)


def test_a_makeup_session_that_filled_up_meanwhile_is_refused(clinic: Clinic, rosa: Episode, saturday: Session) -> None:
    Session.objects.filter(pk=saturday.pk).update(places=2, booked=2)
    data = {"session": saturday.pk, "makes_up": booking_of(rosa).pk}
    response = client_for(clinic.coordinator).post(make_up(rosa), data, follow=True)
    assert "“Saturday group” on Sat, Nov 28 is full." in response.text
    assert not Booking.objects.filter(session=saturday).exists()


def test_a_makeup_session_must_make_up_for_a_session_of_the_same_patient(
    clinic: Clinic, rosa: Episode, tomasz: Episode, saturday: Session
) -> None:
    client = client_for(clinic.coordinator)
    for invalid_id in (booking_of(tomasz).pk, booking_of(rosa, WEDNESDAY).pk, 10**9, ""):
        response = client.post(make_up(rosa), {"session": saturday.pk, "makes_up": invalid_id}, follow=True)
        assert "Choose one of the sessions shown" in response.text
    assert not Booking.objects.filter(session=saturday).exists()


def test_the_page_says_that_a_week_outside_the_episode_needs_no_hours(clinic: Clinic, rosa: Episode) -> None:
    address = reverse("patient-week", args=[rosa.patient_id, MONDAY - timedelta(weeks=2)])
    assert "No hours prescribed for this week" in client_for(clinic.coordinator).get(address).text


@pytest.mark.parametrize("day", ["2026-13-01", "9999-12-31", "0001-01-01", "soon"])
def test_an_invalid_date_is_not_found(clinic: Clinic, rosa: Episode, day: str) -> None:
    assert client_for(clinic.coordinator).get(f"/patients/{rosa.patient_id}/weeks/{day}/").status_code == 404


def test_a_patient_without_a_schedule_is_offered_one_instead_of_a_makeup_session(
    clinic: Clinic, saturday: Session
) -> None:
    unscheduled = admit(make_patient(clinic.site, "Wen"))
    text = client_for(clinic.coordinator).get(week_of(unscheduled)).text
    assert "Saturday group" in text
    assert "Book as make-up" not in text
    assert reverse("find-schedule", args=[unscheduled.patient_id]) in text


def test_clinicians_see_the_weeks_of_their_own_groups(clinic: Clinic, rosa: Episode) -> None:
    assert "Rosa" in client_for(clinic.leader).get(reverse("weeks")).text
    assert "Rosa" not in client_for(clinic.colleague).get(reverse("weeks")).text
    assert "Rosa" in client_for(clinic.reviewer).get(reverse("weeks")).text


def test_outsiders_cannot_see_weeks(clinic: Clinic, rosa: Episode) -> None:
    assert "Rosa" not in client_for(clinic.stranger).get(reverse("weeks")).text
    assert client_for(clinic.stranger).get(week_of(rosa)).status_code == 404
    assert client_for(clinic.colleague).get(week_of(rosa)).status_code == 404
    own = make_patient_user(rosa.patient)
    for address in (reverse("weeks"), week_of(rosa)):
        assert client_for(clinic.administrator).get(address).status_code == 403
        assert client_for(own).get(address).status_code == 403
    anonymous = client_for(clinic.leader)
    anonymous.logout()
    for address in (reverse("weeks"), week_of(rosa)):
        assert anonymous.get(address).headers["Location"].startswith(reverse("account_login"))


def test_only_users_who_manage_patients_book_makeup_sessions(clinic: Clinic, rosa: Episode, saturday: Session) -> None:
    data = {"session": saturday.pk, "makes_up": booking_of(rosa).pk}
    for user in (clinic.leader, clinic.reviewer, clinic.administrator, clinic.colleague):
        assert client_for(user).post(make_up(rosa), data).status_code == 403
    assert client_for(clinic.stranger).post(make_up(rosa), data).status_code == 404
    assert "Book as make-up" not in client_for(clinic.leader).get(week_of(rosa)).text
    assert not Booking.objects.filter(session=saturday).exists()
