"""The portal shows patients only their own data, reveals no treatment to bystanders, and shows correct days and times."""

import re
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import Action, AuditEvent, User
from accounts.permissions import Role
from attendance.models import Attendance
from iopmanager import clock
from patients.models import CommitmentProposal, Episode, Patient
from scheduling.models import Booking, Enrollment, Feed, RuleSet, Session, SessionStatus, Site
from scheduling.services.documents.feeds import create_feed
from scheduling.services.sessions.cancel import cancel_session
from scheduling.services.sessions.session_changes import change_session_details, move_session
from scheduling.services.sessions.slots import Slot
from tests.factories import (
    MONDAY,
    admit,
    book,
    enroll,
    make_commitment,
    make_meeting,
    make_patient,
    make_patient_user,
    make_room,
    make_session,
    make_site,
    make_staff,
    make_track,
)

pytestmark = pytest.mark.django_db

WEDNESDAY_NOON = datetime(2026, 11, 25, 17, 30, tzinfo=UTC)
PAGES = ("portal-home", "portal-week", "portal-calendar", "portal-account")
PORTAL_PAGES = (
    *PAGES,
    "portal-consents",
    "portal-commitments",
    "portal-commitment-new",
    "portal-commitment-week",
    "portal-calendar-file-new",
)


@pytest.fixture(autouse=True)
def at_noon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "now", lambda: WEDNESDAY_NOON)


@pytest.fixture
def enrollment(client: Client) -> Enrollment:
    """Enrollment of the signed-in patient in groups on Monday, Wednesday and Friday from 9:00 to 12:00."""
    site = make_site("Harbor Street", phone="555-0100")
    lead, room = make_staff(Role.CLINICIAN, site, "Ada Park"), make_room(site, name="Room 2")
    meetings = [make_meeting(site, day, lead=lead, room=room, name="Relapse group") for day in (0, 2, 4)]
    patient = make_patient(site, "Rosa", "Lindqvist", preferred_name="Ro")
    found = enroll(admit(patient), make_track(site, meetings, "Morning track"))
    client.force_login(make_patient_user(patient))
    return found


def book_week(enrollment: Enrollment, week: date = MONDAY) -> list[Booking]:
    meetings = enrollment.track.meetings.order_by("weekday")
    return [book(make_session(each, week + timedelta(days=each.weekday)), enrollment) for each in meetings]


def next_part(client: Client) -> str:
    return client.get(reverse("portal-home")).text.partition(">Next<")[2].partition("</section>")[0]


def test_past_and_canceled_sessions_are_not_shown_as_the_next_session(client: Client, enrollment: Enrollment) -> None:
    _, _, friday = book_week(enrollment)
    book_week(enrollment, MONDAY + timedelta(weeks=1))
    assert "Fri, Nov 27" in next_part(client), "today's was over at noon"
    assert "9:00 AM–12:00 PM" in next_part(client)
    Session.objects.filter(pk=friday.session_id).update(status=SessionStatus.CANCELLED)
    assert "Mon, Nov 30" in next_part(client)
    assert client.get(reverse("portal-home")).text.count("Canceled:") == 2, "among the changes, and in its week"


def test_a_session_in_progress_is_shown_as_today(
    client: Client, enrollment: Enrollment, monkeypatch: pytest.MonkeyPatch
) -> None:
    book_week(enrollment)
    monkeypatch.setattr(clock, "now", lambda: datetime(2026, 11, 25, 16, 59, tzinfo=UTC))
    assert ">Today<" in next_part(client)
    monkeypatch.setattr(clock, "now", lambda: datetime(2026, 11, 25, 17, tzinfo=UTC))
    assert ">Today<" not in next_part(client)


def test_without_planned_sessions_the_page_says_whom_to_call(client: Client, enrollment: Enrollment) -> None:
    assert "Nothing is planned. Call us to ask." in next_part(client)


