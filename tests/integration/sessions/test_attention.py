"""The list of what needs attention.

The list loads after the day page. Only users who may see hours get the list. Each view of the list is audited.
"""

from datetime import timedelta
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse

from accounts.models import AuditEvent, RoleAssignment
from accounts.permissions import Role
from attendance.services.finalization import finalize_session
from attendance.services.roster import ANY
from iopmanager import clock
from patients.models import Episode
from scheduling.models import Session
from scheduling.views.current_site import SESSION_KEY
from tests.clinic import THURSDAY_NOON, WEDNESDAY, Clinic, booking_of, client_for, make_clinic
from tests.factories import MONDAY, admit, book, enroll, make_meeting, make_patient, make_session, make_site, make_track

pytestmark = pytest.mark.django_db

NOTHING = "Every week is on pace, and every session is finalized."


@pytest.fixture(autouse=True)
def on_thursday(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "now", lambda: THURSDAY_NOON)


@pytest.fixture
def clinic() -> Clinic:
    clinic = make_clinic()
    make_opening_on_saturday(clinic)
    return clinic


def make_opening_on_saturday(clinic: Clinic) -> Session:
    meeting = make_meeting(clinic.site, 5, "10:00", "13:00")
    make_track(clinic.site, [meeting], name="Weekend track")
    return make_session(meeting, MONDAY + timedelta(days=5))


@pytest.fixture
def rosa(clinic: Clinic) -> Episode:
    """Episode of a patient who missed Monday's session. The group on Saturday can make up for that session."""
    return slipping(clinic, "Rosa")


def slipping(clinic: Clinic, first_name: str) -> Episode:
    episode = clinic.admit(first_name)
    clinic.mark(booking_of(episode), "no_show")
    clinic.mark(booking_of(episode, WEDNESDAY))
    return episode


def attention(client: Client, tag: str = "", *, part: bool = True) -> HttpResponse:
    headers = {"If-None-Match": tag} if tag else {}
    response = client.get(reverse("today-attention"), {"part": "1"} if part else {}, headers=headers)
    assert isinstance(response, HttpResponse)
    return response


def test_the_day_page_names_only_its_own_patients_and_loads_the_rest(clinic: Clinic, rosa: Episode) -> None:
    page = client_for(clinic.coordinator).get(reverse("today")).text
    assert "Rosa" not in page
    assert f'data-load="{reverse("today-attention")}?part=1"' in page
    assert f'<link rel="preload" href="{reverse("today-attention")}?part=1" as="fetch" crossorigin>' in page
    assert f'<a href="{reverse("today-attention")}">' in page
    assert not AuditEvent.objects.filter(action="viewed").exists()


def test_what_needs_attention_is_shown_and_recorded_in_the_trail(clinic: Clinic, rosa: Episode) -> None:
    clinic.admit("Wen", starts=WEDNESDAY + timedelta(days=2))
    text = attention(client_for(clinic.coordinator)).text
    assert "Rosa Lindqvist" in text
    assert "3 h and 1 day to make up" in text
    assert "Mon, Nov 23, " in text
    assert text.count("not finalized yet") == 2
    assert "Wen" not in text
    event = AuditEvent.objects.get(action="viewed")
    assert (event.patient_key, event.detail) == (rosa.patient_id, "needs attention")


def test_nothing_is_shown_when_nothing_needs_attention(clinic: Clinic) -> None:
    assert NOTHING in attention(client_for(clinic.coordinator)).text


@pytest.mark.usefixtures("rosa")
def test_without_javascript_the_list_is_a_whole_page(clinic: Clinic) -> None:
    client = client_for(clinic.coordinator)
    part, page = attention(client), attention(client, part=False)
    assert "<html" not in part.text
    assert "<html" in page.text
    assert "Rosa Lindqvist" in page.text
    assert attention(client, part["ETag"], part=False).status_code == 200, "one must not be taken for the other"


