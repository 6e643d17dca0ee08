"""Calendar files of patients are previewed, saved and replaced. Their busy times count like commitments."""

import re
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from accounts.models import Action, AuditEvent, User
from accounts.permissions import Role
from iopmanager import clock
from patients.domain.calendar_files import MAX_BYTES, CalendarNotice, CountedNotice, ParsedCalendar
from patients.jobs import delete_expired_calendars
from patients.models import CalendarInterval, CalendarState, ImportedCalendar, Patient
from patients.models.calendar import DECLINED_KEPT_FOR, UNSAVED_KEPT_FOR
from patients.views.calendars import calendar_files
from scheduling.models import Site
from scheduling.services.availability.calendar_review import (
    CalendarValues,
    decline_calendar,
    remove_calendar,
    save_calendar,
    save_calendar_preview,
)
from scheduling.services.availability.imported_calendars import calendar_busy_in_weeks, calendar_busy_on_dates
from scheduling.services.search.need import PatientAvailability, need_of
from tests.clinic import openings_in_week
from tests.factories import (
    MONDAY,
    admit,
    book,
    enroll,
    make_calendar,
    make_patient,
    make_patient_user,
    make_session,
    make_site,
    make_staff,
    make_weekday_track,
)
from tests.hostile_calendars import calendar, event
from timekeeping.intervals import Interval
from timekeeping.reasons import Refused
from timekeeping.weeks import OnDates, Recurrence

pytestmark = pytest.mark.django_db

TUESDAY = datetime(2026, 11, 24, 15, tzinfo=UTC)
WEDNESDAY = date(2026, 11, 25)
HOUR = timedelta(hours=1)
SECRETS = ("Group", "Morning track", "Harbor Street", "Ada Park", "treatment", "session", "patient", "clinic")


@pytest.fixture(autouse=True)
def on_tuesday(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "now", lambda: TUESDAY)


@pytest.fixture
def site() -> Site:
    return make_site("Harbor Street", phone="555-0100")


@pytest.fixture
def coordinator(site: Site) -> User:
    return make_staff(Role.COORDINATOR, site, "Nora Castellanos")


@pytest.fixture
def rosa(site: Site) -> Patient:
    """A patient who can sign in and is booked on Wednesday from 9:00 to 12:00."""
    patient = make_patient(site)
    enrollment = enroll(admit(patient), make_weekday_track(site, lead=make_staff(Role.CLINICIAN, site, "Ada Park")))
    book(make_session(enrollment.track.meetings.get(weekday=2), WEDNESDAY), enrollment)
    make_patient_user(patient)
    return patient


@pytest.fixture
def desk(coordinator: User) -> Client:
    client = Client()
    client.force_login(coordinator)
    return client


@pytest.fixture
def own(rosa: Patient) -> Client:
    client = Client()
    assert rosa.user is not None
    client.force_login(rosa.user)
    return client


def at(on: date, hour: int, hours: int = 1) -> tuple[datetime, datetime]:
    """Return the start and end of an interval in UTC. It starts at `hour`:00 and lasts `hours` hours."""
    starts = datetime(on.year, on.month, on.day, hour, tzinfo=UTC)
    return starts, starts + hours * HOUR


def understood(*times: tuple[datetime, datetime], whole_days: tuple[date, ...] = ()) -> ParsedCalendar:
    busy = tuple(Interval(starts, ends) for starts, ends in times)
    number = len(busy) + len(whole_days)
    return ParsedCalendar(busy=busy, whole_days=whole_days, events=number, occurrences=number, cancelled=0, free=0)


def looked_at(patient: Patient, by: User, found: ParsedCalendar, kind: str = "work", **said: int) -> ImportedCalendar:
    values = CalendarValues(kind=kind, **said)
    return save_calendar_preview(patient=patient, values=values, parsed=found, by=by, now=TUESDAY)


SECRET = ("SUMMARY:Ward 7", "LOCATION:Oncology")
WORK = event(*SECRET, "RRULE:FREQ=WEEKLY", starts="DTSTART;TZID=America/New_York:20261124T140000", ends="DURATION:PT3H")
FILE = calendar(WORK)
WITH_WHOLE_DAYS = calendar(WORK, event(starts="DTSTART;VALUE=DATE:20261224", ends="SUMMARY:x"))
IN_THE_WAY = calendar(event(starts="DTSTART:20261125T150000Z", ends="DURATION:PT1H"))


