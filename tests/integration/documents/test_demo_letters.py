"""Letters of demo patients reveal only times.

The test adds a made-up word to every name that must not be in a letter. Then it checks that no letter contains the
word.
"""

import io
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.db.models import F, Model, Value
from django.db.models.functions import Concat
from pypdf import PdfReader

from accounts.models import User
from demo.load import load_demo
from patients.models import Commitment, LevelOfCareSpan, Patient
from patients.services.record.consents import ConsentValues, record_consent
from scheduling.domain.letters import revealing_words
from scheduling.models import Booking, Meeting, Room, ServiceType, Session, Site, Track
from scheduling.services.documents.letter_text import NOTICE
from scheduling.services.documents.letters import letter_content, write_letter

NOON_ON_WEDNESDAY = datetime(2026, 11, 18, 17, tzinfo=UTC)
FIRST_DAY, LAST_DAY = NOON_ON_WEDNESDAY.date(), NOON_ON_WEDNESDAY.date() + timedelta(weeks=12)
MARK = "Xyloquartz"
NAMES: dict[type[Model], tuple[str, ...]] = {
    Site: ("name",),
    Track: ("name", "population"),
    Meeting: ("name",),
    Session: ("name", "topic"),
    Room: ("name",),
    ServiceType: ("name",),
    User: ("name", "credential"),
    Commitment: ("label",),
    Patient: ("preferred_name",),
    LevelOfCareSpan: ("stated_by",),
}
"""For each model, the fields whose values no letter may contain."""

pytestmark = pytest.mark.django_db


def test_no_letter_of_the_demo_clinic_reveals_more_than_times() -> None:
    load_demo(now=NOON_ON_WEDNESDAY, say=lambda words: None)
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE")  # PostgreSQL has no statistics on uncommitted rows and would choose slow plans
    site_names = list(Site.objects.values_list("name", flat=True))
    for model, fields in NAMES.items():
        model._default_manager.update(**{field: Concat(Value(MARK), F(field)) for field in fields})
    coordinator = User.objects.get(email="coordinator@demo.example")
    everybody = list(Patient.objects.select_related("site"))
    days = {"session__on__gte": FIRST_DAY, "session__on__lte": LAST_DAY}
    booked_patients = set(Booking.objects.active().filter(**days).values_list("episode__patient", flat=True))
    assert len(booked_patients) > 30
    for patient in (each for each in everybody if each.pk in booked_patients):
        consent = record_consent(
            patient=patient,
            values=ConsentValues(
                recipient="Pine Street Bakery",
                recipient_kind="employer",
                purpose="Time off from work",
                signed_on=FIRST_DAY,
                valid_until=LAST_DAY,
            ),
            by=coordinator,
            now=NOON_ON_WEDNESDAY,
        )
        name = f"{patient.first_name} {patient.last_name}"
        arguments: dict[str, Any] = {
            "consent": consent,
            "name": name,
            "first_day": FIRST_DAY,
            "last_day": LAST_DAY,
            "now": NOON_ON_WEDNESDAY,
        }
        _, pdf = write_letter(**arguments, seen=letter_content(**arguments).key, by=coordinator)
        read = PdfReader(io.BytesIO(pdf))
        text = " ".join(" ".join(page.extract_text() for page in read.pages).split())
        text += str(read.metadata)
        assert NOTICE in text
        assert name in text
        assert MARK.casefold() not in text.casefold()
        assert revealing_words(text.replace(name, ""), [*site_names, "2.1", "2.5", "ASAM"]) == ()
        others = (f"{each.first_name} {each.last_name}" for each in everybody if each != patient)
        assert [other for other in others if other in text] == []
