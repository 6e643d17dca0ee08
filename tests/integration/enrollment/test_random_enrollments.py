"""After random sequences of changes, leaves, transfers and nightly jobs, the bookings match the enrollment."""

from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from itertools import combinations
from typing import Any

import pytest
from django.db import transaction
from django.test import override_settings
from hypothesis import given, settings
from hypothesis import strategies as st

from accounts.models import User
from accounts.permissions import Role
from attendance.models import Attendance
from attendance.services.excuses import update_excuses_at_site
from attendance.services.leaves import add_leave, cancel_leave, change_leave_end
from patients.models import Episode
from scheduling.models import (
    Booking,
    Enrollment,
    EnrollmentMeeting,
    LeaveOfAbsence,
    Meeting,
    ReleaseCause,
    Session,
    SessionStatus,
    Site,
    Track,
)
from scheduling.services.bookings.horizon import extend_horizon, horizon_end
from scheduling.services.bookings.release import release_booking
from scheduling.services.enrollment.change import change_meetings
from scheduling.services.enrollment.end import end_enrollment
from scheduling.services.enrollment.enroll import enroll_patient
from scheduling.services.enrollment.transfer import transfer_enrollment
from scheduling.services.sessions.cancel import cancel_session, restore_session
from scheduling.services.sessions.session_changes import move_session
from scheduling.services.sessions.slots import Slot
from tests.factories import admit, make_meeting, make_patient, make_site, make_staff, make_track
from timekeeping.reasons import Refused

pytestmark = pytest.mark.django_db

WEEKS = 3
DAY = timedelta(days=1)
BEGINNING = datetime(2026, 11, 22, 12, tzinfo=UTC)


class Stay:
    """A patient who needs 9 hours on 3 days per week. The clinic has two tracks.

    The tracks share two groups. The patient's groups may come from both tracks.
    """

    def __init__(self) -> None:
        self.now = BEGINNING
        self.site: Site = make_site(mixes_tracks=True)
        self.by: User = make_staff(Role.COORDINATOR, self.site)
        mornings = [make_meeting(self.site, day, name=f"Morning {day}") for day in range(5)]
        evenings = [make_meeting(self.site, day, "18:00", "21:00", name=f"Evening {day}") for day in (0, 1, 3)]
        self.tracks: list[Track] = [
            make_track(self.site, mornings, name="Mornings"),
            make_track(self.site, [*evenings, *mornings[:2]], name="Evenings"),
        ]
        self.episode: Episode = admit(make_patient(self.site), starts=self.today)
        extend_horizon(site=self.site, now=self.now)
        enroll_patient(
            episode=self.episode, track=self.tracks[0], meetings=mornings[:3], starts=self.today + DAY, **self.said
        )

    @property
    def today(self) -> date:
        return self.now.astimezone(self.site.zone).date()

    @property
    def said(self) -> dict[str, Any]:
        return {"by": self.by, "now": self.now}

    def enrollment(self) -> Enrollment | None:
        return Enrollment.objects.filter(episode=self.episode).order_by("-pk").first()

    def chosen(self, track: Track, which: int) -> list[Meeting]:
        """Return three meetings on different days, at least two of them in the track.

        `which` selects the meetings. If `which` is 31, only the first two are returned.
        """
        own = set(track.meetings.all())
        three = [
            list(some)
            for some in combinations(Meeting.objects.order_by("pk"), 3)
            if len({meeting.weekday for meeting in some}) == 3 and len(own.intersection(some)) >= 2
        ]
        return three[which % len(three)][: 2 if which == 31 else 3]

    def to_come(self) -> list[Session]:
        return list(Session.objects.filter(starts__gt=self.now).order_by("starts", "pk"))


def change(stay: Stay, which: int, days: int) -> None:
    enrollment = stay.enrollment()
    if enrollment:
        meetings = stay.chosen(enrollment.track, which)
        change_meetings(enrollment=enrollment, meetings=meetings, from_day=stay.today + days * DAY, **stay.said)


def transfer(stay: Stay, which: int, days: int) -> None:
    enrollment = stay.enrollment()
    if enrollment:
        track = next(each for each in stay.tracks if each != enrollment.track)
        meetings, starts = stay.chosen(track, which), stay.today + days * DAY
        transfer_enrollment(enrollment=enrollment, track=track, meetings=meetings, starts=starts, **stay.said)


def end(stay: Stay, which: int, days: int) -> None:
    enrollment = stay.enrollment()
    if enrollment:
        end_enrollment(enrollment=enrollment, last_day=stay.today + days * DAY, **stay.said)


def begin_again(stay: Stay, which: int, days: int) -> None:
    track, starts = stay.tracks[which % 2], stay.today + (days % 3) * DAY
    enroll_patient(episode=stay.episode, track=track, meetings=stay.chosen(track, which), starts=starts, **stay.said)


def leave(stay: Stay, which: int, days: int) -> None:
    first = stay.today + days * DAY
    last = None if which % 4 == 0 else first + which * DAY
    add_leave(episode=stay.episode, first_day=first, last_day=last, reason="Surgery", **stay.said)


