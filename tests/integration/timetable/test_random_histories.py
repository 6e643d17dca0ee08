"""Random actions do what their previews showed. They leave past sessions as they are and keep changes made by hand."""

import os
from collections import Counter
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from functools import partial
from typing import Any

import pytest
from django.db import transaction
from hypothesis import HealthCheck, Phase
from hypothesis import settings as effort
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from accounts.permissions import Role
from attendance.services.excuses import update_excuses_at_site
from attendance.services.leaves import add_leave, change_leave_end
from patients.models import Episode
from scheduling.domain.impact.impact import BookingState, Impact
from scheduling.models import Booking, Closure, Enrollment, LeaveOfAbsence, Meeting, Session, SessionStatus, TrackStatus
from scheduling.services.bookings.horizon import extend_horizon
from scheduling.services.bookings.meeting_changes import changed_sessions_from
from scheduling.services.bookings.release import release_booking
from scheduling.services.enrollment.change import change_meetings
from scheduling.services.enrollment.discharge import discharge_patient
from scheduling.services.enrollment.end import end_enrollment
from scheduling.services.enrollment.end_track import end_track, ending_enrollments
from scheduling.services.enrollment.enroll import enroll_patient
from scheduling.services.enrollment.transfer import transfer_enrollment
from scheduling.services.preview.preview import apply_previewed, preview_impact
from scheduling.services.preview.snapshot import SnapshotScope
from scheduling.services.sessions.cancel import cancel_session, restore_session
from scheduling.services.sessions.session_changes import (
    OneOffSession,
    Staffing,
    add_session,
    assign_staff,
    change_session_details,
    move_session,
)
from scheduling.services.sessions.slots import Slot
from scheduling.services.timetable.closures import close_site, lift_closure
from scheduling.services.timetable.meetings import change_meeting, end_meeting
from scheduling.services.timetable.tracks import publish_track
from scheduling.services.timetable.values import MeetingValues
from tests.factories import (
    admit,
    make_commitment,
    make_meeting,
    make_patient,
    make_room,
    make_site,
    make_staff,
    make_track,
)
from tests.integration.timetable import naive_model
from timekeeping.reasons import Refused

pytestmark = pytest.mark.django_db

BEGINS = date(2026, 10, 19)
WEEKS = 4
HOURS = ("09:00", "10:30", "13:00", "17:00", "18:30")
EXAMPLES = int(os.environ.get("TIMETABLE_EXAMPLES", "12"))
DAY = timedelta(days=1)
ACTS = (
    "add_session", "cancel_session", "change_meeting", "change_meetings", "change_leave_end", "end_track", "add_leave",
    "transfer_enrollment", "close_site", "change_session_details", "discharge_patient",
    "end_enrollment", "end_meeting", "enroll_patient", "move_session", "lift_closure", "restore_session", "release_booking",
    "assign_staff",
)  # fmt: skip
TRIED: Counter[str] = Counter()
"""Counts how often each action was done or refused. An action that is always refused would test nothing."""

numbers = st.integers(min_value=0, max_value=10_000)
hours = st.sampled_from(HOURS)
shifts = st.integers(min_value=-3, max_value=4)


