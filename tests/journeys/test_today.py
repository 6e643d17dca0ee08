"""The today page in a browser: sessions load before the list of what needs attention. Repeated views are audited."""

from datetime import timedelta

import pytest
from django.urls import reverse
from playwright.sync_api import Browser, Page, expect
from pytest_django.live_server_helper import LiveServer

from accounts.models import AuditEvent
from tests.clinic import WEDNESDAY, Clinic, booking_of, make_clinic
from tests.factories import MONDAY, make_meeting, make_session, make_track
from tests.journeys.accessibility.checks import assert_accessible
from tests.journeys.steps import SignIn, follow

pytestmark = [pytest.mark.journey, pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("on_wednesday")]
LOADED = "performance.getEntriesByType('resource').map((each) => each.name)"


@pytest.fixture
def clinic() -> Clinic:
    """A clinic with Rosa and Wen in Wednesday's group.

    Rosa missed Monday's session and can make it up in Saturday's group.
    """
    clinic = make_clinic()
    rosa = clinic.admit("Rosa")
    clinic.admit("Wen", starts=WEDNESDAY)
    clinic.mark(booking_of(rosa), "no_show")
    meeting = make_meeting(clinic.site, 5, "10:00", "13:00", name="Saturday group")
    make_track(clinic.site, [meeting], name="Weekend track")
    make_session(meeting, MONDAY + timedelta(days=5))
    return clinic


def test_the_day_loads_first_and_needs_attention_follows(
    page: Page, phone: Page, sign_in: SignIn, clinic: Clinic
) -> None:
    for screen in (page, phone):
        sign_in(screen, clinic.coordinator)
        screen.goto(reverse("today"))
        screen.get_by_text("2 people booked, 2 not marked yet").click()
        expect(screen.get_by_role("link", name="Wen Lindqvist")).to_be_visible()
        expect(screen.get_by_text("3 h and 1 day to make up")).to_be_visible()
        assert len([each for each in screen.evaluate(LOADED) if reverse("today-attention") in each]) == 1
        expect(screen.get_by_text("2 not marked yet", exact=True)).to_be_attached()
        assert_accessible(screen)
        screen.goto(reverse("today-attention"))
        assert_accessible(screen)


def test_a_link_leads_to_needs_attention_without_javascript(
    browser: Browser, live_server: LiveServer, sign_in: SignIn, clinic: Clinic
) -> None:
    context = browser.new_context(java_script_enabled=False, base_url=live_server.url)
    page = context.new_page()
    sign_in(page, clinic.coordinator)
    page.goto(reverse("today"))
    follow(page.get_by_role("link", name="Weeks at risk and sessions"))
    expect(page.get_by_text("3 h and 1 day to make up")).to_be_visible()
    context.close()


def test_a_repeated_view_is_audited_in_one_event_and_a_change_is_shown(
    page: Page, sign_in: SignIn, clinic: Clinic
) -> None:
    sign_in(page, clinic.coordinator)
    page.goto(reverse("today"))
    expect(page.get_by_text("3 h and 1 day to make up")).to_be_visible()
    first_events = AuditEvent.objects.filter(detail="today").count()
    follow(page.get_by_role("link", name="Patients").first)
    follow(page.get_by_role("link", name="Today").first)
    expect(page.get_by_text("3 h and 1 day to make up")).to_be_visible()
    assert first_events == 2
    assert AuditEvent.objects.filter(detail="today").count() == 2
    assert AuditEvent.objects.filter(detail="today, the same again").count() == 1
    assert AuditEvent.objects.filter(detail="needs attention, the same again").count() == 1

    booking = booking_of(clinic.admit("Tomasz", starts=WEDNESDAY), WEDNESDAY)
    clinic.mark(booking)
    follow(page.get_by_role("link", name="Today").first)
    page.get_by_text("3 people booked, 2 not marked yet").click()
    line = page.get_by_role("listitem").filter(has_text="Tomasz Lindqvist").last
    expect(line).to_contain_text("Present")
