"""For every database constraint, a row that breaks only that constraint is refused."""

from collections.abc import Callable
from datetime import date, time, timedelta
from typing import Any

import pytest
from django.apps import apps
from django.db import IntegrityError, connection, models, transaction
from django.db.models import F

from accounts.append_only import append_only_models
from accounts.audit import record
from accounts.models import Action, AuditEvent, JobRun, OutgoingMail, RoleAssignment, User
from attendance.models import Amendment
from clinic_import.models import ClinicImport
from patients.models import Delegate, PlaceTravel
from scheduling.double_booking import FACILITATOR, GUARDS, HOURS, PATIENT, ROOM
from scheduling.models import (
    Booking,
    CohortStart,
    EnrollmentMeeting,
    Letter,
    MeetingFacilitator,
    RuleSet,
    SessionFacilitator,
)
from tests.factories import MONDAY, admit, make_calendar, make_patient
from tests.integration.database.valid_rows import AT, NEXT_DAY, World, make_world

pytestmark = pytest.mark.django_db

HOUR = timedelta(hours=1)


@pytest.fixture
def world() -> World:
    return make_world()


def make_delegate(world: World, **changes: Any) -> Delegate:
    """Let the lead see the schedule of the consent's patient."""
    values = {"patient": world.consent.patient, "user": world.lead, "consent": world.consent}
    return Delegate.objects.create(since=AT, given_by=world.lead, **(values | changes))


def sets(row: str, **fields: Any) -> Callable[[World], object]:
    """Return a function that updates a row of `World` with SQL, without validation in Python."""

    def change(world: World) -> object:
        made: models.Model = getattr(world, row)
        return type(made)._default_manager.filter(pk=made.pk).update(**fields)

    return change


def repeats(row: str, **fields: Any) -> Callable[[World], object]:
    """Return a function that inserts a copy of a row of `World`, with the given fields changed."""

    def copy(world: World) -> object:
        made: models.Model = getattr(world, row)
        again = type(made)._default_manager.get(pk=made.pk)
        again.pk = None
        again._state.adding = True
        for name, value in fields.items():
            setattr(again, name, value)
        again.save(force_insert=True)
        return again

    return copy


def rule_set(**fields: Any) -> Callable[[World], object]:
    return lambda world: RuleSet.objects.create(site=world.site, **{"starts": date(2026, 1, 5), **fields})


def facilitates(model: type[models.Model], row: str, who: str, part: str) -> Callable[[World], object]:
    field = "meeting" if model is MeetingFacilitator else "session"
    return lambda world: model._default_manager.create(
        **{field: getattr(world, row), "user": getattr(world, who), "part": part}
    )


def assigns(role: str, *, everywhere: bool, times: int = 1) -> Callable[[World], object]:
    def assign(world: World) -> object:
        site = None if everywhere else world.site
        return [RoleAssignment.objects.create(user=world.other, role=role, site=site) for _ in range(times)]

    return assign


def runs(*, times: int = 1, **fields: Any) -> Callable[[World], object]:
    def run(world: World) -> object:
        common = {"name": "extend_horizon", "site_key": world.site.pk, "night": MONDAY, "started_at": AT}
        return [JobRun.objects.create(**{**common, **fields}) for _ in range(times)]

    return run


def imports(**fields: Any) -> Callable[[World], object]:
    common = {"created_at": AT, "active_at": AT}
    return lambda world: ClinicImport.objects.create(by=world.lead, **common, **fields)


def goes_round(*, days: int = 7, mask: int = 0b1111) -> Callable[[World], object]:
    return sets("commitment", weekdays=0, anchor=MONDAY, cycle_days=days, cycle_mask=mask)


def asks_twice(world: World) -> object:
    proposal = {"action": "change", "commitment": world.commitment}
    return [sets("proposal", **proposal)(world), repeats("proposal", **proposal)(world)]


def starts_twice(world: World) -> object:
    return [CohortStart.objects.create(track=world.track, on=MONDAY) for _ in range(2)]


