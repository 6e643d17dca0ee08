"""During a leave of absence, the patient stays enrolled, sessions are excused, and weeks are partial, not short."""

from datetime import date, datetime, timedelta
from functools import partial

import pytest
from pytest_django import DjangoAssertNumQueries

from accounts.models import AuditEvent, User
from attendance.domain.ledger import PartialReason, Standing
from attendance.models import Attendance, AttendanceStatus
from attendance.services.amendments import amend_attendance
from attendance.services.excuses import update_excuses, update_excuses_at_site
from attendance.services.finalization import finalize_session
from attendance.services.leaves import LeaveOverlaps, add_leave, cancel_leave, change_leave_end
from attendance.services.ledgers import week_ledger
from attendance.services.marks import Mark, mark_booking
from attendance.services.roster import ANY
from patients.models import Episode
from scheduling.models import Booking, LeaveOfAbsence, Session
from scheduling.services.bookings.makeups import OnLeave, book_makeup
from scheduling.services.enrollment.end import end_enrollment
from scheduling.services.preview.preview import preview_impact
from scheduling.services.preview.snapshot import SnapshotScope
from scheduling.services.reasons import BeforeAdmission, HasBegun, NothingChanged, ReasonRequired
from tests.clinic import (
    AFTER,
    BEFORE,
    DURING,
    FRIDAY,
    NEXT_MONDAY,
    THURSDAY,
    THURSDAY_NOON,
    WEDNESDAY,
    Clinic,
    booking_of,
    make_clinic,
    make_opening,
    openings_in_week,
)
from tests.factories import MONDAY, admit, book, make_patient
from timekeeping.reasons import EndDateBeforeStart, EpisodeEnded, Refused

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)
TUESDAY = MONDAY + DAY
SUNDAY = MONDAY + 6 * DAY


@pytest.fixture
def clinic() -> Clinic:
    return make_clinic()


@pytest.fixture
def by(clinic: Clinic) -> User:
    return clinic.coordinator


@pytest.fixture
def rosa(clinic: Clinic) -> Episode:
    return clinic.admit()


def leave_from(
    episode: Episode,
    first_day: date,
    last_day: date | None,
    by: User,
    *,
    reason: str = "Surgery",
    now: datetime = BEFORE,
) -> LeaveOfAbsence:
    return add_leave(episode=episode, first_day=first_day, last_day=last_day, reason=reason, by=by, now=now)


def excused() -> list[date]:
    days = Attendance.objects.exclude(leave=None).order_by("booking__starts")
    return list(days.values_list("booking__session__on", flat=True))


def test_sessions_in_a_leave_are_excused_and_stay_booked(clinic: Clinic, rosa: Episode, by: User) -> None:
    leave = leave_from(rosa, WEDNESDAY, FRIDAY, by)
    assert excused() == [WEDNESDAY, FRIDAY]
    mark = Attendance.objects.get(booking=booking_of(rosa, WEDNESDAY))
    assert (mark.status, mark.reason, mark.leave, mark.credited_minutes) == (
        "excused",
        "Leave of absence: Surgery",
        leave,
        0,
    )
    assert (mark.recorded_by, mark.recorded_at) == (by, BEFORE)
    assert Booking.objects.active().count() == 3
    assert set(Session.objects.values_list("on", "booked", "version")) == {
        (MONDAY, 1, 1),
        (WEDNESDAY, 1, 2),
        (FRIDAY, 1, 2),
    }
    trail = AuditEvent.objects.filter(patient_key=rosa.patient_id).order_by("pk")
    assert list(trail.values_list("action", "detail", "reason")) == [
        ("created", "away from 2026-11-25 to 2026-11-27", "Surgery"),
        ("marked", "excused: leave of absence", ""),
        ("marked", "excused: leave of absence", ""),
    ]


def test_a_leave_excuses_only_its_own_patient(clinic: Clinic, rosa: Episode, by: User) -> None:
    omar = clinic.admit("Omar")
    leave_from(rosa, MONDAY, None, by)
    assert not Attendance.objects.filter(booking__episode=omar).exists()


def test_a_leave_changes_no_earlier_mark(clinic: Clinic, rosa: Episode, by: User) -> None:
    clinic.mark(booking_of(rosa), "no_show", now=AFTER)
    clinic.mark(booking_of(rosa, WEDNESDAY), "excused", now=AFTER, reason="Court")
    leave_from(rosa, MONDAY, FRIDAY, by, now=AFTER)
    assert excused() == [FRIDAY]


