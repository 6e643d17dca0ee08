"""A coordinator adds patients in a browser: with two phone numbers, and one who is in the records already."""

from datetime import date

from django.urls import reverse
from playwright.sync_api import Page, expect

from accounts.permissions import Role
from patients.domain.contacts import ContactPerson, Contacts, Phone
from patients.models import Patient
from patients.services.record.contacts import contacts_of
from tests.factories import make_patient, make_site, make_staff
from tests.journeys.accessibility.checks import assert_accessible
from tests.journeys.steps import SignIn, follow


def test_a_patient_is_added_with_two_phones_and_gets_the_next_code(page: Page, sign_in: SignIn) -> None:
    site = make_site()
    make_patient(site, code="P060")
    sign_in(page, make_staff(Role.COORDINATOR, site, "Nora Castellanos"))
    page.goto(reverse("patient-new"))
    page.get_by_label("First name").fill("Noor")
    page.get_by_label("Last name").fill("Haddad")
    page.get_by_role("textbox", name="Birth date").fill("1988-02-29")
    page.get_by_label("Phone", exact=True).fill("(207) 555-0142")
    page.get_by_label("Phone type").select_option("Mobile phone")
    page.get_by_label("OK to leave a message", exact=True).check()
    page.get_by_label("Phone 2", exact=True).fill("banana")
    page.get_by_label("Address").fill("4 Main Street\nUtica, NY")
    page.get_by_label("Emergency contact", exact=True).fill("Ana Haddad")
    page.get_by_label("Contact’s phone").fill("(207) 555-0144")
    follow(page.get_by_role("button", name="Add patient"))

    summary = page.locator(".error-summary")
    expect(summary).to_be_focused()
    expect(summary).to_contain_text("This is not a phone number. Write it as (207) 555-0142.")
    assert_accessible(page)
    summary.get_by_role("link", name="Phone 2").click()
    expect(page.get_by_label("Phone 2", exact=True)).to_be_focused()
    expect(page.get_by_label("OK to leave a message", exact=True)).to_be_checked()
    page.get_by_label("Phone 2", exact=True).fill("207 555 0143")
    page.get_by_label("Phone 2 type").select_option("Work phone")
    follow(page.get_by_role("button", name="Add patient"))

    expect(page.get_by_text("Patient added, with the code P061.")).to_be_visible()
    details = page.get_by_role("region", name="Personal details")
    expect(details.get_by_role("link", name="(207) 555-0142")).to_have_attribute("href", "tel:2075550142")
    expect(details).to_contain_text("OK to leave a message")
    expect(details).to_contain_text("Don’t leave a message")
    contact = page.get_by_role("region", name="Emergency contacts")
    expect(contact.get_by_role("link", name="(207) 555-0144")).to_be_visible()
    assert_accessible(page)
    noor = Patient.objects.get(code="P061")
    assert contacts_of(noor) == Contacts(
        (Phone("(207) 555-0142", "mobile", True), Phone("207 555 0143", "work")),
        (ContactPerson("Ana Haddad", "", "(207) 555-0144"),),
    )


def test_somebody_who_is_in_the_records_is_shown_before_a_second_record_is_added(page: Page, sign_in: SignIn) -> None:
    site = make_site()
    known = make_patient(site, "Noor", "Haddad", code="P060", birth_date=date(1988, 2, 29))
    sign_in(page, make_staff(Role.COORDINATOR, site, "Nora Castellanos"))
    page.goto(reverse("patient-new"))
    page.get_by_label("First name").fill("NOOR")
    page.get_by_label("Last name").fill("Haddad")
    page.get_by_role("textbox", name="Birth date").fill("1988-02-29")
    follow(page.get_by_role("button", name="Add patient"))

    match = "Noor Haddad (P060), born Feb 29, 1988, has the same name and birth date."
    expect(page.locator(".error-summary")).to_contain_text(match)
    expect(page.get_by_label("First name")).to_have_value("NOOR")
    assert_accessible(page)
    assert Patient.objects.get() == known

    page.get_by_label("Add a new record for another person").check()
    follow(page.get_by_role("button", name="Add patient"))
    expect(page.get_by_text("Patient added, with the code P061.")).to_be_visible()