def amends(world: World, reason: str) -> Amendment:
    return Amendment.objects.create(
        attendance=world.attendance,
        status_before="present",
        credited_minutes_before=180,
        status_after="no_show",
        credited_minutes_after=0,
        reason=reason,
        by=world.lead,
        signature="Ada",
        at=AT,
    )


def looks_twice(world: World) -> object:
    preview = {"kind": "school", "state": "understood"}
    return [make_calendar(world.patient, world.lead, **preview) for _ in range(2)]


def stands_twice(world: World) -> object:
    return EnrollmentMeeting.objects.create(enrollment=world.enrollment, meeting=world.meeting, starts=NEXT_DAY)


def stands_backwards(world: World) -> object:
    return world.enrollment.enrollment_meetings.update(ends=MONDAY)


def mails(**fields: object) -> Callable[[World], object]:
    return lambda world: OutgoingMail.objects.create(content={"body": "Hello"}, created_at=AT, **fields)


BREAKS: dict[str, Callable[[World], object]] = {
    "user_email_is_unique_in_any_case": lambda world: User.objects.create(email=world.lead.email.upper(), name="X"),
    "mail_says_nothing_once_it_was_given_up": mails(given_up_at=AT, next_try=None),
    "mail_is_tried_so_often_and_no_more": mails(next_try=AT, attempts=20),
    "role_is_assigned_once_per_site": assigns("reviewer", everywhere=False, times=2),
    "role_is_assigned_once_for_every_site": assigns("administrator", everywhere=True, times=2),
    "only_administrators_have_every_site": assigns("coordinator", everywhere=True),
    "role_is_known": assigns("visitor", everywhere=False),
    "job_is_tried_once_at_a_site": runs(times=2),
    "job_about_no_site_is_tried_once": runs(times=2, site_key=None),
    "job_is_tried_so_often_a_night": runs(attempt=4),
    "job_run_outcome_is_known": runs(outcome="perhaps", finished_at=AT),
    "job_run_is_unfinished_exactly_when_running": runs(outcome="running", finished_at=AT),
    "job_run_ends_after_it_starts": runs(outcome="done", finished_at=AT - HOUR),
    "patient_travels_at_most_eight_hours": sets("patient", travel_minutes=481),
    "patient_is_not_merged_into_itself": sets("patient", merged_into=F("pk")),
    "merge_has_two_records": sets("merge", absorbed=F("kept")),
    "merge_has_a_reason": sets("merge", reason=""),
    "merge_is_taken_back_by_somebody_for_a_reason": sets("merge", taken_back_at=AT),
    "record_is_merged_into_one_record": repeats("merge"),
    "commitment_is_weekly_or_goes_round_or_is_on_dates": sets("commitment", on=MONDAY),
    "commitment_goes_round_within_eight_weeks": goes_round(days=57),
    "commitment_round_begins_with_a_day_on_and_has_one_off": goes_round(mask=0b1111111),
    "commitment_dates_end_after_they_begin": sets("commitment", on=MONDAY, until=MONDAY),
    "commitment_takes_time_or_the_whole_day": sets("commitment", ends=time(13)),
    "commitment_moves_by_five_minutes_to_eight_hours": sets("commitment", movable_minutes=4),
    "commitment_ends_after_it_begins": sets("commitment", valid_from=MONDAY, valid_until=MONDAY),
    "commitment_travel_at_most_eight_hours": sets("commitment", travel_after_minutes=481),
    "place_name_is_unique_for_a_patient": repeats("place"),
    "place_has_a_name": sets("place", name=""),
    "patient_phone_has_a_number": sets("phone", number=""),
    "emergency_contact_has_a_name": sets("emergency", name=""),
    "emergency_contact_has_a_phone": sets("emergency", phone=""),
    "place_has_one_way_to_a_site": lambda world: PlaceTravel.objects.create(place=world.place, site=world.site),
    "place_is_at_most_eight_hours_away": lambda world: world.place.travels.update(after_minutes=481),
    "proposal_action_is_known": sets("proposal", action="sing", commitment=None),
    "proposal_state_is_known": sets("proposal", state="lost", decided_at=AT),
    "proposal_waits_until_it_is_decided": sets("proposal", decided_at=AT),
    "proposal_is_declined_for_a_reason": sets("proposal", state="declined", decided_at=AT),
    "proposal_that_waits_adds_or_is_about_a_commitment": sets("proposal", action="change"),
    "proposal_ends_with_a_last_day": sets("proposal", last_day=MONDAY),
    "commitment_has_one_proposal_that_waits": asks_twice,
    "commitment_kind_is_known": sets("commitment", kind="sport"),
    "commitment_code_is_unique_for_a_patient": repeats("commitment"),
    "calendar_kind_is_known": sets("calendar", kind="sport"),
    "calendar_state_is_known": sets("calendar", state="lost", decided_at=None),
    "calendar_ends_after_it_begins": sets("calendar", until=MONDAY),
    "calendar_travel_at_most_eight_hours": sets("calendar", travel_after=481),
    "calendar_moves_at_most_eight_hours": sets("calendar", movable_minutes=481),
    "calendar_is_decided_when_kept_or_declined": sets("calendar", decided_at=None),
    "calendar_is_declined_for_a_reason": sets("calendar", state="declined"),
    "calendar_says_whether_whole_days_count": sets("calendar", whole_days=1),
    "patient_has_one_calendar_of_a_kind": repeats("calendar"),
    "calendar_is_looked_at_once": looks_twice,
    "calendar_time_ends_after_it_starts": sets("calendar_time", ends=AT),
    "calendar_has_a_time_once": repeats("calendar_time"),
    "episode_ends_after_it_starts": sets("episode", ends=MONDAY),
    "patient_has_one_open_episode": repeats("episode"),
    "span_ends_after_it_starts": sets("span", ends=MONDAY),
    "episode_moves_after_it_starts": sets("episode", came_on=MONDAY),
    "former_site_ends_after_it_starts": sets("former", starts=MONDAY),
    "episode_is_at_one_site_from_a_date": repeats("former", ends=NEXT_DAY),
    "episode_has_one_open_span": repeats("span", starts=NEXT_DAY),
    "episode_has_one_span_from_a_date": repeats("span", ends=NEXT_DAY),
    "span_prescribes_minutes_of_a_week": sets("span", prescribed_minutes=0),
    "span_prescribes_days_of_a_week": sets("span", prescribed_days=8),
    "span_level_is_known": sets("span", level="9"),
    "room_code_is_unique_at_a_site": repeats("room"),
    "room_has_a_place": sets("room", places=0),
    "site_has_one_rule_set_from_a_date": rule_set(starts=date(2020, 1, 6)),
    "rule_set_minutes_are_a_range_within_a_week": rule_set(minimum_minutes=600, maximum_minutes=540),
    "rule_set_days_are_a_range_within_a_week": rule_set(minimum_days=4, maximum_days=3),
    "rule_set_day_has_at_most_24_hours": rule_set(minimum_minutes_per_day=1441),
    "rule_set_week_starts_on_a_weekday": rule_set(week_starts=7),
    "rule_set_starts_on_the_first_day_of_its_week": rule_set(starts=date(2026, 1, 6)),
    "rule_set_level_is_known": rule_set(level="9"),
    "closure_ends_after_it_starts": sets("closure", ends=MONDAY),
    "site_has_one_closure_from_a_date": repeats("closure"),
    "track_code_is_unique_at_a_site": repeats("track"),
    "track_has_been_published_unless_draft": sets("track", published_at=None),
    "track_status_is_known": sets("track", status="lost"),
    "track_entry_is_known": sets("track", entry="lost"),
    "track_level_is_known": sets("track", level="9.9"),
    "track_ages_are_a_range": sets("track", from_age=18, to_age=17),
    "track_individual_minutes_fit_a_week": sets("track", individual_minutes=1501),
    "cohort_starts_once_on_a_date": starts_twice,
    "meeting_code_begins_once_on_a_date": repeats("meeting"),
    "meeting_is_on_a_weekday": sets("meeting", weekday=7),
    "meeting_ends_after_it_starts": sets("meeting", ends=time(9)),
    "meeting_break_lies_inside_it": sets("meeting", break_starts=time(11, 30), break_ends=time(12)),
    "meeting_has_a_place": sets("meeting", places=0),
    "meeting_kept_for_one_has_one_place": lambda world: sets("meeting", kept_for=world.enrollment)(world),
    "counselor_hours_are_on_a_weekday": sets("hours", weekday=7),
    "counselor_hours_end_after_they_start": sets("hours", ends=time(9)),
    "counselor_hours_hold_for_a_day": sets("hours", valid_from=MONDAY, valid_until=MONDAY),
    "meeting_runs_for_a_day": sets("meeting", runs_until=date(2026, 1, 5)),
    "meeting_modality_is_known": sets("meeting", modality="post"),
    "facilitator_is_in_a_meeting_once": facilitates(MeetingFacilitator, "meeting", "lead", "assists"),
    "meeting_has_one_leader": facilitates(MeetingFacilitator, "meeting", "other", "leads"),
    "meeting_part_is_known": facilitates(MeetingFacilitator, "meeting", "other", "sings"),
    "meeting_has_one_session_on_a_date": repeats("session", room=None),
    "session_of_a_meeting_stands_for_a_date": sets("session", pattern_date=None),
    "session_is_online_over_https": sets("session", telehealth_link="http://example.test/"),
    "session_in_a_closure_is_cancelled": lambda world: sets("session", closure=world.closure)(world),
    "facilitator_is_there_for_some_time": lambda world: world.session.session_facilitators.update(ends=None),
    "site_closes_after_it_opens": sets("site", opens=time(9), closes=time(9)),
    "site_leaves_time_for_a_pause": sets("site", idle_minutes=1),
    "session_ends_after_it_starts": sets("later", ends=AT),
    "session_break_lies_inside_it": sets("session", break_starts=AT - HOUR, break_ends=AT),
    "session_has_a_place": sets("later", places=0),
    "session_is_not_overbooked": sets("session", booked=11),
    "session_counts_at_most_a_day": sets("session", countable_minutes=1441),
    "session_is_finalized_whole": sets("session", status="held", finalized_at=AT),
    "session_is_held_or_cancelled_when_finalized": lambda world: sets(
        "session", finalized_at=AT, finalized_by=world.lead, finalized_credential="Ada"
    )(world),
    "session_status_is_known": sets("session", status="lost"),
    "session_modality_is_known": sets("session", modality="post"),
    "facilitator_is_in_a_session_once": facilitates(SessionFacilitator, "session", "lead", "assists"),
    "session_has_one_leader": facilitates(SessionFacilitator, "session", "other", "leads"),
    "session_part_is_known": facilitates(SessionFacilitator, "session", "other", "sings"),
    "enrollment_ends_after_it_starts": sets("enrollment", ends=MONDAY),
    "episode_is_enrolled_in_a_track_once": repeats("enrollment", starts=NEXT_DAY),
    "enrollment_is_in_person_or_telehealth": sets("enrollment", modality="either"),
    "enrollment_meeting_ends_after_it_starts": stands_backwards,
    "meeting_is_in_an_enrollment_once": stands_twice,
    "leave_ends_after_it_starts": sets("leave", ends=MONDAY),
    "episode_has_one_leave_from_a_date": repeats("leave", ends=NEXT_DAY),
    "episode_has_one_open_leave": repeats("leave", starts=NEXT_DAY),
    "leave_has_a_reason": sets("leave", reason=""),
    "consent_ends_after_it_is_signed": sets("consent", valid_until=MONDAY),
    "consent_is_revoked_by_somebody": sets("consent", revoked_at=AT),
    "consent_recipient_kind_is_known": sets("consent", recipient_kind="friend"),
    "consent_says_for_whom_and_what_for": sets("consent", purpose=""),
    "delegate_is_ended_by_somebody": lambda world: make_delegate(world, ended_at=AT),
    "delegate_of_a_patient_is_open_once": lambda world: [make_delegate(world), make_delegate(world)],
    "letter_ends_after_it_starts": lambda world: Letter.objects.create(
        consent=world.consent, starts=MONDAY, ends=MONDAY, written_at=AT, written_by=world.lead
    ),
    "episode_waits_for_a_track_once": repeats("waiting"),
    "waiting_priority_is_known": sets("waiting", priority=0),
    "waiting_ends_with_a_place_or_a_reason": sets("waiting", closed_at=AT),
    "patient_is_booked_once_in_a_session": lambda world: repeats(
        "booking", starts=world.later.starts, ends=world.later.ends
    )(world),
    "booking_is_enrolled_or_a_make_up": sets("booking", enrollment=None),
    "booking_ends_after_it_starts": sets("booking", ends=AT - 12 * HOUR),
    "booking_has_a_release_reason_only_when_released": sets("booking", release_reason="No longer"),
    "booking_is_released_for_a_cause": sets("booking", released_at=AT),
    PATIENT.name: lambda world: repeats("booking", session=world.later)(world),
    ROOM.name: lambda world: sets("later", starts=world.session.starts)(world),
    HOURS.name: repeats("hours", starts=time(11), ends=time(13)),
    FACILITATOR.name: lambda world: world.later.session_facilitators.update(starts=world.session.starts),
    "invitation_is_for_one_person": sets("invitation", patient=None),
    "invitation_expires_after_it_is_created": sets("invitation", expires_at=AT),
    "invitation_is_used_by_somebody": sets("invitation", used_at=AT),
    "invitation_is_withdrawn_by_somebody": sets("invitation", revoked_at=AT),
    "invitation_is_used_or_withdrawn": lambda world: sets(
        "invitation", used_at=AT, used_by=world.lead, revoked_at=AT, revoked_by=world.lead
    )(world),
    "patient_has_one_pending_invitation": repeats("invitation", token_hash="3" * 64),
    "user_has_one_pending_invitation": repeats("staff_invitation", token_hash="3" * 64),
    "feed_is_of_one_subject": lambda world: sets("feed", room=world.room)(world),
    "feed_style_is_known": sets("feed", style="loud"),
    "attendance_left_after_arriving": sets("attendance", arrived=AT, left=AT),
    "attendance_credits_only_who_was_there": sets("attendance", status="no_show"),
    "attendance_in_part_says_from_or_until_when": sets("attendance", status="partial"),
    "attendance_status_is_known": sets("attendance", status="lost", credited_minutes=0),
    "attendance_during_a_leave_is_excused": lambda world: sets("attendance", leave=world.leave)(world),
    "attendance_is_recorded_by_somebody_or_imported": sets("attendance", recorded_by=None),
    "amendment_has_a_reason": lambda world: amends(world, ""),
    "import_state_is_known": imports(state="lost"),
    "import_keeps_no_files_once_it_is_over": imports(state="done", upload=b"files"),
}
ALSO_BROKEN = {"rule_set_week_starts_on_a_weekday": "rule_set_starts_on_the_first_day_of_its_week"}
"""A row that breaks the first constraint also breaks the second. The database may report either constraint."""
OWN_APPS = ("accounts", "patients", "scheduling", "attendance", "clinic_import")