def test_released_bookings_and_those_of_other_patients_are_not_shown(client: Client, enrollment: Enrollment) -> None:
    monday, wednesday, _ = book_week(enrollment)
    Booking.objects.filter(pk=wednesday.pk).update(released_at=WEDNESDAY_NOON, release_cause="given_back")
    other = enroll(admit(make_patient(enrollment.track.site, "Omar", "Haddad")), enrollment.track)
    evening = make_meeting(enrollment.track.site, 3, "18:00", "21:00")
    book(make_session(evening, MONDAY + timedelta(days=3)), other)
    book(monday.session, other)
    for page in ("portal-home", "portal-week"):
        text = client.get(reverse(page)).text
        days = text.partition("This week</h2>" if page == "portal-home" else "Days</h2>")[2]
        assert days.count("9:00 AM–12:00 PM") == 2
        assert "18:00" not in text
        assert "Omar" not in text


def test_a_canceled_session_is_marked_and_a_moved_one_is_shown_at_its_new_time(
    client: Client, enrollment: Enrollment
) -> None:
    by = make_staff(Role.COORDINATOR, enrollment.track.site)
    _, _, friday = book_week(enrollment)
    monday, *_ = book_week(enrollment, MONDAY + timedelta(weeks=1))
    cancel_session(session=friday.session, reason="The leader is ill", by=by, now=WEDNESDAY_NOON)
    slot = Slot(on=MONDAY + timedelta(days=8), starts=time(13), ends=time(15))
    moved = move_session(session=monday.session, slot=slot, by=by, now=WEDNESDAY_NOON)
    described = {"places": 10, "modality": "telehealth", "topic": "", "telehealth_link": "https://meet.example/x"}
    change_session_details(session=moved, **described, by=by, now=WEDNESDAY_NOON)
    page = client.get(reverse("portal-home")).text
    assert page.count("Canceled:") == 2
    assert "The leader is ill" not in page
    assert "Tue, Dec 1" in next_part(client)
    assert "This is a new time" in next_part(client)
    assert "New time" in page
    assert 'href="https://meet.example/x" rel="noreferrer noopener"' in next_part(client)


@pytest.mark.parametrize("page", PAGES)
def test_no_page_names_the_clinic_the_group_or_its_leader(client: Client, enrollment: Enrollment, page: str) -> None:
    book_week(enrollment)
    text = client.get(reverse(page)).text
    for name in ("Harbor Street", "Relapse group", "Morning track", "Ada Park", "iopmanager", "outpatient"):
        assert name not in text, name


def test_the_week_shows_the_credited_hours(client: Client, enrollment: Enrollment) -> None:
    monday, _, _ = book_week(enrollment)
    lead = monday.session.facilitators.get()
    Attendance.objects.create(
        booking=monday, status="partial", arrived=monday.starts + timedelta(minutes=30), credited_minutes=150,
        recorded_by=lead, recorded_at=monday.ends,
    )  # fmt: skip
    text = client.get(reverse("portal-week")).text
    assert '<span class="figure">2 h 30 min</span> of 9 hours' in text
    assert text.count("Not counted yet") == 1, "Wednesday's is over; Friday's is still to come"


def test_weeks_start_on_the_weekday_that_the_site_sets(client: Client, enrollment: Enrollment) -> None:
    site = enrollment.track.site
    RuleSet.objects.filter(site=site).delete()
    RuleSet.objects.create(site=site, starts=date(2020, 1, 5), week_starts=6)
    sunday = make_meeting(site, 6, "10:00", "11:00")
    Episode.objects.update(starts=MONDAY - timedelta(days=1))
    book(make_session(sunday, MONDAY - timedelta(days=1)), enrollment)
    book(make_session(sunday, MONDAY + timedelta(days=6)), enrollment)
    text = client.get(reverse("portal-week")).text
    assert "Sun, Nov 22" in text
    assert "Sun, Nov 29" not in text
    following = client.get(reverse("portal-week"), {"week": "2026-11-29"}).text
    assert "Sun, Nov 29" in following
    assert "?week=2026-12-06" in following
    home = client.get(reverse("portal-home")).text
    assert "Week of Sun, Nov 29" in home


def test_a_session_at_nine_is_shown_at_nine_before_and_after_a_clock_change(
    client: Client, enrollment: Enrollment
) -> None:
    Episode.objects.update(starts=date(2026, 10, 26))
    for week in (date(2026, 10, 26), date(2026, 11, 2)):
        book_week(enrollment, week)
        assert client.get(reverse("portal-week"), {"week": week.isoformat()}).text.count("9:00 AM–12:00 PM") == 3


