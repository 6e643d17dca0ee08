"""Dates before 2000 or after 2149 are refused or ignored. They never cause an error such as an overflow."""

from datetime import UTC, datetime

import pytest
from django.test import Client
from django.urls import reverse

from accounts.permissions import Role
from iopmanager import clock
from iopmanager.form_fields import parse_day
from scheduling.models import ServiceType
from tests.factories import MONDAY, admit, make_patient, make_patient_user, make_site, make_staff, make_weekday_track

pytestmark = pytest.mark.django_db

FAR = ["0001-01-01", "1999-12-31", "2150-01-01", "9999-12-31"]


@pytest.fixture(autouse=True)
def at_noon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "now", lambda: datetime(2026, 11, 23, 17, 30, tzinfo=UTC))


@pytest.mark.parametrize("far", [*FAR, "", "tomorrow", "2026-02-30", "20261123x", "2026-11-23T09:00"])
def test_implausible_text_is_not_parsed_as_a_day(far: str) -> None:
    assert parse_day(far) is None


def test_an_iso_date_is_parsed() -> None:
    assert parse_day("2026-11-23") == MONDAY


@pytest.mark.parametrize("far", FAR)
def test_an_implausible_date_in_a_url_means_today(client: Client, far: str) -> None:
    site = make_site()
    patient, track = make_patient(site), make_weekday_track(site)
    admit(patient)
    client.force_login(make_patient_user(patient))
    assert "This week" in client.get(reverse("portal-week"), {"week": far}).text
    client.force_login(make_staff(Role.COORDINATOR, site))
    assert "Today, Mon, Nov 23" in client.get(reverse("today"), {"date": far}).text
    assert client.get(reverse("weeks"), {"week": far}).status_code == 200
    enroll = client.get(reverse("enroll", args=[patient.pk, track.pk]), {"from": far})
    assert 'value="2026-11-23"' in enroll.text
    found = client.get(reverse("find-schedule", args=[patient.pk]), {"from": far})
    assert found.status_code == 200
    assert "Check the year. It must be from 2000 to 2149." in found.text
    assert client.get(f"/patients/{patient.pk}/weeks/{far}/").status_code == 404


@pytest.mark.parametrize("far", FAR)
def test_an_implausible_date_in_a_form_is_refused_beside_its_field(client: Client, far: str) -> None:
    site = make_site()
    patient, track = make_patient(site), make_weekday_track(site)
    admit(patient)
    meeting = track.meetings.all()[0]
    client.force_login(make_staff(Role.COORDINATOR, site))
    typed = {
        "code": "NEW", "name": "New group", "weekday": 0, "starts": "09:00", "ends": "12:00", "every": "other",
        "service_type": ServiceType.objects.get(code="group").pk, "modality": "in_person", "places": 10,
        "tracks": [track.pk], "runs_from": far, "last_day": far, "anchor": far,
    }  # fmt: skip
    chosen = {"starts": far, "modality": "in_person", "meetings": [each.pk for each in track.meetings.all()]}
    cohort = {"code": "C", "name": "Cohort", "individual_minutes": 0, "entry": "cohort", "cohort_starts": far}
    for page, given, words in (
        (reverse("meeting-new", args=[track.pk]), typed, "Check the year. It must be from 2000 to 2149."),
        (reverse("meeting-edit", args=[meeting.pk]), typed, "Check the year. It must be from 2000 to 2149."),
        (reverse("meeting-end", args=[meeting.pk]), {"last_day": far}, "Check the year. It must be from 2000 to 2149."),
        (reverse("enroll", args=[patient.pk, track.pk]), chosen, "Check the year. It must be from 2000 to 2149."),
        (reverse("track-edit", args=[track.pk]), cohort, f"“{far}” is not a date"),
        (reverse("level-new", args=[patient.pk]), {"starts": far}, "Check the year. It must be from 2000 to 2149."),
        (reverse("episode-end", args=[patient.pk]), {"last_day": far}, "Check the year. It must be from 2000 to 2149."),
    ):
        response = client.post(page, given)
        assert (page, response.status_code) == (page, 422)
        assert words in response.text, page