def sent(client: Client, name: str, data: bytes = FILE, *args: int, **typed: Any) -> Any:
    file = SimpleUploadedFile("work.ics", data, "text/calendar")
    return client.post(reverse(name, args=args), {"file": file, "kind": "work", **typed})


def test_a_calendar_is_previewed_first_and_then_saved(desk: Client, coordinator: User, rosa: Patient) -> None:
    response = sent(
        desk, "imported-calendar-new", FILE, rosa.pk, travel_before="20", travel_after="30", movable_minutes="15"
    )
    made = ImportedCalendar.objects.get()
    assert response["Location"] == reverse("imported-calendar", args=[made.pk])
    assert (made.state, made.first, made.until) == ("understood", date(2026, 11, 24), date(2027, 5, 25))
    assert (made.travel_before, made.travel_after, made.movable_minutes) == (20, 30, 15)
    assert made.intervals.count() == 26
    assert not calendar_busy_in_weeks([rosa.pk], rosa.site.zone)
    text = desk.get(response["Location"]).text
    assert "26 busy times from Tue, Nov 24 to Mon, May 24, 2027." in text
    assert "The file has 1 entry." in text
    assert "Tue 2:00–5:00 PM" in text
    saved = desk.post(response["Location"])
    assert saved["Location"] == reverse("patient", args=[rosa.pk])
    made.refresh_from_db()
    assert (made.state, made.decided_by, made.decided_at) == ("kept", coordinator, TUESDAY)
    [busy] = calendar_busy_in_weeks([rosa.pk], rosa.site.zone)[rosa.pk]
    assert busy.recurrence == Recurrence(weekdays=frozenset({1}), valid_from=MONDAY)
    assert (busy.label, busy.kind, busy.travel_before, busy.travel_after) == ("Work calendar", "work", 20, 30)
    assert "Work calendar" in desk.get(saved["Location"]).text


def test_titles_and_locations_of_calendar_entries_are_not_stored(desk: Client, rosa: Patient) -> None:
    response = sent(desk, "imported-calendar-new", FILE, rosa.pk)
    page = desk.get(response["Location"]).text
    row = ImportedCalendar.objects.values().get()
    trail = str(list(AuditEvent.objects.values()))
    for word in ("Ward 7", "Oncology", "work.ics"):
        assert word not in page
        assert word not in str(row)
        assert word not in trail
    assert [field.name for field in CalendarInterval._meta.fields] == [
        "id", "calendar", "starts", "ends", "is_whole_day",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        pytest.param(b"Dear Rosa,", "This is not a calendar file.", id="a letter"),
        pytest.param(
            calendar(event("RRULE:FREQ=SECONDLY")), "An entry in the file repeats every hour, minute or", id="a bomb"
        ),
        pytest.param(b"x" * (MAX_BYTES + 1), "The file is larger than 5 MB.", id="too large"),
        pytest.param(b"x" * (3 * MAX_BYTES), "The file is larger than 5 MB.", id="much too large"),
        pytest.param(b"", "This file is empty. Choose another one.", id="empty"),
    ],
)
def test_a_refused_file_shows_the_reason_and_keeps_the_input(
    desk: Client, rosa: Patient, data: bytes, sentence: str
) -> None:
    response = sent(desk, "imported-calendar-new", data, rosa.pk, kind="school", travel_before="35")
    assert response.status_code == 422
    assert sentence in response.text
    assert 'value="35"' in response.text
    assert '<option value="school" selected>' in response.text
    assert not ImportedCalendar.objects.exists()


def test_no_transaction_is_open_while_a_file_is_read(
    desk: Client, rosa: Patient, monkeypatch: pytest.MonkeyPatch
) -> None:
    from django.db import connection

    depth = len(connection.savepoint_ids)
    depths = []

    def understand(**given: Any) -> ParsedCalendar:
        depths.append(len(connection.savepoint_ids))
        return understood(at(MONDAY, 20))

    monkeypatch.setattr(calendar_files, "parse_calendar", understand)
    sent(desk, "imported-calendar-new", FILE, rosa.pk)
    assert depths == [depth]


