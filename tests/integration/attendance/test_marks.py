"""In a session that has begun, a mark records whether and when a patient attended.

The minutes attended are credited.
"""

from datetime import datetime, time

import pytest
from django.db import IntegrityError, transaction

from accounts.models import Action, AuditEvent
from attendance.models import Attendance, AttendanceStatus
from attendance.services.marks import Mark, mark_booking, mark_everyone_present
from patients.models import Episode
from scheduling.models import RuleSet, Session, SessionStatus
from tests.clinic import AFTER, BEFORE, DURING, Clinic, at, booking_of, make_clinic
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


@pytest.mark.parametrize(
    ("status", "arrived", "left", "stands", "credited"),
    [
        pytest.param("present", None, None, "present", 165, id="the whole session, less the break"),
        pytest.param("partial", "9:20", None, "partial", 145, id="twenty minutes late"),
        pytest.param("partial", None, "10:35", "partial", 90, id="left within the break"),
        pytest.param("partial", "10:35", "11:00", "partial", 15, id="came within the break"),
        pytest.param("partial", "10:30", "10:45", "partial", 0, id="attended only the break"),
        pytest.param("present", "8:40", "12:30", "present", 165, id="coming early and leaving late adds nothing"),
        pytest.param("present", "9:20", None, "partial", 145, id="present but late is partial"),
        pytest.param(
            "partial", "8:55", "12:00", "present", 165, id="partial with times of the whole session is present"
        ),
        pytest.param("no_show", None, None, "no_show", 0, id="no-show"),
        pytest.param("cancelled_by_program", None, None, "cancelled_by_program", 0, id="cancelled by the program"),
    ],
)
def test_credit_is_the_time_within_the_session_less_the_break(
    clinic: Clinic, rosa: Episode, status: str, arrived: str | None, left: str | None, stands: str, credited: int
) -> None:
    Session.objects.update(break_starts=None, break_ends=None, countable_minutes=165)
    Session.objects.filter(pk=clinic.monday.pk).update(break_starts=at("10:30"), break_ends=at("10:45"))

    mark = clinic.mark(booking_of(rosa), status, AFTER, arrived=arrived and at(arrived), left=left and at(left))

    assert (mark.status, mark.credited_minutes) == (stands, credited)


def test_breaks_count_if_the_rules_of_the_sessions_week_say_so(clinic: Clinic, rosa: Episode) -> None:
    Session.objects.filter(pk=clinic.monday.pk).update(break_starts=at("10:30"), break_ends=at("10:45"))
    RuleSet.objects.filter(site=clinic.site).update(breaks_count=True)

    assert clinic.mark(booking_of(rosa)).credited_minutes == 180


def test_a_session_that_does_not_count_credits_nothing(clinic: Clinic, rosa: Episode) -> None:
    Session.objects.update(countable_minutes=0)

    assert clinic.mark(booking_of(rosa)).credited_minutes == 0


@pytest.mark.parametrize(
    ("status", "arrived", "left", "reason", "code"),
    [
        pytest.param("partial", None, None, "", "needs_times", id="partial without times"),
        pytest.param("partial", "11:00", "10:00", "", "impossible_times", id="left before arriving"),
        pytest.param("partial", "12:00", None, "", "impossible_times", id="arrived at the end"),
        pytest.param("present", None, "9:00", "", "impossible_times", id="left at the start"),
        pytest.param("no_show", "9:20", None, "", "absence_with_times", id="a no-show with an arrival"),
        pytest.param("excused", None, None, " ", "reason_required", id="excused without a reason"),
    ],
)
def test_a_mark_that_contradicts_itself_is_refused(
    clinic: Clinic, rosa: Episode, status: str, arrived: str | None, left: str | None, reason: str, code: str
) -> None:
    with pytest.raises(Refused) as refused:
        clinic.mark(
            booking_of(rosa), status, AFTER, arrived=arrived and at(arrived), left=left and at(left), reason=reason
        )

    assert codes(refused) == [code]
    assert not Attendance.objects.exists()


@pytest.mark.parametrize(("status", "now"), [("present", BEFORE), ("no_show", BEFORE)])
def test_only_an_excuse_can_be_recorded_before_the_session(
    clinic: Clinic, rosa: Episode, status: str, now: datetime
) -> None:
    with pytest.raises(Refused) as refused:
        clinic.mark(booking_of(rosa), status, now)
    assert codes(refused) == ["session_not_started"]

    assert clinic.mark(booking_of(rosa), "excused", now, reason="Court date").credited_minutes == 0


def test_a_canceled_session_cannot_be_marked(clinic: Clinic, rosa: Episode) -> None:
    Session.objects.update(status=SessionStatus.CANCELLED)

    with pytest.raises(Refused) as refused:
        clinic.mark(booking_of(rosa))

    assert codes(refused) == ["session_cancelled"]


