"""Groups and sessions of a staff member are handed over on the pages that change roles or turn the account off."""

import re
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import AuditEvent, User
from accounts.permissions import Role
from iopmanager import clock
from patients.models import Episode
from scheduling.models import (
    Booking,
    Enrollment,
    EnrollmentMeeting,
    FacilitatorPart,
    Meeting,
    MeetingFacilitator,
    ServiceType,
    Session,
    SessionFacilitator,
    Site,
    Track,
)
from scheduling.services.administration.handover import Handover, NotYourTimetable, group_key, hand_over
from scheduling.services.bookings.horizon import extend_horizon
from scheduling.services.bookings.makeups import book_makeup
from scheduling.services.enrollment.enroll import enroll_patient
from scheduling.services.sessions.session_changes import OneOffSession, Staffing, add_session, assign_staff
from scheduling.services.sessions.slots import Slot
from tests.clinic import client_for
from tests.factories import (
    MONDAY,
    admit,
    make_meeting,
    make_patient,
    make_site,
    make_staff,
    make_track,
    make_weekday_track,
)
from timekeeping.reasons import Refused, RefusedFields

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
WEEK = timedelta(weeks=1)
WEDNESDAY = MONDAY + timedelta(days=2)


class Clinic:
    """Ada Park leads groups on Monday, Wednesday and Friday at 9:00. Ben Ortiz could take them."""

    def __init__(self) -> None:
        self.site: Site = make_site()
        self.administrator: User = make_staff(Role.ADMINISTRATOR, self.site)
        make_staff(Role.COORDINATOR, self.site)
        self.ada, self.ben = (make_staff(Role.CLINICIAN, self.site, name) for name in ("Ada Park", "Ben Ortiz"))
        self.groups = [make_meeting(self.site, day, lead=self.ada, name=f"Skills {day}") for day in (0, 2, 4)]
        self.track = make_track(self.site, self.groups)
        self.enrollment = self.enroll(admit(make_patient(self.site)), self.track)
        self.office = client_for(self.administrator)
        self.end_page = reverse("staff-member-end", args=[self.ada.pk])

    def enroll(self, episode: Episode, track: Track) -> Enrollment:
        extend_horizon(site=self.site, now=NOW)
        meetings = list(track.meetings.all())
        by = self.administrator
        return enroll_patient(episode=episode, track=track, meetings=meetings, starts=MONDAY, by=by, now=NOW)

    def hand_over(self, *, from_day: date = MONDAY, **takers: User | None) -> None:
        chosen = {name.replace("monday", group_key(self.groups[0])): taker for name, taker in takers.items()}
        handover = Handover(from_day=from_day, takers=chosen)
        hand_over(user=self.ada, handover=handover, by=self.administrator, now=NOW)

    def add_session(self, on: date, starts: str, ends: str, lead: User) -> Session:
        return add_session(
            site=self.site,
            values=OneOffSession(
                name="Family evening",
                slot=Slot(on=on, starts=time.fromisoformat(starts), ends=time.fromisoformat(ends)),
                service_type=ServiceType.objects.get(code="group"),
                places=5,
                staffing=Staffing(lead=lead),
            ),
            by=self.administrator,
            now=NOW,
        )


@pytest.fixture
def clinic(monkeypatch: pytest.MonkeyPatch) -> Clinic:
    monkeypatch.setattr(clock, "now", lambda: NOW)
    return Clinic()


def leaders_on(weekday: int) -> list[str]:
    """Return the leaders of the weekday's sessions, in order of date. Consecutive sessions of one leader count once."""
    rows = SessionFacilitator.objects.filter(part=FacilitatorPart.LEADS, session__on__iso_week_day=weekday + 1)
    names = [row.user.name for row in rows.select_related("user").order_by("starts")]
    return [name for number, name in enumerate(names) if number == 0 or names[number - 1] != name]


def typed(page: str, **choices: str) -> dict[str, str]:
    """Return the page's form data. Every choice is blank unless it is given in `choices`."""
    return dict.fromkeys(re.findall(r'name="((?:group|session)_\d+)"', page), "") | choices


def test_turning_off_hands_every_group_over_from_the_chosen_day(clinic: Clinic) -> None:
    page = clinic.office.get(clinic.end_page).text
    assert page.count("Ben Ortiz") == 3
    form = {name: str(clinic.ben.pk) for name in typed(page)} | {"from_day": str(MONDAY)}
    assert clinic.office.post(clinic.end_page, form).status_code == 302
    clinic.ada.refresh_from_db()
    assert not clinic.ada.is_active
    assert [leaders_on(day) for day in (0, 2, 4)] == [["Ben Ortiz"]] * 3
    now_leading = {each.meeting.name for each in MeetingFacilitator.objects.filter(user=clinic.ben)}
    assert now_leading == {"Skills 0", "Skills 2", "Skills 4"}
    assert AuditEvent.objects.filter(detail__endswith=": Ben Ortiz instead of Ada Park").count() == 3