def test_the_list_is_sent_again_only_after_a_change(clinic: Clinic, rosa: Episode) -> None:
    client = client_for(clinic.coordinator)
    tag = attention(client)["ETag"]
    assert attention(client, tag).status_code == 304
    assert AuditEvent.objects.about_patient(rosa.patient_id).filter(action="viewed").count() == 2
    finalize_session(session=clinic.monday, by=clinic.leader, now=THURSDAY_NOON, seen_version=ANY)
    response = attention(client, tag)
    assert response.status_code == 200
    assert response.text.count("not finalized yet") == 1
    clinic.sessions[1].refresh_from_db()
    finalize_session(session=clinic.sessions[1], by=clinic.leader, now=THURSDAY_NOON, seen_version=ANY)
    assert "Sessions to finalize" not in attention(client, response["ETag"]).text


@pytest.mark.usefixtures("rosa")
def test_only_those_who_may_book_a_make_up_are_offered_it(clinic: Clinic) -> None:
    for user, offered in ((clinic.coordinator, True), (clinic.leader, False)):
        assert ("#make-up" in attention(client_for(user)).text) == offered


@pytest.mark.usefixtures("rosa")
def test_a_clinician_sees_only_what_needs_attention_in_their_own_groups(clinic: Clinic) -> None:
    assert "Rosa" in attention(client_for(clinic.leader)).text
    assert NOTHING in attention(client_for(clinic.colleague)).text


@pytest.mark.usefixtures("rosa")
def test_a_user_who_may_not_see_hours_neither_sees_nor_loads_the_list(clinic: Clinic) -> None:
    client = client_for(clinic.administrator)
    assert attention(client).status_code == 403
    assert "Needs attention" not in client.get(reverse("today")).text


@pytest.mark.usefixtures("rosa")
def test_permission_to_see_hours_is_checked_for_each_site(clinic: Clinic) -> None:
    elsewhere = make_site("Mill Lane")
    RoleAssignment.objects.create(user=clinic.coordinator, role=Role.ADMINISTRATOR, site=elsewhere)
    client = client_for(clinic.coordinator)
    tag = attention(client)["ETag"]
    session = client.session
    session[SESSION_KEY] = elsewhere.pk
    session.save()
    assert attention(client, tag).status_code == 403
    assert "Needs attention" not in client.get(reverse("today")).text


@pytest.mark.usefixtures("rosa")
def test_a_user_who_lost_the_role_no_longer_sees_the_list(clinic: Clinic) -> None:
    client = client_for(clinic.reviewer)
    tag = attention(client)["ETag"]
    RoleAssignment.objects.filter(user=clinic.reviewer).update(role=Role.ADMINISTRATOR)
    assert attention(client, tag).status_code == 403


@pytest.mark.parametrize("number", [1, 3])
def test_three_patients_take_as_many_queries_as_one(
    clinic: Clinic, number: int, django_assert_num_queries: Any
) -> None:
    for each in range(number):
        slipping(clinic, f"Rosa {each}")
        other = make_meeting(clinic.site, 1, f"{9 + each:02}:00", f"{10 + each}:00", lead=clinic.leader)
        book(
            make_session(other, MONDAY + timedelta(days=1)),
            enroll(admit(make_patient(clinic.site, f"Otto {each}")), make_track(clinic.site, [other])),
        )
    client = client_for(clinic.coordinator)
    with django_assert_num_queries(19):
        assert attention(client).text.count("3 h and 1 day to make up") >= number


def test_only_users_who_may_mark_are_offered_to_mark(clinic: Clinic) -> None:
    clinic.admit("Rosa")
    mark = f'href="{reverse("session", args=[clinic.monday.pk])}#roster"'
    assert mark in client_for(clinic.coordinator).get(reverse("today-attention")).text
    assert mark not in client_for(clinic.reviewer).get(reverse("today-attention")).text