CONSTRAINTS = {
    constraint.name: (model, constraint)
    for app in OWN_APPS
    for model in apps.get_app_config(app).get_models()
    for constraint in model._meta.constraints
}


def expected_messages(name: str) -> list[str]:
    """Return texts that identify the constraint. A database error must contain at least one of the texts.

    Most errors contain the constraint's name. For a unique constraint, SQLite lists the columns instead.
    """
    names = [name, ALSO_BROKEN.get(name, name)]
    model, constraint = CONSTRAINTS.get(name, (Booking, None))
    if connection.vendor == "sqlite" and isinstance(constraint, models.UniqueConstraint):
        columns = constraint.fields or [
            vars(each)["name"] for each in constraint.expressions if isinstance(each, models.F)
        ]
        table = model._meta.db_table
        named = [f"{table}.{model._meta.get_field(field).column}" for field in columns]
        names.append(f"UNIQUE constraint failed: {', '.join(named)}" if named else name)
    return names


@pytest.mark.parametrize("name", BREAKS)
def test_the_database_refuses_a_row_that_breaks_the_constraint(world: World, name: str) -> None:
    with pytest.raises(IntegrityError) as refused, transaction.atomic():
        BREAKS[name](world)
    message = str(refused.value)
    assert any(each in message for each in expected_messages(name)), message


