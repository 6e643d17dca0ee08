"""A person with a sixth-grade education can read the pages for patients."""

import re
from datetime import UTC, date, datetime, time, timedelta
from html.parser import HTMLParser

import pytest
import textstat
from django.core import mail
from django.core.cache import cache
from django.test import Client
from django.urls import reverse

from accounts.permissions import Role
from iopmanager import clock
from patients.domain.calendar_files import CalendarNotice
from patients.models import Consent, Patient
from patients.services.availability.commitments import CommitmentValues
from scheduling.models import LeaveOfAbsence
from scheduling.services.availability.proposals import decline_proposal, propose_commitment
from scheduling.services.documents.feeds import create_feed
from scheduling.services.sessions.cancel import cancel_session
from scheduling.services.sessions.session_changes import move_session
from scheduling.services.sessions.slots import Slot
from tests.factories import (
    MONDAY,
    admit,
    book,
    enroll,
    make_calendar,
    make_commitment,
    make_patient,
    make_patient_user,
    make_session,
    make_site,
    make_staff,
    make_weekday_track,
)
from tests.mailed_codes import ask_for_code, type_code

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 11, 23, 17, 30, tzinfo=UTC)
MAX_GRADE = 6
WORDS_OF_A_SENTENCE = 4
"""Minimum number of words for a text to get a reading grade. For shorter texts, the grade means nothing."""
PAGES = (
    "portal-home",
    "portal-week",
    "portal-calendar",
    "portal-account",
    "portal-consents",
    "portal-commitments",
    "portal-commitment-new",
    "portal-commitment-week",
    "portal-calendar-file-new",
    "accessibility",
)
SIGN_IN_PAGES = (
    "account_login",
    "account_request_login_code",
    "account_reset_password",
    "account_reset_password_done",
    "accessibility",
)
INLINE = {"a", "abbr", "b", "del", "em", "i", "ins", "small", "span", "strong"}


class VisibleTexts(HTMLParser):
    """Collects the texts of a page: one for each paragraph, heading, item, label and button."""

    def __init__(self) -> None:
        super().__init__()
        self.texts = [""]
        self.inside = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.inside += tag in {"script", "style", "svg", "title", "select"}
        if tag not in INLINE:
            self.texts.append("")

    def handle_endtag(self, tag: str) -> None:
        self.inside -= tag in {"script", "style", "svg", "title", "select"}
        if tag not in INLINE:
            self.texts.append("")

    def handle_data(self, data: str) -> None:
        if not self.inside:
            self.texts[-1] += data


def sentences(html: str) -> list[str]:
    """Return the page's visible sentences of at least four words, without times of day."""
    parser = VisibleTexts()
    parser.feed(html)
    texts = (re.sub(r"\d+:\d+(–\d+:\d+)?( [AP]M)?", "", " ".join(text.split())) for text in parser.texts)
    found = (part for text in texts for part in re.split(r"(?<=[.?!:])\s+", text))
    return [part.rstrip(".:") + "." for part in found if len(part.split()) >= WORDS_OF_A_SENTENCE]


def assert_easy(html: str) -> None:
    found = sentences(html)
    assert found
    hardest = sorted(found, key=textstat.flesch_kincaid_grade)[-5:]
    assert textstat.flesch_kincaid_grade(" ".join(found)) <= MAX_GRADE, hardest


