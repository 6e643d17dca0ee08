"""A letter has no words besides those of its content and its template."""

import io
import re
from datetime import date, time, timedelta
from typing import Any

import pytest
from django.utils import translation
from hypothesis import given, settings
from hypothesis import strategies as st
from pypdf import PdfReader

from iopmanager.reader import HourClock, hour_clock_of
from scheduling.domain.letters import Appointment, LetterContent, LetterTimes, revealing_words, summarize_appointments
from scheduling.services.documents.letter_pdf import render_pdf, unprintable_characters
from scheduling.services.documents.letter_text import NOTICE, LetterText

MONDAY = date(2026, 11, 23)
OWN_WORDS = frozenset(
    (
        "Appointments for From to has appointments at these times Every except and Times can change A later letter replaces "
        "this one For Sent with the written consent of signed on The consent covers appointment times and nothing else for "
        "this purpose It is valid through unless it is revoked earlier "
        "AM PM Monday Tuesday Wednesday Thursday Friday Saturday Sunday Mon Tue Wed Thu Fri Sat Sun "
        "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec " + NOTICE
    )
    .replace(".", "")
    .split()
)


def content(**changed: Any) -> LetterContent:
    values: dict[str, Any] = {
        "sender": "HS Offices",
        "sender_address": "12 Pier Road",
        "sender_phone": "555-0100",
        "written_on": MONDAY,
        "recipient": "Harbor Bakery",
        "recipient_address": "",
        "name": "Rosa Lindqvist",
        "first_day": MONDAY,
        "last_day": MONDAY + timedelta(days=60),
        "times": summarize_appointments([Appointment(MONDAY, time(9), time(12))]),
        "signed_on": MONDAY,
        "consent_last_day": MONDAY + timedelta(days=60),
        "purpose": "Time off work",
    }
    return LetterContent(**(values | changed))


def text_of(pdf: bytes) -> str:
    return " ".join(page.extract_text() for page in PdfReader(io.BytesIO(pdf)).pages)


def words_of(text: str) -> set[str]:
    return set(re.findall(r"[^\W\d_]+", text))


times = st.lists(
    st.builds(
        lambda day, hour, length: Appointment(MONDAY + timedelta(days=day), time(hour), time(hour + length, 15)),
        st.integers(0, 180),
        st.sampled_from([7, 9, 13, 18]),
        st.integers(1, 3),
    ),
    min_size=1,
    max_size=90,
).map(summarize_appointments)
names = st.lists(st.text("abcdeéřłñöśŻșựДнαώ'-’", min_size=1, max_size=18), min_size=1, max_size=3).map(" ".join)


@settings(max_examples=60, deadline=None)
@given(times, names, names, names)
def test_a_letter_has_no_word_besides_its_content_and_its_template(
    times: LetterTimes, name: str, recipient: str, purpose: str
) -> None:
    letter = content(times=times, name=name, recipient=recipient, purpose=purpose)
    assert unprintable_characters(letter) == ""
    pdf = render_pdf(letter)
    allowed_words = OWN_WORDS | words_of(f"HS Offices Pier Road {name} {recipient} {purpose}")
    assert words_of(text_of(pdf)) <= allowed_words
    assert revealing_words(str(PdfReader(io.BytesIO(pdf)).metadata)) == ()


def test_a_letter_is_in_english_with_a_12_hour_clock_whoever_writes_it() -> None:
    letter = content(times=summarize_appointments([Appointment(MONDAY, time(17, 30), time(20, 30))]))
    with translation.override("es"), hour_clock_of(lambda: HourClock.TWENTY_FOUR):
        text = LetterText.of(letter)
    assert text == LetterText.of(letter)
    assert text.rows == (("Monday, Nov 23, 2026", "5:30–8:30 PM"),)


def test_the_metadata_of_the_file_is_neutral() -> None:
    properties = PdfReader(io.BytesIO(render_pdf(content()))).metadata
    assert properties
    assert (properties.title, properties.author) == ("Schedule", "HS Offices")
    assert not properties.get("/Creator")
    assert not properties.get("/Subject")
    assert not properties.get("/Keywords")


@pytest.mark.parametrize(
    ("name", "missing"),
    [
        pytest.param("Dvořák Łukasz Hőgyes Ștefan", "", id="the languages of Europe"),
        pytest.param("Nguyễn Thị Ánh", "", id="Vietnamese"),
        pytest.param("Роза Αλέξης დავით Արամ", "", id="other alphabets that run to the right"),
        pytest.param("Pōmaikaʻi Łééchąąʼí Ọ́láìtán", "", id="marks on letters"),
        pytest.param("Rosa 李明", "明李", id="not in the typeface"),
        pytest.param("محمد", "".join(sorted(set("محمد"))), id="runs to the left"),
        pytest.param("שרה", "".join(sorted("שרה")), id="runs to the left as well"),
    ],
)
def test_characters_that_cannot_be_printed_are_found(name: str, missing: str) -> None:
    assert unprintable_characters(content(name=name)) == missing


@pytest.mark.parametrize("name", ["Dvořák", "Nguyễn Thị Ánh", "Роза", "O’Neill & <Sons>"])
def test_a_name_is_printed_unchanged(name: str) -> None:
    assert f"Appointments for {name}" in " ".join(text_of(render_pdf(content(name=name))).split())


@pytest.mark.parametrize(
    ("text", "names", "words"),
    [
        pytest.param("Time off from work", [], (), id="says nothing"),
        pytest.param("Court dates, shift planning, medical leave", [], (), id="says nothing of treatment"),
        pytest.param("For his Treatment and treatment", [], ("Treatment", "treatment"), id="as it stands there"),
        pytest.param("IOP three days a week", [], ("IOP",), id="a short word"),
        pytest.param("Soup, biopsy, suds", [], (), id="short words are whole"),
        pytest.param(
            "outpatient, in recovery, therapist", [], ("outpatient", "recovery", "therapist"), id="beginnings"
        ),
        pytest.param("Time at harbor street", ["Harbor Street"], ("harbor street",), id="the clinic's name"),
        pytest.param("Harbor Streets", ["Harbor Street", ""], (), id="names are whole"),
    ],
)
def test_revealing_words_are_found(text: str, names: list[str], words: tuple[str, ...]) -> None:
    assert revealing_words(text, names) == words