def test_a_released_booking_cannot_be_marked(clinic: Clinic, rosa: Episode) -> None:
    booking = booking_of(rosa)
    booking.released_at, booking.release_cause = BEFORE, "given_back"
    booking.save(update_fields=["released_at", "release_cause"])

    with pytest.raises(Refused) as refused:
        clinic.mark(booking)

    assert codes(refused) == ["no_longer_booked"]


def test_a_later_mark_replaces_an_earlier_one(clinic: Clinic, rosa: Episode) -> None:
    clinic.mark(booking_of(rosa), "no_show", DURING)
    clinic.mark(booking_of(rosa), "partial", AFTER, arrived=at("9:20"))

    mark = Attendance.objects.get()
    assert (mark.status, mark.arrived, mark.credited_minutes, mark.recorded_at) == ("partial", at("9:20"), 160, AFTER)


def test_a_mark_that_the_user_has_not_seen_is_not_overwritten(clinic: Clinic, rosa: Episode) -> None:
    first = clinic.mark(booking_of(rosa), "no_show", DURING)

    for seen in (None, BEFORE):
        with pytest.raises(Refused) as refused:
            mark_booking(
                booking=booking_of(rosa),
                mark=Mark(AttendanceStatus.PRESENT),
                by=clinic.coordinator,
                now=AFTER,
                seen_at=seen,
            )
        assert codes(refused) == ["changed_meanwhile"]
    assert Attendance.objects.get().status == "no_show"

    seen_at = first.recorded_at
    mark = Mark(AttendanceStatus.PRESENT)
    mark_booking(booking=booking_of(rosa), mark=mark, by=clinic.coordinator, now=AFTER, seen_at=seen_at)
    assert Attendance.objects.get().status == "present"


def test_marking_everyone_present_changes_no_earlier_mark(clinic: Clinic, rosa: Episode) -> None:
    others = [clinic.admit("Tomasz"), clinic.admit("Wen")]
    clinic.mark(booking_of(rosa), "no_show", DURING)

    assert mark_everyone_present(session=clinic.monday, by=clinic.leader, now=AFTER) == 2
    assert mark_everyone_present(session=clinic.monday, by=clinic.leader, now=AFTER) == 0

    assert Attendance.objects.get(booking=booking_of(rosa)).status == "no_show"
    assert {Attendance.objects.get(booking=booking_of(each)).credited_minutes for each in others} == {180}


def test_each_mark_is_audited_in_the_patients_record(clinic: Clinic, rosa: Episode) -> None:
    tomasz = clinic.admit("Tomasz")
    clinic.mark(booking_of(rosa), "excused", DURING, reason="Court date")
    mark_everyone_present(session=clinic.monday, by=clinic.leader, now=AFTER)

    events = AuditEvent.objects.filter(action=Action.MARKED).order_by("pk")
    assert [(event.patient_key, event.site_key, event.reason) for event in events] == [
        (rosa.patient_id, clinic.site.pk, "Court date"),
        (tomasz.patient_id, clinic.site.pk, ""),
    ]
    assert {event.actor_label for event in events} == {"Ada Park, LADC"}


def test_each_mark_increases_the_version_of_the_session(clinic: Clinic, rosa: Episode) -> None:
    before = clinic.monday.version
    clinic.mark(booking_of(rosa))
    assert clinic.monday.version == before + 1


@pytest.mark.parametrize(
    "broken",
    [
        pytest.param({"status": "no_show", "credited_minutes": 60}, id="credit for an absence"),
        pytest.param({"status": "partial", "arrived": None, "left": None}, id="partial without times"),
        pytest.param({"status": "present", "arrived": at("10:00"), "left": at("9:30")}, id="left before arriving"),
        pytest.param({"status": "asleep"}, id="unknown status"),
    ],
)
def test_the_database_refuses_an_inconsistent_mark(clinic: Clinic, rosa: Episode, broken: dict[str, object]) -> None:
    mark = clinic.mark(booking_of(rosa))
    with pytest.raises(IntegrityError), transaction.atomic():
        Attendance.objects.filter(pk=mark.pk).update(**broken)


def test_a_booking_has_only_one_mark(clinic: Clinic, rosa: Episode) -> None:
    mark = clinic.mark(booking_of(rosa))
    mark.pk = None
    with pytest.raises(IntegrityError), transaction.atomic():
        mark.save(force_insert=True)


def test_the_test_helper_at_uses_the_time_zone_of_the_clinic(clinic: Clinic) -> None:
    assert clinic.monday.local_starts().time() == time(9)
    assert clinic.monday.starts == at("9:00")
