"""The pages on which records are merged, and where the addresses of an absorbed record lead."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import AuditEvent, User
from accounts.permissions import Role
from patients.domain.contacts import Contacts, Phone
from patients.models import Commitment, Patient, PatientMerge
from patients.services.record.contacts import save_contacts
from scheduling.models import Site
from tests.factories import admit, make_commitment, make_patient, make_site, make_staff

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 11, 25, 15, tzinfo=UTC)


@pytest.fixture(autouse=True)
def wednesday() -> Iterator[None]:
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def site() -> Site:
    return make_site("Harbor Street")


@pytest.fixture
def coordinator(site: Site) -> User:
    return make_staff(Role.COORDINATOR, site, name="Cleo Marsh")


@pytest.fixture
def desk(coordinator: User) -> Client:
    return signed_in(coordinator)


@pytest.fixture
def rosa(site: Site) -> Patient:
    return make_patient(site, code="P001")


@pytest.fixture
def twin(site: Site) -> Patient:
    return make_patient(site, "Rosita", code="P002", email="rosa@example.test")


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def plain(text: str) -> str:
    return text.replace("\xa0", " ").replace("\u2060", "")


def merge(desk: Client, kept: Patient, absorbed: Patient, **fields: str) -> None:
    address = reverse("patient-merge-with", args=[kept.pk, absorbed.pk])
    [seen] = re.findall(r'name="seen" value="(\w+)"', desk.get(address).text)
    values = {"detail-first_name": "kept", "detail-code": "kept", "detail-email": "absorbed", "reason": "Came twice"}
    answer = desk.post(address, values | {"seen": seen} | fields)
    assert answer.status_code == 302, answer.context["form"].errors


def test_the_search_begins_with_records_of_the_same_person(desk: Client, rosa: Patient, site: Site) -> None:
    make_patient(site, "Rosa", "Lindqvist", code="P007")
    make_patient(site, "Imre", "Novak", code="P008")
    make_patient(make_site("Elsewhere"), "Rosa", "Lindqvist", code="P009")
    address = reverse("patient-merge", args=[rosa.pk])
    assert [each.code for each in desk.get(address).context["found"]] == ["P007"]
    assert [each.code for each in desk.get(address, {"q": "novak"}).context["found"]] == ["P008"]
    assert "No record found" in desk.get(address, {"q": "P009"}).text


def test_the_page_compares_both_records_and_merges_them(desk: Client, rosa: Patient, twin: Patient) -> None:
    make_commitment(twin, [1], "13:00", "17:00")
    page = desk.get(reverse("patient-merge-with", args=[rosa.pk, twin.pk])).text
    for words in ("Rosita (record P002)", "Rosa (record P001)", "rosa@example.test", "Not on file", "Commitments"):
        assert words in page
    merge(desk, rosa, twin)

    rosa.refresh_from_db()
    assert (rosa.first_name, rosa.email, rosa.commitments.count()) == ("Rosa", "rosa@example.test", 1)
    chart = desk.get(reverse("patient", args=[rosa.pk])).text
    assert "Cleo Marsh merged P002 into P001 on Wed, Nov 25: Came twice" in chart.replace("\xa0", " ").replace(
        "\u2060", ""
    )


def test_a_refused_merge_keeps_what_was_typed(desk: Client, rosa: Patient, twin: Patient) -> None:
    address = reverse("patient-merge-with", args=[rosa.pk, twin.pk])
    values = {"detail-first_name": "absorbed", "detail-code": "kept", "detail-email": "kept", "reason": "Same person"}
    answer = desk.post(address, values | {"seen": "outdated"})
    assert answer.status_code == 422
    assert "has changed since you opened this page" in answer.text
    assert 'value="Same person"' in answer.text
    assert Patient.objects.count() == 2


def test_what_stands_against_a_merge_is_said_at_once(desk: Client, rosa: Patient, twin: Patient) -> None:
    admit(rosa)
    admit(twin)
    page = desk.get(reverse("patient-merge-with", args=[rosa.pk, twin.pk])).text
    assert "Both records are in care at the same time" in page
    assert "Merge records</button>" not in page


def test_a_merge_is_taken_back_on_the_chart(desk: Client, rosa: Patient, twin: Patient) -> None:
    merge(desk, rosa, twin)
    address = reverse("merge-take-back", args=[PatientMerge.objects.get().pk])
    assert address in desk.get(reverse("patient", args=[rosa.pk])).text
    assert "These details get their earlier values: email." in desk.get(address).text
    assert desk.post(address, {"reason": ""}).status_code == 422
    assert desk.post(address, {"reason": "Sisters"}).status_code == 302
    assert Patient.objects.count() == 2
    assert address not in desk.get(reverse("patient", args=[rosa.pk])).text


def test_both_charts_say_who_took_a_merge_back_and_why(desk: Client, rosa: Patient, twin: Patient) -> None:
    merge(desk, rosa, twin)
    address = reverse("merge-take-back", args=[PatientMerge.objects.get().pk])
    desk.post(address, {"reason": "Sisters"})
    third = make_patient(rosa.site, "Rose", code="P003")
    for patient in (rosa, twin):
        text = plain(desk.get(reverse("patient", args=[patient.pk])).text)
        assert "Cleo Marsh merged P002 into P001 on Wed, Nov 25: Came twice" in text
        assert "Cleo Marsh took this merge back on Wed, Nov 25: Sisters" in text
        assert address not in text
    assert "Merged records" not in desk.get(reverse("patient", args=[third.pk])).text

    merge(desk, rosa, third, **{"detail-email": "kept"})
    earlier, later = PatientMerge.objects.order_by("pk")
    text = desk.get(reverse("patient", args=[rosa.pk])).text
    assert reverse("merge-take-back", args=[later.pk]) in text
    assert reverse("merge-take-back", args=[earlier.pk]) not in text


def test_who_manages_only_one_record_is_not_told_of_a_merge_that_was_taken_back(
    desk: Client, rosa: Patient, twin: Patient
) -> None:
    merge(desk, rosa, twin)
    desk.post(reverse("merge-take-back", args=[PatientMerge.objects.get().pk]), {"reason": "Sisters"})
    elsewhere = make_site("Elm Road")
    Patient.objects.filter(pk=twin.pk).update(site=elsewhere)
    there = signed_in(make_staff(Role.COORDINATOR, elsewhere))
    text = there.get(reverse("patient", args=[twin.pk])).text
    assert "P001" not in text
    assert "Sisters" not in text


def test_the_preview_names_the_numbers_that_were_changed_or_removed_since(
    desk: Client, rosa: Patient, twin: Patient
) -> None:
    save_contacts(twin, Contacts((Phone("207-555-6002"), Phone("207-555-6003"))))
    commitment = make_commitment(twin, [1], "13:00", "17:00")
    merge(desk, rosa, twin)
    address = reverse("merge-take-back", args=[PatientMerge.objects.get().pk])
    assert "go back</h3>" not in desk.get(address).text
    save_contacts(rosa, Contacts((Phone("207-555-6012"),)))
    commitment.delete()
    text = desk.get(address).text
    assert "207-555-6002 was changed to 207-555-6012 since the merge. 207-555-6012 goes back to P002." in text
    assert "207-555-6003 was removed since the merge, and can’t go back." in text
    assert "removed since the merge, and can’t go back</h3>" in text
    assert "<dt>Commitments</dt><dd>1</dd>" in text


def test_every_address_of_an_absorbed_record_leads_to_the_kept_one(desk: Client, rosa: Patient, twin: Patient) -> None:
    merge(desk, rosa, twin)
    for name in ("patient", "patient-edit", "commitment-new", "places", "consents"):
        answer = desk.get(reverse(name, args=[twin.pk]), {"week": "2026-11-23"})
        assert answer.status_code == 302
        assert answer["Location"] == reverse(name, args=[rosa.pk]) + "?week=2026-11-23"
    assert "The record P002 was merged into P001." in desk.get(reverse("patient", args=[twin.pk]), follow=True).text
    assert desk.get(reverse("patient-merge-with", args=[rosa.pk, twin.pk]))["Location"] == reverse(
        "patient", args=[rosa.pk]
    )


def test_a_merge_that_is_sent_twice_leads_to_the_kept_chart(desk: Client, rosa: Patient, twin: Patient) -> None:
    merge(desk, rosa, twin)
    address = reverse("patient-merge-with", args=[rosa.pk, twin.pk])
    for headers in ({}, {"Referer": f"http://testserver{address}"}):
        page = desk.post(address, {"reason": "Came twice", "seen": "1"}, follow=True, headers=headers)
        assert page.redirect_chain == [(reverse("patient", args=[rosa.pk]), 302)]
        assert "The record P002 was merged into P001." in page.text
        assert "Do it again" not in page.text
    assert PatientMerge.objects.count() == 1


def test_nobody_else_learns_of_the_merge(desk: Client, rosa: Patient, twin: Patient) -> None:
    merge(desk, rosa, twin)
    for user in (make_staff(Role.COORDINATOR, make_site()), make_staff(Role.CLINICIAN, rosa.site)):
        assert signed_in(user).get(reverse("patient", args=[twin.pk])).status_code == 404
        assert signed_in(user).get(reverse("merge-take-back", args=[PatientMerge.objects.get().pk])).status_code in {
            403,
            404,
        }


def test_a_form_that_was_open_during_the_merge_is_not_lost(desk: Client, rosa: Patient, twin: Patient) -> None:
    merge(desk, rosa, twin)
    values = {
        "kind": "work",
        "label": "Day shift",
        "pattern": "every",
        "weekdays": ["0"],
        "starts": "10:00",
        "ends": "18:00",
    }
    page = desk.post(reverse("commitment-new", args=[twin.pk]), values, follow=True)
    assert page.redirect_chain == [(reverse("commitment-new", args=[rosa.pk]), 302)]
    assert (
        "This was not saved, because two records were merged in the meantime. Check it and send it again." in page.text
    )
    assert 'value="Day shift"' in page.text
    assert not Commitment.objects.exists()


def test_the_code_of_an_absorbed_record_finds_the_kept_one_and_is_not_given_again(
    desk: Client, rosa: Patient, twin: Patient
) -> None:
    third = make_patient(rosa.site, "Rose", code="P003")
    merge(desk, twin, third, **{"detail-email": "kept"})
    merge(desk, rosa, twin)
    for code in ("P001", "P002", "p003"):
        listed = desk.get(reverse("patients"), {"q": code}).context["rows"]
        assert [each.patient for each in listed] == [rosa]
    details = {"first_name": "Noor", "last_name": "Haddad", "birth_date": "1988-02-29", "language": "English"}
    answer = desk.post(reverse("patient-new"), details | {"code": "p002", "travel_minutes": "0"})
    assert "Another patient already has the code" in answer.text


def test_the_trail_of_the_kept_record_has_the_events_of_the_absorbed_one(
    desk: Client, rosa: Patient, twin: Patient
) -> None:
    desk.get(reverse("patient", args=[twin.pk]))
    merge(desk, rosa, twin)
    events = AuditEvent.objects.about_patient(rosa.pk, twin.pk)
    assert {event.patient_key for event in events} == {rosa.pk, twin.pk}


@pytest.mark.parametrize("page", ["patient-merge", "patient-merge-with", "merge-take-back"])
def test_the_pages_take_as_many_queries_for_three_rows_as_for_one(desk: Client, site: Site, page: str) -> None:
    counts = []
    for number in (1, 3):
        patient, *others = (make_patient(site, f"Rosa{number}", code=f"{number}-{each}") for each in range(number + 1))
        for row in range(number):
            make_commitment(others[0], [row], "13:00", "17:00")
        ids = [patient.pk] if page == "patient-merge" else [patient.pk, others[0].pk]
        if page == "merge-take-back":
            merge(desk, patient, others[0], **{"detail-email": "kept"})
            ids = [PatientMerge.objects.latest("pk").pk]
        with CaptureQueriesContext(connection) as queries:
            desk.get(reverse(page, args=ids))
        counts.append(len(queries))
    assert counts[0] == counts[1]
