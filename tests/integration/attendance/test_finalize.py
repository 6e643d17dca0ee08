"""Once every patient in a session has a mark, a clinician signs and finalizes all marks together."""

import pytest
from django.db import IntegrityError, transaction

from accounts.models import Action, AuditEvent
from attendance.models import Attendance
from attendance.services.finalization import PatientsNotMarked, finalize_session
from attendance.services.marks import mark_everyone_present
from attendance.services.roster import ANY
from patients.models import Episode
from scheduling.models import Session, SessionStatus
from tests.clinic import AFTER, DURING, Clinic, booking_of, make_clinic
from timekeeping.reasons import Refused

pytestmark = pytest.mark.django_db


@pytest.fixture
def clinic() -> Clinic:
    return make_clinic()


@pytest.fixture
def rosa(clinic: Clinic) -> Episode:
    return clinic.admit("Rosa")


def codes(refused: pytest.ExceptionInfo[Refused]) -> list[str]:
    return [reason.code for reason in refused.value.reasons]


def test_finalizing_records_who_signed_and_with_which_credential(clinic: Clinic, rosa: Episode) -> None:
    clinic.admit("Tomasz")
    mark_everyone_present(session=clinic.monday, by=clinic.leader, now=AFTER)

    finalize_session(session=clinic.monday, by=clinic.leader, now=AFTER, seen_version=ANY)

    session = clinic.monday
    assert (session.status, session.finalized_at, session.finalized_by) == (SessionStatus.HELD, AFTER, clinic.leader)
    assert session.finalized_credential == "Ada Park, LADC"
    trail = AuditEvent.objects.filter(action=Action.FINALIZED)
    assert sorted(event.subject_kind for event in trail) == ["attendance", "attendance", "session"]


def test_all_reasons_against_finalizing_are_given_at_once(clinic: Clinic, rosa: Episode) -> None:
    clinic.admit("Tomasz")
    clinic.mark(booking_of(rosa), "present", DURING)

    with pytest.raises(Refused) as refused:
        finalize_session(session=clinic.monday, by=clinic.leader, now=DURING, seen_version=ANY)

    assert codes(refused) == ["session_not_ended", "patients_not_marked"]
    assert refused.value.reasons[1] == PatientsNotMarked(1, ("Tomasz Lindqvist",))
    assert clinic.monday.finalized_at is None


def test_a_released_booking_needs_no_mark(clinic: Clinic, rosa: Episode) -> None:
    booking = booking_of(rosa)
    booking.released_at, booking.release_cause = DURING, "given_back"
    booking.save(update_fields=["released_at", "release_cause"])

    assert finalize_session(session=clinic.monday, by=clinic.leader, now=AFTER, seen_version=ANY).finalized_at == AFTER


def test_a_session_is_finalized_only_once(clinic: Clinic, rosa: Episode) -> None:
    clinic.mark(booking_of(rosa))
    finalize_session(session=clinic.monday, by=clinic.leader, now=AFTER, seen_version=ANY)

    with pytest.raises(Refused) as refused:
        finalize_session(session=clinic.monday, by=clinic.coordinator, now=AFTER, seen_version=ANY)

    assert codes(refused) == ["already_finalized"]
    assert clinic.monday.finalized_by == clinic.leader


def test_a_canceled_session_cannot_be_finalized(clinic: Clinic) -> None:
    Session.objects.update(status=SessionStatus.CANCELLED)
    with pytest.raises(Refused) as refused:
        finalize_session(session=clinic.monday, by=clinic.leader, now=AFTER, seen_version=ANY)
    assert codes(refused) == ["session_cancelled"]


def test_finalizing_is_refused_if_the_session_changed_since_the_page_was_loaded(clinic: Clinic, rosa: Episode) -> None:
    clinic.mark(booking_of(rosa))
    seen = clinic.monday.version
    clinic.mark(booking_of(rosa), "no_show", AFTER)

    with pytest.raises(Refused) as refused:
        finalize_session(session=clinic.monday, by=clinic.leader, now=AFTER, seen_version=seen)
    assert codes(refused) == ["changed_meanwhile"]

    finalize_session(session=clinic.monday, by=clinic.leader, now=AFTER, seen_version=clinic.monday.version)


def test_no_mark_can_be_changed_after_finalizing(clinic: Clinic, rosa: Episode) -> None:
    clinic.mark(booking_of(rosa), "no_show")
    finalize_session(session=clinic.monday, by=clinic.leader, now=AFTER, seen_version=ANY)

    with pytest.raises(Refused) as refused:
        clinic.mark(booking_of(rosa), "present", AFTER)
    assert codes(refused) == ["already_finalized"]
    with pytest.raises(Refused):
        mark_everyone_present(session=clinic.monday, by=clinic.leader, now=AFTER)
    assert Attendance.objects.get().status == "no_show"


@pytest.mark.parametrize(
    "broken",
    [
        pytest.param({"finalized_at": AFTER}, id="a date without a signature"),
        pytest.param({"finalized_credential": "Ada Park"}, id="a signature without a date"),
    ],
)
def test_the_database_refuses_an_incomplete_signature(clinic: Clinic, broken: dict[str, object]) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        Session.objects.filter(pk=clinic.monday.pk).update(**broken)


def test_the_database_refuses_a_finalized_session_that_is_still_scheduled(clinic: Clinic) -> None:
    signed = {"finalized_at": AFTER, "finalized_by": clinic.leader, "finalized_credential": "Ada Park, LADC"}
    with pytest.raises(IntegrityError), transaction.atomic():
        Session.objects.filter(pk=clinic.monday.pk).update(**signed)
    Session.objects.filter(pk=clinic.monday.pk).update(status=SessionStatus.HELD, **signed)