def test_a_file_is_never_written_to_disk(settings: Any) -> None:
    assert settings.FILE_UPLOAD_HANDLERS == ["iopmanager.uploads.InMemoryUploadHandler"]


def test_all_day_entries_need_a_choice(desk: Client, rosa: Patient) -> None:
    page = sent(desk, "imported-calendar-new", WITH_WHOLE_DAYS, rosa.pk)["Location"]
    text = desk.get(page).text
    assert "1 day has an entry without a time." in text
    assert "<li>Thu, Dec 24</li>" in text
    refused = desk.post(page)
    assert refused.status_code == 422
    assert "Some entries last all day. Choose whether the patient is busy on those days." in refused.text
    assert ImportedCalendar.objects.get().state == "understood"
    desk.post(page, {"whole_days": "free"})
    christmas = date(2026, 12, 24), date(2026, 12, 25)
    assert not calendar_busy_on_dates([rosa.pk], rosa.site.zone, *christmas)[rosa.pk]


def test_a_patient_is_asked_about_all_day_entries_in_the_second_person(client: Client, rosa: Patient) -> None:
    client.force_login(make_patient_user(rosa))
    page = sent(client, "portal-calendar-file-new", WITH_WHOLE_DAYS)["Location"]
    refused = client.post(page)
    assert refused.status_code == 422
    assert "Some entries last all day. Choose whether you are busy on those days." in refused.text
    assert "the patient" not in refused.text


def test_all_day_entries_that_count_are_busy_all_day(coordinator: User, rosa: Patient) -> None:
    made = looked_at(rosa, coordinator, understood(whole_days=(date(2026, 12, 24),)))
    save_calendar(calendar=made, whole_days_count=True, by=coordinator, now=TUESDAY)
    [busy] = calendar_busy_in_weeks([rosa.pk], rosa.site.zone)[rosa.pk]
    assert busy.recurrence == OnDates(frozenset({date(2026, 12, 24)}))
    assert (busy.starts.hour, busy.ends.hour, busy.minutes) == (0, 0, 24 * 60)


def test_a_new_calendar_replaces_the_earlier_one_of_its_kind(desk: Client, coordinator: User, rosa: Patient) -> None:
    make_calendar(rosa, coordinator, at(date(2026, 12, 1), 19, 3), at(date(2026, 12, 7), 15))
    make_calendar(rosa, coordinator, at(date(2026, 12, 9), 20), kind="school")
    page = sent(desk, "imported-calendar-new", FILE, rosa.pk)["Location"]
    text = desk.get(page).text
    assert "Changes since the calendar of Mon, Nov 23" in text
    assert "25 times are new." in text
    assert "1 time is gone." in text
    assert "Mon, Dec 7 10:00–11:00 AM" in text
    assert "Tue 2:00–5:00 PM" in text
    desk.post(page)
    saved = {each.kind: each.intervals.count() for each in ImportedCalendar.objects.filter(state="kept")}
    assert saved == {"work": 26, "school": 1}
    assert AuditEvent.objects.filter(subject_kind="importedcalendar", action=Action.ENDED).count() == 1


def test_a_new_preview_replaces_the_earlier_preview(coordinator: User, rosa: Patient) -> None:
    first = looked_at(rosa, coordinator, understood(at(MONDAY, 20)))
    second = looked_at(rosa, coordinator, understood(at(MONDAY, 21)))
    assert list(ImportedCalendar.objects.all()) == [second]
    with pytest.raises(Refused, match="already_decided"):
        save_calendar(calendar=first, by=coordinator, now=TUESDAY)


