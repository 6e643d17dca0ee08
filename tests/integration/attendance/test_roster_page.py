"""The roster page of a session. Permitted users mark one patient at a time, with or without JavaScript."""

import pytest
import time_machine
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from accounts.models import Action, AuditEvent, User
from attendance.models import Attendance
from patients.models import Episode, PatientPhone
from scheduling.models import Booking, ReleaseCause, Session, SessionStatus
from tests.clinic import AFTER, BEFORE, DURING, Clinic, at, booking_of, client_for, make_clinic
from tests.factories import MONDAY, make_patient_user

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("after_the_session")]
HTMX = {"HX-Request": "true"}


@pytest.fixture
def after_the_session() -> object:
    with time_machine.travel(AFTER, tick=False) as moment:
        yield moment


@pytest.fixture
def clinic() -> Clinic:
    return make_clinic()


@pytest.fixture
def rosa(clinic: Clinic) -> Episode:
    return clinic.admit("Rosa")


def page(session: Session) -> str:
    return reverse("session", args=[session.pk])


def mark_at(booking: Booking) -> str:
    return reverse("session-mark", args=[booking.session_id, booking.pk])


def seen(booking: Booking) -> str:
    return Attendance.objects.get(booking=booking).recorded_at.isoformat()


def test_the_page_shows_time_room_facilitator_patients_and_marks(clinic: Clinic, rosa: Episode) -> None:
    rosa.patient.preferred_name = "Ro"
    rosa.patient.save(update_fields=["preferred_name"])
    clinic.mark(booking_of(rosa), "partial", arrived=at("9:20"))

    text = client_for(clinic.leader).get(page(clinic.monday)).text

    for part in (
        "9:00 AM–12:00 PM",
        "1 of 10 spots",
        "Ada Park, LADC",
        "Ro Lindqvist",
        rosa.patient.code,
        "arrived 9:20 AM",
    ):
        assert part in text
    assert "2 h 40 min credited" in text
    assert "Finalize as Ada Park, LADC" in text


def test_viewing_a_roster_is_audited_in_each_patients_record(clinic: Clinic, rosa: Episode) -> None:
    client_for(clinic.leader).get(page(clinic.monday))
    event = AuditEvent.objects.get(action=Action.VIEWED)
    assert (event.patient_key, event.actor_key) == (rosa.patient_id, clinic.leader.pk)