def test_a_past_session_without_a_mark_is_excused_too(clinic: Clinic, rosa: Episode, by: User) -> None:
    leave_from(rosa, MONDAY, MONDAY, by, now=AFTER)
    assert excused() == [MONDAY]
    assert finalize_session(session=clinic.monday, by=clinic.leader, now=AFTER, seen_version=ANY).finalized_at == AFTER


@pytest.mark.parametrize("status", ["present", "excused"])
def test_a_mark_by_hand_replaces_the_excuse_of_a_leave(clinic: Clinic, rosa: Episode, by: User, status: str) -> None:
    leave_from(rosa, MONDAY, None, by)
    mark = Mark(AttendanceStatus(status), reason="Came all the same")
    marked = mark_booking(booking=booking_of(rosa), mark=mark, by=clinic.leader, now=AFTER, seen_at=ANY)
    marked.refresh_from_db()
    assert (marked.status, marked.leave) == (status, None)
    change_leave_end(leave=LeaveOfAbsence.objects.get(), last_day=MONDAY, by=by, now=AFTER)
    assert Attendance.objects.filter(pk=marked.pk).exists()


def test_a_finalized_excuse_can_be_amended_like_any_mark(clinic: Clinic, rosa: Episode, by: User) -> None:
    leave_from(rosa, MONDAY, None, by)
    finalize_session(session=clinic.monday, by=clinic.leader, now=AFTER, seen_version=ANY)
    mark = Mark(AttendanceStatus.PRESENT, reason="Was there")
    amend_attendance(
        attendance=Attendance.objects.get(booking=booking_of(rosa)), mark=mark, by=by, now=AFTER, seen_amendments=ANY
    )
    amended = Attendance.objects.get(booking=booking_of(rosa))
    assert (amended.status, amended.credited_minutes, amended.leave) == ("present", 180, None)


# Changing the day on which the patient returns from a leave


def test_a_patient_who_returns_early_is_expected_again(clinic: Clinic, rosa: Episode, by: User) -> None:
    leave = leave_from(rosa, MONDAY, None, by)
    ended = change_leave_end(leave=leave, last_day=WEDNESDAY, by=by, now=DURING)
    assert ended.last_day == WEDNESDAY
    assert excused() == [MONDAY, WEDNESDAY]
    assert not Attendance.objects.filter(booking=booking_of(rosa, FRIDAY)).exists()
    assert list(AuditEvent.objects.order_by("pk").values_list("action", "detail"))[-2:] == [
        ("changed", "away from 2026-11-23 to 2026-11-25"),
        ("deleted", "excused no longer: leave of absence"),
    ]


def test_sessions_that_have_begun_stay_excused(clinic: Clinic, rosa: Episode, by: User) -> None:
    leave = leave_from(rosa, MONDAY, None, by)
    change_leave_end(leave=leave, last_day=MONDAY, by=by, now=THURSDAY_NOON)
    assert excused() == [MONDAY, WEDNESDAY]


def test_a_patient_who_returns_later_is_excused_for_longer(clinic: Clinic, rosa: Episode, by: User) -> None:
    leave = leave_from(rosa, MONDAY, TUESDAY, by)
    change_leave_end(leave=leave, last_day=WEDNESDAY, by=by, now=BEFORE)
    assert excused() == [MONDAY, WEDNESDAY]
    change_leave_end(leave=leave, last_day=None, by=by, now=BEFORE)
    assert excused() == [MONDAY, WEDNESDAY, FRIDAY]
    assert LeaveOfAbsence.objects.get().ends is None


def test_canceling_a_leave_deletes_it_and_its_excuses_but_no_audit_events(
    clinic: Clinic, rosa: Episode, by: User
) -> None:
    leave = leave_from(rosa, WEDNESDAY, None, by)
    cancel_leave(leave=leave, by=by, now=DURING)
    assert not LeaveOfAbsence.objects.exists()
    assert not Attendance.objects.exists()
    assert AuditEvent.objects.order_by("pk").last().action == "deleted"


def test_a_leave_that_excused_a_past_session_cannot_be_canceled(clinic: Clinic, rosa: Episode, by: User) -> None:
    leave = leave_from(rosa, MONDAY, None, by)
    with pytest.raises(Refused) as refused:
        cancel_leave(leave=leave, by=by, now=DURING)
    assert refused.value.reasons == (HasBegun(clinic.monday.name, MONDAY),)
    assert excused() == [MONDAY, WEDNESDAY, FRIDAY]


# Leaves that are refused


