"""Before an action on a session, a page shows which patients are affected.

The action is not done until the user confirms it.
"""

from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest
from django.template.loader import render_to_string
from django.test import Client
from django.urls import reverse

from accounts.models import AuditEvent, User
from accounts.permissions import Role
from iopmanager import clock
from patients.models import Patient
from scheduling.models import Booking, Session, SessionStatus, Site
from scheduling.services.bookings.horizon import extend_horizon
from scheduling.services.bookings.release import release_booking
from scheduling.services.enrollment.enroll import enroll_patient
from scheduling.services.sessions.cancel import cancel_session
from scheduling.views.preview.impact_summary import Series
from tests.confirmation import impact_key
from tests.factories import (
    MONDAY,
    admit,
    make_commitment,
    make_meeting,
    make_patient,
    make_room,
    make_site,
    make_staff,
    make_track,
)
from tests.page_reader import with_dots

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
TUESDAY, WEDNESDAY = MONDAY + timedelta(days=1), MONDAY + timedelta(days=2)


class Clinic:
    """A clinic with patients in three weekly groups, and an evening group that could serve as a make-up session."""

    def __init__(self, patients: int = 1) -> None:
        self.site: Site = make_site()
        self.coordinator = make_staff(Role.COORDINATOR, self.site)
        self.ada, self.ben = (make_staff(Role.CLINICIAN, self.site, name) for name in ("Ada Park", "Ben Strand"))
        self.room, self.other_room = make_room(self.site), make_room(self.site)
        groups = [
            make_meeting(
                self.site, day, lead=self.ada, room=self.room, name="Skills", break_starts=None, break_ends=None
            )
            for day in (0, 2, 4)
        ]
        self.track = make_track(self.site, groups)
        evening = make_meeting(self.site, 3, "17:00", "20:00", name="Evening", lead=self.ben)
        make_track(self.site, [evening], name="Evening track")
        extend_horizon(site=self.site, now=NOW)
        self.patients = [make_patient(self.site, f"Rosa{n}") for n in range(patients)]
        for patient in self.patients:
            enroll_patient(
                episode=admit(patient), track=self.track, meetings=groups, starts=MONDAY, by=self.coordinator, now=NOW
            )

    def on(self, day: date, name: str = "Skills") -> Session:
        return Session.objects.get(on=day, name=name)


@pytest.fixture
def clinic(monkeypatch: pytest.MonkeyPatch, client: Client) -> Clinic:
    monkeypatch.setattr(clock, "now", lambda: NOW)
    made = Clinic()
    client.force_login(made.coordinator)
    return made


def move_to(on: date, starts: str, ends: str, room: Any = "") -> dict[str, Any]:
    return {"on": on.isoformat(), "starts": starts, "ends": ends, "room": room}


def test_nothing_is_done_before_it_is_confirmed(client: Client, clinic: Clinic) -> None:
    address = reverse("session-cancel", args=[clinic.on(MONDAY).pk])
    shown = client.post(address, {"reason": "Flooded"})
    assert shown.status_code == 200
    assert "Rosa0 Lindqvist" in shown.text
    for words in ("Week of Mon, Nov 23:", "6 h on 2 days", "3 h below the prescribed 9 h", "1 day short"):
        assert words in shown.text
    assert "“Evening”, Thu, Nov 26, 5:00–8:00 PM" in shown.text
    assert clinic.on(MONDAY).status == SessionStatus.SCHEDULED
    assert 'value="Flooded"' in shown.text
    done = client.post(address, {"reason": "Flooded", "seen": impact_key(shown.text)}, follow=True)
    assert "is canceled" in done.text
    assert (clinic.on(MONDAY).status, clinic.on(MONDAY).cancel_reason) == (SessionStatus.CANCELLED, "Flooded")


def test_a_changed_impact_is_shown_again(client: Client, clinic: Clinic) -> None:
    address = reverse("session-cancel", args=[clinic.on(MONDAY).pk])
    shown = client.post(address, {"reason": "Flooded"})
    booking = Booking.objects.get(session=clinic.on(MONDAY))
    release_booking(booking=booking, reason="Dentist", by=clinic.coordinator, now=NOW)
    again = client.post(address, {"reason": "Flooded", "seen": impact_key(shown.text)})
    assert again.status_code == 200
    assert "Something changed after you looked." in again.text
    assert "No patients are affected" in again.text
    assert clinic.on(MONDAY).status == SessionStatus.SCHEDULED
    client.post(address, {"reason": "Flooded", "seen": impact_key(again.text)})
    assert clinic.on(MONDAY).status == SessionStatus.CANCELLED


def test_an_action_that_affects_nobody_is_done_at_once_unless_a_preview_is_requested(
    client: Client, clinic: Clinic
) -> None:
    evening = clinic.on(MONDAY + timedelta(days=3), "Evening")
    address = reverse("session-move", args=[evening.pk])
    typed = move_to(evening.on, "18:00", "20:00")
    assert "No patients are affected" in client.post(address, typed | {"check": "1"}).text
    assert client.post(address, typed).status_code == 302
    evening.refresh_from_db()
    assert evening.local_starts().time() == time(18)


