"""Every view of a page about patients is in the audit trail, even if a user views the same page several times."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.conf import settings
from django.db import connection
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse
from django.utils.translation import override

from accounts.audit import record, record_all, record_repeated_view, record_views
from accounts.models import Action, AuditEvent, RoleAssignment, User
from accounts.permissions import Role
from iopmanager import clock
from patients.models import Episode, Patient
from scheduling.views import audited_cache
from tests.clinic import AFTER, Clinic, client_for, make_clinic
from tests.factories import MONDAY, make_patient, make_site, make_staff

pytestmark = pytest.mark.django_db

LATER = AFTER + timedelta(minutes=5)


@pytest.fixture(autouse=True)
def after_the_group(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "now", lambda: AFTER)


@pytest.fixture
def clinic() -> Clinic:
    return make_clinic()


@pytest.fixture
def rosa(clinic: Clinic) -> Episode:
    return clinic.admit("Rosa")


@pytest.fixture
def wen(clinic: Clinic) -> Episode:
    return clinic.admit("Wen")


def look(client: Client, tag: str = "") -> HttpResponse:
    day = {"date": MONDAY.isoformat()}
    response = client.get(reverse("today"), day, headers={"If-None-Match": tag} if tag else {})
    assert isinstance(response, HttpResponse)
    return response


def seen(**narrowed: Any) -> list[tuple[int | None, str, datetime]]:
    """Return the patient id, label and time of each "viewed" event in the audit trail, oldest event first."""
    events = AuditEvent.objects.filter(action=Action.VIEWED, **narrowed).order_by("pk")
    return list(events.values_list("patient_key", "subject_label", "at"))


def looks() -> Sequence[UUID | None]:
    return [event.look for event in AuditEvent.objects.order_by("pk")]


def test_a_first_view_writes_an_event_for_each_patient(clinic: Clinic, rosa: Episode, wen: Episode) -> None:
    look(client_for(clinic.coordinator))
    assert seen(actor_key=clinic.coordinator.pk, site_key=clinic.site.pk, detail="today") == [
        (rosa.patient_id, "Rosa Lindqvist", AFTER),
        (wen.patient_id, "Wen Lindqvist", AFTER),
    ]
    assert len(set(looks())) == 1


def test_the_trail_says_which_day_was_viewed(clinic: Clinic, rosa: Episode, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "now", lambda: AFTER + timedelta(days=1))
    client = client_for(clinic.coordinator)
    look(client, look(client)["ETag"])
    details = AuditEvent.objects.order_by("pk").values_list("detail", flat=True)
    assert list(details) == ["day of 2026-11-23", "day of 2026-11-23, the same again"]


def test_a_repeated_view_writes_one_event_for_all_patients(
    clinic: Clinic, rosa: Episode, wen: Episode, monkeypatch: pytest.MonkeyPatch
) -> None:
    outsider = make_patient(clinic.site, "Otto")
    client = client_for(clinic.coordinator)
    tag = look(client)["ETag"]
    monkeypatch.setattr(clock, "now", lambda: LATER)
    assert look(client, tag).status_code == 304
    assert seen(detail="today, the same again") == [(None, "2 patients", LATER)]
    assert len(looks()) == 3
    for patient in (rosa.patient, wen.patient):
        events = AuditEvent.objects.about_patient(patient.pk)
        assert [(event.actor_key, event.at) for event in events] == [
            (clinic.coordinator.pk, LATER),
            (clinic.coordinator.pk, AFTER),
        ]
    assert not AuditEvent.objects.about_patient(outsider.pk).exists()


def test_another_page_with_the_same_patients_writes_one_event_too(
    clinic: Clinic, rosa: Episode, wen: Episode, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = client_for(clinic.coordinator)
    tag = look(client)["ETag"]
    clinic.mark(rosa.bookings.order_by("starts")[0])
    monkeypatch.setattr(clock, "now", lambda: LATER)
    response = look(client, tag)
    assert response.status_code == 200
    assert seen(at=LATER) == [(None, "2 patients", LATER)]
    assert look(client, response["ETag"]).status_code == 304
    assert len(seen(at=LATER)) == 2


@pytest.mark.usefixtures("rosa")
def test_a_new_patient_on_the_page_gives_an_event_for_each_patient(
    clinic: Clinic, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = client_for(clinic.coordinator)
    tag = look(client)["ETag"]
    clinic.admit("Wen")
    monkeypatch.setattr(clock, "now", lambda: LATER)
    look(client, tag)
    assert [name for _, name, _ in seen(at=LATER)] == ["Rosa Lindqvist", "Wen Lindqvist"]


@pytest.mark.usefixtures("wen")
def test_a_changed_name_gives_an_event_for_each_patient(
    clinic: Clinic, rosa: Episode, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = client_for(clinic.coordinator)
    tag = look(client)["ETag"]
    Patient.objects.filter(pk=rosa.patient_id).update(preferred_name="Rosie")
    monkeypatch.setattr(clock, "now", lambda: LATER)
    look(client, tag)
    assert sorted(name for _, name, _ in seen(at=LATER)) == ["Rosie Lindqvist", "Wen Lindqvist"]


@pytest.mark.usefixtures("rosa")
def test_a_user_who_sees_no_patients_writes_no_events(clinic: Clinic) -> None:
    client = client_for(clinic.administrator)
    tag = look(client)["ETag"]
    assert look(client, tag).status_code == 304
    assert not AuditEvent.objects.exists()


@pytest.mark.usefixtures("rosa")
def test_a_page_that_failed_writes_no_events(clinic: Clinic, monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(*_: object) -> HttpResponse:
        raise RuntimeError("no template")

    monkeypatch.setattr(audited_cache, "render", failing)
    with pytest.raises(RuntimeError, match="no template"):
        look(client_for(clinic.coordinator))
    assert not AuditEvent.objects.exists()


@pytest.mark.usefixtures("rosa")
def test_a_view_is_written_in_full_if_the_earlier_one_is_missing_from_the_trail(
    clinic: Clinic, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The earlier view can be missing if the database was restored from an older backup."""
    client = client_for(clinic.coordinator)
    with monkeypatch.context() as patched:
        patched.setattr(audited_cache, "record_views", lambda *_, **__: uuid4())
        tag = look(client)["ETag"]
    assert not AuditEvent.objects.exists()
    assert look(client, tag).status_code == 200
    assert [name for _, name, _ in seen()] == ["Rosa Lindqvist"]