def test_a_later_day_leaves_the_sessions_before_it_to_be_confirmed(clinic: Clinic) -> None:
    form = {name: str(clinic.ben.pk) for name in typed(clinic.office.get(clinic.end_page).text)}
    form["from_day"] = str(MONDAY + WEEK)
    response = clinic.office.post(clinic.end_page, form)
    assert (response.status_code, "Ada Park is in 3 sessions to come." in response.text) == (422, True)
    assert leaders_on(0) == ["Ada Park"]
    assert clinic.office.post(clinic.end_page, form | {"work_seen": "on"}).status_code == 302
    assert leaders_on(0) == ["Ada Park", "Ben Ortiz"]
    old, new = Meeting.objects.filter(weekday=0).order_by("runs_from")
    assert (old.runs_until, new.runs_from, new.continues, new.leader) == (MONDAY + WEEK, MONDAY + WEEK, old, clinic.ben)


def test_patients_keep_their_sessions_and_make_ups(clinic: Clinic) -> None:
    session = Session.objects.get(meeting=clinic.groups[0], on=MONDAY + WEEK)
    emil = clinic.enroll(
        admit(make_patient(clinic.site, "Emil")), make_weekday_track(clinic.site, (1, 3, 5), code="TTS")
    )
    missed = Booking.objects.filter(enrollment=emil).earliest("starts")
    book_makeup(session=session, makes_up=missed, by=clinic.administrator, now=NOW)
    before = set(Booking.objects.values_list("pk", "session", "released_at"))
    clinic.hand_over(from_day=MONDAY + WEEK, monday=clinic.ben)
    assert set(Booking.objects.values_list("pk", "session", "released_at")) == before
    session.refresh_from_db()
    assert session.meeting is not None
    assert session.meeting.runs_from == MONDAY + WEEK
    assert EnrollmentMeeting.objects.get(meeting=session.meeting).starts == MONDAY + WEEK
    assert extend_horizon(site=clinic.site, now=NOW).sessions == 0


def test_a_group_that_is_left_as_it_is_must_be_confirmed(clinic: Clinic) -> None:
    page = clinic.office.get(clinic.end_page).text
    form = typed(page, **{group_key(clinic.groups[0]): "nobody", group_key(clinic.groups[1]): str(clinic.ben.pk)})
    response = clinic.office.post(clinic.end_page, form)
    assert (response.status_code, "Ada Park is in 1 weekly group." in response.text) == (422, True)
    assert clinic.office.post(clinic.end_page, form | {"work_seen": "on"}).status_code == 302
    assert [leaders_on(day) for day in (0, 2, 4)] == [[], ["Ben Ortiz"], ["Ada Park"]]


def test_somebody_who_is_busy_is_refused_beside_the_group(clinic: Clinic) -> None:
    clinic.add_session(MONDAY + WEEK, "11:00", "13:00", clinic.ben)
    page = clinic.office.get(clinic.end_page).text
    key = group_key(clinic.groups[0])
    assert re.search(rf'name="{key}".*?<optgroup label="Busy at least once">\s*<option[^>]*>Ben Ortiz', page, re.DOTALL)
    response = clinic.office.post(clinic.end_page, typed(page, work_seen="on", **{key: str(clinic.ben.pk)}))
    assert response.status_code == 422
    assert re.search(
        rf'id="error_\d+_id_{key}".*?Ben Ortiz is in “Family evening” on Mon, Nov 30', response.text, re.DOTALL
    )
    assert leaders_on(0) == ["Ada Park", "Ben Ortiz", "Ada Park"]
    assert User.objects.get(pk=clinic.ada.pk).is_active
    later = typed(page, work_seen="on", from_day=str(MONDAY + 2 * WEEK), **{key: str(clinic.ben.pk)})
    assert clinic.office.post(clinic.end_page, later).status_code == 302


def test_a_group_at_the_same_time_is_a_conflict(clinic: Clinic) -> None:
    make_track(clinic.site, [make_meeting(clinic.site, 0, "11:00", "14:00", lead=clinic.ben, name="Art")])
    with pytest.raises(RefusedFields) as refused:
        clinic.hand_over(monday=clinic.ben)
    assert [reason.code for reason in refused.value.by_field[group_key(clinic.groups[0])]] == [
        "facilitator_double_booked"
    ]


def test_an_assistant_who_takes_the_group_leads_it(clinic: Clinic) -> None:
    MeetingFacilitator.objects.create(meeting=clinic.groups[0], user=clinic.ben, part=FacilitatorPart.ASSISTS)
    for session in Session.objects.filter(meeting=clinic.groups[0]):
        times = {"starts": session.starts, "ends": session.ends}
        SessionFacilitator.objects.create(session=session, user=clinic.ben, part=FacilitatorPart.ASSISTS, **times)
    clinic.hand_over(monday=clinic.ben)
    assert leaders_on(0) == ["Ben Ortiz"]
    rows = MeetingFacilitator.objects.filter(meeting__continues=clinic.groups[0])
    assert [(row.user, row.part) for row in rows] == [(clinic.ben, FacilitatorPart.LEADS)]
    people = SessionFacilitator.objects.filter(session__meeting__continues=clinic.groups[0])
    assert set(people.values_list("user__name", flat=True)) == {"Ben Ortiz"}