def test_the_pages_still_open_after_discharge(client: Client, enrollment: Enrollment) -> None:
    book_week(enrollment)
    Episode.objects.update(ends=MONDAY + timedelta(days=1))
    for page in PAGES:
        assert client.get(reverse(page)).status_code == 200


def test_the_pages_open_for_a_patient_who_was_never_admitted(client: Client) -> None:
    client.force_login(make_patient_user(make_patient(make_site())))
    for page in PAGES:
        assert client.get(reverse(page)).status_code == 200


def test_a_patient_sees_only_their_own_current_commitments(client: Client, enrollment: Enrollment) -> None:
    patient = enrollment.episode.patient
    make_commitment(patient, [0, 1], "13:00", "17:00", "Bakery")
    make_commitment(patient, [2], "13:00", "17:00", "Over already", valid_until=MONDAY)
    make_commitment(make_patient(patient.site, "Omar", "Haddad"), [3], "13:00", "17:00", "Garage")
    text = client.get(reverse("portal-account")).text
    assert "Bakery" in text
    assert "Over already" not in text
    assert "Garage" not in text


@pytest.mark.parametrize("number", [1, 3])
@pytest.mark.parametrize(("page", "queries"), [("portal-calendar", 6), ("portal-account", 8)])
def test_the_pages_take_as_many_queries_for_three_as_for_one(
    client: Client, enrollment: Enrollment, number: int, page: str, queries: int, django_assert_num_queries: Any
) -> None:
    patient = enrollment.episode.patient
    for each in range(number):
        make_commitment(patient, [each], "13:00", "17:00")
        create_feed(patient=patient, by=patient.user, now=WEDNESDAY_NOON, label="my phone")
    with django_assert_num_queries(queries):
        client.get(reverse(page))


def test_a_refused_calendar_link_keeps_the_input(client: Client, enrollment: Enrollment) -> None:
    response = client.post(reverse("portal-calendar"), {"label": "my watch", "style": "loud"})
    assert response.status_code == 422
    assert 'value="my watch"' in response.text
    assert "“loud” is not one of the options. Choose another one." in response.text
    assert not Feed.objects.exists()


def test_the_page_that_shows_a_new_calendar_link_is_not_cached(client: Client, enrollment: Enrollment) -> None:
    made = client.post(reverse("portal-calendar"), {"label": "my phone", "style": "busy"})
    assert made.status_code == 200
    assert "webcal://testserver/c/" in made.text
    assert "no-store" in made["Cache-Control"]


def choose(client: Client, code: str, hour_clock: str = "default") -> Any:
    return client.post(reverse("portal-account"), {"language": code, "hour_clock": hour_clock}, follow=True)


def test_a_patient_chooses_the_language_of_the_pages(client: Client, enrollment: Enrollment) -> None:
    patient = enrollment.episode.patient
    assert choose(client, "es").headers["Content-Language"] == "es"
    patient.refresh_from_db()
    assert patient.language == "Spanish"
    assert choose(client, "en").headers["Content-Language"] == "en"
    choose(client, "en")
    patient.refresh_from_db()
    assert patient.language == "English"
    events = AuditEvent.objects.filter(patient_key=patient.pk, subject_kind="patient", detail="language")
    assert [(each.action, each.actor_key) for each in events] == [(Action.CHANGED, patient.user_id)] * 2


def test_a_language_without_pages_stays_on_record(client: Client, enrollment: Enrollment) -> None:
    Patient.objects.update(language="Vietnamese")
    assert choose(client, "es").headers["Content-Language"] == "es"
    patient = Patient.objects.select_related("user").get()
    assert (patient.language, patient.user.language) == ("Vietnamese", "es")


def test_an_unknown_language_is_refused(client: Client, enrollment: Enrollment) -> None:
    refused = choose(client, "tlh")
    assert refused.status_code == 422
    assert "“tlh” is not one of the options. Choose another one." in refused.text
    assert Patient.objects.get().language == "English"


def test_a_patient_chooses_the_clock_of_the_pages(client: Client, enrollment: Enrollment) -> None:
    book_week(enrollment)
    assert "9:00 AM–12:00 PM" in client.get(reverse("portal-week")).text
    assert choose(client, "en", "24").context["form"].initial["hour_clock"] == "24"
    assert "9:00–12:00" in client.get(reverse("portal-week")).text
    patient = enrollment.episode.patient
    changed = AuditEvent.objects.filter(patient_key=patient.pk, action=Action.CHANGED)
    assert [(each.subject_kind, each.detail, each.actor_key) for each in changed] == [
        ("patient", "clock of the pages", patient.user_id)
    ]
    choose(client, "en", "24")
    assert changed.count() == 1


