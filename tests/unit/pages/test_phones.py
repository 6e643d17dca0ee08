"""How phone numbers are written, and how links call them."""

import pytest
from django.utils import translation

from scheduling.formats import phone_number
from scheduling.templatetags.phones import dialable


@pytest.mark.parametrize(
    ("typed", "shown", "dialed"),
    [
        pytest.param("2075550100", "(207) 555-0100", "2075550100", id="only digits"),
        pytest.param("(207) 555-0100", "(207) 555-0100", "2075550100", id="as it is shown"),
        pytest.param("207-555-0100", "(207) 555-0100", "2075550100", id="hyphens"),
        pytest.param("207.555.0100", "(207) 555-0100", "2075550100", id="periods"),
        pytest.param(" 207 555 0100 ", "(207) 555-0100", "2075550100", id="blanks"),
        pytest.param("1-207-555-0100", "(207) 555-0100", "12075550100", id="with a 1"),
        pytest.param("+1 207 555 0100", "(207) 555-0100", "+12075550100", id="with the country code"),
        pytest.param("(207) 555-0100 ext. 12", "(207) 555-0100 x12", "2075550100;ext=12", id="with an extension"),
        pytest.param("207-555-0100 x12", "(207) 555-0100 x12", "2075550100;ext=12", id="with a short extension"),
        pytest.param("555-0100", "555-0100", "5550100", id="without an area code"),
        pytest.param("+52 55 1234 5678", "+52 55 1234 5678", "+525512345678", id="of another country"),
        pytest.param("ask at the desk", "ask at the desk", "", id="no number"),
        pytest.param("", "", "", id="none"),
    ],
)
def test_a_phone_number_is_written_in_one_way_in_each_language(typed: str, shown: str, dialed: str) -> None:
    for language in ("en", "es"):
        with translation.override(language):
            assert phone_number(typed) == shown
    assert dialable(typed) == dialed