def test_every_constraint_has_a_row_that_breaks_it() -> None:
    assert set(BREAKS) == set(CONSTRAINTS) | {guard.name for guard in GUARDS}


def test_counselor_hours_may_be_adjacent_and_may_overlap_on_other_days_or_for_other_counselors(world: World) -> None:
    for otherwise in (
        {"starts": time(12), "ends": time(13)},
        {"weekday": 2},
        {"user": world.other},
    ):
        repeats("hours", **otherwise)(world)
    sets("hours", valid_until=MONDAY)(world)
    repeats("hours", valid_from=MONDAY, valid_until=None)(world)
    with pytest.raises(IntegrityError, match=HOURS.name), transaction.atomic():
        sets("hours", valid_until=NEXT_DAY)(world)


def test_released_bookings_may_overlap(world: World) -> None:
    Booking.objects.filter(pk=world.booking.pk).update(
        released_at=AT, release_cause="given_back", release_reason="No longer"
    )

    repeats("booking", session=world.later)(world)

    assert Booking.objects.filter(episode=world.episode).count() == 2


def test_a_released_booking_can_be_restored_only_without_an_overlap(world: World) -> None:
    Booking.objects.filter(pk=world.booking.pk).update(released_at=AT, release_cause="given_back")
    repeats("booking", session=world.later, released_at=None, release_cause="")(world)
    with pytest.raises(IntegrityError, match=PATIENT.name), transaction.atomic():
        Booking.objects.filter(pk=world.booking.pk).update(released_at=None, release_cause="")


