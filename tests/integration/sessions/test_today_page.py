"""The day page is sent again only if it changed since the last request.

A user who may not see the page never gets it.
"""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings as site_settings
from django.http import HttpResponse
from django.test import Client, RequestFactory
from django.urls import reverse

from accounts.models import RoleAssignment, User
from accounts.permissions import Role
from attendance.models import AttendanceStatus
from attendance.services.amendments import amend_attendance
from attendance.services.finalization import finalize_session
from attendance.services.marks import Mark
from attendance.services.roster import ANY
from iopmanager import clock
from patients.domain.contacts import Contacts
from patients.models import Episode, Patient
from patients.services.record.person import PatientValues, change_patient
from scheduling.models import Booking, FacilitatorPart, Room, Session, SessionFacilitator, SessionStatus, Site
from scheduling.services.bookings.release import release_booking
from scheduling.views import audited_cache
from tests.clinic import AFTER, BEFORE, Clinic, at, booking_of, client_for, make_clinic
from tests.factories import MONDAY, make_meeting, make_room, make_session, make_site, make_staff

pytestmark = pytest.mark.django_db

DAY = {"date": MONDAY.isoformat()}


@pytest.fixture(autouse=True)
def after_the_group(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "now", lambda: AFTER)


@pytest.fixture
def clinic() -> Clinic:
    clinic = make_clinic()
    Session.objects.filter(pk=clinic.monday.pk).update(room=make_room(clinic.site, name="Maple room"))
    return clinic


@pytest.fixture
def rosa(clinic: Clinic) -> Episode:
    return clinic.admit("Rosa")


def look(client: Client, tag: str = "", **given: str) -> HttpResponse:
    """Request the day page. If given, `tag` is the ETag of an earlier response, and is sent as If-None-Match."""
    response = client.get(reverse("today"), {**DAY, **given}, headers={"If-None-Match": tag} if tag else {})
    assert isinstance(response, HttpResponse)
    return response


def first_look(client: Client) -> str:
    response = look(client)
    assert response.status_code == 200
    return response["ETag"]


@pytest.mark.usefixtures("rosa")
def test_an_unchanged_response_is_not_sent_again(clinic: Clinic) -> None:
    client = client_for(clinic.coordinator)
    tag = first_look(client)
    again = look(client, tag)
    assert (again.status_code, again.content, again["ETag"]) == (304, b"", tag)
    assert not again.cookies
    for response in (again, look(client)):
        assert response["Cache-Control"] == "private, no-cache"
        assert "Cookie" in response["Vary"]


def values_of(patient: Patient, **changes: Any) -> PatientValues:
    values = {name: getattr(patient, name) for name in ("code", "first_name", "last_name", "birth_date")}
    return PatientValues(**values | changes)


def mark_rosa(clinic: Clinic) -> None:
    clinic.mark(Booking.objects.get(session=clinic.monday), "no_show")


def amend_rosa(clinic: Clinic) -> None:
    """Amend Rosa's mark in a finalized session: she was marked present, and becomes a no-show."""
    attendance = Booking.objects.get(session=clinic.monday).attendance
    amend_attendance(
        attendance=attendance,
        mark=Mark(AttendanceStatus.NO_SHOW, reason="Was not there"),
        by=clinic.coordinator,
        now=AFTER,
        seen_amendments=ANY,
    )


def rename_rosa(clinic: Clinic) -> None:
    patient = Patient.objects.get(first_name="Rosa")
    change_patient(
        patient=patient, values=values_of(patient, preferred_name="Rosie"), contacts=Contacts(), by=None, now=AFTER
    )


def release_rosa(clinic: Clinic) -> None:
    booking = Booking.objects.get(session=clinic.monday)
    release_booking(booking=booking, reason="Moved", by=clinic.coordinator, now=AFTER)


def change(model: Any, **fields: Any) -> Callable[[Clinic], None]:
    """Return a function that updates fields of a model in the database, without calling a service."""

    def act(clinic: Clinic) -> None:
        row_ids = {Session: clinic.monday.pk, Site: clinic.site.pk, User: clinic.coordinator.pk}
        found = model.objects.filter(pk=row_ids[model]) if model in row_ids else model.objects.all()
        assert found.update(**fields)

    return act


def rename_the_lead(clinic: Clinic) -> None:
    User.objects.filter(pk=clinic.leader.pk).update(name="Ada Parker")


def substitute(clinic: Clinic) -> None:
    SessionFacilitator.objects.filter(session=clinic.monday).update(user=clinic.colleague)


def add_a_session(clinic: Clinic) -> None:
    make_session(make_meeting(clinic.site, 0, "13:00", "16:00", name="Afternoon group"), MONDAY)