def test_a_leave_must_be_within_the_episode_and_have_a_reason(clinic: Clinic, rosa: Episode, by: User) -> None:
    with pytest.raises(Refused) as refused:
        leave_from(rosa, MONDAY - DAY, MONDAY - 2 * DAY, by, reason=" ")
    assert refused.value.reasons == (
        EndDateBeforeStart(MONDAY - DAY, MONDAY - 2 * DAY),
        ReasonRequired(),
        BeforeAdmission(MONDAY - DAY, MONDAY),
    )
    Episode.objects.update(ends=FRIDAY)
    with pytest.raises(Refused) as refused:
        leave_from(rosa, FRIDAY, None, by)
    assert refused.value.reasons == (EpisodeEnded(THURSDAY),)


@pytest.mark.parametrize(
    ("existing", "new", "overlaps"),
    [
        pytest.param((TUESDAY, THURSDAY), (MONDAY, TUESDAY), True, id="its first day"),
        pytest.param((TUESDAY, THURSDAY), (THURSDAY, None), True, id="its last day"),
        pytest.param((TUESDAY, THURSDAY), (MONDAY, MONDAY), False, id="the day before"),
        pytest.param((TUESDAY, THURSDAY), (FRIDAY, None), False, id="the day after"),
        pytest.param((TUESDAY, None), (FRIDAY, FRIDAY), True, id="in an open leave"),
        pytest.param((TUESDAY, None), (MONDAY, None), True, id="two open leaves"),
        pytest.param((TUESDAY, None), (MONDAY, MONDAY), False, id="before an open leave"),
    ],
)
def test_overlapping_leaves_are_refused(
    rosa: Episode, by: User, existing: tuple[date, date | None], new: tuple[date, date | None], overlaps: bool
) -> None:
    leave_from(rosa, *existing, by)
    if not overlaps:
        assert leave_from(rosa, *new, by).starts == new[0]
        return
    with pytest.raises(Refused) as refused:
        leave_from(rosa, *new, by)
    assert refused.value.reasons == (LeaveOverlaps(*existing),)


def test_a_leave_cannot_be_extended_over_another(rosa: Episode, by: User) -> None:
    leave = leave_from(rosa, MONDAY, TUESDAY, by)
    leave_from(rosa, THURSDAY, FRIDAY, by)
    with pytest.raises(Refused) as refused:
        change_leave_end(leave=leave, last_day=None, by=by, now=BEFORE)
    assert refused.value.reasons == (LeaveOverlaps(THURSDAY, FRIDAY),)
    with pytest.raises(Refused) as refused:
        change_leave_end(leave=leave, last_day=TUESDAY, by=by, now=BEFORE)
    assert refused.value.reasons == (NothingChanged(),)
    with pytest.raises(Refused) as refused:
        change_leave_end(leave=leave, last_day=MONDAY - DAY, by=by, now=BEFORE)
    assert refused.value.reasons == (EndDateBeforeStart(MONDAY, MONDAY - DAY),)


# What the nightly job does during a leave


def test_the_nightly_job_excuses_a_later_booking_once(clinic: Clinic, rosa: Episode, by: User) -> None:
    leave_from(rosa, MONDAY, None, by)
    opening = make_opening(clinic, THURSDAY)
    book(opening, rosa.enrollments.get())
    assert update_excuses_at_site(site=clinic.site, now=DURING) == 1
    assert THURSDAY in excused()
    assert Attendance.objects.get(booking__session=opening).recorded_by == by
    assert AuditEvent.objects.order_by("pk").last().actor_label == "iopmanager"
    events = AuditEvent.objects.count()
    assert update_excuses_at_site(site=clinic.site, now=DURING) == 0
    assert update_excuses(site=clinic.site, episode_ids=[rosa.pk], now=DURING) == 0
    assert AuditEvent.objects.count() == events


def test_a_session_moved_out_of_a_leave_is_no_longer_excused(clinic: Clinic, rosa: Episode, by: User) -> None:
    leave_from(rosa, MONDAY, WEDNESDAY, by)
    Session.objects.filter(on=WEDNESDAY).update(on=THURSDAY)
    assert update_excuses_at_site(site=clinic.site, now=DURING) == 1
    assert excused() == [MONDAY]


