"""If all texts are a third longer, no text is cut off, and no page for patients becomes wider than a phone."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from django.urls import reverse
from django.utils.translation import trans_real
from playwright.sync_api import Page

from iopmanager import clock
from patients.models import Patient
from tests.factories import (
    MONDAY,
    admit,
    book,
    enroll,
    make_patient,
    make_patient_user,
    make_session,
    make_site,
    make_weekday_track,
)
from tests.journeys.steps import SignIn, assert_no_sideways_scrolling, settle

pytestmark = pytest.mark.journey

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)

KEPT = re.compile(r"(%\(\w+\)[sd]|%[sd%]|<[^>]*>|&\w+;)")
ACCENTS = str.maketrans("aeiouAEIOUn", "áéíóúÁÉÍÓÚñ")


def stretched(text: str) -> str:
    """Make the text a third longer, and put accents on its letters. Placeholders and tags stay as they are."""
    if not text.strip():
        return text
    parts = [part if KEPT.fullmatch(part) else part.translate(ACCENTS) for part in KEPT.split(text)]
    return "".join(parts) + " ~~~~" * max(1, len(text) // 15)


@pytest.fixture
def pseudo_language(monkeypatch: pytest.MonkeyPatch) -> None:
    gettext, ngettext = trans_real.DjangoTranslation.gettext, trans_real.DjangoTranslation.ngettext
    monkeypatch.setattr(
        trans_real.DjangoTranslation, "gettext", lambda self, message: stretched(gettext(self, message))
    )
    monkeypatch.setattr(trans_real.DjangoTranslation, "ngettext", lambda self, *args: stretched(ngettext(self, *args)))


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch, transactional_db: None) -> Patient:
    monkeypatch.setattr(clock, "now", lambda: NOW)
    site = make_site(phone="555-0100")
    patient = make_patient(site, last_name="Wolfeschlegelsteinhausenbergerdorff")
    make_patient_user(patient)
    enrollment = enroll(admit(patient), make_weekday_track(site))
    for meeting in enrollment.track.meetings.all():
        book(make_session(meeting, MONDAY + timedelta(days=meeting.weekday)), enrollment)
    return patient


PAGES = (
    "portal-home",
    "portal-week",
    "portal-calendar",
    "portal-account",
    "portal-commitments",
    "portal-commitment-new",
    "portal-commitment-week",
    "portal-calendar-file-new",
    "portal-consents",
    "account_change_password",
)


@pytest.mark.usefixtures("pseudo_language")
def test_no_page_of_a_patient_is_wider_than_a_phone(phone: Page, patient: Patient, sign_in: SignIn) -> None:
    assert patient.user is not None
    sign_in(phone, patient.user)
    for name in PAGES:
        phone.goto(reverse(name))
        settle(phone)
        assert "~" in phone.locator("main").inner_text(), "the page is in the pseudo-language"
        assert_no_sideways_scrolling(phone)


CUT_OFF = """() => [...document.querySelectorAll("main :is(a, button, h1, h2, p, li, dt, dd, label, .badge)")]
    .filter(each => each.checkVisibility() && !each.closest(".visually-hidden"))
    .filter(each => ["hidden", "clip"].includes(getComputedStyle(each).overflowX) && each.scrollWidth > each.clientWidth + 1)
    .map(each => each.textContent.trim())"""


@pytest.mark.usefixtures("pseudo_language")
def test_no_text_of_a_patients_page_is_cut_off(phone: Page, patient: Patient, sign_in: SignIn) -> None:
    assert patient.user is not None
    sign_in(phone, patient.user)
    for name in PAGES:
        phone.goto(reverse(name))
        settle(phone)
        assert phone.evaluate(CUT_OFF) == [], name
