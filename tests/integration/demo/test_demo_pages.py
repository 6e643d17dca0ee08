"""Every page of the demo clinic opens for each role that may see the page, with at most 25 queries."""

from datetime import UTC, datetime

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import User
from attendance.models import Attendance
from demo.load import load_demo
from iopmanager import clock
from patients.models import Commitment, Patient
from scheduling.models import Enrollment, Meeting, Session, Track

WEDNESDAY_NOON = datetime(2026, 11, 18, 17, tzinfo=UTC)
MOST_QUERIES = 25

pytestmark = pytest.mark.django_db


def addresses(role: str) -> list[str]:
    """Return the URLs of the pages that the role may see. The ids in the URLs are those of the demo clinic's rows."""
    patient = Patient.objects.get(code="P001")
    today = Session.objects.filter(site=patient.site, on=WEDNESDAY_NOON.date(), booked__gt=0).first()
    last_week = Session.objects.exclude(finalized_at=None).filter(facilitators__email="clinician@demo.example").last()
    assert today
    assert last_week
    if role == "patient":
        return [reverse(name) for name in ("portal-home", "portal-week", "portal-calendar", "portal-account")]
    if role == "administrator":
        models = (
            "accounts_user",
            "accounts_jobrun",
            "scheduling_site",
            "scheduling_session",
        )
        return [
            reverse("today"),
            reverse("tracks"),
            reverse("nightly-work"),
            *(reverse(f"admin:{model}_changelist") for model in models),
        ]
    read = ["today", "today-attention", "patients", "tracks", "weeks", "staff-calendar", "closures"]
    found = [reverse(name) for name in read]
    found += [reverse("patient", args=[patient.pk]), reverse("patient-week", args=[patient.pk, WEDNESDAY_NOON.date()])]
    found += [reverse("session", args=[last_week.pk]), reverse("track", args=[Track.objects.get(code="N-DAY").pk])]
    if role != "coordinator":
        return found
    track = Track.objects.get(code="N-AM")
    attendance = Attendance.objects.filter(booking__session=last_week).first()
    assert attendance
    found += [
        reverse(name, args=[patient.pk])
        for name in ("find-schedule", "patient-edit", "commitment-new", "level-new", "leave-new", "episode-end")
    ]
    found += [
        reverse("patient-calendar", args=[patient.pk]),
        reverse("enroll", args=[Patient.objects.get(code="P035").pk, Track.objects.get(code="S-SML").pk]),
    ]
    found += [reverse("session", args=[today.pk]), reverse("attendance-amend", args=[attendance.pk])]
    found += [reverse(name, args=[track.pk]) for name in ("track-edit", "track-calendar", "meeting-new", "track-meter")]
    meeting = Meeting.objects.filter(tracks=track).first()
    commitment = Commitment.objects.filter(patient=patient).first()
    enrollment = Enrollment.objects.filter(episode__patient=patient).first()
    assert meeting
    assert commitment
    assert enrollment
    found += [reverse(name, args=[meeting.pk]) for name in ("meeting-edit", "meeting-end")]
    found += [reverse(name, args=[commitment.pk]) for name in ("commitment-edit", "commitment-end")]
    small, other = Track.objects.get(code="S-SML"), Track.objects.get(code="N-DAY")
    found += [reverse(f"enrollment-{page}", args=[enrollment.pk]) for page in ("change", "transfer", "end")]
    found += [reverse("enrollment-transfer-to", args=[enrollment.pk, other.pk])]
    found += [reverse("waitlist", args=[small.pk]), reverse("waitlist-join", args=[patient.pk, other.pk])]
    return [*found, reverse("patient-new"), reverse("track-new")]


def test_no_page_of_the_demo_clinic_takes_more_than_25_queries(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "now", lambda: WEDNESDAY_NOON)
    load_demo(now=WEDNESDAY_NOON, say=lambda words: None)
    taken = {}
    for role in ("coordinator", "clinician", "reviewer", "administrator", "patient"):
        client = Client()
        client.force_login(User.objects.get(email=f"{role}@demo.example"))
        for address in addresses(role):
            with CaptureQueriesContext(connection) as queries:
                response = client.get(address)
            taken[role, address] = (response.status_code, len(queries))
    assert {page: took for page, took in taken.items() if took[0] != 200} == {}
    assert {page: took for page, took in taken.items() if took[1] > MOST_QUERIES} == {}