@pytest.mark.parametrize("leaves", [1, 3])
def test_the_nightly_job_takes_as_many_queries_for_three_leaves_as_for_one(
    clinic: Clinic, by: User, leaves: int, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(leaves):
        leave_from(clinic.admit(f"Patient {number}"), MONDAY, None, by)
    Attendance.objects.all().delete()
    with django_assert_num_queries(11):
        assert update_excuses_at_site(site=clinic.site, now=BEFORE) == 3 * leaves


# Weekly hours in a week with a leave


def test_a_week_with_a_leave_is_partial_and_not_short(clinic: Clinic, rosa: Episode, by: User) -> None:
    leave_from(rosa, WEDNESDAY, WEDNESDAY, by)
    clinic.mark(booking_of(rosa))
    running = week_ledger(episode=rosa, week=MONDAY, now=AFTER)
    assert running is not None
    assert (running.standing, running.partial) == (Standing.PARTIAL, frozenset({PartialReason.LEAVE}))
    clinic.mark(booking_of(rosa, FRIDAY))
    past = week_ledger(episode=rosa, week=MONDAY, now=NEXT_MONDAY)
    assert past is not None
    assert (past.standing, past.credited_minutes) == (Standing.PARTIAL, 360)


def test_a_leave_on_days_without_sessions_does_not_make_a_week_partial(clinic: Clinic, rosa: Episode, by: User) -> None:
    leave_from(rosa, SUNDAY - DAY, SUNDAY, by)
    ledger = week_ledger(episode=rosa, week=MONDAY, now=NEXT_MONDAY)
    assert ledger is not None
    assert (ledger.standing, ledger.partial) == (Standing.SHORT, frozenset())


def test_a_week_on_leave_without_an_enrollment_is_not_short(clinic: Clinic, rosa: Episode, by: User) -> None:
    leave_from(rosa, MONDAY, None, by)
    end_enrollment(enrollment=rosa.enrollments.get(), last_day=MONDAY, by=by, now=AFTER)
    ledger = week_ledger(episode=rosa, week=MONDAY + 7 * DAY, now=NEXT_MONDAY + 7 * DAY)
    assert ledger is not None
    assert (ledger.standing, ledger.partial) == (Standing.PARTIAL, frozenset({PartialReason.LEAVE}))


def test_no_makeup_session_is_offered_on_a_day_of_a_leave(clinic: Clinic, rosa: Episode, by: User) -> None:
    clinic.mark(booking_of(rosa), "no_show", now=AFTER)
    thursday, saturday = make_opening(clinic, THURSDAY), make_opening(clinic, SUNDAY - DAY)
    leave_from(rosa, TUESDAY, THURSDAY, by, now=AFTER)
    assert openings_in_week(rosa, MONDAY, now=AFTER) == [saturday]
    with pytest.raises(Refused) as refused:
        book_makeup(session=thursday, makes_up=booking_of(rosa), by=by, now=AFTER)
    assert refused.value.reasons == (OnLeave(THURSDAY),)
    assert book_makeup(session=saturday, makes_up=booking_of(rosa), by=by, now=AFTER).session == saturday


# Preview of a leave


def test_the_impact_of_a_leave_lists_excused_and_makeup_sessions(clinic: Clinic, rosa: Episode, by: User) -> None:
    thursday, saturday = make_opening(clinic, THURSDAY), make_opening(clinic, SUNDAY - DAY)
    act = partial(leave_from, rosa, WEDNESDAY, THURSDAY, by)
    impact = preview_impact(act, scope=SnapshotScope(clinic.site, WEDNESDAY), now=BEFORE)
    assert [(change.kind, change.before.on) for change in impact.bookings if change.before] == [("excused", WEDNESDAY)]
    (drop,) = impact.shortfalls
    assert (drop.week, drop.minutes_after, drop.is_on_leave) == (MONDAY, 360, True)
    assert [makeup.key for makeup in drop.makeups or ()] == [saturday.pk] != [thursday.pk]
    assert not LeaveOfAbsence.objects.exists()


def test_the_impact_of_an_earlier_return_lists_the_sessions_expected_again(
    clinic: Clinic, rosa: Episode, by: User
) -> None:
    leave = leave_from(rosa, MONDAY, None, by)
    act = partial(change_leave_end, leave=leave, last_day=WEDNESDAY, by=by, now=BEFORE)
    impact = preview_impact(act, scope=SnapshotScope(clinic.site, WEDNESDAY), now=BEFORE)
    assert [(change.kind, change.before.on) for change in impact.bookings if change.before] == [("expected", FRIDAY)]
    assert not impact.shortfalls
    assert excused() == [MONDAY, WEDNESDAY, FRIDAY]


def test_admission_and_leave_are_separate_partial_reasons(clinic: Clinic, by: User) -> None:
    wen = admit(make_patient(clinic.site, "Wen"), WEDNESDAY)
    leave_from(wen, THURSDAY, None, by)
    ledger = week_ledger(episode=wen, week=MONDAY, now=NEXT_MONDAY)
    assert ledger is not None
    assert ledger.partial == {PartialReason.ADMISSION, PartialReason.LEAVE}
