"""A closure cancels the sessions on the closed days. Lifting the closure restores these sessions."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, time, timedelta

import pytest

from accounts.models import AuditEvent, User
from accounts.permissions import Role
from scheduling.models import Booking, Closure, Enrollment, ReleaseCause, Room, Session, SessionStatus, Site, Track
from scheduling.services.bookings.horizon import extend_horizon
from scheduling.services.enrollment.enroll import enroll_patient
from scheduling.services.reasons import ReasonRequired
from scheduling.services.sessions.cancel import cancel_session
from scheduling.services.sessions.session_changes import OneOffSession, Staffing, add_session
from scheduling.services.sessions.slots import Slot
from scheduling.services.timetable.closures import (
    ClosureAlreadyLifted,
    ClosureOverlaps,
    Holiday,
    change_closure,
    close_site,
    holidays_at,
    is_known_place,
    known_countries,
    known_states,
    lift_closure,
)
from scheduling.services.timetable.meetings import change_meeting
from scheduling.services.timetable.values import MeetingValues
from tests.factories import MONDAY, admit, make_meeting, make_patient, make_room, make_site, make_staff, make_track
from timekeeping.reasons import AlreadyEnded, EndDateBeforeStart, Reason, Refused

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
DAY, WEEK = timedelta(days=1), timedelta(weeks=1)
TUESDAY, WEDNESDAY, FRIDAY = (MONDAY + number * DAY for number in (1, 2, 4))
MONDAY_AT_TEN = datetime(2026, 11, 23, 15, tzinfo=UTC)


class Small:
    """A small clinic with a patient in groups on Monday, Wednesday and Friday."""

    def __init__(self) -> None:
        self.site: Site = make_site()
        self.by: User = make_staff(Role.COORDINATOR, self.site)
        self.lead: User = make_staff(Role.CLINICIAN, self.site)
        self.room: Room = make_room(self.site)
        meetings = [make_meeting(self.site, day, lead=self.lead, room=self.room, name="Group") for day in (0, 2, 4)]
        self.track: Track = make_track(self.site, meetings)
        extend_horizon(site=self.site, now=NOW)
        self.enrollment: Enrollment = enroll_patient(
            episode=admit(make_patient(self.site)),
            track=self.track,
            meetings=meetings,
            starts=MONDAY,
            by=self.by,
            now=NOW,
        )

    def close(self, first: date, last: date, reason: str = "Snow", now: datetime = NOW) -> Closure:
        return close_site(site=self.site, first_day=first, last_day=last, reason=reason, by=self.by, now=now)

    def lift(self, closure: Closure, now: datetime = NOW) -> list[Session]:
        return lift_closure(closure=closure, by=self.by, now=now)

    def on(self, day: date) -> Session:
        return Session.objects.get(site=self.site, on=day, name="Group")

    def held_on(self) -> list[date]:
        """Return the dates in the first two weeks on which the patient is booked in a session that is not canceled."""
        bookings = Booking.objects.active().filter(enrollment=self.enrollment, session__on__lt=MONDAY + 2 * WEEK)
        return sorted(bookings.exclude(session__status=SessionStatus.CANCELLED).values_list("session__on", flat=True))


@pytest.fixture
def small() -> Small:
    return Small()


@contextmanager
def refused_for(*reasons: Reason) -> Iterator[None]:
    """Expect the block to raise Refused with exactly these reasons."""
    with pytest.raises(Refused) as refused:
        yield
    assert refused.value.reasons == reasons


def test_only_the_sessions_of_closed_days_are_canceled(small: Small) -> None:
    closure = small.close(WEDNESDAY, FRIDAY)
    for day in (WEDNESDAY, FRIDAY):
        session = small.on(day)
        assert (session.status, session.cancel_reason, session.closure, session.booked) == (
            SessionStatus.CANCELLED, "Snow", closure, 0,
        )  # fmt: skip
    assert small.held_on() == [MONDAY, MONDAY + WEEK, WEDNESDAY + WEEK, FRIDAY + WEEK]
    released = Booking.objects.filter(session=small.on(FRIDAY)).values_list("release_cause", "release_reason")
    assert list(released) == [(ReleaseCause.CANCELLED, "Snow")]


def test_a_closure_is_recorded_for_the_site_and_for_each_patient_who_loses_a_session(small: Small) -> None:
    small.close(WEDNESDAY, FRIDAY)
    patient = small.enrollment.episode.patient_id
    assert AuditEvent.objects.filter(action="cancelled", patient_key=patient, reason="Snow").count() == 2
    assert AuditEvent.objects.filter(action="created", subject_kind="closure", site_key=small.site.pk).count() == 1


def test_a_closure_does_not_cancel_the_sessions_of_another_site(small: Small) -> None:
    elsewhere = Small()
    small.close(MONDAY, FRIDAY)
    assert elsewhere.held_on()[:3] == [MONDAY, WEDNESDAY, FRIDAY]


def test_a_session_that_has_begun_is_not_canceled(small: Small) -> None:
    small.close(MONDAY, WEDNESDAY, now=MONDAY_AT_TEN)
    assert small.on(MONDAY).status == SessionStatus.SCHEDULED
    assert small.on(WEDNESDAY).status == SessionStatus.CANCELLED
    assert small.held_on()[:2] == [MONDAY, FRIDAY]


def test_no_sessions_are_written_on_closed_days_until_the_closure_is_lifted(small: Small) -> None:
    beyond_horizon = MONDAY + 12 * WEEK
    closure = small.close(beyond_horizon, beyond_horizon)
    later = NOW + WEEK
    extend_horizon(site=small.site, now=later)
    assert not Session.objects.filter(on=beyond_horizon).exists()
    small.lift(closure, later)
    assert Booking.objects.active().filter(enrollment=small.enrollment, session__on=beyond_horizon).count() == 1


def test_lifting_restores_sessions_bookings_and_facilitators(small: Small) -> None:
    before = small.held_on()
    closure = small.close(WEDNESDAY, FRIDAY)
    assert small.lift(closure) == []
    assert not Closure.objects.exists()
    assert small.held_on() == before
    session = small.on(WEDNESDAY)
    assert (session.status, session.cancel_reason, session.closure, session.booked) == (
        SessionStatus.SCHEDULED, "", None, 1,
    )  # fmt: skip
    facilitator = session.session_facilitators.get()
    assert (facilitator.user, facilitator.starts, facilitator.ends) == (small.lead, session.starts, session.ends)


def test_a_session_canceled_by_hand_stays_canceled(small: Small) -> None:
    cancel_session(session=small.on(WEDNESDAY), reason="Ill", by=small.by, now=NOW)
    small.lift(small.close(WEDNESDAY, FRIDAY))
    assert (small.on(WEDNESDAY).status, small.on(WEDNESDAY).cancel_reason) == (SessionStatus.CANCELLED, "Ill")
    assert small.on(FRIDAY).status == SessionStatus.SCHEDULED


def test_a_session_whose_facilitator_is_taken_stays_canceled_and_is_returned(small: Small) -> None:
    closure = small.close(WEDNESDAY, FRIDAY)
    other = Small()
    slot = Slot(on=WEDNESDAY, starts=time(11), ends=time(13))
    kind = small.track.meetings.all()[0].service_type
    values = OneOffSession(name="Extra", slot=slot, service_type=kind, places=3, staffing=Staffing(lead=small.lead))
    add_session(site=other.site, values=values, by=other.by, now=NOW)
    left = small.lift(closure)
    assert left == [small.on(WEDNESDAY)]
    assert (small.on(WEDNESDAY).status, small.on(WEDNESDAY).closure) == (SessionStatus.CANCELLED, None)
    assert small.on(FRIDAY).status == SessionStatus.SCHEDULED


def test_lifting_a_running_closure_keeps_its_past_days(small: Small) -> None:
    closure = small.close(MONDAY, FRIDAY)
    on_wednesday = datetime(2026, 11, 25, 12, tzinfo=UTC)
    small.lift(closure, on_wednesday)
    closure.refresh_from_db()
    assert (closure.starts, closure.ends) == (MONDAY, WEDNESDAY)
    assert small.on(MONDAY).status == SessionStatus.CANCELLED
    assert small.held_on()[:2] == [WEDNESDAY, FRIDAY]


def test_sessions_whose_start_has_passed_stay_canceled_when_a_closure_is_lifted(small: Small) -> None:
    closure = small.close(MONDAY, MONDAY)
    small.lift(closure, MONDAY_AT_TEN)
    assert not Closure.objects.exists()
    assert (small.on(MONDAY).status, small.on(MONDAY).cancel_reason) == (SessionStatus.CANCELLED, "Snow")


def test_a_closure_can_be_lifted_only_once(small: Small) -> None:
    closure = small.close(WEDNESDAY, FRIDAY)
    stale = Closure.objects.get(pk=closure.pk)
    small.lift(closure)
    with refused_for(ClosureAlreadyLifted("Snow")):
        small.lift(stale)
    begun = small.close(MONDAY, FRIDAY)
    on_wednesday = datetime(2026, 11, 25, 12, tzinfo=UTC)
    small.lift(begun, on_wednesday)
    with refused_for(AlreadyEnded("Snow", TUESDAY)):
        small.lift(begun, on_wednesday)


@pytest.mark.parametrize(
    ("first", "last"),
    [
        pytest.param(WEDNESDAY, WEDNESDAY, id="its first day"),
        pytest.param(FRIDAY, FRIDAY + DAY, id="its last day"),
        pytest.param(MONDAY, FRIDAY + WEEK, id="around it"),
    ],
)
def test_closures_do_not_overlap(small: Small, first: date, last: date) -> None:
    small.close(WEDNESDAY, FRIDAY)
    with refused_for(ClosureOverlaps("Snow", WEDNESDAY, FRIDAY)):
        small.close(first, last, "Ice")
    assert Closure.objects.count() == 1


def test_closures_may_be_adjacent(small: Small) -> None:
    small.close(WEDNESDAY, FRIDAY)
    small.close(MONDAY, TUESDAY)
    small.close(FRIDAY + DAY, FRIDAY + WEEK)
    assert small.held_on() == []


def test_a_closure_needs_days_and_a_reason(small: Small) -> None:
    with refused_for(EndDateBeforeStart(FRIDAY, WEDNESDAY), ReasonRequired()):
        small.close(FRIDAY, WEDNESDAY, "  ")
    assert not Closure.objects.exists()


def test_extending_a_closure_cancels_sessions_and_shortening_it_restores_them(small: Small) -> None:
    closure = small.close(MONDAY, MONDAY)
    extended = change_closure(closure=closure, last_day=FRIDAY, reason="Storm", by=small.by, now=NOW)
    assert [small.on(day).cancel_reason for day in (MONDAY, WEDNESDAY, FRIDAY)] == ["Storm"] * 3
    change_closure(closure=extended, last_day=TUESDAY, reason="Storm", by=small.by, now=NOW)
    assert small.held_on()[:2] == [WEDNESDAY, FRIDAY]
    assert small.on(MONDAY).status == SessionStatus.CANCELLED
    other = small.close(FRIDAY, FRIDAY, "Training")
    with refused_for(ClosureOverlaps("Training", FRIDAY, FRIDAY)):
        change_closure(closure=extended, last_day=FRIDAY, reason="Storm", by=small.by, now=NOW)
    with refused_for(EndDateBeforeStart(FRIDAY, WEDNESDAY)):
        change_closure(closure=other, last_day=WEDNESDAY, reason="Training", by=small.by, now=NOW)


def test_a_session_of_a_group_that_changed_since_is_not_restored(small: Small) -> None:
    closure = small.close(WEDNESDAY, WEDNESDAY)
    group = small.track.meetings.get(weekday=2)
    values = MeetingValues(
        code=group.code, name=group.name, weekday=2, starts=time(13), ends=time(16), service_type=group.service_type,
        places=group.places, runs_from=TUESDAY, room=small.room, lead=small.lead, tracks=(small.track,),
    )  # fmt: skip
    dropped = [small.on(WEDNESDAY).pk]
    change_meeting(meeting=group, values=values, by=small.by, now=NOW, let_go=dropped)
    small.lift(closure)
    (new_session,) = Session.objects.filter(on=WEDNESDAY, status=SessionStatus.SCHEDULED)
    assert (new_session.local_starts().time(), new_session.booked) == (time(13), 1)


FIRST, UNTIL = date(2026, 11, 1), date(2027, 5, 1)


def names_at(site: Site) -> dict[date, str]:
    return {each.on: each.name for each in holidays_at(site=site, first=FIRST, until=UNTIL)}


@pytest.mark.parametrize(
    ("country", "state", "on", "name"),
    [
        pytest.param("US", "ME", date(2026, 11, 26), "Thanksgiving Day", id="of the country"),
        pytest.param("US", "ME", date(2027, 4, 19), "Patriots' Day", id="of the state alone"),
        pytest.param("GB", "ENG", date(2026, 12, 28), "Boxing Day (observed)", id="another country"),
        pytest.param("DE", "BY", date(2027, 1, 6), "Epiphany", id="in English"),
    ],
)
def test_the_public_holidays_of_a_region_are_offered(country: str, state: str, on: date, name: str) -> None:
    assert names_at(make_site(country=country, state=state))[on] == name


def test_states_have_their_own_holidays() -> None:
    assert date(2027, 4, 19) not in names_at(make_site(country="US", state="WI"))
    assert date(2026, 11, 26) in names_at(make_site(country="US", state=""))
    assert date(2027, 4, 2) not in names_at(make_site(country="US", state="")), "Good Friday is no holiday there"
    assert names_at(make_site(country="GB", state="SCT"))[date(2026, 11, 30)] == "Saint Andrew's Day"


def test_reading_the_holidays_of_another_region_does_not_change_the_site() -> None:
    site = make_site(country="US", state="ME")
    found = holidays_at(site=site, first=FIRST, until=UNTIL, country="GB", state="")
    assert date(2026, 12, 28) in {each.on for each in found}
    assert date(2026, 11, 26) in names_at(site)


@pytest.mark.parametrize(("country", "state"), [("XX", ""), ("", ""), ("US", "ZZ"), ("USA", "")])
def test_an_unknown_region_has_no_holidays(country: str, state: str) -> None:
    assert not is_known_place(country, state)
    assert holidays_at(site=make_site(), first=FIRST, until=UNTIL, country=country, state=state) == []


def test_only_holidays_in_the_range_are_offered_with_their_closures(small: Small) -> None:
    thanksgiving = date(2026, 11, 26)
    closure = small.close(thanksgiving, thanksgiving + DAY, "Long weekend")
    offered = holidays_at(site=small.site, first=thanksgiving, until=date(2026, 12, 26))
    assert offered == [
        Holiday(thanksgiving, "Thanksgiving Day", closure),
        Holiday(date(2026, 12, 25), "Christmas Day", None),
    ]
    assert holidays_at(site=small.site, first=thanksgiving + DAY, until=date(2026, 12, 25)) == []


def test_countries_and_states_have_names() -> None:
    countries = dict(known_countries())
    assert (countries["US"], countries["GB"], countries["BA"]) == (
        "United States", "United Kingdom", "Bosnia and Herzegovina",
    )  # fmt: skip
    assert dict(known_states("US"))["ME"] == "Maine"
    assert known_states("XX") == []
    assert all(is_known_place(country, "") for country in countries)
