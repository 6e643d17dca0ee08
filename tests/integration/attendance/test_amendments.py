"""Only an amendment can change a finalized mark. The amendment has a reason and keeps the earlier values."""

from urllib.parse import urlencode

import pytest
import time_machine
from django.db import DatabaseError, transaction
from django.urls import reverse

from accounts.models import Action, AuditEvent
from attendance.models import Amendment, Attendance, AttendanceStatus
from attendance.services.amendments import amend_attendance
from attendance.services.finalization import finalize_session
from attendance.services.ledgers import week_ledger
from attendance.services.marks import Mark
from attendance.services.roster import ANY
from patients.models import Episode
from tests.clinic import AFTER, THURSDAY_NOON, Clinic, at, booking_of, client_for, make_clinic
from timekeeping.reasons import Refused

pytestmark = pytest.mark.django_db


@pytest.fixture
def clinic() -> Clinic:
    return make_clinic()


@pytest.fixture
def finalized(clinic: Clinic) -> Attendance:
    """A no-show mark in Monday's session. The attendance of the session is finalized."""
    mark = clinic.mark(booking_of(clinic.admit("Rosa")), "no_show")
    finalize_session(session=clinic.monday, by=clinic.leader, now=AFTER, seen_version=ANY)
    return mark


@pytest.fixture
def address(finalized: Attendance) -> str:
    return reverse("attendance-amend", args=[finalized.pk])


def codes(refused: pytest.ExceptionInfo[Refused]) -> list[str]:
    return [reason.code for reason in refused.value.reasons]


def late(reason: str = "She was in the hall, the sheet shows it.") -> Mark:
    return Mark(AttendanceStatus.PARTIAL, arrived=at("9:30"), reason=reason)


def test_an_amendment_keeps_the_values_before_and_after_and_the_reason(clinic: Clinic, finalized: Attendance) -> None:
    amend_attendance(attendance=finalized, mark=late(), by=clinic.coordinator, now=THURSDAY_NOON, seen_amendments=ANY)

    amendment = Amendment.objects.get()
    assert (amendment.status_before, amendment.arrived_before, amendment.credited_minutes_before) == (
        "no_show",
        None,
        0,
    )
    assert (amendment.status_after, amendment.arrived_after, amendment.credited_minutes_after) == (
        "partial",
        at("9:30"),
        150,
    )
    assert (amendment.signature, amendment.at) == ("Cleo Marsh, LADC", THURSDAY_NOON)
    finalized.refresh_from_db()
    assert (finalized.status, finalized.arrived, finalized.credited_minutes) == ("partial", at("9:30"), 150)
    assert (finalized.recorded_by, finalized.recorded_at) == (clinic.leader, at("12:00"))
    event = AuditEvent.objects.get(action=Action.AMENDED)
    assert (event.patient_key, event.reason) == (finalized.booking.episode.patient_id, amendment.reason)


@pytest.mark.parametrize(
    ("mark", "code"),
    [
        pytest.param(late(reason="  "), "reason_required", id="without a reason"),
        pytest.param(Mark(AttendanceStatus.NO_SHOW, reason="Looked again."), "nothing_changed", id="no change"),
        pytest.param(Mark(AttendanceStatus.PARTIAL, reason="Late."), "needs_times", id="partial without times"),
        pytest.param(
            Mark(AttendanceStatus.PARTIAL, arrived=at("13:00"), reason="Late."),
            "impossible_times",
            id="arrived after the end",
        ),
    ],
)
def test_an_invalid_amendment_is_refused(clinic: Clinic, finalized: Attendance, mark: Mark, code: str) -> None:
    with pytest.raises(Refused) as refused:
        amend_attendance(attendance=finalized, mark=mark, by=clinic.coordinator, now=THURSDAY_NOON, seen_amendments=ANY)
    assert codes(refused) == [code]
    assert not Amendment.objects.exists()


