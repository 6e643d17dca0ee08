"""The names of languages: shown and typed in the reader's language, stored in English."""

import pytest
from django.utils import translation

from patients.forms.record.languages import english_name, language_name
from patients.forms.record.person import PatientForm
from patients.models import Patient

PERSON = {"first_name": "Rosa", "code": "P001", "birth_date": "1990-05-17", "travel_minutes": "0"}


@pytest.mark.parametrize(
    ("stored", "shown"),
    [
        pytest.param("English", "Inglés", id="a language of the product"),
        pytest.param("Vietnamese", "Vietnamita", id="a language that Django knows"),
        pytest.param("Haitian Creole", "Criollo haitiano", id="a language that Django doesn't know"),
        pytest.param("Mixtec", "Mixtec", id="a language that was typed"),
    ],
)
def test_a_name_is_shown_in_the_readers_language_and_stored_in_english(stored: str, shown: str) -> None:
    with translation.override("es"):
        assert language_name(stored) == shown
        assert english_name(shown) == stored


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        pytest.param("Español", "español", id="left as it was shown"),
        pytest.param("Inglés", "English", id="another language"),
    ],
)
def test_the_form_shows_the_language_in_spanish_and_keeps_what_was_not_changed(typed: str, kept: str) -> None:
    with translation.override("es"):
        form = PatientForm(PERSON | {"language": typed}, patient=Patient(language="español"))
        assert 'value="Inglés"' in str(PatientForm()["language"])
        assert form.initial["language"] == "Español"
        assert form.is_valid(), form.errors
        assert form.values().language == kept


def test_upper_and_lower_case_make_no_difference() -> None:
    with translation.override("es"):
        assert english_name("vietnamita") == "Vietnamese"