class Clinic(RuleBasedStateMachine):
    """A small clinic in the weeks around a clock change. Actions take random numbers, which select existing rows."""

    def __init__(self) -> None:
        super().__init__()
        self.savepoint = transaction.savepoint_create()
        self.now = datetime(2026, 10, 19, 11, tzinfo=UTC)
        site = self.site = make_site(mixes_tracks=True)
        site.opens, site.closes = time(7), time(22)
        site.save()
        self.rooms = [make_room(site, places=6), make_room(site, places=6)]
        self.people = [make_staff(Role.CLINICIAN, site) for _ in range(3)]
        self.by = make_staff(Role.COORDINATOR, site)
        morning = [
            make_meeting(site, day, "09:00", "12:15", lead=self.people[0], room=self.rooms[0], places=3,
                         break_starts=time(10, 30), break_ends=time(10, 45), runs_from=BEGINS)
            for day in (0, 1, 2, 4)
        ]  # fmt: skip
        evening = [
            make_meeting(
                site, day, "17:00", "20:00", lead=self.people[1], room=self.rooms[0], places=2, runs_from=BEGINS
            )
            for day in (0, 2, 3)
        ]
        self.tracks = [
            make_track(site, meetings, name=name, status=TrackStatus.DRAFT)
            for name, meetings in (("Morning", morning), ("Evening", evening), ("Both", morning[:2] + evening[2:]))
        ]
        for track in self.tracks:
            publish_track(track=track, by=self.by, now=self.now)
        self.episodes = [admit(make_patient(site, f"Patient{n}"), starts=BEGINS) for n in range(5)]
        make_commitment(self.episodes[0].patient, [0, 1, 2, 3, 4], "12:30", "16:30", "Shift", travel_minutes=20)
        make_commitment(self.episodes[1].patient, [3], "08:00", "09:00", "School")
        for episode in self.episodes[:3]:
            self.enroll(self.episodes.index(episode), self.episodes.index(episode), shift=0)
        self.decided: dict[int, tuple[Any, ...]] = {}

    def teardown(self) -> None:
        transaction.savepoint_rollback(self.savepoint)

    @property
    def today(self) -> date:
        return self.now.astimezone(self.site.zone).date()

    # Running an action and comparing the result with its preview

    def act(self, act: Callable[[], object]) -> object:
        """Preview the action, run it, and compare the preview with the actual changes."""
        past, rows = naive_model.past_rows(self.now), naive_model.all_rows()
        seats, sessions, weeks = naive_model.seats(), naive_model.held_sessions(), naive_model.week_totals()
        scope = SnapshotScope(self.site, BEGINS)
        try:
            impact = preview_impact(act, scope=scope, now=self.now)
        except Refused:
            TRIED[f"{name_of(act)} was refused"] += 1
            assert naive_model.all_rows() == rows
            return None
        assert naive_model.all_rows() == rows
        TRIED[f"{name_of(act)} was done"] += 1
        done = apply_previewed(act, scope=scope, now=self.now, seen=impact.key)
        assert naive_model.past_rows(self.now) == past
        self.was_shown(impact, seats, sessions, weeks)
        return done

    def was_shown(self, impact: Impact, seats: Any, held: Any, weeks: Any) -> None:
        now_seats, now_sessions = naive_model.seats(), naive_model.held_sessions()
        before = [as_seat(one.before) for one in impact.bookings if one.before]
        after = [as_seat(one.after) for one in impact.bookings if one.after]
        assert sorted(before) == sorted((seats - now_seats).elements())
        assert sorted(after) == sorted((now_seats - seats).elements())
        before_sessions = [one.before for one in impact.sessions if one.before and not one.before.is_cancelled]
        after_sessions = [one.after for one in impact.sessions if one.after and not one.after.is_cancelled]
        assert sorted(map(told, before_sessions)) == sorted((held - now_sessions).elements())
        assert sorted(map(told, after_sessions)) == sorted((now_sessions - held).elements())
        shown = {(one.patient, one.week, one.minutes_after, one.days_after) for one in impact.shortfalls}
        assert shown == naive_model.week_drops(weeks, naive_model.week_totals(), self.today + timedelta(weeks=WEEKS))

    def decide(self, session: object) -> None:
        """Store the values of a session that was changed by hand. Later actions must not change these values."""
        if isinstance(session, Session):
            self.decided[session.pk] = as_decided(Session.objects.get(pk=session.pk))

    def one_of[T](self, rows: Any, number: int) -> T | None:
        found = list(rows.order_by("pk"))
        return found[number % len(found)] if found else None

    def session(self, number: int, **filters: Any) -> Session | None:
        return self.one_of(Session.objects.to_come(self.now).filter(**filters), number)

    # Actions

    @rule(number=numbers)
    def cancel(self, number: int) -> None:
        session = self.session(number)
        if session:
            self.decide(self.act(partial(cancel_session, session=session, reason="Ill", by=self.by, now=self.now)))

    @rule(number=numbers)
    def reinstate(self, number: int) -> None:
        session = self.session(number, status=SessionStatus.CANCELLED)
        if session:
            self.decide(self.act(partial(restore_session, session=session, by=self.by, now=self.now)))

    @rule(number=numbers, shift=shifts, starts=hours, length=st.sampled_from([60, 180]), room=numbers)
    def move(self, number: int, shift: int, starts: str, length: int, room: int) -> None:
        session = self.session(number)
        if session:
            slot = self.slot(session.on + shift * DAY, starts, length, room)
            self.decide(self.act(partial(move_session, session=session, slot=slot, by=self.by, now=self.now)))

    def slot(self, on: date, starts: str, length: int, room: int) -> Slot:
        begins = datetime.combine(on, time.fromisoformat(starts))
        return Slot(on=on, starts=begins.time(), ends=(begins + timedelta(minutes=length)).time(),
                    room=[*self.rooms, None][room % 3])  # fmt: skip

    @rule(number=numbers, lead=numbers, more=st.booleans())
    def substitute(self, number: int, lead: int, more: bool) -> None:
        session = self.session(number)
        if session:
            people = [self.people[lead % 3], self.people[(lead + 1) % 3]]
            staffing = Staffing(lead=people[0], assistants=tuple(people[1:]) if more else ())
            self.decide(self.act(partial(assign_staff, session=session, staffing=staffing, by=self.by, now=self.now)))

    @rule(number=numbers, places=st.integers(1, 7))
    def change_places(self, number: int, places: int) -> None:
        session = self.session(number)
        if session:
            act = partial(
                change_session_details, session=session, places=places, modality="either", topic="", telehealth_link=""
            )
            self.decide(self.act(partial(act, by=self.by, now=self.now)))

    @rule(days=st.integers(0, 20), starts=hours, room=numbers)
    def add(self, days: int, starts: str, room: int) -> None:
        slot = self.slot(self.today + days * DAY, starts, 90, room)
        group = Meeting.objects.first()
        assert group is not None
        values = OneOffSession(name="Extra", slot=slot, service_type=group.service_type, places=3)
        self.decide(self.act(partial(add_session, site=self.site, values=values, by=self.by, now=self.now)))

    @rule(days=st.integers(0, 20), length=st.integers(0, 3))
    def close(self, days: int, length: int) -> None:
        first = self.today + days * DAY
        act = partial(close_site, site=self.site, first_day=first, last_day=first + length * DAY, reason="Snow")
        before = set(self.decided)
        closure = self.act(partial(act, by=self.by, now=self.now))
        if isinstance(closure, Closure):
            for session in closure.sessions.all():
                self.decide(session)
            assert before <= set(self.decided)

    @rule(number=numbers)
    def reopen(self, number: int) -> None:
        closure: Closure | None = self.one_of(Closure.objects.filter(ends__gt=self.today), number)
        if closure:
            restored = list(closure.sessions.to_come(self.now))
            self.act(partial(lift_closure, closure=closure, by=self.by, now=self.now))
            for session in restored:
                self.decide(session)

    @rule(number=numbers, days=st.integers(0, 15), starts=hours, weekday=st.integers(0, 4), keep=st.booleans())
    def change_a_meeting(self, number: int, days: int, starts: str, weekday: int, keep: bool) -> None:
        meeting = self.meeting(number)
        if meeting is None:
            return
        begins = self.today + days * DAY
        lead = meeting.meeting_facilitators.select_related("user").first()
        until = datetime.combine(begins, time.fromisoformat(starts)) + timedelta(hours=3)
        values = MeetingValues(
            code=f"{meeting.code}.{number}", name=meeting.name, weekday=weekday, starts=time.fromisoformat(starts),
            ends=until.time(), service_type=meeting.service_type, places=meeting.places, runs_from=begins,
            room=meeting.room, lead=lead.user if lead else None, tracks=tuple(meeting.tracks.all()),
        )  # fmt: skip
        found = list(changed_sessions_from(meeting, begins, self.now).values_list("pk", flat=True))
        dropped = [] if keep else found
        enrollments = self.standing_in(meeting)
        act = partial(change_meeting, meeting=meeting, values=values, let_go=dropped)
        changed = self.act(partial(act, by=self.by, now=self.now))
        if isinstance(changed, Meeting):
            self.forget(dropped)
            assert self.standing_in(changed) == enrollments, "members and visitors alike"

    @rule(number=numbers, days=st.integers(0, 15), keep=st.booleans())
    def end_a_meeting(self, number: int, days: int, keep: bool) -> None:
        meeting = self.meeting(number)
        if meeting is None:
            return
        last_day = self.today + days * DAY
        found = list(changed_sessions_from(meeting, last_day + DAY, self.now).values_list("pk", flat=True))
        dropped = [] if keep else found
        act = partial(end_meeting, meeting=meeting, last_day=last_day, let_go=dropped)
        if self.act(partial(act, by=self.by, now=self.now)) is not None:
            self.forget(dropped)

    def standing_in(self, meeting: Meeting) -> set[int]:
        """Return the ids of the enrollments that attend the meeting without an end date."""
        return set(meeting.enrollment_meetings.filter(ends=None).values_list("enrollment", flat=True))

    def meeting(self, number: int) -> Meeting | None:
        return self.one_of(Meeting.objects.open_on_or_after(self.today), number)

    def forget(self, sessions: list[int]) -> None:
        for pk in sessions:
            self.decided.pop(pk, None)

    @rule(patient=numbers, track=numbers, shift=st.integers(0, 10))
    def enroll(self, patient: int, track: int, shift: int) -> None:
        episode, chosen = self.episodes[patient % 5], self.tracks[track % 3]
        day = self.today + shift * DAY
        meetings = [each for each in chosen.meetings.all() if each.runs_until is None or each.runs_until > day]
        episode = Episode.objects.get(pk=episode.pk)
        act = partial(enroll_patient, episode=episode, track=chosen, meetings=meetings, starts=day)
        self.act(partial(act, by=self.by, now=self.now))

    @rule(number=numbers, shift=st.integers(-2, 10))
    def leave_a_track(self, number: int, shift: int) -> None:
        enrollment: Enrollment | None = self.one_of(Enrollment.objects.open_on_or_after(self.today), number)
        if enrollment:
            act = partial(end_enrollment, enrollment=enrollment, last_day=self.today + shift * DAY)
            self.act(partial(act, by=self.by, now=self.now))

    @rule(number=numbers, shift=st.integers(0, 10))
    def discharge(self, number: int, shift: int) -> None:
        episode = Episode.objects.get(pk=self.episodes[number % 5].pk)
        if number % 4 == 0:
            act = partial(discharge_patient, episode=episode, last_day=self.today + shift * DAY, reason="Done")
            self.act(partial(act, by=self.by, now=self.now))

    @rule(number=numbers)
    def give_a_place_back(self, number: int) -> None:
        booking: Booking | None = self.one_of(Booking.objects.active().filter(starts__gt=self.now), number)
        if booking:
            self.act(partial(release_booking, booking=booking, reason="Dentist", by=self.by, now=self.now))

    @rule(number=numbers, chosen=numbers, shift=st.integers(0, 10))
    def attend_other_groups(self, number: int, chosen: int, shift: int) -> None:
        enrollment: Enrollment | None = self.one_of(Enrollment.objects.open_on_or_after(self.today), number)
        if enrollment:
            groups = list(enrollment.track.meetings.open_on_or_after(self.today + shift * DAY).order_by("pk"))
            meetings = [each for n, each in enumerate(groups) if n != chosen % (len(groups) + 1)]
            visited = self.one_of(Meeting.objects.exclude(tracks=enrollment.track), chosen)
            meetings += [visited] if visited is not None and chosen % 3 else []
            act = partial(change_meetings, enrollment=enrollment, meetings=meetings, from_day=self.today + shift * DAY)
            self.act(partial(act, by=self.by, now=self.now))

    @rule(number=numbers, track=numbers, shift=st.integers(0, 10))
    def transfer(self, number: int, track: int, shift: int) -> None:
        enrollment: Enrollment | None = self.one_of(Enrollment.objects.open_on_or_after(self.today), number)
        if enrollment:
            other, day = self.tracks[track % 3], self.today + shift * DAY
            groups = list(other.meetings.open_on_or_after(day))
            act = partial(transfer_enrollment, enrollment=enrollment, track=other, meetings=groups, starts=day)
            self.act(partial(act, by=self.by, now=self.now))

    @rule(number=numbers, shift=st.integers(0, 8), length=st.integers(0, 9))
    def go_on_leave(self, number: int, shift: int, length: int) -> None:
        episode = Episode.objects.get(pk=self.episodes[number % 5].pk)
        first = self.today + shift * DAY
        last = first + length * DAY if length < 9 else None
        act = partial(add_leave, episode=episode, first_day=first, last_day=last, reason="Surgery")
        self.act(partial(act, by=self.by, now=self.now))

    @rule(number=numbers, shift=st.integers(-1, 8))
    def come_back(self, number: int, shift: int) -> None:
        leave: LeaveOfAbsence | None = self.one_of(LeaveOfAbsence.objects.open_on_or_after(self.today), number)
        if leave:
            act = partial(change_leave_end, leave=leave, last_day=self.today + shift * DAY)
            self.act(partial(act, by=self.by, now=self.now))

    @rule(number=numbers, days=st.integers(0, 12), to=numbers, move=st.booleans())
    def end_a_track(self, number: int, days: int, to: int, move: bool) -> None:
        if number % 5:
            return  # if tracks ended more often, there would soon be none
        track, other = self.tracks[number % 3], self.tracks[to % 3]
        last_day = self.today + days * DAY
        moving = [
            each.enrollment.pk
            for each in ending_enrollments(track=track, to=other, last_day=last_day, now=self.now)
            if each.may_move and move
        ]
        session_ids = set(Session.objects.filter(meeting__tracks=track).values_list("pk", flat=True))
        act = partial(end_track, track=track, last_day=last_day, to=other if move else None, moving=moving)
        if self.act(partial(act, by=self.by, now=self.now)) is not None:
            self.forget([pk for pk in session_ids if pk in self.decided])

    @rule(days=st.integers(0, 6), run_hours=st.integers(1, 23))
    def time_passes(self, days: int, run_hours: int) -> None:
        if self.now < datetime(2026, 11, 16, tzinfo=UTC):
            self.now += timedelta(days=days, hours=run_hours)
            self.extend()

    @rule()
    def extend(self) -> None:
        """Run the nightly jobs, and check that a second run changes nothing."""
        past = naive_model.past_rows(self.now)
        extend_horizon(site=self.site, now=self.now)
        assert update_excuses_at_site(site=self.site, now=self.now) == 0, "whoever books excuses as well"
        assert naive_model.past_rows(self.now) == past
        written = naive_model.all_rows()
        again = extend_horizon(site=self.site, now=self.now)
        assert (again.sessions, again.bookings) == (0, 0)
        assert update_excuses_at_site(site=self.site, now=self.now) == 0
        assert naive_model.all_rows() == written
        self.everything_is_there()

    def everything_is_there(self) -> None:
        """Check that each date of each meeting has a session. An unchanged session must be at the usual time."""
        until = self.today + timedelta(weeks=WEEKS)
        expected = naive_model.expected_sessions(self.site, self.today, until)
        sessions = {
            (session.meeting_id, session.pattern_date): session
            for session in Session.objects.filter(meeting__isnull=False)
        }
        for key, (starts, ends) in expected.items():
            if starts <= self.now:
                continue
            session = sessions[key]
            if not session.is_changed:
                assert (session.starts, session.ends, session.on) == (starts, ends, key[1])

    # Invariants

    @invariant()
    def nobody_and_nothing_is_in_two_places(self) -> None:
        assert naive_model.double_bookings() == []

    @invariant()
    def counters_and_copies_match_the_rows(self) -> None:
        assert naive_model.wrong_booked_counts() == []
        assert naive_model.wrong_copies() == []

    @invariant()
    def every_exception_is_as_it_was_decided(self) -> None:
        for pk, decided in getattr(self, "decided", {}).items():
            assert as_decided(Session.objects.get(pk=pk)) == decided