def test_an_unsaved_preview_expires(
    desk: Client, coordinator: User, rosa: Patient, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = sent(desk, "imported-calendar-new", FILE, rosa.pk)["Location"]
    assert delete_expired_calendars.enqueue().return_value == "There was nothing to delete."
    monkeypatch.setattr(clock, "now", lambda: TUESDAY + UNSAVED_KEPT_FOR)
    desk.force_login(coordinator)
    assert desk.get(page).status_code == 404
    assert "not saved yet" not in desk.get(reverse("patient", args=[rosa.pk])).text
    assert delete_expired_calendars.enqueue().return_value == "1 calendar file deleted."
    assert not CalendarInterval.objects.exists()


def test_a_saved_calendar_does_not_expire(coordinator: User, rosa: Patient, monkeypatch: pytest.MonkeyPatch) -> None:
    make_calendar(rosa, coordinator, at(MONDAY, 20))
    make_calendar(rosa, coordinator, at(MONDAY, 20), state="waiting")
    monkeypatch.setattr(clock, "now", lambda: TUESDAY + 100 * UNSAVED_KEPT_FOR)
    assert delete_expired_calendars.enqueue().return_value == "There was nothing to delete."


def test_a_calendar_can_be_deleted(desk: Client, coordinator: User, rosa: Patient) -> None:
    made = make_calendar(rosa, coordinator, at(MONDAY, 20))
    response = desk.post(reverse("imported-calendar-remove", args=[made.pk]), follow=True)
    assert "The calendar is deleted." in response.text
    assert not CalendarInterval.objects.exists()
    assert AuditEvent.objects.filter(subject_kind="importedcalendar", action=Action.DELETED).count() == 1
    with pytest.raises(Refused, match="already_decided"):
        remove_calendar(calendar=made, by=coordinator, now=TUESDAY)


def test_a_patients_calendar_without_conflicts_is_saved_at_once(own: Client, rosa: Patient) -> None:
    page = sent(own, "portal-calendar-file-new")["Location"]
    response = own.post(page, follow=True)
    assert "Your calendar is saved." in response.text
    assert "It goes to Mon, May 24, 2027." in response.text
    assert ImportedCalendar.objects.get().state == CalendarState.KEPT


def test_a_calendar_that_conflicts_with_a_booking_waits_for_the_coordinator(
    own: Client, desk: Client, coordinator: User, rosa: Patient
) -> None:
    saved = make_calendar(rosa, coordinator, at(MONDAY, 20))
    page = sent(own, "portal-calendar-file-new", IN_THE_WAY)["Location"]
    assert "It is at the same time as 1 appointment" in own.get(page).text
    response = own.post(page, follow=True)
    assert "This is at the same time as an appointment, so we will look at it first." in response.text
    waiting = ImportedCalendar.objects.get(state="waiting")
    assert [times.key for times in calendar_busy_in_weeks([rosa.pk], rosa.site.zone)[rosa.pk]] == [
        f"calendar-{saved.pk}-0"
    ]
    chart = desk.get(reverse("patient", args=[rosa.pk])).text
    assert "waiting for your decision" in chart
    decision_page = reverse("imported-calendar", args=[waiting.pk])
    assert "It conflicts with 1 booked session" in desk.get(decision_page).text
    refused = desk.post(decision_page, {"decision": "decline"})
    assert (refused.status_code, ImportedCalendar.objects.get(pk=waiting.pk).state) == (422, "waiting")
    desk.post(decision_page, {"decision": "accept"})
    assert list(ImportedCalendar.objects.values_list("pk", "state")) == [(waiting.pk, "kept")]
    assert "Work calendar, 10:00–11:00 AM" in desk.get(reverse("patient", args=[rosa.pk])).text


def test_the_patient_sees_why_a_calendar_is_declined(
    own: Client, desk: Client, rosa: Patient, monkeypatch: pytest.MonkeyPatch
) -> None:
    own.post(sent(own, "portal-calendar-file-new", IN_THE_WAY)["Location"])
    waiting = ImportedCalendar.objects.get()
    desk.post(reverse("imported-calendar", args=[waiting.pk]), {"decision": "decline", "reason": "Let us talk first"})
    assert "We could not use it: Let us talk first" in own.get(reverse("portal-commitments")).text
    assert not CalendarInterval.objects.exists()
    assert desk.get(reverse("imported-calendar", args=[waiting.pk])).status_code == 404
    monkeypatch.setattr(clock, "now", lambda: TUESDAY + DECLINED_KEPT_FOR)
    assert "Let us talk first" not in own.get(reverse("portal-commitments")).text
    assert delete_expired_calendars.enqueue().return_value == "1 calendar file deleted."


def test_an_earlier_conflict_does_not_make_a_new_calendar_wait(coordinator: User, rosa: Patient) -> None:
    assert rosa.user is not None
    make_calendar(rosa, coordinator, at(WEDNESDAY, 15))
    made = looked_at(rosa, rosa.user, understood(at(WEDNESDAY, 14, 3)))
    assert save_calendar(calendar=made, by=rosa.user, now=TUESDAY).state == CalendarState.KEPT


def test_a_later_calendar_of_a_patient_replaces_the_one_that_waits(rosa: Patient) -> None:
    assert rosa.user is not None
    for hour, state in ((15, "waiting"), (16, "waiting"), (20, "kept")):
        made = looked_at(rosa, rosa.user, understood(at(WEDNESDAY, hour)))
        save_calendar(calendar=made, by=rosa.user, now=TUESDAY)
        assert list(ImportedCalendar.objects.values_list("state", flat=True)) == [state]


def test_a_calendar_from_staff_is_saved_despite_conflicts(coordinator: User, rosa: Patient) -> None:
    made = looked_at(rosa, coordinator, understood(at(WEDNESDAY, 15)))
    assert save_calendar(calendar=made, by=coordinator, now=TUESDAY).state == CalendarState.KEPT


def test_only_a_waiting_calendar_can_be_declined(coordinator: User, rosa: Patient) -> None:
    made = looked_at(rosa, coordinator, understood(at(MONDAY, 20)))
    with pytest.raises(Refused, match="already_decided"):
        decline_calendar(calendar=made, reason="No", by=coordinator, now=TUESDAY)
    with pytest.raises(Refused, match="reason_required"):
        decline_calendar(calendar=made, reason=" ", by=coordinator, now=TUESDAY)


def test_notices_are_shown_as_sentences(desk: Client, coordinator: User, rosa: Patient) -> None:
    found = ParsedCalendar(
        busy=(), whole_days=(), events=9, occurrences=9, cancelled=2, free=3,
        notices=tuple(CountedNotice(notice, 2) for notice in CalendarNotice),
    )  # fmt: skip
    made = looked_at(rosa, coordinator, found)
    text = desk.get(reverse("imported-calendar", args=[made.pk])).text
    for sentence in (
        "We left out 2 canceled times.",
        "We left out 3 times marked as free.",
        "2 entries are in a time zone that we do not know. We read them as local time.",
        "We could not read 2 entries and left them out. Check what is missing.",
        "We could read only part of 2 entries. Check them, for example how often they repeat.",
        "2 entries end when they start. We left them out.",
        "We left out 2 tasks or notes.",
        "The file has no busy times on these dates.",
    ):
        assert sentence in text, sentence


@pytest.mark.parametrize("state", CalendarState.values)
def test_only_the_sender_sees_an_unsaved_calendar_and_strangers_see_nothing(
    site: Site, coordinator: User, rosa: Patient, state: str
) -> None:
    made = make_calendar(rosa, coordinator, at(MONDAY, 20), state=state, reason="No" if state == "declined" else "")
    outsider = make_staff(Role.COORDINATOR, make_site("Elsewhere"))
    reviewer = make_staff(Role.REVIEWER, site)
    stranger = make_patient_user(make_patient(site, "Omar", "Haddad"))
    for user in (outsider, reviewer, stranger):
        assert not ImportedCalendar.objects.visible_to(user).exists()
    colleague = make_staff(Role.COORDINATOR, site)
    is_shared = state != "understood"
    assert rosa.user is not None
    for person in (colleague, rosa.user):
        assert ImportedCalendar.objects.visible_to(person).filter(pk=made.pk).exists() == is_shared
    assert ImportedCalendar.objects.visible_to(coordinator).get() == made


def test_a_clinician_can_read_but_not_change(site: Site, coordinator: User, rosa: Patient) -> None:
    made = make_calendar(rosa, coordinator, at(MONDAY, 20))
    client = Client()
    lead = rosa.episodes.get().bookings.get().session.facilitators.get()
    client.force_login(lead)
    assert "Work calendar" in client.get(reverse("patient", args=[rosa.pk])).text
    for name, args in (("imported-calendar", made.pk), ("imported-calendar-new", rosa.pk)):
        assert client.get(reverse(name, args=[args])).status_code == 403
    assert client.post(reverse("imported-calendar-remove", args=[made.pk])).status_code == 403


def test_a_patient_cannot_change_another_patients_calendar(own: Client, site: Site, coordinator: User) -> None:
    other = make_calendar(make_patient(site, "Omar", "Haddad"), coordinator, at(MONDAY, 20))
    assert own.get(reverse("portal-calendar-file", args=[other.pk])).status_code == 404
    assert own.post(reverse("portal-calendar-file", args=[other.pk])).status_code == 404
    assert own.post(reverse("portal-calendar-file-remove", args=[other.pk])).status_code == 404
    assert ImportedCalendar.objects.count() == 1


def test_every_action_is_audited(own: Client, desk: Client, rosa: Patient) -> None:
    page = sent(desk, "imported-calendar-new", FILE, rosa.pk)["Location"]
    desk.get(page)
    desk.post(page)
    desk.post(page.rstrip("/") + "/remove/")
    events = AuditEvent.objects.filter(subject_kind="importedcalendar").order_by("pk")
    assert [(each.action, each.patient_key, each.site_key) for each in events] == [
        (action, rosa.pk, rosa.site_id) for action in ("imported", "viewed", "created", "deleted")
    ]


def test_the_pages_in_the_portal_do_not_reveal_treatment(own: Client, rosa: Patient) -> None:
    page = sent(own, "portal-calendar-file-new", IN_THE_WAY)["Location"]
    for address in (reverse("portal-calendar-file-new"), page, reverse("portal-commitments")):
        text = own.get(address).text
        assert re.search(r"<title>(Calendar file|My work or school calendar|When I’m busy) · My schedule</title>", text)
        visible_text = re.sub(r"<[^>]*>", "", text)
        for secret in SECRETS:
            assert secret not in visible_text, (address, secret)


def test_the_search_avoids_weekly_times_of_a_calendar(coordinator: User, rosa: Patient) -> None:
    mondays = [at(MONDAY + timedelta(weeks=number), 15, 2) for number in range(26)]
    make_calendar(rosa, coordinator, *mondays, at(date(2026, 12, 2), 15), movable_minutes=10)
    need = need_of(episode=rosa.episodes.get(), from_day=MONDAY)
    patterns = {type(busy.recurrence) for busy in need.busy if busy.kind == "work"}
    assert patterns == {Recurrence, OnDates}
    assert {busy.movable_minutes for busy in need.busy if busy.kind == "work"} == {10}


def test_make_up_sessions_are_not_offered_when_a_calendar_is_busy(site: Site, coordinator: User, rosa: Patient) -> None:
    other = make_weekday_track(site, (3,), name="Other")
    make_session(other.meetings.get(), WEDNESDAY + timedelta(days=1))
    episode = rosa.episodes.get()
    assert openings_in_week(episode, MONDAY, now=TUESDAY)
    make_calendar(rosa, coordinator, at(WEDNESDAY + timedelta(days=1), 16))
    assert not openings_in_week(episode, MONDAY, now=TUESDAY)


def test_travel_that_reaches_into_the_week_counts(site: Site, coordinator: User, rosa: Patient) -> None:
    night = datetime(2026, 11, 23, 4, tzinfo=UTC), datetime(2026, 11, 23, 4, 50, tzinfo=UTC)
    make_calendar(rosa, coordinator, night, travel_after=60, first=MONDAY - timedelta(days=7))
    busy = calendar_busy_on_dates([rosa.pk], site.zone, MONDAY, MONDAY + timedelta(days=1))[rosa.pk]
    assert [occurrence.with_travel.end for each in busy for occurrence in each.occasions(MONDAY, WEDNESDAY)] == [50]


def test_a_preview_shows_conflicts_of_a_moved_session_with_a_calendar(
    desk: Client, coordinator: User, rosa: Patient
) -> None:
    session = rosa.episodes.get().bookings.get().session
    typed = {"on": "2026-11-26", "starts": "13:00", "ends": "16:00"}
    address = reverse("session-move", args=[session.pk])
    assert "Work calendar" not in desk.post(address, typed).text
    make_calendar(rosa, coordinator, at(date(2026, 11, 26), 20))
    assert "Work calendar" in desk.post(address, typed).text


@pytest.mark.parametrize("number", [1, 3])
def test_busy_times_take_as_many_queries_for_three_patients_as_for_one(
    site: Site, coordinator: User, number: int, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    episodes = []
    for each in range(number):
        patient = make_patient(site, f"First{each}")
        episodes.append(admit(patient))
        make_calendar(patient, coordinator, at(MONDAY, 20), at(WEDNESDAY, 20))
        make_calendar(patient, coordinator, at(MONDAY, 22), kind="school")
    with django_assert_num_queries(6):
        availability = PatientAvailability.of(site, episodes, MONDAY)
    assert sum(len(busy) for busy in availability.commitments.values()) == 2 * number


@pytest.mark.parametrize("number", [1, 3])
def test_the_chart_reads_calendars_in_a_fixed_number_of_queries(
    desk: Client, coordinator: User, rosa: Patient, number: int, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for kind in ("work", "school", "other")[:number]:
        make_calendar(rosa, coordinator, at(MONDAY, 20), kind=kind)
    desk.get(reverse("patient", args=[rosa.pk]))
    with django_assert_num_queries(26):
        desk.get(reverse("patient", args=[rosa.pk]))


@pytest.mark.parametrize("number", [1, 3])
@pytest.mark.parametrize(("state", "queries"), [("understood", 16), ("kept", 11)])
def test_the_page_of_a_calendar_takes_as_many_queries_for_three_times_as_for_one(
    desk: Client,
    coordinator: User,
    rosa: Patient,
    number: int,
    state: str,
    queries: int,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    if state == "understood":
        make_calendar(rosa, coordinator, *(at(MONDAY, 20 + each) for each in range(number)))
    times = [at(WEDNESDAY, 13 + each) for each in range(number)]
    made = make_calendar(rosa, coordinator, *times, state=state, uploaded_at=TUESDAY)
    address = reverse("imported-calendar", args=[made.pk])
    desk.get(address)
    with django_assert_num_queries(queries):
        desk.get(address)


@pytest.mark.parametrize("number", [1, 3])
@pytest.mark.parametrize(
    ("page", "queries"), [("portal-commitments", 9), ("portal-calendar-file", 11), ("portal-calendar-file-new", 6)]
)
def test_the_pages_in_the_portal_take_as_many_queries_for_three_calendars_as_for_one(
    own: Client,
    coordinator: User,
    rosa: Patient,
    number: int,
    page: str,
    queries: int,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    for kind in ("work", "school", "other")[:number]:
        made = make_calendar(rosa, coordinator, at(MONDAY, 20), kind=kind)
    address = reverse(page, args=[made.pk] if page == "portal-calendar-file" else [])
    own.get(address)
    with django_assert_num_queries(queries):
        own.get(address)


def test_another_week_is_shown_and_invalid_input_shows_the_first(
    desk: Client, coordinator: User, rosa: Patient
) -> None:
    made = make_calendar(rosa, coordinator, at(WEDNESDAY, 20))
    address = reverse("imported-calendar", args=[made.pk])
    assert "Week of Mon, Dec 7" in desk.get(address, {"week": "2026-12-09"}).text
    for invalid_week in ("soon", "0001-01-01", "1990-01-01"):
        assert "Week of Mon, Nov 23" in desk.get(address, {"week": invalid_week}).text
    assert "Week of Mon, May 17, 2027" in desk.get(address, {"week": "2030-01-01"}).text


def test_the_values_of_the_last_file_are_the_defaults_of_the_next(
    desk: Client, coordinator: User, rosa: Patient
) -> None:
    make_calendar(rosa, coordinator, at(MONDAY, 20), kind="school", travel_before=25)
    text = desk.get(reverse("imported-calendar-new", args=[rosa.pk])).text
    assert '<option value="school" selected>' in text
    assert 'value="25"' in text
