"""Texts of Django's own form fields and validators, as users see them."""

from typing import Any

import pytest
from django import forms
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import translation
from django.utils.datastructures import MultiValueDict

from scheduling.models import ServiceType


class EveryKindForm(forms.Form):
    name = forms.CharField(max_length=5, min_length=2)
    kind = forms.ChoiceField(choices=[("work", "Work")])
    days = forms.MultipleChoiceField(choices=[("0", "Monday")])
    on = forms.DateField()
    starts = forms.TimeField()
    minutes = forms.IntegerField(min_value=5, max_value=60)
    email = forms.EmailField()
    link = forms.URLField()
    slug = forms.SlugField(required=False)
    file = forms.FileField()
    agrees = forms.BooleanField()


VALID: dict[str, Any] = {
    "name": "Rosa",
    "kind": "work",
    "days": ["0"],
    "on": "2026-11-23",
    "starts": "17:30",
    "minutes": "30",
    "email": "rosa@example.com",
    "link": "https://example.com/",
    "agrees": "on",
}


def errors(typed: dict[str, Any], file: SimpleUploadedFile | None) -> dict[str, list[str]]:
    form = EveryKindForm(typed, MultiValueDict({"file": [file]} if file else {}))
    return {field: [str(each) for each in found] for field, found in form.errors.items()}


def test_an_empty_field_says_what_to_do() -> None:
    assert errors({}, None) == {
        "name": ["Fill in this field."],
        "kind": ["Choose an option."],
        "days": ["Choose at least one option."],
        "on": ["Enter a date."],
        "starts": ["Enter a time."],
        "minutes": ["Enter a number."],
        "email": ["Enter an email address."],
        "link": ["Enter a link."],
        "file": ["Choose a file."],
        "agrees": ["Check this box to continue."],
    }


@pytest.mark.parametrize(
    ("field", "typed", "expected"),
    [
        pytest.param("name", "Rosalind", "Use at most 5 characters. There are 8 now.", id="too long"),
        pytest.param("name", "R", "Use at least 2 characters.", id="too short"),
        pytest.param("minutes", "4", "Enter 5 or more.", id="too small"),
        pytest.param("minutes", "61", "Enter 60 or less.", id="too large"),
        pytest.param("kind", "golf", "“golf” is not one of the options. Choose another one.", id="no option"),
        pytest.param("on", "soon", "Enter a date.", id="no date"),
        pytest.param("starts", "noon", "Enter a time.", id="no time"),
        pytest.param("minutes", "2.5", "Enter a whole number.", id="no whole number"),
        pytest.param("email", "rosa", "Enter a whole email address, such as name@example.com.", id="no email address"),
        pytest.param(
            "slug", "two words", "Use only the letters a to z, numbers, hyphens and underscores.", id="no slug"
        ),
        pytest.param(
            "name", "a\0b", "This text has a character that we can’t save. Type it again.", id="null character"
        ),
        pytest.param("link", "example", "Enter a link that starts with https://.", id="no link"),
    ],
)
def test_a_wrong_value_says_what_is_right(field: str, typed: str, expected: str) -> None:
    assert errors(VALID | {field: typed}, SimpleUploadedFile("week.ics", b"x")) == {field: [expected]}


def test_an_empty_file_is_refused() -> None:
    assert errors(VALID, SimpleUploadedFile("week.ics", b"")) == {"file": ["This file is empty. Choose another one."]}


@pytest.mark.parametrize(("language", "text"), [("en", "Choose an option"), ("es", "Elija una opción")])
def test_a_list_without_a_choice_asks_for_one_in_the_language_of_the_page(language: str, text: str) -> None:
    field = forms.ModelChoiceField(ServiceType.objects.none())
    with translation.override(language):
        assert field.widget.render("service", None) == (
            f'<select name="service">\n  <option value="" selected>{text}</option>\n\n</select>'
        )
