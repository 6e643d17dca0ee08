"""Every page: its title, the names of its tables, and the responses of its forms to empty and wrong values."""

import re
from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from django.core.cache import cache
from django.db import transaction
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse

from accounts.models import User
from accounts.permissions import Role
from iopmanager import clock
from tests.every_page import PagesOfClinic, make_pages, url_names
from tests.factories import PASSWORD, make_patient_user, make_staff
from tests.page_reader import PageForm, PageReader
from tests.paths import PROJECT

pytestmark = pytest.mark.django_db

WEDNESDAY = datetime(2026, 11, 25, 17, 30, tzinfo=UTC)
NAMES = sorted(
    set(url_names()) - {"feed", "join", "set-up", "design", "account_reset_password_from_key", "account_logout"}
)
PARTS = {"track-meter", "board-sessions"}
"""URL names of parts of pages. A part has no title."""
STOCK_SENTENCE = re.compile(
    "This field is required|This field cannot|Ensure this|Ensure that|Enter a valid|Select a valid|is not a valid|"
    "Null characters|No file was submitted|The submitted file|Enter a list|and/or"
)
WRONG_VALUES = ("", "wrong value", "9" * 12, "a\0b")


@pytest.fixture
def clinic(monkeypatch: pytest.MonkeyPatch) -> PagesOfClinic:
    monkeypatch.setattr(clock, "now", lambda: WEDNESDAY)
    return make_pages(NAMES)


def client_of(clinic: PagesOfClinic, who: str) -> Client:
    client = Client()
    if who == "patient":
        client.force_login(make_patient_user(clinic.patient))
    elif who != "visitor":
        client.force_login(make_staff(Role(who), clinic.site))
    return client


def pages_of(client: Client, clinic: PagesOfClinic) -> Iterator[tuple[str, str]]:
    """Yield the URL name and the HTML of each whole page that the client may open."""
    for name in NAMES:
        answer = client.get(clinic.addresses[name])
        if name not in PARTS and is_page(answer):
            yield name, answer.text


def is_page(answer: HttpResponse) -> bool:
    return answer.status_code in (200, 422) and answer["Content-Type"].startswith("text/html")


def stock_sentences(html: str) -> set[str]:
    return set(STOCK_SENTENCE.findall(html))


@pytest.mark.parametrize("who", ["administrator", "coordinator"])
def test_no_two_pages_of_staff_have_the_same_title(clinic: PagesOfClinic, who: str) -> None:
    """The titles of patients' pages are alike on purpose, because bystanders can read them."""
    names_by_title = defaultdict(set)
    for name, html in pages_of(client_of(clinic, who), clinic):
        names_by_title[PageReader(html).title].add(name)
    assert len(names_by_title) > 25
    assert {title: names for title, names in names_by_title.items() if len(names) > 1} == {}
    assert "" not in names_by_title


def test_every_table_has_a_name() -> None:
    templates = {path: PageReader(path.read_text()).tables for path in (PROJECT / "templates").rglob("*.html")}
    assert sum(len(tables) for tables in templates.values()) > 10
    assert [path.name for path, tables in templates.items() if not all(tables)] == []


@pytest.mark.parametrize(
    ("html", "named"),
    [
        ("<table><tr><td>1</td></tr></table>", [False]),
        ("<table><caption>Weeks</caption></table>", [True]),
        ('<table aria-labelledby="weeks"></table><table></table>', [True, False]),
    ],
)
def test_page_reader_detects_which_tables_have_a_name(html: str, named: list[bool]) -> None:
    assert PageReader(html).tables == named


def submit(client: Client, form: PageForm, path: str, value: str) -> list[str]:
    """Send a form with the value in every field, and return what is wrong with the answer. Nothing is saved."""
    send = client.post if form.method == "post" else client.get
    with transaction.atomic():
        answer = send(form.action or path, {**form.hidden, **dict.fromkeys(form.fields, value)})
        transaction.set_rollback(True)
    if not is_page(answer):
        return []
    wrong = [f"stock sentence: {sentence}" for sentence in sorted(stock_sentences(answer.text))]
    is_whole = "<html" in answer.text
    broken = PageReader(answer.text).broken_references if is_whole else set()
    return wrong + [f"reference to nothing: {each}" for each in sorted(broken)]


@pytest.mark.parametrize("who", ["administrator", "coordinator", "patient", "visitor"])
def test_forms_answer_in_our_own_words_and_lead_to_the_fields(clinic: PagesOfClinic, who: str) -> None:
    """No error is a stock sentence of Django, and every link or label refers to an existing element."""
    client = client_of(clinic, who)
    seen: set[tuple[str, ...]] = set()
    faults = []
    for name, html in pages_of(client, clinic):
        for form in PageReader(html).forms:
            key = (re.sub(r"\d+", "N", form.action or clinic.addresses[name]), form.method, *form.fields)
            if not form.fields or key in seen or "logout" in form.action:
                continue
            seen.add(key)
            for value in WRONG_VALUES:
                found = submit(client, form, clinic.addresses[name], value)
                faults += [f"{name}, {value[:12]!r}: {each}" for each in found]
    assert seen
    assert faults == []


def test_stock_sentences_of_django_are_recognized() -> None:
    assert stock_sentences("<p>Enter a valid date.</p><p>This field is required.</p>") == {
        "Enter a valid",
        "This field is required",
    }


@pytest.mark.parametrize("name", ["patient-new", "patient-edit"])
def test_the_browser_does_not_offer_the_users_own_details_for_a_patient(clinic: PagesOfClinic, name: str) -> None:
    page = PageReader(client_of(clinic, "coordinator").get(clinic.addresses[name]).text)
    person = "first_name", "last_name", "preferred_name", "birth_date", "language", "email", "address"
    details = (*person, "phone", "phone_2", "emergency_name", "emergency_relationship", "emergency_phone")
    assert {each: page.autocomplete[each] for each in details} == dict.fromkeys(details, "off")


@pytest.mark.parametrize(
    ("who", "name", "expected"),
    [
        ("visitor", "account_login", {"login": "email", "password": "current-password"}),
        ("visitor", "account_reset_password", {"email": "email"}),
        ("visitor", "account_request_login_code", {"email": "email"}),
        (
            "patient",
            "account_change_password",
            {"oldpassword": "current-password", "password1": "new-password", "password2": "new-password"},
        ),
        ("coordinator", "account_change_password", {"username": "username"}),
    ],
)
def test_the_browser_fills_in_the_users_own_details(
    clinic: PagesOfClinic, who: str, name: str, expected: dict[str, str]
) -> None:
    page = PageReader(client_of(clinic, who).get(clinic.addresses[name]).text)
    assert {each: page.autocomplete[each] for each in expected} == expected


def test_a_failed_sign_in_is_explained_in_our_own_words(clinic: PagesOfClinic, client: Client) -> None:
    user: User = make_staff(Role.COORDINATOR, clinic.site)
    cache.clear()  # wrong passwords in tests of the same minute count, too
    answer = client.post(reverse("account_login"), {"login": user.email, "password": PASSWORD + "x"})
    assert "The email address or the password is not right. Check both, then try again." in answer.text