def test_a_move_shows_its_conflicts(client: Client, clinic: Clinic) -> None:
    make_commitment(clinic.patients[0], [1], "12:00", "17:00", "Shop", travel_minutes=15)
    shown = client.post(reverse("session-move", args=[clinic.on(MONDAY).pk]), move_to(TUESDAY, "9:00", "12:00"))
    assert "Moved: “Skills” · Mon, Nov 23, 9:00 AM–12:00 PM → Tue, Nov 24, 9:00 AM–12:00 PM" in with_dots(shown.text)
    assert "Shop conflicts, travel included: Tue, Nov 24, 9:00 AM–12:00 PM" in shown.text
    preview = client.post(reverse("session-move", args=[clinic.on(MONDAY).pk]), move_to(WEDNESDAY, "11:00", "13:00"))
    assert preview.status_code == 422
    assert "Ada Park is in “Skills” on Wed, Nov 25, 9:00 AM–12:00 PM" in preview.text
    assert 'value="11:00"' in preview.text


def test_an_hour_that_clocks_repeat_is_explained(client: Client, clinic: Clinic) -> None:
    night = move_to(date(2027, 11, 7), "1:30", "3:00")
    shown = client.post(reverse("session-move", args=[clinic.on(MONDAY).pk]), night)
    assert "1:30 AM comes twice. The first one counts." in shown.text
    skipped = client.post(
        reverse("session-move", args=[clinic.on(MONDAY).pk]), move_to(date(2027, 3, 14), "2:30", "4:00")
    )
    assert skipped.status_code == 422
    assert "There is no 2:30 AM on Sun, Mar 14, 2027, because clocks go forward." in skipped.text


def test_a_substitute_affects_no_patient(client: Client, clinic: Clinic) -> None:
    session = clinic.on(MONDAY)
    done = client.post(reverse("session-facilitators", args=[session.pk]), {"lead": clinic.ben.pk}, follow=True)
    assert "Ben Strand leads Skills on Mon, Nov 23" in done.text
    assert session.session_facilitators.get().user == clinic.ben


def test_a_refused_new_session_has_its_reason_beside_the_field(client: Client, clinic: Clinic) -> None:
    group = clinic.on(MONDAY).service_type
    typed = move_to(MONDAY, "10:00", "11:00", clinic.room.pk) | {
        "name": "Extra", "service_type": group.pk, "places": "4", "modality": "in_person", "lead": clinic.ben.pk,
    }  # fmt: skip
    refused = client.post(reverse("session-new"), typed)
    assert refused.status_code == 422
    assert (
        f"{clinic.room} is taken on Mon, Nov 23, 9:00 AM–12:00 PM, by “Skills”. Choose another room or time."
        in refused.text
    )
    assert 'value="Extra"' in refused.text
    done = client.post(reverse("session-new"), typed | {"room": clinic.other_room.pk}, follow=True)
    assert done.redirect_chain
    assert Session.objects.get(name="Extra").session_facilitators.get().user == clinic.ben


def test_the_page_changes_spots_and_telehealth_link(client: Client, clinic: Clinic) -> None:
    session = clinic.on(MONDAY)
    address = reverse("session-details", args=[session.pk])
    typed = {"places": "0", "modality": "telehealth", "telehealth_link": "http://meet.example/", "topic": "Sleep"}
    refused = client.post(address, typed)
    assert refused.status_code == 422
    assert "Enter 1 or more." in refused.text
    refused = client.post(address, typed | {"places": "1000"})
    assert "Enter 200 or less." in refused.text
    refused = client.post(address, typed | {"places": "4"})
    assert "The link must start with https://." in refused.text
    client.post(address, typed | {"places": "4", "telehealth_link": "https://meet.example/"})
    session.refresh_from_db()
    assert (session.places, session.topic, session.telehealth_link) == (4, "Sleep", "https://meet.example/")


def test_a_new_session_leads_back_to_the_board(client: Client, clinic: Clinic) -> None:
    page = client.get(reverse("session-new")).text
    crumbs = page.partition('class="crumbs"')[2].partition("</nav>")[0]
    assert f'<a href="{reverse("board")}">Board</a>' in crumbs
    assert ">Choose an option</option>" in page
    assert "Select an option" not in page


def test_a_canceled_session_is_restored(client: Client, clinic: Clinic) -> None:
    session = cancel_session(session=clinic.on(MONDAY), reason="Ill", by=clinic.coordinator, now=NOW)
    assert "Restore session" in client.get(reverse("session", args=[session.pk])).text
    address = reverse("session-restore", args=[session.pk])
    assert client.get(address).status_code == 200
    shown = client.post(address)
    assert "Gains “Skills”" in shown.text
    client.post(address, {"seen": impact_key(shown.text)})
    assert clinic.on(MONDAY).status == SessionStatus.SCHEDULED


