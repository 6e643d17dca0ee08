"""How the search for patients reads what is typed: words, phone numbers and birth dates."""

from datetime import date

import pytest

from patients.domain.person_search import Person, fold, read_terms

MONTHS = {"may": 5, "mayo": 5, "jan": 1}
NOOR = Person.of(
    ("Noor", "Łukaszewicz-O’Brien", "", "P-77", "Noor.L@example.org"),
    ("+1 (218) 555-0147", "207.555.0163 x12"),
    date(1990, 5, 17),
)


@pytest.mark.parametrize(
    "typed",
    [
        "noor",
        "LUKASZEWICZ",
        "Łukaszewicz",
        "o'brien",
        "O‘Brien noor",
        "p-77",
        "noor.l@EXAMPLE",
        "218-555-0147",
        "(218) 555 0147",
        "1 218 555 0147",
        "(207) 555-0163",
        "0147 noor",
        "5/17/1990",
        "05/17/90",
        "17/5/1990",
        "1990-05-17",
        "May 17, 1990",
        "may 17th 1990 noor",
        "17 de mayo de 1990",
        "",
    ],
)
def test_a_person_is_found(typed: str) -> None:
    assert all(term.matches(NOOR) for term in read_terms(typed, MONTHS))


@pytest.mark.parametrize(
    "typed",
    [
        "nora",
        "noor 5/18/1990",
        "218-555-0148",
        "218-555-0163",
        "147",
        "2/30/1990",
        "1990",
        "Jan 17, 1990",
        "Smarch 17, 1990",
        "x" * 300,
    ],
)
def test_somebody_else_is_not_found(typed: str) -> None:
    assert not all(term.matches(NOOR) for term in read_terms(typed, MONTHS))


@pytest.mark.parametrize("typed", ["'", "’", "-", "@ ( ) .", ",", "%"])
def test_text_without_letters_and_digits_has_no_terms(typed: str) -> None:
    assert read_terms(typed, MONTHS) == []
    assert [term.text for term in read_terms(f"noor {typed}", MONTHS)] == ["noor"]


def test_a_country_code_may_be_missing_on_file() -> None:
    local = Person.of(("Noor",), ("218-555-0147",), date(1990, 5, 17))

    assert all(term.matches(local) for term in read_terms("+1 218 555 0147", MONTHS))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Jiménez Ñandú", "jimenez nandu"),
        ("Søren Ægir", "soren aegir"),
        ("Groß", "gross"),
        ("D’Ángelo‐Đorđe", "dangelo-dorde"),
    ],
)
def test_names_are_folded(text: str, expected: str) -> None:
    assert fold(text) == expected