@pytest.mark.parametrize("people", [1, 3])
def test_a_roster_takes_as_many_queries_for_three_as_for_one(
    clinic: Clinic, people: int, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(people):
        clinic.mark(booking_of(clinic.admit(f"Patient {number}")), "partial", arrived=at("9:20"))
    client = client_for(clinic.leader)
    with django_assert_num_queries(QUERIES):
        client.get(page(clinic.monday))


QUERIES = 14


def test_everyone_is_marked_present_and_then_exceptions_are_changed(clinic: Clinic, rosa: Episode) -> None:
    tomasz = clinic.admit("Tomasz")
    client = client_for(clinic.coordinator)

    response = client.post(reverse("session-mark-all", args=[clinic.monday.pk]), follow=True)
    assert "2 patients marked present." in response.text
    response = client.post(
        mark_at(booking_of(tomasz)),
        {"status": "partial", "arrived": "9:20", "left": "11:00", "seen": seen(booking_of(tomasz))},
    )

    assert response.headers["Location"] == f"{page(clinic.monday)}#person-{booking_of(tomasz).pk}"
    mark = booking_of(tomasz).attendance
    assert (mark.status, mark.arrived, mark.left, mark.credited_minutes) == ("partial", at("9:20"), at("11:00"), 100)
    assert booking_of(rosa).attendance.credited_minutes == 180


def test_an_htmx_request_gets_the_row_and_the_parts_that_depend_on_it(clinic: Clinic, rosa: Episode) -> None:
    response = client_for(clinic.leader).post(
        mark_at(booking_of(rosa)), {"status": "present", "seen": ""}, headers=HTMX
    )

    assert response.status_code == 200
    assert response.text.lstrip().startswith(f'<li class="roster-line" id="person-{booking_of(rosa).pk}"')
    assert "3 h credited" in response.text
    assert "1 of 1 marked" in response.text
    assert f'name="version" value="{clinic.monday.version}"' in response.text
    assert "<html" not in response.text


@pytest.mark.parametrize("headers", [{}, HTMX], ids=["whole page", "line"])
def test_an_error_is_shown_beside_the_field_and_the_input_is_kept(
    clinic: Clinic, rosa: Episode, headers: dict[str, str]
) -> None:
    typed = {"status": "partial", "arrived": "13:20", "left": "", "reason": "Bus was late", "seen": ""}
    response = client_for(clinic.leader).post(mark_at(booking_of(rosa)), typed, headers=headers)

    assert "The times must be within the session" in response.text
    assert 'value="13:20"' in response.text
    assert "Bus was late" in response.text
    assert f'id="mark-{booking_of(rosa).pk}-arrived_error"' in response.text
    assert "form-control is-invalid" in response.text
    assert not Attendance.objects.exists()


def test_a_status_must_be_chosen(clinic: Clinic, rosa: Episode) -> None:
    response = client_for(clinic.leader).post(mark_at(booking_of(rosa)), {"status": ""}, headers=HTMX)
    assert "Choose an attendance status." in response.text


@pytest.mark.parametrize("headers", [{}, HTMX], ids=["whole page", "line"])
def test_a_stale_page_shows_the_recorded_mark_and_does_not_overwrite_it(
    clinic: Clinic, rosa: Episode, headers: dict[str, str]
) -> None:
    clinic.mark(booking_of(rosa), "no_show", DURING)

    response = client_for(clinic.coordinator).post(
        mark_at(booking_of(rosa)), {"status": "present", "seen": ""}, headers=headers, follow=True
    )

    assert "Someone else changed this" in response.text
    assert '<option value="no_show" selected>' in response.text
    assert Attendance.objects.get().status == "no_show"


def test_unchanged_times_keep_their_seconds(clinic: Clinic, rosa: Episode) -> None:
    exact = at("9:20").replace(second=35)
    clinic.mark(booking_of(rosa), "partial", arrived=exact)
    typed = {"status": "partial", "arrived": "09:20", "left": "", "reason": "Bus", "seen": seen(booking_of(rosa))}

    client_for(clinic.leader).post(mark_at(booking_of(rosa)), typed)

    mark = Attendance.objects.get()
    assert (mark.arrived, mark.reason, mark.credited_minutes) == (exact, "Bus", 159)


def test_the_leader_finalizes_the_version_that_they_saw(clinic: Clinic, rosa: Episode) -> None:
    client, address = client_for(clinic.leader), reverse("session-finalize", args=[clinic.monday.pk])
    response = client.post(address, {"version": clinic.monday.version}, follow=True)
    assert "1 person is not marked yet: Rosa Lindqvist." in response.text

    old = clinic.monday.version
    clinic.mark(booking_of(rosa))
    assert "Someone else changed this" in client.post(address, {"version": old}, follow=True).text
    response = client.post(address, {"version": clinic.monday.version}, follow=True)

    assert "Finalized by Ada Park, LADC on " in response.text
    assert reverse("attendance-amend", args=[Attendance.objects.get().pk]) in response.text
    assert "hx-post" not in response.text


def test_a_session_cannot_be_finalized_before_it_ends(clinic: Clinic, rosa: Episode) -> None:
    clinic.mark(booking_of(rosa), "present", DURING)
    with time_machine.travel(DURING, tick=False):
        response = client_for(clinic.leader).post(reverse("session-finalize", args=[clinic.monday.pk]), follow=True)
    assert "The session ends at 12:00 PM. You can finalize it after that." in response.text


def test_a_session_to_come_says_when_attendance_can_be_taken_and_offers_only_excuses(
    clinic: Clinic, rosa: Episode
) -> None:
    with time_machine.travel(BEFORE, tick=False):
        text = client_for(clinic.leader).get(page(clinic.monday)).text
    assert "You can take attendance from Mon, Nov 23, 9:00 AM." in text
    assert "You can finalize it after Mon, Nov 23, 12:00 PM." in text
    assert "Finalize as" not in text
    assert "Excused absence</option>" in text
    assert "Present</option>" not in text
    assert "Present</option>" in client_for(clinic.leader).get(page(clinic.monday)).text


def test_nobody_is_marked_present_before_the_session_begins(clinic: Clinic, rosa: Episode) -> None:
    with time_machine.travel(BEFORE, tick=False):
        response = client_for(clinic.leader).post(reverse("session-mark-all", args=[clinic.monday.pk]), follow=True)
    assert "The session has not started yet" in response.text


def test_a_canceled_session_cannot_be_marked_on_its_page(clinic: Clinic, rosa: Episode) -> None:
    Session.objects.filter(pk=clinic.monday.pk).update(status=SessionStatus.CANCELLED, cancel_reason="Burst pipe")
    text = client_for(clinic.leader).get(page(clinic.monday)).text
    assert "Burst pipe" in text
    assert "hx-post" not in text
    assert "Finalize as" not in text


def test_a_canceled_session_lists_whom_to_call(clinic: Clinic, rosa: Episode) -> None:
    dana = clinic.admit("Dana")
    for position, number in enumerate(["+12185550147", "+12185550148"]):
        PatientPhone.objects.create(patient=rosa.patient, position=position, number=number, kind="home")
    Booking.objects.filter(episode=rosa).update(released_at=AFTER, release_cause=ReleaseCause.CANCELLED)
    Booking.objects.filter(episode=dana).update(released_at=AFTER, release_cause=ReleaseCause.GIVEN_BACK)
    Session.objects.filter(pk=clinic.monday.pk).update(status=SessionStatus.CANCELLED, cancel_reason="Burst pipe")
    text = client_for(clinic.coordinator).get(page(clinic.monday)).text
    assert "These patients were booked when the session was canceled." in text
    assert "(218) 555-0147" in text
    assert "(218) 555-0148" not in text, "the first number is enough"
    assert "Home phone" in text
    assert "Don’t leave a message" in text
    assert "Rosa" in text
    assert "Dana" not in text, "she gave up her spot before"
    assert AuditEvent.objects.filter(action="viewed", patient_key=rosa.patient_id).exists()
    assert "Rosa" not in client_for(clinic.colleague).get(page(clinic.monday)).text


def test_attendance_is_not_finalized_by_a_form_that_does_not_say_what_was_seen(clinic: Clinic, rosa: Episode) -> None:
    clinic.mark(booking_of(rosa), "present")
    finalize = reverse("session-finalize", args=[clinic.monday.pk])
    for version in ({}, {"version": ""}, {"version": "9" * 300}):
        response = client_for(clinic.leader).post(finalize, version, follow=True)
        assert response.status_code == 200
        clinic.monday.refresh_from_db()
        assert clinic.monday.finalized_at is None


def test_a_session_without_bookings_says_so(clinic: Clinic) -> None:
    assert "Nobody is booked" in client_for(clinic.leader).get(page(clinic.monday)).text


def test_only_permitted_users_see_the_roster(clinic: Clinic, rosa: Episode) -> None:
    for user in (clinic.leader, clinic.coordinator, clinic.reviewer):
        assert "Lindqvist" in client_for(user).get(page(clinic.monday)).text
    for user in (clinic.colleague, clinic.administrator):
        response = client_for(user).get(page(clinic.monday))
        assert response.status_code == 200
        assert "Lindqvist" not in response.text
    assert "hx-post" not in client_for(clinic.reviewer).get(page(clinic.monday)).text


def action_addresses(clinic: Clinic, rosa: Episode) -> list[str]:
    return [
        reverse("session-mark-all", args=[clinic.monday.pk]),
        mark_at(booking_of(rosa)),
        reverse("session-finalize", args=[clinic.monday.pk]),
    ]


def test_staff_of_another_site_get_404(clinic: Clinic, rosa: Episode) -> None:
    client = client_for(clinic.stranger)
    assert client.get(page(clinic.monday)).status_code == 404
    for address in action_addresses(clinic, rosa)[:2]:
        assert client.post(address, {"status": "present"}).status_code == 404
    assert not Attendance.objects.exists()


def forbidden(clinic: Clinic) -> dict[str, list[User]]:
    without_rights = [clinic.colleague, clinic.reviewer, clinic.administrator]
    return {"mark": without_rights, "finalize": [*without_rights, clinic.coordinator]}


def test_users_who_may_not_mark_or_finalize_get_403(clinic: Clinic, rosa: Episode) -> None:
    *marking, finalizing = action_addresses(clinic, rosa)
    for user in forbidden(clinic)["mark"]:
        for address in marking:
            assert client_for(user).post(address, {"status": "present"}).status_code == 403
    for user in forbidden(clinic)["finalize"]:
        assert client_for(user).post(finalizing).status_code == 403
    assert not Attendance.objects.exists()


def test_patients_get_403_and_anonymous_visitors_are_asked_to_sign_in(clinic: Clinic, rosa: Episode) -> None:
    own = client_for(make_patient_user(rosa.patient))
    for address in action_addresses(clinic, rosa):
        assert own.post(address).status_code == 403
    assert own.get(page(clinic.monday)).status_code == 403
    own.logout()
    for address in (page(clinic.monday), *action_addresses(clinic, rosa)):
        assert own.post(address).headers["Location"].startswith(reverse("account_login"))


def test_a_booking_of_another_session_is_not_found(clinic: Clinic, rosa: Episode) -> None:
    other = Booking.objects.exclude(session__on=MONDAY).first()
    assert other is not None
    address = reverse("session-mark", args=[clinic.monday.pk, other.pk])
    assert client_for(clinic.leader).post(address, {"status": "present"}).status_code == 404
