"""Pages on the narrowest phones, with very long names, and pages on paper."""

import pytest
from django.urls import reverse
from playwright.sync_api import Page, expect

from scheduling.models import Meeting, Session, Track
from tests.clinic import Clinic, booking_of, make_clinic
from tests.factories import admit, make_commitment, make_patient, make_weekday_track
from tests.journeys.conftest import OpenPage
from tests.journeys.steps import SignIn, assert_no_sideways_scrolling, follow, settle

pytestmark = [pytest.mark.journey, pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("on_thursday")]

RUNNING_TOGETHER = """() => [...document.querySelectorAll("main .compare-table :is(th, td)")]
    .filter(each => each.scrollWidth > each.clientWidth + 1 && !each.querySelector(".visually-hidden"))
    .map(each => each.textContent.trim())"""
LONG = "Wolfeschlegelsteinhausenbergerdorffwelchevoraltern"


@pytest.fixture
def clinic() -> Clinic:
    """A clinic in which a patient, the groups, the track and a commitment have a long name without a space."""
    clinic = make_clinic()
    rosa = clinic.admit(LONG)
    make_commitment(rosa.patient, [0], "14:00", "16:00", label=LONG)
    clinic.mark(booking_of(rosa), "no_show")
    for model in (Meeting, Session, Track):
        model.objects.update(name=LONG)
    return clinic


@pytest.fixture
def narrow(open_page: OpenPage) -> Page:
    """A page on a very small phone, 320 px wide."""
    return open_page({"width": 320, "height": 640})


def test_long_names_make_no_page_wider_than_a_small_phone(clinic: Clinic, narrow: Page, sign_in: SignIn) -> None:
    [patient] = clinic.site.patients.all()
    sign_in(narrow, clinic.coordinator)
    for path in (
        reverse("today"),
        reverse("today-attention"),
        reverse("patients"),
        reverse("weeks"),
        reverse("patient", args=[patient.pk]),
        reverse("patient-week", args=[patient.pk, clinic.monday.on]),
        reverse("find-schedule", args=[patient.pk]),
        reverse("session", args=[clinic.monday.pk]),
        reverse("tracks"),
        reverse("track", args=[clinic.track.pk]),
        reverse("board"),
    ):
        narrow.goto(path)
        settle(narrow)
        expect(narrow.locator("main")).to_contain_text(LONG)
        assert_no_sideways_scrolling(narrow)


def test_two_schedules_are_compared_on_a_small_phone(clinic: Clinic, narrow: Page, sign_in: SignIn) -> None:
    newcomer = admit(make_patient(clinic.site, LONG)).patient
    make_weekday_track(clinic.site, (1, 3, 5), name="Other track")
    sign_in(narrow, clinic.coordinator)
    narrow.goto(reverse("find-schedule", args=[newcomer.pk]))
    settle(narrow)
    boxes = narrow.locator("[name=compare]")
    expect(boxes.nth(1)).to_be_attached()
    boxes.evaluate_all("boxes => boxes.slice(0, 2).forEach(each => { each.checked = true })")
    follow(narrow.get_by_role("button", name="Compare"))
    expect(narrow.locator(".compare-table thead th")).to_have_count(3)
    assert_no_sideways_scrolling(narrow)
    assert narrow.evaluate(RUNNING_TOGETHER) == []


def test_the_summary_of_a_refused_commitment_leads_to_its_days(clinic: Clinic, page: Page, sign_in: SignIn) -> None:
    [patient] = clinic.site.patients.all()
    sign_in(page, clinic.coordinator)
    page.goto(reverse("commitment-new", args=[patient.pk]))
    page.get_by_label("What").fill("Day shift")
    page.get_by_label("Starts").fill("09:00")
    page.get_by_label("Ends").fill("17:00")
    follow(page.locator("main form button[type=submit]").first)
    days = page.get_by_role("group", name="Days")
    expect(days).to_have_accessible_description("Choose at least one day.")
    expect(days.get_by_role("checkbox").first).to_have_attribute("aria-invalid", "true")

    page.locator(".error-summary").get_by_role("link", name="Days").click()
    expect(days.get_by_role("checkbox").first).to_be_focused()


def test_paper_has_no_buttons_and_no_navigation(clinic: Clinic, page: Page, sign_in: SignIn) -> None:
    [patient] = clinic.site.patients.all()
    sign_in(page, clinic.coordinator)
    for path in (
        reverse("today"),
        reverse("patient", args=[patient.pk]),
        reverse("patient-week", args=[patient.pk, clinic.monday.on]),
        reverse("session", args=[clinic.monday.pk]),
        reverse("track", args=[clinic.track.pk]),
        reverse("weeks"),
    ):
        page.goto(path)
        settle(page)
        page.emulate_media(media="screen")
        controls = page.locator("button, .btn, nav, input[type=search]").locator("visible=true")
        assert controls.count() > 0, path
        page.emulate_media(media="print")
        assert controls.all_inner_texts() == [], path
        expect(page.locator("h1")).to_be_visible()