def test_a_clinician_changes_facilitators_and_room_of_only_their_own_sessions(client: Client, clinic: Clinic) -> None:
    client.force_login(clinic.ada)
    own, other = clinic.on(MONDAY), clinic.on(MONDAY + timedelta(days=3), "Evening")
    assert client.get(reverse("session-cancel", args=[own.pk])).status_code == 403
    assert client.get(reverse("session-facilitators", args=[other.pk])).status_code == 403
    assert client.get(reverse("session-move", args=[other.pk])).status_code == 403
    typed = move_to(TUESDAY, "15:00", "18:00", clinic.other_room.pk)
    assert client.post(reverse("session-move", args=[own.pk]), typed).status_code == 302
    own.refresh_from_db()
    assert (own.room, own.on, own.local_starts().time()) == (clinic.other_room, MONDAY, time(9))
    assert client.post(reverse("session-facilitators", args=[own.pk]), {"lead": clinic.ben.pk}).status_code == 302


def test_a_user_who_may_not_see_patients_sees_numbers_without_names(client: Client, clinic: Clinic) -> None:
    client.force_login(make_staff(Role.ADMINISTRATOR, clinic.site))
    shown = client.post(reverse("session-cancel", args=[clinic.on(MONDAY).pk]), {"reason": "Flooded"})
    assert "1 patient loses a session" in shown.text
    assert "1 more patient is affected. You don’t have access to their record." in shown.text
    assert "Rosa" not in shown.text
    assert not AuditEvent.objects.filter(action="viewed", patient_key=clinic.patients[0].pk).exists()


def test_showing_names_is_recorded_in_the_patients_trails(client: Client, clinic: Clinic) -> None:
    client.post(reverse("session-cancel", args=[clinic.on(MONDAY).pk]), {"reason": "Flooded"})
    (event,) = AuditEvent.objects.filter(action="viewed", patient_key=clinic.patients[0].pk)
    assert event.detail.startswith("what it would do to Skills")


def test_after_the_action_the_user_returns_to_the_page_they_came_from(client: Client, clinic: Clinic) -> None:
    address = reverse("session-facilitators", args=[clinic.on(MONDAY).pk])
    back = client.post(address, {"lead": clinic.ben.pk, "next": "/today/?date=2026-11-23"})
    assert back["Location"] == "/today/?date=2026-11-23"
    external = client.post(address, {"lead": clinic.ada.pk, "next": "https://elsewhere.example/"})
    assert external["Location"] == reverse("session", args=[clinic.on(MONDAY).pk])


def test_the_url_can_fill_in_the_form(client: Client, clinic: Clinic) -> None:
    address = reverse("session-move", args=[clinic.on(MONDAY).pk])
    page = client.get(address, {"on": "2026-11-24", "starts": "13:00", "ends": "nonsense", "next": "/board/"}).text
    assert 'value="2026-11-24"' in page
    assert 'value="13:00"' in page
    assert 'value="12:00"' in page
    assert 'name="next" value="/board/"' in page


def test_a_long_list_of_changes_is_folded_and_open_while_few_patients_are_affected() -> None:
    changes = [Series("lost", f"Group {day}", NOW, NOW, "", None, None, (), (MONDAY,)) for day in range(4)]
    people = [{"patient": {"pk": 1}, "places": changes}]
    site = make_site()
    few, many = (
        render_to_string("scheduling/preview/_impact.html", {"impact": {"people": people * count}, "site": site})
        for count in (1, 4)
    )
    assert "2 more changes" in few
    assert "<details open>" in few
    assert "2 more changes" in many
    assert "<details open>" not in many


@pytest.mark.parametrize("patients", [1, 3])
def test_three_patients_take_as_many_queries_as_one(
    client: Client, monkeypatch: pytest.MonkeyPatch, patients: int, django_assert_num_queries: Any
) -> None:
    monkeypatch.setattr(clock, "now", lambda: NOW)
    clinic = Clinic(patients)
    client.force_login(clinic.coordinator)
    address = reverse("session-cancel", args=[clinic.on(MONDAY).pk])
    with django_assert_num_queries(55):
        shown = client.post(address, {"reason": "Flooded"})
    assert shown.text.count("Loses “Skills”") == patients == Patient.objects.count()


def person(role: Role, clinic: Clinic) -> User:
    return make_staff(role, clinic.site)


@pytest.mark.parametrize("name", ["cancel", "restore", "move", "facilitators", "details"])
def test_a_user_who_may_only_see_the_timetable_changes_no_session(client: Client, clinic: Clinic, name: str) -> None:
    client.force_login(person(Role.REVIEWER, clinic))
    address = reverse(f"session-{name}", args=[clinic.on(MONDAY).pk])
    assert client.get(address).status_code == 403
    assert client.post(address, {"reason": "x", "lead": clinic.ben.pk}).status_code == 403