def test_a_booking_may_start_when_another_ends(world: World) -> None:
    booked = world.booking
    repeats("booking", session=world.later, starts=booked.ends, ends=booked.ends + HOUR)(world)
    with pytest.raises(IntegrityError, match=PATIENT.name), transaction.atomic():
        Booking.objects.filter(session=world.later).update(starts=booked.ends - timedelta(minutes=1))


def test_bookings_of_different_patients_may_overlap(world: World) -> None:
    other = admit(make_patient(world.site, "Omar", "Haddad"))
    repeats("booking", session=world.later, episode=other)(world)
    assert Booking.objects.filter(starts=world.booking.starts).count() == 2


def test_audit_events_and_amendments_cannot_be_changed_or_deleted(world: World) -> None:
    event = record(world.patient, by=world.lead, action=Action.VIEWED, at=AT)
    amendment = amends(world, "Came after all")
    for model, row in ((AuditEvent, event), (Amendment, amendment)):
        table, rows = model._meta.db_table, model._default_manager.filter(pk=row.pk)
        for act in (
            rows.delete,
            lambda rows=rows: rows.update(reason="another"),
            lambda row=row: row.save(),
            lambda row=row: row.delete(),
            lambda table=table: run(f"UPDATE {table} SET reason = 'another'"),
            lambda table=table: run(f"DELETE FROM {table}"),
        ):
            with pytest.raises(IntegrityError, match=f"table {table} is append-only"), transaction.atomic():
                act()
    assert AuditEvent.objects.get(pk=event.pk).reason == ""
    assert Amendment.objects.get(pk=amendment.pk).reason == "Came after all"


def run(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)


def test_audit_events_and_amendments_are_the_append_only_tables() -> None:
    assert {model for app in apps.get_app_configs() for model in append_only_models(app)} == {AuditEvent, Amendment}