def work_at_another_site_too(clinic: Clinic) -> None:
    RoleAssignment.objects.create(user=clinic.coordinator, role=Role.REVIEWER, site=make_site("Mill Lane"))


CHANGES = [
    pytest.param(mark_rosa, "No-show", id="somebody is marked"),
    pytest.param(amend_rosa, "No-show", id="a mark is amended"),
    pytest.param(rename_rosa, "Rosie Lindqvist", id="a patient is called otherwise"),
    pytest.param(release_rosa, "Nobody is booked.", id="a place is given back"),
    pytest.param(
        change(Session, status=SessionStatus.CANCELLED, cancel_reason="Burst pipe"), "Burst pipe", id="it is cancelled"
    ),
    pytest.param(
        change(Session, starts=AFTER - timedelta(hours=3)), "10:00 AM–12:00 PM", id="it is moved within the day"
    ),
    pytest.param(change(Session, on=MONDAY + timedelta(days=1)), "No sessions today", id="it is moved away"),
    pytest.param(change(Session, name="Coping"), "Coping", id="the session is named otherwise"),
    pytest.param(change(Session, room=None), "No room", id="it loses its room"),
    pytest.param(change(Session, places=11), "of 11 spots", id="it has another number of places"),
    pytest.param(change(Room, name="Oak room"), "Oak room", id="its room is named otherwise"),
    pytest.param(rename_the_lead, "Ada Parker", id="who leads it is named otherwise"),
    pytest.param(substitute, "Ben Ortiz", id="somebody else leads it"),
    pytest.param(add_a_session, "Afternoon group", id="another is added"),
    pytest.param(change(Site, name="Pier Road"), "Pier Road", id="the site is named otherwise"),
    pytest.param(change(Site, time_zone="America/Chicago"), "8:00–11:00 AM", id="the site keeps another time"),
    pytest.param(change(User, name="Cleo Marsh-Ito"), "Cleo Marsh-Ito", id="who looks is named otherwise"),
    pytest.param(change(User, credential="LPC"), "Cleo Marsh, LPC", id="who looks has another credential"),
    pytest.param(work_at_another_site_too, "Mill Lane", id="who looks works at another site too"),
]


@pytest.mark.parametrize(("act", "shown"), CHANGES)
def test_the_page_is_sent_again_after_each_change(
    clinic: Clinic, rosa: Episode, act: Callable[[Clinic], None], shown: str
) -> None:
    if act is amend_rosa:
        clinic.mark(booking_of(rosa))
        finalize_session(session=clinic.monday, by=clinic.leader, now=AFTER, seen_version=ANY)
    client = client_for(clinic.coordinator)
    before = look(client)
    assert shown not in before.text
    act(clinic)
    after = look(client, before["ETag"])
    assert after.status_code == 200
    assert shown in after.text
    assert after["ETag"] != before["ETag"]
    assert look(client, after["ETag"]).status_code == 304


def test_the_page_is_sent_again_after_a_session_is_finalized(clinic: Clinic, rosa: Episode) -> None:
    clinic.mark(booking_of(rosa))
    client = client_for(clinic.coordinator)
    tag = first_look(client)
    finalize_session(session=clinic.monday, by=clinic.leader, now=AFTER, seen_version=ANY)
    assert "Finalized" in look(client, tag).text


@pytest.mark.usefixtures("rosa")
def test_the_page_is_sent_again_on_the_next_day(clinic: Clinic, monkeypatch: pytest.MonkeyPatch) -> None:
    client = client_for(clinic.coordinator)
    tag = first_look(client)
    monkeypatch.setattr(clock, "now", lambda: AFTER + timedelta(days=1))
    client.force_login(clinic.coordinator)
    response = look(client, tag)
    assert response.status_code == 200
    assert "Today, Mon, Nov 23" not in response.text


