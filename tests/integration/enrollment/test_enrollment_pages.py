"""The pages that change, transfer or end an enrollment, and the pages for leaves.

Each action is previewed and confirmed.
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from accounts.models import Action, AuditEvent, User
from accounts.permissions import Role
from attendance.models import Attendance
from attendance.services.leaves import add_leave
from patients.models import Patient
from scheduling.models import Booking, Enrollment, LeaveOfAbsence, Session, Site, Track
from scheduling.services.bookings.horizon import extend_horizon
from scheduling.services.enrollment.enroll import enroll_patient
from tests.confirmation import preview_and_confirm
from tests.factories import (
    MONDAY,
    admit,
    make_commitment,
    make_meeting,
    make_patient,
    make_patient_user,
    make_site,
    make_staff,
    make_track,
)
from tests.page_reader import with_dots

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 11, 22, 17, tzinfo=UTC)
DAY = timedelta(days=1)
WEEK = timedelta(weeks=1)


@pytest.fixture(autouse=True)
def sunday_noon() -> Iterator[None]:
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def site() -> Site:
    return make_site()


@pytest.fixture
def by(site: Site) -> User:
    return make_staff(Role.COORDINATOR, site)


@pytest.fixture
def desk(by: User) -> Client:
    return signed_in_as(by)


@pytest.fixture
def track(site: Site) -> Track:
    return make_track(site, [make_meeting(site, day, name=f"Group {day}") for day in range(5)], name="Morning track")


@pytest.fixture
def evenings(site: Site) -> Track:
    meetings = [make_meeting(site, day, "18:00", "21:00", name=f"Evening {day}") for day in (0, 1, 3)]
    return make_track(site, meetings, name="Evening track")


@pytest.fixture
def rosa(site: Site) -> Patient:
    return make_patient(site)


@pytest.fixture
def enrollment(site: Site, rosa: Patient, track: Track, evenings: Track, by: User) -> Enrollment:
    """Enrollment of Rosa in the groups of Monday, Wednesday and Friday."""
    extend_horizon(site=site, now=NOW)
    meetings = list(track.meetings.filter(weekday__in=(0, 2, 4)))
    return enroll_patient(episode=admit(rosa), track=track, meetings=meetings, starts=MONDAY, by=by, now=NOW)


def signed_in_as(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def chosen(track: Track, *days: int, starts: str = "2026-12-07", **more: str) -> dict[str, Any]:
    keys = [str(meeting.pk) for meeting in track.meetings.filter(weekday__in=days)]
    return {"starts": starts, "meetings": keys} | more


def weekdays(enrollment: Enrollment, first: date) -> set[int]:
    bookings = Booking.objects.active().filter(enrollment=enrollment, session__on__gte=first)
    return {on.weekday() for on in bookings.values_list("session__on", flat=True)}


def views(detail: str) -> int:
    return AuditEvent.objects.filter(action=Action.VIEWED, detail=detail).count()


# Changing the meetings


def change_address(enrollment: Enrollment) -> str:
    return reverse("enrollment-change", args=[enrollment.pk])


def test_the_change_page_opens_with_the_attended_meetings(desk: Client, enrollment: Enrollment) -> None:
    response = desk.get(change_address(enrollment))
    chosen_days = [option.meeting.weekday for option in response.context["options"] if option.is_chosen]
    assert chosen_days == [0, 2, 4]
    assert response.text.count("attends now") == 3
    assert response.context["form"].initial["starts"] == MONDAY
    assert views("change meetings in Morning track") == 1


def test_meetings_change_after_the_preview_was_confirmed(desk: Client, enrollment: Enrollment) -> None:
    shown = preview_and_confirm(desk, change_address(enrollment), chosen(enrollment.track, 0, 1, 4))
    for words in (
        "Loses “Group 2” · Wednesday 9:00 AM–12:00 PM · 10 times from Wed, Dec 9",
        "Gains “Group 1” · Tuesday",
    ):
        assert words in with_dots(shown.text)
    assert "Week of" not in shown.text
    assert weekdays(enrollment, date(2026, 12, 7)) == {0, 1, 4}
    assert weekdays(enrollment, MONDAY) == {0, 1, 2, 4}


def test_nothing_changes_without_a_confirmation_of_the_current_preview(desk: Client, enrollment: Enrollment) -> None:
    address, typed = change_address(enrollment), chosen(enrollment.track, 0, 1, 4)
    seen = desk.post(address, typed).context["impact"].key
    assert weekdays(enrollment, MONDAY) == {0, 2, 4}
    Session.objects.filter(name="Group 1").update(name="Skills")
    updated = desk.post(address, typed | {"seen": seen})
    assert updated.status_code == 200
    assert "Something changed after you looked." in updated.text
    assert weekdays(enrollment, MONDAY) == {0, 2, 4}


def test_a_refused_change_keeps_the_input_and_shows_the_reason(desk: Client, enrollment: Enrollment) -> None:
    make_commitment(enrollment.episode.patient, [1], "11:30", "15:00", "Shift")
    response = desk.post(change_address(enrollment), chosen(enrollment.track, 1, 2))
    assert response.status_code == 422
    assert {reason.code for reason in response.context["reasons"]} == {
        "below_prescribed_minutes",
        "below_prescribed_days",
        "clash",
    }
    assert [option.meeting.weekday for option in response.context["options"] if option.is_chosen] == [1, 2]
    assert 'value="2026-12-07"' in response.text


@pytest.mark.parametrize(
    ("starts", "words"),
    [
        pytest.param("2026-11-20", "is too early. Choose Mon, Nov 23 or later.", id="before the place"),
        pytest.param("", "Enter a date.", id="no day"),
        pytest.param("soon", "Enter a date.", id="no date"),
    ],
)
def test_a_reason_about_the_day_is_shown_beside_the_day(
    desk: Client, enrollment: Enrollment, starts: str, words: str
) -> None:
    response = desk.post(change_address(enrollment), chosen(enrollment.track, 0, 1, 2, starts=starts))
    assert response.status_code == 422
    assert words in response.context["form"].errors["starts"][0]


def test_checking_a_choice_changes_nothing(desk: Client, enrollment: Enrollment) -> None:
    typed = chosen(enrollment.track, 0, 1, 3, check="1")
    part = desk.post(change_address(enrollment), typed, headers={"HX-Request": "true"})
    assert "Fits" in part.text
    assert "<html" not in part.text
    assert weekdays(enrollment, MONDAY) == {0, 2, 4}
    assert "impact" not in part.context


# Transferring to another track


def test_other_tracks_are_judged_without_the_current_enrollment(
    desk: Client, enrollment: Enrollment, evenings: Track
) -> None:
    response = desk.get(reverse("enrollment-transfer", args=[enrollment.pk]), {"from": "2026-12-07"})
    assert [card.fit.offer.name for card in response.context["fitting"]] == ["Evening track"]
    assert response.context["others"] == []
    transfer_link = reverse("enrollment-transfer-to", args=[enrollment.pk, evenings.pk])
    assert f"{transfer_link}?from=2026-12-07" in response.text
    assert "Move here from Mon, Dec 7" in response.text
    assert views("move from Morning track") == 1


def test_a_patient_is_transferred_after_the_preview_was_confirmed(
    desk: Client, enrollment: Enrollment, evenings: Track
) -> None:
    address = reverse("enrollment-transfer-to", args=[enrollment.pk, evenings.pk])
    Enrollment.objects.update(modality="telehealth")
    opened = desk.get(address + "?from=2026-12-07")
    assert opened.context["form"].initial == {"starts": date(2026, 12, 7), "modality": "telehealth"}
    shown = preview_and_confirm(desk, address, chosen(evenings, 0, 1, 3, modality="telehealth"))
    for words in ("Loses “Group 0”", "Gains “Evening 0”"):
        assert words in shown.text
    new = Enrollment.objects.get(track=evenings)
    assert (new.continues, new.starts, new.modality) == (enrollment, date(2026, 12, 7), "telehealth")
    assert weekdays(enrollment, date(2026, 12, 7)) == set()


def test_a_transfer_to_the_same_track_or_to_another_site_gets_404(
    desk: Client, enrollment: Enrollment, track: Track
) -> None:
    far = make_track(make_site("Elsewhere"), name="Far")
    for other in (track, far):
        assert desk.get(reverse("enrollment-transfer-to", args=[enrollment.pk, other.pk])).status_code == 404


# Ending an enrollment


def test_the_preview_of_the_end_shows_lost_sessions_and_short_weeks(desk: Client, enrollment: Enrollment) -> None:
    address = reverse("enrollment-end", args=[enrollment.pk])
    shown = preview_and_confirm(desk, address, {"last_day": "2026-12-06", "reason": "Moved"})
    assert "Loses “Group 0” · Monday 9:00 AM–12:00 PM · 10 times from Mon, Dec 7" in with_dots(shown.text)
    for words in ("Week of Mon, Dec 7 and 8 more:", "0 h on 0 days"):
        assert words in shown.text
    enrollment.refresh_from_db()
    assert (enrollment.ends, enrollment.end_reason) == (date(2026, 12, 7), "Moved")


# Leaves of absence


def leave_typed(first: str = "2026-11-25", last: str = "2026-11-27", reason: str = "Surgery") -> dict[str, str]:
    return {"first_day": first, "last_day": last, "reason": reason}


def test_a_leave_is_saved_after_the_preview_was_confirmed(desk: Client, rosa: Patient, enrollment: Enrollment) -> None:
    shown = preview_and_confirm(desk, reverse("leave-new", args=[rosa.pk]), leave_typed())
    for words in ("Excused from “Group 2” · Wed, Nov 25, 9:00 AM–12:00 PM", "1 patient is excused", "On leave"):
        assert words in with_dots(shown.text)
    leave = LeaveOfAbsence.objects.get()
    assert (leave.starts, leave.last_day, leave.reason) == (date(2026, 11, 25), date(2026, 11, 27), "Surgery")
    assert Attendance.objects.filter(leave=leave).count() == 2
    chart = desk.get(reverse("patient", args=[rosa.pk])).text
    for words in ("Upcoming leave", "Wed, Nov 25 – Fri, Nov 27", "Surgery", "Change leave"):
        assert words in chart


def test_a_leave_without_bookings_is_saved_at_once(desk: Client, rosa: Patient) -> None:
    admit(rosa)
    response = desk.post(reverse("leave-new", args=[rosa.pk]), leave_typed(last=""))
    assert response.status_code == 302
    assert LeaveOfAbsence.objects.get().ends is None
    assert "no return date yet" in desk.get(reverse("patient", args=[rosa.pk])).text


@pytest.mark.parametrize(
    ("typed", "field", "words"),
    [
        pytest.param(leave_typed(last="2026-11-24"), "last_day", "is too early", id="ends before it begins"),
        pytest.param(leave_typed(first="2026-11-22"), "first_day", "before the admission", id="before care"),
        pytest.param(leave_typed(reason=""), "reason", "Fill in this field.", id="no reason"),
        pytest.param(leave_typed(first="2026-12-01", last=""), "first_day", "Another leave of absence", id="overlap"),
        pytest.param(leave_typed(first="soon"), "first_day", "Enter a date.", id="no date"),
    ],
)
def test_a_refused_leave_shows_the_reason_beside_its_field_and_keeps_the_input(
    desk: Client, rosa: Patient, enrollment: Enrollment, by: User, typed: dict[str, str], field: str, words: str
) -> None:
    last_day = date(2026, 12, 14)
    add_leave(episode=enrollment.episode, first_day=last_day, last_day=None, reason="Trip", by=by, now=NOW)
    response = desk.post(reverse("leave-new", args=[rosa.pk]), typed)
    assert response.status_code == 422
    assert words in " ".join(response.context["form"].errors[field])
    assert all(f'value="{value}"' in response.text for value in typed.values() if value)
    assert LeaveOfAbsence.objects.count() == 1


def test_a_patient_without_an_episode_cannot_go_on_leave(desk: Client, rosa: Patient) -> None:
    assert desk.get(reverse("leave-new", args=[rosa.pk])).status_code == 302


@pytest.fixture
def leave(enrollment: Enrollment, by: User) -> LeaveOfAbsence:
    """A leave that starts on Monday and has no last day."""
    return add_leave(episode=enrollment.episode, first_day=MONDAY, last_day=None, reason="Surgery", by=by, now=NOW)


def test_a_patient_who_comes_back_is_expected_again(desk: Client, leave: LeaveOfAbsence) -> None:
    address = reverse("leave-end", args=[leave.pk])
    assert "Away from Mon, Nov 23, with no last day yet: Surgery." in desk.get(address).text
    shown = preview_and_confirm(desk, address, {"last_day": "2026-12-06"})
    assert "Expected again in “Group 0” · Monday 9:00 AM–12:00 PM · 10 times from Mon, Dec 7" in with_dots(shown.text)
    leave.refresh_from_db()
    assert leave.last_day == date(2026, 12, 6)
    assert Attendance.objects.count() == 6


def test_a_return_before_the_leave_is_refused_beside_its_field(desk: Client, leave: LeaveOfAbsence) -> None:
    response = desk.post(reverse("leave-end", args=[leave.pk]), {"last_day": "2026-11-20"})
    assert response.status_code == 422
    assert "is too early. Choose Mon, Nov 23 or later." in response.context["form"].errors["last_day"][0]


def test_a_canceled_leave_leaves_no_excuse(desk: Client, leave: LeaveOfAbsence) -> None:
    shown = preview_and_confirm(desk, reverse("leave-cancel", args=[leave.pk]), {})
    assert "1 patient is expected again" in shown.text
    assert not LeaveOfAbsence.objects.exists()
    assert not Attendance.objects.exists()


def test_sessions_booked_in_a_leave_by_a_change_or_transfer_are_excused_at_once(
    desk: Client, leave: LeaveOfAbsence, enrollment: Enrollment, evenings: Track
) -> None:
    preview_and_confirm(desk, change_address(enrollment), chosen(enrollment.track, 0, 1, 4))
    unmarked = Booking.objects.active().filter(attendance=None)
    assert not unmarked.exists()
    address = reverse("enrollment-transfer-to", args=[enrollment.pk, evenings.pk])
    preview_and_confirm(desk, address, chosen(evenings, 0, 1, 3, starts="2026-12-14", modality="in_person"))
    assert not unmarked.exists()
    assert Booking.objects.active().filter(enrollment__track=evenings).count() == 9 * 3


def test_the_patient_sees_the_dates_of_the_leave_and_not_the_reason(rosa: Patient, leave: LeaveOfAbsence) -> None:
    with time_machine.travel(datetime(2026, 11, 24, 17, tzinfo=UTC), tick=False):
        client = signed_in_as(make_patient_user(rosa))
        for page in ("portal-home", "portal-week"):
            text = client.get(reverse(page)).text
            assert "Call us when you know when you will be back." in text
            assert "Surgery" not in text
            assert "eave of absence" not in text
        LeaveOfAbsence.objects.update(ends=date(2026, 12, 5))
        assert "away until Fri, Dec 4" in client.get(reverse("portal-week")).text
        assert "Nothing is planned" in client.get(reverse("portal-home")).text
        assert "away until" not in client.get(reverse("portal-week"), {"week": "2027-01-04"}).text


def test_the_week_shows_that_a_leave_makes_it_partial(desk: Client, rosa: Patient, leave: LeaveOfAbsence) -> None:
    text = desk.get(reverse("patient-week", args=[rosa.pk, MONDAY])).text
    assert "The patient was on leave." in text


# Permissions and query counts


def test_only_users_who_manage_patients_reach_the_pages(
    site: Site, enrollment: Enrollment, leave: LeaveOfAbsence
) -> None:
    evening = Track.objects.get(name="Evening track")
    pages = [
        change_address(enrollment),
        reverse("enrollment-transfer", args=[enrollment.pk]),
        reverse("enrollment-transfer-to", args=[enrollment.pk, evening.pk]),
        reverse("enrollment-end", args=[enrollment.pk]),
        reverse("leave-new", args=[enrollment.episode.patient_id]),
        reverse("leave-end", args=[leave.pk]),
        reverse("leave-cancel", args=[leave.pk]),
    ]
    for role in (Role.REVIEWER, Role.CLINICIAN, Role.ADMINISTRATOR):
        client = signed_in_as(make_staff(role, site))
        assert {client.get(page).status_code for page in pages} == {403}
    outsider = signed_in_as(make_staff(Role.COORDINATOR, make_site("Elsewhere")))
    assert {outsider.get(page).status_code for page in pages} == {404}


@pytest.mark.parametrize("number", [1, 3])
@pytest.mark.parametrize(
    ("page", "queries"),
    [
        ("enrollment-change", 23),
        ("enrollment-transfer", 21),
        ("enrollment-end", 9),
        ("leave-new", 10),
        ("leave-end", 8),
        ("leave-cancel", 8),
    ],
)
def test_a_page_takes_as_many_queries_for_three_as_for_one(
    desk: Client,
    site: Site,
    by: User,
    number: int,
    page: str,
    queries: int,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    patient, leave, enrollment = with_so_many(number, site, by)
    row = {"enrollment": enrollment.pk, "leave-new": patient.pk, "leave": leave.pk}
    key = row.get(page) or row[page.split("-")[0]]
    with django_assert_num_queries(queries):
        assert desk.get(reverse(page, args=[key])).status_code == 200


@pytest.mark.parametrize("number", [1, 3])
@pytest.mark.parametrize(
    ("page", "typed", "queries"),
    [
        ("leave-end", {"last_day": "2026-11-29"}, 57),
        ("enrollment-end", {"last_day": "2026-11-29"}, 55),
    ],
)
def test_a_preview_takes_as_many_queries_for_three_as_for_one(
    desk: Client,
    site: Site,
    by: User,
    number: int,
    page: str,
    typed: Any,
    queries: int,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    _, leave, enrollment = with_so_many(number, site, by)
    key = leave.pk if page == "leave-end" else enrollment.pk
    with django_assert_num_queries(queries):
        shown = desk.post(reverse(page, args=[key]), typed)
    assert len(shown.context["impact"].people[0].places) == number


def with_so_many(number: int, site: Site, by: User) -> tuple[Patient, LeaveOfAbsence, Enrollment]:
    """Create a patient on leave who is enrolled in `number` meetings. Also create `number` other tracks."""
    days = (0, 2, 4)[:number]
    meetings = [make_meeting(site, day, "08:00", "17:00") for day in days]
    track = make_track(site, meetings)
    for each in range(number):
        make_track(site, [make_meeting(site, each, "18:00", "20:00")], name=f"Track {each}")
    patient = make_patient(site)
    episode = admit(patient, minutes=60, days=1)
    site.rule_sets.update(minimum_minutes=60, minimum_days=1, maximum_minutes=3000)
    extend_horizon(site=site, now=NOW)
    enrollment = enroll_patient(episode=episode, track=track, meetings=meetings, starts=MONDAY, by=by, now=NOW)
    leave = add_leave(episode=episode, first_day=MONDAY, last_day=None, reason="Trip", by=by, now=NOW)
    return patient, leave, enrollment