def test_sessions_changed_by_hand_and_one_off_sessions_have_a_choice_of_their_own(clinic: Clinic) -> None:
    evening = clinic.add_session(WEDNESDAY, "17:00", "19:00", clinic.ada)
    session = Session.objects.get(meeting=clinic.groups[0], on=MONDAY)
    assign_staff(session=session, staffing=Staffing(lead=clinic.ada), by=clinic.administrator, now=NOW)
    page = clinic.office.get(clinic.end_page).text
    assert "Who takes Family evening on Wed, Nov 25, 5:00 PM?" in page
    form = {name: str(clinic.ben.pk) for name in typed(page)} | {f"session_{session.pk}": "nobody"}
    assert clinic.office.post(clinic.end_page, form).status_code == 302
    assert [each.user for each in evening.session_facilitators.all()] == [clinic.ben]
    assert not session.session_facilitators.exists()
    assert leaders_on(0) == ["Ben Ortiz"]


def test_changing_roles_hands_over_too(clinic: Clinic) -> None:
    address = reverse("staff-member", args=[clinic.ada.pk])
    form = {name: str(clinic.ben.pk) for name in typed(clinic.office.get(address).text)}
    response = clinic.office.post(address, form | {f"roles_{clinic.site.pk}": ["reviewer"]})
    assert response.status_code == 302
    assert clinic.ada.role_assignments.get().role == Role.REVIEWER
    assert leaders_on(0) == ["Ben Ortiz"]


def test_a_refused_role_change_hands_nothing_over(clinic: Clinic) -> None:
    address = reverse("staff-member", args=[clinic.ada.pk])
    form = {name: str(clinic.ben.pk) for name in typed(clinic.office.get(address).text)}
    assert clinic.office.post(address, form | {f"roles_{clinic.site.pk}": []}).status_code == 422
    assert leaders_on(0) == ["Ada Park"]


def test_an_individual_session_moves_with_its_patient(clinic: Clinic) -> None:
    own = make_meeting(clinic.site, 1, "13:00", "14:00", lead=clinic.ada, places=1, kept_for=clinic.enrollment)
    EnrollmentMeeting.objects.create(enrollment=clinic.enrollment, meeting=own, starts=MONDAY)
    extend_horizon(site=clinic.site, now=NOW)
    handover = Handover(from_day=MONDAY + WEEK, takers={group_key(own): clinic.ben})
    hand_over(user=clinic.ada, handover=handover, by=clinic.administrator, now=NOW)
    assert leaders_on(1) == ["Ada Park", "Ben Ortiz"]
    following = own.continued_by.get()
    assert (following.kept_for, following.leader) == (clinic.enrollment, clinic.ben)
    assert EnrollmentMeeting.objects.get(meeting=following).ends is None


def test_only_those_who_manage_the_timetable_hand_over(clinic: Clinic) -> None:
    outsider = make_staff(Role.ADMINISTRATOR, make_site("Elm Road"))
    handover = Handover(from_day=MONDAY, takers={group_key(clinic.groups[0]): clinic.ben})
    with pytest.raises(Refused) as refused:
        hand_over(user=clinic.ada, handover=handover, by=outsider, now=NOW)
    assert refused.value.reasons == (NotYourTimetable(),)
    assert leaders_on(0) == ["Ada Park"]


def test_people_of_other_sites_cannot_take_a_group(clinic: Clinic) -> None:
    stranger = make_staff(Role.CLINICIAN, make_site("Elm Road"), "Finn Gray")
    page = clinic.office.get(clinic.end_page).text
    assert "Finn Gray" not in page
    form = typed(page, work_seen="on", **{group_key(clinic.groups[0]): str(stranger.pk)})
    assert clinic.office.post(clinic.end_page, form).status_code == 422


def queries_to_hand_over(clinic: Clinic, groups: int) -> int:
    takers: dict[str, User | None] = {group_key(group): clinic.ben for group in clinic.groups[:groups]}
    with CaptureQueriesContext(connection) as queries:
        handover = Handover(from_day=MONDAY, takers=takers)
        hand_over(user=clinic.ada, handover=handover, by=clinic.administrator, now=NOW)
    return len(queries)


@pytest.mark.parametrize("weeks", [2, 12])
def test_the_number_of_queries_does_not_grow_with_the_sessions(
    monkeypatch: pytest.MonkeyPatch, settings: Any, weeks: int
) -> None:
    monkeypatch.setattr(clock, "now", lambda: NOW)
    settings.HORIZON_WEEKS = weeks
    assert queries_to_hand_over(Clinic(), 1) == 54


@pytest.mark.parametrize("others", [0, 5])
def test_the_page_asks_the_same_number_of_queries_for_more_groups(clinic: Clinic, others: int) -> None:
    for number in range(others):
        make_meeting(clinic.site, 5, f"{10 + number}:00", f"{11 + number}:00", lead=clinic.ada)
        make_staff(Role.CLINICIAN, clinic.site)
    with CaptureQueriesContext(connection) as queries:
        assert clinic.office.get(clinic.end_page).status_code == 200
    assert len(queries) == 13