@pytest.mark.usefixtures("rosa")
def test_the_page_is_sent_again_after_a_new_release_of_the_software(
    clinic: Clinic, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = client_for(clinic.coordinator)
    tag = first_look(client)
    monkeypatch.setattr(audited_cache, "fingerprint", lambda: "of the next release")
    assert look(client, tag).status_code == 200


@pytest.mark.usefixtures("rosa")
def test_in_debug_mode_an_unchanged_page_is_sent_again(clinic: Clinic, settings: Any) -> None:
    client = client_for(clinic.coordinator)
    tag = first_look(client)
    settings.DEBUG = True
    assert look(client, tag).status_code == 200


def test_the_forms_of_a_cached_page_can_be_submitted(clinic: Clinic) -> None:
    """A cached page contains a CSRF token, which is valid only with the CSRF cookie.

    If the cookie is gone, the page is sent again.
    """
    client = Client(enforce_csrf_checks=True)
    client.force_login(clinic.coordinator)
    tag = first_look(client)
    assert look(client, tag).status_code == 304
    del client.cookies[site_settings.CSRF_COOKIE_NAME]
    response = look(client, tag)
    assert response.status_code == 200
    token = response.text.partition('"X-CSRFToken": "')[2].partition('"')[0]
    left = client.post(reverse("account_logout"), {"csrfmiddlewaretoken": token})
    assert left.status_code == 302


@pytest.mark.usefixtures("rosa")
def test_a_user_who_lost_the_role_no_longer_sees_patients(clinic: Clinic) -> None:
    client = client_for(clinic.coordinator)
    tag = first_look(client)
    RoleAssignment.objects.filter(user=clinic.coordinator).update(role=Role.ADMINISTRATOR)
    response = look(client, tag)
    assert response.status_code == 200
    assert "Rosa" not in response.text
    RoleAssignment.objects.filter(user=clinic.coordinator).delete()
    assert look(client, tag).status_code == 403


@pytest.mark.usefixtures("rosa")
def test_a_user_who_no_longer_leads_the_group_does_not_see_its_names(clinic: Clinic) -> None:
    client = client_for(clinic.leader)
    tag = first_look(client)
    assert look(client, tag).status_code == 304
    substitute(clinic)
    response = look(client, tag)
    assert response.status_code == 200
    assert "Rosa" not in response.text
    assert reverse("session", args=[clinic.monday.pk]) not in response.text


@pytest.mark.usefixtures("rosa")
def test_another_users_etag_is_not_accepted(clinic: Clinic) -> None:
    client = client_for(clinic.coordinator)
    tag = first_look(client)
    for other in (clinic.reviewer, clinic.administrator, clinic.leader, clinic.stranger):
        second = client_for(other)
        second.cookies[site_settings.CSRF_COOKIE_NAME] = client.cookies[site_settings.CSRF_COOKIE_NAME].value
        assert look(second, tag).status_code == 200


def test_two_users_with_the_same_name_share_no_cached_page(clinic: Clinic) -> None:
    """The two users also have the same CSRF cookie."""
    User.objects.filter(pk=clinic.administrator.pk).update(name="Edda Holm", credential="")
    client = client_for(clinic.administrator)
    tag = first_look(client)
    second = client_for(make_staff(Role.ADMINISTRATOR, clinic.site, name="Edda Holm", credential=""))
    second.cookies[site_settings.CSRF_COOKIE_NAME] = client.cookies[site_settings.CSRF_COOKIE_NAME].value
    assert look(second, tag).status_code == 200
    assert look(client, tag).status_code == 304


@pytest.mark.usefixtures("rosa")
def test_a_signed_out_user_is_asked_to_sign_in(clinic: Clinic) -> None:
    client = client_for(clinic.coordinator)
    tag = first_look(client)
    client.post(reverse("account_logout"))
    response = look(client, tag)
    assert response.status_code == 302
    assert response["Location"].startswith(reverse("account_login"))
    client.force_login(clinic.coordinator)
    assert look(client, tag).status_code == 200, "a sign-in has another CSRF secret"


def test_a_message_is_shown_once_and_not_cached(clinic: Clinic, rosa: Episode) -> None:
    clinic.mark(booking_of(rosa))
    client = client_for(clinic.coordinator)
    tag = first_look(client)
    client.post(reverse("session-mark-all", args=[clinic.monday.pk]))
    response = look(client, tag)
    assert response.status_code == 200
    assert "Everyone was already marked." in response.text
    assert response["Cache-Control"] == "private, no-store"
    assert "ETag" not in response
    assert look(client, tag).status_code == 304
    assert "Everyone was already marked." not in look(client).text


@pytest.mark.usefixtures("rosa")
def test_the_page_shows_the_chosen_site(clinic: Clinic) -> None:
    work_at_another_site_too(clinic)
    client = client_for(clinic.coordinator)
    tag = first_look(client)
    client.post(reverse("site-switch"), {"site": Site.objects.get(name="Mill Lane").code})
    response = look(client, tag)
    assert response.status_code == 200
    assert "Rosa" not in response.text
    client.post(reverse("site-switch"), {"site": clinic.site.code})
    assert look(client, tag).status_code == 304


@pytest.mark.usefixtures("rosa")
def test_a_forged_etag_is_not_accepted(clinic: Clinic) -> None:
    client = client_for(clinic.coordinator)
    tag = first_look(client)
    known, people, page = tag.removeprefix('W/"').removesuffix('"').split(".")
    for made_up in (
        "*", '""', "W/", '"a.b.c"', '"é.é.é"', f'"{known}"', f'W/"{known}.{people}.{"0" * 32}"',
        f'W/"{known}.{"0" * 32}.{page}"', f'W/"{"0" * 32}.{people}.{page}"', f"{tag}, {tag}",
    ):  # fmt: skip
        assert look(client, made_up).status_code == 200, made_up


@pytest.mark.parametrize("number", [1, 3])
def test_the_page_of_three_patients_takes_as_many_queries_as_one(
    clinic: Clinic, number: int, django_assert_num_queries: Any
) -> None:
    for each in range(number):
        clinic.admit(f"Rosa {each}")
        add_a_session(clinic)
    client = client_for(clinic.coordinator)
    with django_assert_num_queries(9):
        tag = first_look(client)
    with django_assert_num_queries(9):
        assert look(client, tag).status_code == 304


def test_a_session_with_two_facilitators_is_listed_once_with_the_lead_first(clinic: Clinic) -> None:
    SessionFacilitator.objects.create(session=clinic.monday, user=clinic.colleague, part=FacilitatorPart.ASSISTS)
    page = look(client_for(clinic.coordinator)).text
    assert page.count("Maple room, Ada Park, Ben Ortiz") == 1


def actions(client: Client) -> str:
    """Return the HTML of the day page, starting at the list of sessions."""
    return look(client).text.partition("day-sessions")[2]


@pytest.mark.parametrize(
    ("hour", "state", "action"),
    [
        pytest.param("8:00", "Scheduled", "Open", id="it is to come"),
        pytest.param("9:30", "In progress", "Take attendance", id="it is running"),
        pytest.param("12:30", "Not finalized", "Take attendance", id="it is over"),
    ],
)
def test_each_line_has_the_session_state_and_its_most_useful_action(
    clinic: Clinic, rosa: Episode, monkeypatch: pytest.MonkeyPatch, hour: str, state: str, action: str
) -> None:
    monkeypatch.setattr(clock, "now", lambda: at(hour))
    text = actions(client_for(clinic.leader))
    assert state in text
    assert f"{action}<span" in text


def test_a_fully_marked_session_is_offered_for_finalizing_to_its_clinicians_only(clinic: Clinic, rosa: Episode) -> None:
    clinic.mark(booking_of(rosa))
    assert "Finalize<span" in actions(client_for(clinic.leader))
    assert "Finalize<span" not in actions(client_for(clinic.coordinator))
    assert "Take attendance" not in actions(client_for(clinic.coordinator))


def test_a_session_without_a_leader_needs_a_substitute(clinic: Clinic, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "now", lambda: BEFORE)
    assert "Find substitute" not in actions(client_for(clinic.coordinator))
    SessionFacilitator.objects.filter(session=clinic.monday).update(part=FacilitatorPart.ASSISTS)
    text = actions(client_for(clinic.coordinator))
    assert "No leader" in text
    assert reverse("session-facilitators", args=[clinic.monday.pk]) in text
    assert "Find substitute" not in actions(client_for(clinic.reviewer))


def test_a_day_without_sessions_leads_to_the_next_one(clinic: Clinic) -> None:
    sunday = MONDAY - timedelta(days=1)
    text = look(client_for(clinic.coordinator), date=sunday.isoformat()).text
    assert "No sessions on this day" in text
    assert (
        f'href="{reverse("today")}?date={MONDAY.isoformat()}">Next: Mon, Nov 23, 9:00 AM, {clinic.monday.name}' in text
    )
    Session.objects.update(status=SessionStatus.CANCELLED, cancel_reason="Burst pipe")
    assert "No later sessions are scheduled." in look(client_for(clinic.coordinator), date=sunday.isoformat()).text


def test_a_roster_is_sorted_by_last_name_without_released_bookings(clinic: Clinic, rosa: Episode) -> None:
    for first_name, last_name in (("Wen", "Zhao"), ("Tomasz", "Abel")):
        Patient.objects.filter(pk=clinic.admit(first_name).patient_id).update(last_name=last_name)
    names = ["Tomasz Abel", "Rosa Lindqvist", "Wen Zhao"]
    page = look(client_for(clinic.coordinator)).text
    assert sorted(names, key=page.index) == names
    release_booking(booking=booking_of(rosa), reason="Moved", by=clinic.coordinator, now=AFTER)
    assert "Rosa" not in look(client_for(clinic.coordinator)).text


def test_the_context_has_no_model_instances(clinic: Clinic) -> None:
    """The ETag is computed from the context.

    If the context had a model instance, only the instance's name would affect the ETag, not its other fields.
    """
    request = RequestFactory().get("/")
    request.user = clinic.coordinator
    given = {"people": {}, "site": clinic.site, "at": AFTER, "detail": "", "framed": False}
    with pytest.raises(TypeError, match="put plain values into the context"):
        audited_cache.audited_response(
            request, "scheduling/sessions/_today_attention.html", {"site": clinic.site}, **given
        )