def name_of(act: Any) -> str:
    """Return the name of the service that the partial function calls."""
    return str(act.func.__name__)


def as_seat(seat: BookingState) -> tuple[Any, ...]:
    return (seat.patient, seat.time.start, seat.time.end, seat.is_excused)


def told(session: Any) -> tuple[Any, ...]:
    people = tuple(sorted(session.people))
    return (session.name, session.time.start, session.time.end, session.room, people, session.places)


def as_decided(session: Session) -> tuple[Any, ...]:
    people = sorted(session.session_facilitators.values_list("user", "part"))
    return (session.status, session.starts, session.ends, session.room_id, session.places, session.departed_at, people)


def test_each_action_does_what_its_preview_showed(settings: Any) -> None:
    """Random actions might all be refused. This fixed sequence does each action at least once."""
    settings.HORIZON_WEEKS = WEEKS
    TRIED.clear()
    clinic = Clinic()
    try:
        for act in (
            partial(clinic.extend),
            partial(clinic.enroll, patient=3, track=0, shift=0),
            partial(clinic.attend_other_groups, number=2, chosen=1, shift=3),
            partial(clinic.transfer, number=0, track=2, shift=5),
            partial(clinic.cancel, number=0),
            partial(clinic.reinstate, number=0),
            partial(clinic.move, number=3, shift=0, starts="13:00", length=180, room=1),
            partial(clinic.substitute, number=4, lead=2, more=False),
            partial(clinic.change_places, number=5, places=5),
            partial(clinic.add, days=3, starts="13:00", room=1),
            partial(clinic.close, days=8, length=1),
            partial(clinic.time_passes, days=2, run_hours=3),
            partial(clinic.reopen, number=0),
            partial(clinic.change_a_meeting, number=0, days=7, starts="13:00", weekday=0, keep=True),
            partial(clinic.give_a_place_back, number=0),
            partial(clinic.end_a_meeting, number=2, days=7, keep=False),
            partial(clinic.go_on_leave, number=0, shift=1, length=5),
            partial(clinic.come_back, number=0, shift=2),
            partial(clinic.leave_a_track, number=1, shift=4),
            partial(clinic.discharge, number=4, shift=3),
            partial(clinic.end_a_track, number=0, days=5, to=1, move=False),
            partial(clinic.extend),
        ):
            act()
            clinic.nobody_and_nothing_is_in_two_places()
            clinic.counters_and_copies_match_the_rows()
            clinic.every_exception_is_as_it_was_decided()
    finally:
        clinic.teardown()
    assert {name for name in ACTS if not TRIED[f"{name} was done"]} == set()


def test_the_timetable_stays_consistent_under_random_actions(settings: Any) -> None:
    settings.HORIZON_WEEKS = WEEKS
    run_state_machine_as_test(
        Clinic,
        settings=effort(
            max_examples=EXAMPLES,
            stateful_step_count=14,
            deadline=None,
            phases=[Phase.generate],  # no shrinking, because shrinking takes longer than reading a long example
            derandomize="TIMETABLE_EXAMPLES" not in os.environ,
            suppress_health_check=list(HealthCheck),
        ),
    )