def test_a_mark_of_an_open_session_cannot_be_amended(clinic: Clinic) -> None:
    mark = clinic.mark(booking_of(clinic.admit("Rosa")), "no_show")
    with pytest.raises(Refused) as refused:
        amend_attendance(attendance=mark, mark=late(), by=clinic.leader, now=AFTER, seen_amendments=ANY)
    assert codes(refused) == ["session_not_finalized"]


def test_an_amendment_is_refused_if_another_was_made_meanwhile(clinic: Clinic, finalized: Attendance) -> None:
    amend_attendance(attendance=finalized, mark=late(), by=clinic.leader, now=AFTER, seen_amendments=0)
    present = Mark(AttendanceStatus.PRESENT, reason="She signed in at nine.")
    with pytest.raises(Refused) as refused:
        amend_attendance(attendance=finalized, mark=present, by=clinic.coordinator, now=AFTER, seen_amendments=0)
    assert codes(refused) == ["changed_meanwhile"]
    amend_attendance(attendance=finalized, mark=present, by=clinic.coordinator, now=AFTER, seen_amendments=1)
    assert [each.credited_minutes_after for each in Amendment.objects.all()] == [150, 180]


def test_the_database_refuses_to_change_or_delete_an_amendment(clinic: Clinic, finalized: Attendance) -> None:
    amendment = amend_attendance(attendance=finalized, mark=late(), by=clinic.leader, now=AFTER, seen_amendments=ANY)
    for act in (lambda: Amendment.objects.update(reason="Otherwise."), amendment.delete):
        with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
            act()
    assert Amendment.objects.get().reason == amendment.reason


@time_machine.travel(THURSDAY_NOON, tick=False)
def test_the_page_shows_the_mark_and_amends_it(clinic: Clinic, finalized: Attendance, address: str) -> None:
    client = client_for(clinic.leader)
    page = client.get(address)
    assert "No-show" in page.text
    assert 'name="seen" value="0"' in page.text

    response = client.post(
        address, {"status": "partial", "arrived": "09:30", "left": "", "reason": "Sat at the back.", "seen": "0"}
    )
    assert response.headers["Location"].startswith(reverse("session", args=[clinic.monday.pk]))
    shown = client.get(reverse("session", args=[clinic.monday.pk])).text
    assert "Sat at the back." in shown
    assert "arrived 9:30 AM" in shown


@time_machine.travel(THURSDAY_NOON, tick=False)
def test_a_refused_amendment_keeps_the_input_and_says_what_is_wrong(clinic: Clinic, address: str) -> None:
    response = client_for(clinic.coordinator).post(
        address, {"status": "partial", "arrived": "13:30", "left": "", "reason": "Sat at the back.", "seen": "0"}
    )
    assert response.status_code == 200
    assert "The times must be within the session" in response.text
    assert "Sat at the back." in response.text
    assert 'value="13:30"' in response.text
    missing = client_for(clinic.coordinator).post(address, {"status": "present", "reason": "", "seen": "0"})
    assert "Fill in this field." in missing.text


@time_machine.travel(THURSDAY_NOON, tick=False)
def test_outsiders_cannot_amend(clinic: Clinic, finalized: Attendance, address: str) -> None:
    assert client_for(clinic.stranger).get(address).status_code == 404
    assert client_for(clinic.colleague).get(address).status_code == 404
    assert client_for(clinic.reviewer).get(address).status_code == 403
    assert client_for(clinic.administrator).get(address).status_code == 403
    anonymous = client_for(clinic.leader)
    anonymous.logout()
    response = anonymous.get(address)
    assert response.headers["Location"] == f"{reverse('account_login')}?{urlencode({'next': address}, safe='/')}"
    assert not Amendment.objects.exists()


def test_the_weekly_hours_count_the_amended_mark(clinic: Clinic, finalized: Attendance) -> None:

    episode = Episode.objects.get()
    amend_attendance(attendance=finalized, mark=late(), by=clinic.leader, now=AFTER, seen_amendments=ANY)
    ledger = week_ledger(episode=episode, week=clinic.monday.on, now=THURSDAY_NOON)
    assert ledger is not None
    assert ledger.credited_minutes == 150