def test_a_repeated_view_refers_only_to_a_view_by_the_same_person(clinic: Clinic, rosa: Episode) -> None:
    people, details = {rosa.patient_id: "Rosa"}, {"at": AFTER, "site_key": clinic.site.pk, "detail": "today"}
    first_view = record_views(people, by=clinic.coordinator, **details)
    assert not record_repeated_view(first_view, people=1, by=clinic.reviewer, **details)
    assert not record_repeated_view(uuid4(), people=1, by=clinic.coordinator, **details)
    assert AuditEvent.objects.count() == 1
    assert record_repeated_view(first_view, people=1, by=clinic.coordinator, **details)
    assert AuditEvent.objects.filter(look=first_view, subject_label="1 patient").count() == 1


def test_a_view_is_written_like_any_other_event(clinic: Clinic, rosa: Episode) -> None:
    Patient.objects.filter(pk=rosa.patient_id).update(first_name="Rosa-" * 16, last_name="O'Lind%s" * 10)
    rosa.patient.refresh_from_db()
    by, details = clinic.coordinator, {"at": AFTER, "detail": "today"}
    record_all([rosa.patient], by=by, action=Action.VIEWED, **details)
    record_views({rosa.patient_id: str(rosa.patient)}, by=by, site_key=clinic.site.pk, **details)
    one, other = AuditEvent.objects.values(
        *{field.name for field in AuditEvent._meta.concrete_fields} - {"id", "look"}
    ).order_by("pk")
    assert one == other


def test_a_long_name_is_truncated_in_the_trail(clinic: Clinic) -> None:
    record_views({7: "x" * 300}, by=clinic.coordinator, at=AFTER, site_key=clinic.site.pk, detail="today")
    assert seen() == [(7, "x" * 200, AFTER)]


def test_the_trail_is_in_english_whoever_acts(clinic: Clinic) -> None:
    session = clinic.sessions[0]
    with override("es"):
        assert "Nov 23, 2026" not in str(session)
        event = record(session, by=clinic.coordinator, action=Action.CHANGED, at=AFTER)
    assert event.subject_label == f"{session.name}, Nov 23, 2026"


def test_the_trail_of_another_site_is_not_visible(clinic: Clinic, rosa: Episode) -> None:
    client = client_for(clinic.coordinator)
    look(client, look(client)["ETag"])
    events = AuditEvent.objects.about_patient(rosa.patient_id)
    assert events.visible_to(clinic.administrator).count() == 2
    assert events.visible_to(make_staff(Role.ADMINISTRATOR, make_site())).count() == 0
    assert AuditEvent.objects.visible_to(clinic.administrator).about_patient(rosa.patient_id).count() == 2


def test_the_chart_shows_repeated_views(clinic: Clinic, rosa: Episode, monkeypatch: pytest.MonkeyPatch) -> None:
    client = client_for(clinic.coordinator)
    tag = look(client)["ETag"]
    monkeypatch.setattr(clock, "now", lambda: LATER)
    look(client, tag)
    RoleAssignment.objects.create(user=clinic.reviewer, role=Role.ADMINISTRATOR, site=clinic.site)
    chart = client_for(clinic.reviewer).get(reverse("patient", args=[rosa.patient_id])).text
    assert '1:05 PM <span class="muted">Cleo Marsh, LADC: viewed patient, today, the same again' in chart
    assert '1:00 PM <span class="muted">Cleo Marsh, LADC: viewed patient, today<' in chart


def test_the_query_in_the_documentation_works(clinic: Clinic, rosa: Episode) -> None:
    client = client_for(clinic.coordinator)
    look(client, look(client)["ETag"])
    page = (settings.BASE_DIR / "docs" / "privacy.md").read_text()
    query = page.partition("```sql\n")[2].partition(";")[0]
    for patient, events in ((rosa.patient_id, 2), (make_patient(clinic.site).pk, 0)):
        with connection.cursor() as cursor:
            cursor.execute(query.replace("= 7", f"= {patient}"))
            assert len(cursor.fetchall()) == events


def test_the_admin_finds_every_view_by_the_id_of_the_patient(clinic: Clinic, rosa: Episode) -> None:
    make_patient(clinic.site, "Otto")
    client = client_for(clinic.coordinator)
    look(client, look(client)["ETag"])
    superuser = User.objects.create_superuser("chief@example.test", name="Chief")
    found = client_for(superuser).get(reverse("admin:accounts_auditevent_changelist"), {"q": str(rosa.patient_id)})
    assert "2 audit events" in found.text
    none = client_for(superuser).get(reverse("admin:accounts_auditevent_changelist"), {"q": "9" * 20})
    assert "0 audit events" in none.text