def come_back(stay: Stay, which: int, days: int) -> None:
    leave = LeaveOfAbsence.objects.order_by("-starts").first()
    if leave:
        change_leave_end(leave=leave, last_day=None if which % 7 == 0 else stay.today + days * DAY, **stay.said)


def call_off(stay: Stay, which: int, days: int) -> None:
    leave = LeaveOfAbsence.objects.order_by("-starts").first()
    if leave:
        cancel_leave(leave=leave, **stay.said)


def move(stay: Stay, which: int, days: int) -> None:
    """Move a session by at most three days, to a time at which there are no other groups.

    Do nothing if one of the session's patients is not enrolled on the new date.
    """
    session = stay.to_come()[which % 20]
    if session.meeting is None or session.pattern_date is None:
        return
    on = min(session.pattern_date + (days % 7 - 3) * DAY, horizon_end(stay.today) - DAY)
    enrollments = Enrollment.objects.filter(bookings__in=Booking.objects.active().filter(session=session))
    if all(each.starts <= on and (not each.ends or on < each.ends) for each in enrollments):
        starts = time(12 + session.meeting.weekday, 30 if session.meeting.starts > time(12) else 0)
        slot = Slot(on=on, starts=starts, ends=starts.replace(minute=starts.minute + 25), room=None)
        move_session(session=session, slot=slot, **stay.said)


def cancel_or_hold(stay: Stay, which: int, days: int) -> None:
    session = stay.to_come()[which % 20]
    if session.status == SessionStatus.CANCELLED:
        restore_session(session=session, **stay.said)
    else:
        cancel_session(session=session, reason="Snow", **stay.said)


def give_back(stay: Stay, which: int, days: int) -> None:
    booking = Booking.objects.active().filter(starts__gt=stay.now).order_by("starts").first()
    if booking:
        release_booking(booking=booking, reason="Dentist", **stay.said)


def live_on(stay: Stay, which: int, days: int) -> None:
    """Advance the clock to the middle of a later morning, and run the nightly jobs."""
    stay.now += timedelta(days=days + 1, hours=4 if stay.now == BEGINNING else 0)
    nightly(stay)


def nightly(stay: Stay) -> None:
    extend_horizon(site=stay.site, now=stay.now)
    assert update_excuses_at_site(site=stay.site, now=stay.now) == 0, "whoever books excuses as well"


Act = Callable[[Stay, int, int], None]
ACTS: list[Act] = [
    change, change, transfer, end, begin_again, leave, leave, come_back, call_off, move, cancel_or_hold, give_back,
    live_on, live_on,
]  # fmt: skip


def begun(stay: Stay) -> set[tuple[int, bool]]:
    rows = Booking.objects.filter(starts__lte=stay.now).values_list("pk", "released_at")
    return {(pk, released_at is None) for pk, released_at in rows}


def assert_it_holds(stay: Stay) -> None:
    bookings = Booking.objects.active().filter(starts__gt=stay.now).select_related("session")
    given_back = set(Booking.objects.filter(release_cause=ReleaseCause.GIVEN_BACK).values_list("session", flat=True))
    places = list(EnrollmentMeeting.objects.select_related("enrollment"))
    until = horizon_end(stay.today)
    expected = {
        session.pk
        for session in stay.to_come()
        if session.status == SessionStatus.SCHEDULED and session.on < until and session.pk not in given_back
        if any(stands_for(place, session) for place in places)
    }
    assert sorted(booking.session_id for booking in bookings) == sorted(expected)
    for session in Session.objects.all():
        assert session.booked == session.bookings.filter(released_at=None).count()
    leaves = [leave.as_interval() for leave in LeaveOfAbsence.objects.all()]
    excused = set(Attendance.objects.exclude(leave=None).values_list("booking", flat=True))
    for booking in bookings:
        assert (booking.pk in excused) == any(days.contains(booking.session.on) for days in leaves)


def stands_for(place: EnrollmentMeeting, session: Session) -> bool:
    on, enrollment = session.pattern_date, place.enrollment
    return (
        place.meeting_id == session.meeting_id
        and on is not None
        and place.starts <= on
        and (place.ends is None or on < place.ends)
        and enrollment.starts <= session.on
        and (enrollment.ends is None or session.on < enrollment.ends)
    )


steps = st.lists(
    st.tuples(st.sampled_from(ACTS), st.integers(min_value=0, max_value=31), st.integers(min_value=0, max_value=9)),
    min_size=1,
    max_size=9,
)


@given(steps)
@settings(max_examples=40, derandomize=True)
@override_settings(HORIZON_WEEKS=WEEKS)
def test_a_patient_is_booked_into_covered_sessions_and_excused_on_leave(
    taken: list[tuple[Act, int, int]],
) -> None:
    with transaction.atomic():
        stay = Stay()
        for act, which, days in taken:
            past = begun(stay)
            try:
                act(stay, which, days)
            except Refused:
                continue
            assert past <= begun(stay), "what has begun stays"
            nightly(stay)
            assert_it_holds(stay)
        transaction.set_rollback(True)