def test_the_confirmation_is_in_the_language_that_was_just_chosen(client: Client, enrollment: Enrollment) -> None:
    assert "Sus preferencias están guardadas." in choose(client, "es").text
    assert "Your settings are saved." in choose(client, "en").text


@pytest.mark.parametrize(
    ("pages", "record", "shown"),
    [
        pytest.param("es", "Spanish", "Español", id="a language with pages"),
        pytest.param("es", "Vietnamese", "Vietnamita", id="a language without pages"),
        pytest.param("en", "Tiếng Việt", "Vietnamese", id="a language named in itself"),
        pytest.param("en", "Chuukese", "Chuukese", id="a language that Django does not know"),
    ],
)
def test_the_language_on_record_is_named_in_the_readers_language(
    client: Client, enrollment: Enrollment, pages: str, record: str, shown: str
) -> None:
    Patient.objects.update(language=record)
    User.objects.filter(pk=enrollment.episode.patient.user_id).update(language=pages)
    about, _, _ = client.get(reverse("portal-account")).text.partition('id="settings"')
    assert f"\n      {shown}\n" in about


def test_a_moved_session_shows_its_old_and_its_new_time_first(client: Client, enrollment: Enrollment) -> None:
    by = make_staff(Role.COORDINATOR, enrollment.track.site)
    book_week(enrollment)
    monday, *_ = book_week(enrollment, MONDAY + timedelta(weeks=1))
    slot = Slot(on=MONDAY + timedelta(days=8), starts=time(13), ends=time(15))
    move_session(session=monday.session, slot=slot, by=by, now=WEDNESDAY_NOON)
    page = client.get(reverse("portal-home")).text
    changes = page.partition("What changed</h2>")[2].partition("</section>")[0]
    text = " ".join(re.sub(r"<[^>]+>", " ", changes).split())
    assert text == "Old time: Mon, Nov 30 9:00 AM–12:00 PM New time: Tue, Dec 1 1:00–3:00 PM New time"
    assert page.index("What changed</h2>") < page.index(">Next</h2>")
    assert changes.count("<del") == 1


def test_home_lists_requests_that_wait_for_an_answer(client: Client, enrollment: Enrollment) -> None:
    patient = enrollment.episode.patient
    asked = {"patient": patient, "action": "add", "proposed_at": WEDNESDAY_NOON, "values": {}}
    CommitmentProposal.objects.create(**asked, label="Evening class")
    CommitmentProposal.objects.create(**asked, label="Old class", state="withdrawn", decided_at=WEDNESDAY_NOON)
    text = client.get(reverse("portal-home")).text
    assert "Evening class" in text
    assert "You asked on Wed, Nov 25. We have not answered yet." in text
    assert "Old class" not in text


@pytest.mark.parametrize("page", PORTAL_PAGES)
def test_every_page_has_a_link_that_calls_the_site(client: Client, enrollment: Enrollment, page: str) -> None:
    Site.objects.update(phone="(207) 555-0100")
    text = client.get(reverse(page)).text
    assert 'href="tel:2075550100"' in text
    assert "Call (207) 555-0100" in text


def test_the_hours_say_how_many_more_visits_complete_the_week(client: Client, enrollment: Enrollment) -> None:
    bookings = book_week(enrollment)
    lead = bookings[0].session.facilitators.get()

    def attend(booking: Booking) -> str:
        Attendance.objects.create(
            booking=booking, status="present", credited_minutes=180, recorded_by=lead, recorded_at=WEDNESDAY_NOON
        )
        return client.get(reverse("portal-home")).text

    first, second = attend(bookings[0]), attend(bookings[1])
    assert '<span class="figure">3</span> of 9 hours' in first
    assert "One more appointment and you have all 9 hours." in first, "today's is over, but not counted yet"
    assert "One more appointment and you have all 9 hours." in second
    assert 'class="meter-value" width="66.67%"' in second
    third = attend(bookings[2])
    assert "You have all 9 hours of this week." in third
    assert 'class="meter-value" width="100.00%"' in third