@pytest.fixture
def rosa(client: Client, monkeypatch: pytest.MonkeyPatch) -> Patient:
    """A signed-in patient whose data fills every part of every page."""
    monkeypatch.setattr(clock, "now", lambda: NOW)
    site = make_site(phone="555-0100")
    coordinator = make_staff(Role.COORDINATOR, site)
    rosa = make_patient(site, preferred_name="Ro")
    user = make_patient_user(rosa)
    enrollment = enroll(admit(rosa), make_weekday_track(site))
    meetings = list(enrollment.track.meetings.order_by("weekday"))
    sessions = [make_session(each, MONDAY + timedelta(days=each.weekday)) for each in meetings]
    for session in sessions:
        book(session, enrollment)
    later = make_session(meetings[0], MONDAY + timedelta(days=7 + meetings[0].weekday))
    book(later, enrollment)
    LeaveOfAbsence.objects.create(
        episode=enrollment.episode, starts=date(2026, 12, 15), reason="Trip", recorded_by=coordinator
    )
    commitment = CommitmentValues(kind="work", label="Shift", starts=time(10), ends=time(15), weekdays=0b100)
    declined = propose_commitment(patient=rosa, values=commitment, by=user, now=NOW)
    decline_proposal(proposal=declined, reason="Let us talk first.", by=coordinator, now=NOW)
    propose_commitment(patient=rosa, values=commitment, by=user, now=NOW)
    make_commitment(rosa, [0, 1], "17:00", "21:00", "Store", valid_until=date(2027, 1, 6))
    remarks = [[notice.value, 2] for notice in CalendarNotice]
    busy = (sessions[-1].starts, sessions[-1].ends)
    make_calendar(rosa, user, busy, kind="work", state="waiting", remarks=remarks, uploaded_at=NOW)
    make_calendar(rosa, user, busy, kind="school", remarks=remarks, uploaded_at=NOW)
    Consent.objects.create(
        patient=rosa, recipient="Harbor Bakery", recipient_kind="employer", purpose="Time off from work",
        signed_on=MONDAY, valid_until=date(2027, 3, 1), recorded_by=coordinator,
    )  # fmt: skip
    create_feed(patient=rosa, by=user, now=NOW, label="my phone")
    cancel_session(session=sessions[-1], reason="The leader is ill", by=coordinator, now=NOW)
    slot = Slot(on=MONDAY + timedelta(days=8), starts=time(13), ends=time(15))
    move_session(session=later, slot=slot, by=coordinator, now=NOW)
    client.force_login(user)
    return rosa


@pytest.mark.parametrize("page", PAGES)
def test_portal_pages_need_at_most_grade_6(client: Client, rosa: Patient, page: str) -> None:
    assert_easy(client.get(reverse(page)).text)


def test_the_page_of_a_calendar_file_needs_at_most_grade_6(client: Client, rosa: Patient) -> None:
    for calendar in rosa.imported_calendars.all():
        assert_easy(client.get(reverse("portal-calendar-file", args=[calendar.pk])).text)


def test_refused_forms_need_at_most_grade_6(client: Client, rosa: Patient) -> None:
    for pattern in ("every", "other", "rotation", "range", "once"):
        assert_easy(client.post(reverse("portal-commitment-new"), {"pattern": pattern, "could_move": "yes"}).text)
    assert_easy(client.post(reverse("portal-calendar-file-new"), {}).text)


def test_pages_to_change_a_commitment_need_at_most_grade_6(client: Client, rosa: Patient) -> None:
    commitment = rosa.commitments.get()
    for page in ("portal-commitment-edit", "portal-commitment-end"):
        html = client.get(reverse(page, args=[commitment.pk])).text
        if sentences(html):
            assert_easy(html)


def test_a_new_calendar_link_needs_at_most_grade_6(client: Client, rosa: Patient) -> None:
    assert_easy(client.post(reverse("portal-calendar"), {"label": "my phone", "style": "busy"}).text)


@pytest.mark.parametrize("page", SIGN_IN_PAGES)
def test_sign_in_pages_need_at_most_grade_6(client: Client, page: str) -> None:
    make_staff(Role.COORDINATOR, make_site())  # without any user, the sign-in page would redirect
    html = client.get(reverse(page)).text
    if page != "account_login":
        assert_easy(html)
    assert "<h1>" in html


def test_the_page_of_a_code_and_its_mail_need_at_most_grade_6(client: Client) -> None:
    cache.clear()
    user = make_patient_user(make_patient(make_site()))
    ask_for_code(client, user.email)
    assert_easy(f"<p>{mail.outbox[0].body}</p>")
    assert_easy(client.get(reverse("account_confirm_login_code")).text)
    for _ in range(3):
        assert_easy(type_code(client, "12").text)
    type_code(client, "12")
    assert_easy(client.get(reverse("account_request_login_code")).text)
    assert_easy([ask_for_code(client, user.email).text for _ in range(5)][-1])
    cache.clear()


def test_hard_sentences_are_noticed() -> None:
    hard = "<p>The documentation of considerations necessitates deliberation.</p>"
    assert sentences(hard + "<p>Short.</p>") == [hard[3:-4]]
    with pytest.raises(AssertionError):
        assert_easy(hard)
