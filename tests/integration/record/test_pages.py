"""The pages of a patient's record (list, chart and forms): who may use them, and what is written to the audit trail."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time
from typing import Any

import pytest
import time_machine
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from accounts.models import Action, AuditEvent, RoleAssignment, User
from accounts.permissions import Role
from patients.models import Commitment, Episode, LevelOfCareSpan, Patient
from scheduling.models import Booking, Enrollment, Site, Track
from tests.confirmation import preview_and_confirm, send_form
from tests.factories import (
    MONDAY,
    admit,
    book,
    enroll,
    make_commitment,
    make_patient,
    make_patient_user,
    make_session,
    make_site,
    make_staff,
    make_weekday_track,
)

pytestmark = pytest.mark.django_db

TUESDAY_MORNING = datetime(2026, 11, 24, 14, tzinfo=UTC)
WEDNESDAY = date(2026, 11, 25)

SHIFT = {
    "kind": "work",
    "label": "Day shift",
    "pattern": "every",
    "weekdays": ["0", "1"],
    "starts": "10:00",
    "ends": "18:00",
    "travel_before_minutes": "25",
}
LEVEL = {
    "starts": "2026-12-07",
    "level": "2.1",
    "prescribed_minutes": "9",
    "prescribed_days": "3",
    "stated_by": "Dr. Imani Cole, MD",
}
PERSON = {
    "first_name": "Noor",
    "last_name": "Haddad",
    "code": "P900",
    "birth_date": "1988-02-29",
    "language": "Arabic",
    "travel_minutes": "15",
}


@pytest.fixture(autouse=True)
def tuesday_morning() -> Iterator[None]:
    with time_machine.travel(TUESDAY_MORNING, tick=False):
        yield


@pytest.fixture
def site() -> Site:
    return make_site("Harbor Street")


@pytest.fixture
def lead(site: Site) -> User:
    return make_staff(Role.CLINICIAN, site, name="Ada Park")


@pytest.fixture
def track(site: Site, lead: User) -> Track:
    return make_weekday_track(site, lead=lead)


@pytest.fixture
def rosa(site: Site, track: Track) -> Patient:
    """A patient with an episode, an enrollment in the morning track, a booking on Wednesday, and a job."""
    return in_care(make_patient(site, code="P001"), track)


def in_care(patient: Patient, track: Track) -> Patient:
    enrollment = enroll(admit(patient), track)
    meeting = track.meetings.get(weekday=2)
    session = meeting.sessions.first() or make_session(meeting, WEDNESDAY)
    book(session, enrollment)
    make_commitment(patient, [0, 1, 2, 3, 4], "13:00", "21:00", label="Late shift", travel_minutes=30)
    return patient


def signed_in_as(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def coordinator(site: Site) -> Client:
    return signed_in_as(make_staff(Role.COORDINATOR, site))


def seen() -> list[tuple[str, int | None, str]]:
    return list(AuditEvent.objects.order_by("pk").values_list("action", "patient_key", "detail"))


# List of patients


def test_the_list_shows_level_prescription_and_track_of_each_patient(coordinator: Client, rosa: Patient) -> None:
    response = coordinator.get(reverse("patients"))

    for words in ("Rosa Lindqvist", "P001", "2.1", "9 h on 3 days", "Morning track", "Mon, Wed, Fri", "1 patient"):
        assert words in response.text


def test_the_list_is_sorted_by_name_whatever_the_capitals_and_accents(coordinator: Client, site: Site) -> None:
    for first_name, last_name in (("Ada", "Zimmer"), ("Eva", "de León"), ("Rosa", "Álvarez"), ("Noor", "")):
        make_patient(site, first_name, last_name)
    page = coordinator.get(reverse("patients"), {"care": "all"})
    shown = [each.patient.first_name for each in page.context["rows"]]
    assert [name for name in shown if name in {"Ada", "Eva", "Rosa", "Noor"}] == ["Rosa", "Eva", "Noor", "Ada"]


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        pytest.param({}, {"Rosa", "Imre"}, id="those in care, unless told otherwise"),
        pytest.param({"care": "discharged"}, {"Dana"}, id="discharged"),
        pytest.param({"care": "waiting"}, {"Wim"}, id="not admitted yet"),
        pytest.param({"care": "all"}, {"Rosa", "Imre", "Dana", "Wim"}, id="everybody"),
        pytest.param({"q": "dana"}, {"Dana"}, id="a name is found wherever they stand"),
        pytest.param({"q": "lind ros"}, {"Rosa"}, id="parts of names in any order"),
        pytest.param({"q": "p-77"}, {"Imre"}, id="by code"),
        pytest.param({"q": "'"}, set(), id="nothing but punctuation finds nobody"),
        pytest.param({"q": "Łukaszewicz"}, {"Wim"}, id="by a name as it is spelled"),
        pytest.param({"q": "lukaszewicz"}, {"Wim"}, id="by a name without diacritics"),
        pytest.param({"q": "O'Brien"}, {"Dana"}, id="by a name with another apostrophe"),
        pytest.param({"q": "(218) 555-0147"}, {"Imre"}, id="by phone"),
        pytest.param({"q": "wim@example.org"}, {"Wim"}, id="by e-mail"),
        pytest.param({"q": "Łukaszewicz, Wim"}, {"Wim"}, id="last name, comma, first name"),
        pytest.param({"q": "5/17/1990", "care": "current"}, {"Rosa"}, id="by birth date"),
        pytest.param({"q": "May 3, 1985 dana"}, {"Dana"}, id="by birth date and name"),
        pytest.param({"level": "2.5"}, {"Imre"}, id="by level"),
        pytest.param({"track": "morning"}, {"Rosa"}, id="by track"),
        pytest.param({"q": "rosa", "care": "discharged"}, set(), id="both have to hold"),
    ],
)
def test_the_list_is_filtered_by_name_code_care_level_and_track(
    coordinator: Client, site: Site, rosa: Patient, track: Track, asked: dict[str, Any], found: set[str]
) -> None:
    admit(
        make_patient(site, "Imre", "Kovacs", code="P-77", phone="+1 218 555 0147", birth_date=date(1979, 1, 2)),
        level="2.5",
        minutes=1200,
        days=5,
    )
    admit(make_patient(site, "Dana", "O’Brien", birth_date=date(1985, 5, 3)), starts=date(2026, 9, 1))
    Episode.objects.filter(patient__first_name="Dana").update(ends=date(2026, 11, 1))
    LevelOfCareSpan.objects.filter(episode__patient__first_name="Dana").update(ends=date(2026, 11, 1))
    make_patient(site, "Wim", "Łukaszewicz", email="Wim@example.org", birth_date=date(2001, 12, 24))

    response = coordinator.get(reverse("patients"), asked | ({"track": str(track.pk)} if "track" in asked else {}))

    assert {row.patient.first_name for row in response.context["rows"]} == found


def test_an_invalid_query_string_of_the_list_is_ignored(coordinator: Client, rosa: Patient) -> None:
    response = coordinator.get(reverse("patients"), {"care": "x", "track": "none", "level": "9", "page": "-3"})

    assert response.status_code == 200


def test_a_page_of_the_list_has_fifty_patients_and_only_those_are_audited(coordinator: Client, site: Site) -> None:
    for number in range(51):
        admit(make_patient(site, "P", f"{number:02}"))

    first, second = coordinator.get(reverse("patients")), coordinator.get(reverse("patients"), {"page": "2"})

    assert (len(first.context["rows"]), len(second.context["rows"])) == (50, 1)
    assert AuditEvent.objects.filter(action=Action.VIEWED).count() == 51


@pytest.mark.parametrize("number", [pytest.param(1, id="one patient"), pytest.param(3, id="three patients")])
def test_the_list_takes_as_many_queries_for_three_as_for_one(
    coordinator: Client, site: Site, track: Track, django_assert_num_queries: DjangoAssertNumQueries, number: int
) -> None:
    for each in range(number):
        in_care(make_patient(site, f"Patient {each}"), track)

    with django_assert_num_queries(14):
        response = coordinator.get(reverse("patients"))

    assert len(response.context["rows"]) == number


# Chart


def test_the_chart_shows_schedule_commitments_care_and_weeks(coordinator: Client, rosa: Patient) -> None:
    text = coordinator.get(reverse("patient", args=[rosa.pk])).text

    for words in (
        "Morning track", "9:00 AM–12:00 PM", "Ada Park", "Late shift", "Mon–Fri, 1:00–9:00 PM, 30 min travel each way",
        "Wed, Nov 25", "Level 2.1", "Dr. Imani Cole, MD", "Recent weeks", "May 17, 1990", "9 h a week on 3 days",
    ):  # fmt: skip
        assert words in text
    assert reverse("commitment-new", args=[rosa.pk]) in text
    assert seen() == [(Action.VIEWED, rosa.pk, "chart")]


def test_a_reviewer_sees_hours_and_no_commitments(site: Site, rosa: Patient) -> None:
    client = signed_in_as(make_staff(Role.REVIEWER, site))

    text = client.get(reverse("patient", args=[rosa.pk])).text

    assert "Recent weeks" in text
    assert "Late shift" not in text
    assert reverse("patient-edit", args=[rosa.pk]) not in text


def test_a_clinician_reads_only_charts_of_patients_in_their_own_groups(site: Site, lead: User, rosa: Patient) -> None:
    stranger = signed_in_as(make_staff(Role.CLINICIAN, site))

    text = signed_in_as(lead).get(reverse("patient", args=[rosa.pk])).text

    assert "Late shift" in text
    assert reverse("patient-edit", args=[rosa.pk]) not in text
    assert stranger.get(reverse("patient", args=[rosa.pk])).status_code == 404
    assert not stranger.get(reverse("patients")).context["rows"]


def test_only_permitted_users_see_the_audit_trail_on_the_chart(site: Site, rosa: Patient) -> None:
    coordinator = make_staff(Role.COORDINATOR, site, name="Ines Roth")
    assert (
        "Who viewed or changed this record"
        not in signed_in_as(coordinator).get(reverse("patient", args=[rosa.pk])).text
    )

    RoleAssignment.objects.create(user=coordinator, role=Role.ADMINISTRATOR, site=site)
    text = signed_in_as(User.objects.get(pk=coordinator.pk)).get(reverse("patient", args=[rosa.pk])).text

    assert "Who viewed or changed this record" in text
    assert "Ines Roth, LADC: viewed patient, chart" in text


def test_the_chart_of_a_patient_who_was_never_admitted_links_to_admission(coordinator: Client, site: Site) -> None:
    text = coordinator.get(reverse("patient", args=[make_patient(site).pk])).text

    assert "Not admitted yet." in text
    assert "Admit</a>" in text
    assert "Find a schedule" not in text


def test_booked_sessions_that_conflict_with_commitments_are_listed_on_the_chart(
    coordinator: Client, rosa: Patient
) -> None:
    make_commitment(rosa, [2], "12:10", "12:50", label="School run", travel_minutes=15)

    text = coordinator.get(reverse("patient", args=[rosa.pk])).text

    assert "1 booked session conflicts with a commitment" in text
    assert "conflicts with School run, 12:10–12:50 PM plus 15 min of travel" in text


@pytest.mark.parametrize("number", [pytest.param(1, id="one of each"), pytest.param(3, id="three of each")])
def test_the_chart_takes_as_many_queries_for_three_as_for_one(
    coordinator: Client, site: Site, lead: User, django_assert_num_queries: DjangoAssertNumQueries, number: int
) -> None:
    patient = make_patient(site)
    episode = admit(patient)
    for each in range(number):
        track = make_weekday_track(site, days=(each,), name=f"Track {each}", lead=lead)
        enrollment = enroll(episode, track)
        for meeting in track.meetings.all():
            book(make_session(meeting, WEDNESDAY.replace(day=23 + each)), enrollment)
        make_commitment(patient, [each], "08:00", "11:00")

    with django_assert_num_queries(24):
        response = coordinator.get(reverse("patient", args=[patient.pk]))

    assert len(response.context["chart"].enrollments) == number


# Forms


def test_a_patient_is_added_and_edited(coordinator: Client, site: Site) -> None:
    assert '<option value="Vietnamese">' in coordinator.get(reverse("patient-new")).text, "a language is suggested"
    response = coordinator.post(reverse("patient-new"), PERSON)

    noor = Patient.objects.get(code="P900")
    assert response["Location"] == reverse("patient", args=[noor.pk])
    assert (noor.site, noor.language, noor.travel_minutes) == (site, "Arabic", 15)

    send_form(coordinator, reverse("patient-edit", args=[noor.pk]), PERSON | {"preferred_name": "Nour"})
    assert Patient.objects.get().short_name == "Nour"
    assert [action for action, _, _ in seen()] == [Action.CREATED, Action.VIEWED, Action.CHANGED]


@pytest.mark.parametrize(("first_name", "last_name"), [("Sukarno", ""), ("", "Sukarno")])
def test_a_patient_can_have_a_single_name(coordinator: Client, first_name: str, last_name: str) -> None:
    coordinator.post(reverse("patient-new"), PERSON | {"first_name": first_name, "last_name": last_name})

    patient = Patient.objects.get(code="P900")
    assert (str(patient), patient.short_name) == ("Sukarno", "Sukarno")


@pytest.mark.parametrize(
    ("page", "typed", "field", "words"),
    [
        pytest.param(
            "patient-new", PERSON | {"code": "P001"}, "code", "Another patient already has the code P001.", id="code"
        ),
        pytest.param(
            "patient-new", PERSON | {"birth_date": "2026-12-01"}, "birth_date", "is in the future", id="birth"
        ),
        pytest.param(
            "patient-new",
            PERSON | {"first_name": "", "last_name": ""},
            "first_name",
            "Enter a first name",
            id="no name",
        ),
        pytest.param("patient-edit", PERSON | {"travel_minutes": "999"}, "travel_minutes", "480", id="a far home"),
        pytest.param(
            "commitment-new", SHIFT | {"ends": "10:00"}, "ends", "The start and the end are the same.", id="no time"
        ),
        pytest.param(
            "commitment-new",
            SHIFT | {"pattern": "rotation", "rotation": "7 on", "round_from": "2026-11-23"},
            "rotation",
            "at least one day on and one day off",
            id="no day off",
        ),
        pytest.param(
            "commitment-new",
            SHIFT | {"pattern": "range", "first_on": "2026-12-07", "last_on": "2026-12-01"},
            "last_on",
            "is too early",
            id="dates that end before they begin",
        ),
        pytest.param(
            "commitment-new",
            SHIFT | {"could_move": "yes", "movable_minutes": "480"},
            "movable_minutes",
            "it can’t move by 8 h",
            id="all of it could move",
        ),
        pytest.param("commitment-new", SHIFT | {"weekdays": []}, "weekdays", "Choose at least one day.", id="no day"),
        pytest.param(
            "commitment-new",
            SHIFT | {"valid_from": "2026-12-07", "last_day": "2026-12-01"},
            "last_day",
            "is too early",
            id="ends before it begins",
        ),
        pytest.param(
            "level-new",
            LEVEL | {"starts": "2026-11-20"},
            "starts",
            "must start after that day",
            id="early level",
        ),
        pytest.param(
            "level-new", LEVEL | {"prescribed_minutes": "lots"}, "prescribed_minutes", "“lots” is not", id="no hours"
        ),
        pytest.param("episode-end", {"last_day": "2026-11-01"}, "last_day", "is too early", id="early discharge"),
    ],
)
def test_a_refusal_is_shown_beside_its_field_and_the_input_is_kept(
    coordinator: Client, rosa: Patient, page: str, typed: dict[str, str], field: str, words: str
) -> None:
    before = AuditEvent.objects.count()
    address = reverse(page) if page == "patient-new" else reverse(page, args=[rosa.pk])

    response = coordinator.post(address, typed)

    form = response.context["form"]
    assert response.status_code == 422
    assert words in form.errors[field][0]
    assert form.errors[field][0] in response.text.replace("&#x27;", "'")
    assert {name: form[name].value() for name in typed} == typed
    assert not AuditEvent.objects.exclude(action=Action.VIEWED).exists()
    assert AuditEvent.objects.count() == before + (page != "patient-new")


def test_all_faults_of_a_new_patient_are_named_at_once(coordinator: Client, rosa: Patient) -> None:
    faults = {
        "code": "p001\u200b",
        "birth_date": "2026-12-01",
        "email": "nobody",
        "phone": "banana",
        "first_name": "",
        "last_name": "",
    }
    response = coordinator.post(reverse("patient-new"), PERSON | faults)
    assert {*response.context["form"].errors} == {"code", "birth_date", "email", "phone", "first_name"}
    assert "Please check 5 things." in response.text


def test_a_last_day_in_an_implausible_year_is_refused(coordinator: Client, rosa: Patient) -> None:
    address = reverse("commitment-end", args=[rosa.commitments.get().pk])
    assert "Check the year." in coordinator.post(address, {"last_day": "1901-02-03"}).text
    assert rosa.commitments.get().valid_until is None


def test_fields_that_are_asked_for_are_not_called_optional(coordinator: Client, rosa: Patient) -> None:
    """These fields are in an element with the class `asked`. There, the style sheet adds no "(optional)" to their labels."""
    text = coordinator.get(reverse("commitment-new", args=[rosa.pk])).text
    for name in ("weekdays", "starts", "ends", "could_move"):
        before = text[: text.index(f'id="div_id_{name}"')]
        assert " asked" in before[before.rindex("<div class=") :] or 'asked"' in before[-300:]


def test_a_commitment_that_conflicts_with_bookings_is_saved_with_a_warning(coordinator: Client, rosa: Patient) -> None:
    response = coordinator.post(
        reverse("commitment-new", args=[rosa.pk]), SHIFT | {"weekdays": ["2"], "starts": "12:15"}, follow=True
    )

    assert Commitment.objects.filter(label="Day shift").exists()
    [message] = response.context["messages"]
    assert str(message) == ("Commitment saved. It conflicts with 1 booked session: Wed, Nov 25. They are listed below.")


def test_a_commitment_without_conflicts_is_saved_without_a_warning(coordinator: Client, rosa: Patient) -> None:
    response = coordinator.post(reverse("commitment-new", args=[rosa.pk]), SHIFT, follow=True)

    assert [str(message) for message in response.context["messages"]] == ["Commitment saved."]


def test_the_form_of_a_commitment_opens_with_its_values_and_changes_them(coordinator: Client, rosa: Patient) -> None:
    commitment = make_commitment(
        rosa, [0, 3], "22:00", "06:00", label="Nights", anchor=MONDAY, valid_until=date(2026, 12, 19)
    )
    address = reverse("commitment-edit", args=[commitment.pk])

    form = coordinator.get(address).context["form"]
    assert (form["pattern"].value(), tuple(form["weekdays"].value())) == ("other", (0, 3))
    assert form["last_day"].value() == date(2026, 12, 18)

    coordinator.post(address, SHIFT | {"label": "Days"})
    commitment.refresh_from_db()
    assert (commitment.label, commitment.anchor, commitment.weekdays) == ("Days", None, 0b11)


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        pytest.param(
            {"pattern": "rotation", "rotation": "2-2-3", "round_from": "2026-11-02"},
            "2 on, 2 off, 3 on from Mon, Nov 2, 10:00 AM–6:00 PM, 25 min travel each way",
            id="a rotation",
        ),
        pytest.param(
            {"pattern": "range", "first_on": "2026-12-07", "last_on": "2026-12-11", "weekdays": [], "whole_day": "on"},
            "Mon, Dec 7 – Fri, Dec 11, all day, 25 min travel each way",
            id="dates in a row, all day",
        ),
        pytest.param(
            {"could_move": "yes", "movable_minutes": "30", "travel_after_minutes": "40"},
            "Mon, Tue, 10:00 AM–6:00 PM, can move by 30 min, 25 min travel there, 40 min back",
            id="what could move",
        ),
    ],
)
def test_every_pattern_is_described_in_words_and_opens_in_the_form_as_entered(
    coordinator: Client, rosa: Patient, typed: dict[str, Any], said: str
) -> None:
    coordinator.post(reverse("commitment-new", args=[rosa.pk]), SHIFT | typed)

    assert said in " ".join(coordinator.get(reverse("patient", args=[rosa.pk])).text.split())
    made = Commitment.objects.get(label="Day shift")
    address = reverse("commitment-edit", args=[made.pk])
    opened = coordinator.get(address).context["form"]
    again = {
        name: f"{value:%H:%M}" if isinstance(value, time) else value
        for name, value in opened.initial.items()
        if value not in (None, False)
    }
    response = coordinator.post(address, again)
    assert response.status_code == 302
    assert [detail for action, _, detail in seen() if action == Action.CHANGED] == [""]


def test_a_commitment_ends_after_its_last_day(coordinator: Client, rosa: Patient) -> None:
    commitment = rosa.commitments.get()

    coordinator.post(reverse("commitment-end", args=[commitment.pk]), {"last_day": "2026-12-04"})

    commitment.refresh_from_db()
    assert commitment.valid_until == date(2026, 12, 5)


def test_a_commitment_on_one_date_is_deleted(coordinator: Client, rosa: Patient) -> None:
    hearing = make_commitment(rosa, [], "10:00", "11:00", label="Hearing", kind="court", on=date(2026, 12, 1))
    address = reverse("commitment-end", args=[hearing.pk])

    assert "Tue, Dec 1, 10:00–11:00 AM" in coordinator.get(address).text
    coordinator.post(address)

    assert not Commitment.objects.filter(pk=hearing.pk).exists()


def test_a_patient_is_admitted_and_stepped_down(coordinator: Client, site: Site) -> None:
    patient = make_patient(site)
    address = reverse("level-new", args=[patient.pk])

    coordinator.post(address, LEVEL | {"level": "2.5", "prescribed_minutes": "20", "prescribed_days": "5"})
    form = coordinator.get(address).context["form"]
    assert form["prescribed_minutes"].value() == "20 h"
    coordinator.post(address, LEVEL | {"starts": "2026-12-21", "prescribed_minutes": "9:30"})

    spans = LevelOfCareSpan.objects.values_list("level", "prescribed_minutes", "starts", "ends")
    assert list(spans) == [
        ("2.5", 1200, date(2026, 12, 7), date(2026, 12, 21)),
        ("2.1", 570, date(2026, 12, 21), None),
    ]


def test_a_discharge_ends_the_enrollment_and_releases_its_bookings(coordinator: Client, rosa: Patient) -> None:
    typed = {"last_day": "2026-11-24", "reason": "Completed"}
    shown = preview_and_confirm(coordinator, reverse("episode-end", args=[rosa.pk]), typed)

    assert "1 patient loses a session" in shown.text
    episode = rosa.episodes.get()
    assert (episode.ends, episode.discharge_reason) == (WEDNESDAY, "Completed")
    assert Enrollment.objects.get().ends == WEDNESDAY
    booking = Booking.objects.get()
    assert booking.released_at is not None
    assert booking.session.booked == 0


def test_a_patient_who_is_not_in_care_cannot_be_discharged(coordinator: Client, site: Site) -> None:
    assert coordinator.get(reverse("episode-end", args=[make_patient(site).pk])).status_code == 404


# Permissions


def addresses(patient: Patient) -> dict[str, str]:
    commitment = patient.commitments.get()
    own = {
        name: reverse(name, args=[patient.pk])
        for name in ("patient", "patient-edit", "commitment-new", "level-new", "episode-end")
    }
    return own | {name: reverse(name, args=[commitment.pk]) for name in ("commitment-edit", "commitment-end")}


READING = {"patient"}


def answers(user: User, address: str) -> set[int]:
    client = signed_in_as(user)
    return {client.get(address).status_code, client.post(address).status_code}


def test_staff_of_another_site_do_not_find_the_patient(rosa: Patient) -> None:
    outsider = make_staff(Role.COORDINATOR, make_site("Elsewhere"))

    for name, address in addresses(rosa).items():
        assert answers(outsider, address) == ({404, 405} if name in READING else {404})
    assert not signed_in_as(outsider).get(reverse("patients")).context["rows"]


@pytest.mark.parametrize("role", [Role.REVIEWER, Role.CLINICIAN, Role.ADMINISTRATOR])
def test_only_coordinators_change_a_record(site: Site, rosa: Patient, role: Role) -> None:
    reader = make_staff(role, site)

    for name, address in addresses(rosa).items():
        if name not in READING:
            assert answers(reader, address) == {403}
    assert answers(reader, reverse("patient-new")) == {403}


def test_the_clinician_of_a_group_reads_the_record_but_cannot_change_it(lead: User, rosa: Patient) -> None:
    for name, address in addresses(rosa).items():
        assert answers(lead, address) == ({200, 405} if name in READING else {403})


def test_a_coordinator_of_another_site_cannot_change_a_record_that_they_read_as_a_clinician(
    rosa: Patient, lead: User
) -> None:
    RoleAssignment.objects.create(user=lead, role=Role.COORDINATOR, site=make_site("Elsewhere"))
    user = User.objects.get(pk=lead.pk)

    for name, address in addresses(rosa).items():
        assert answers(user, address) == ({200, 405} if name in READING else {403})


def test_a_patient_has_no_access_to_the_record(rosa: Patient) -> None:
    own = make_patient_user(rosa)

    for address in addresses(rosa).values():
        assert answers(own, address) <= {403, 405}
    assert answers(own, reverse("patients")) <= {403, 405}
    assert answers(own, reverse("patient-new")) == {403}


def test_an_anonymous_visitor_is_asked_to_sign_in(client: Client, rosa: Patient) -> None:
    for address in [*addresses(rosa).values(), reverse("patients"), reverse("patient-new")]:
        assert client.get(address)["Location"].startswith(reverse("account_login"))


def test_refused_requests_write_no_audit_events(rosa: Patient) -> None:
    outsider = make_staff(Role.COORDINATOR, make_site("Elsewhere"))

    for address in addresses(rosa).values():
        answers(outsider, address)

    assert not AuditEvent.objects.exists()
