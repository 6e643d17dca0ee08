"""People are sorted by last name, regardless of capitals and accents."""

from patients.domain.names import name_order


def test_capitals_and_accents_make_no_difference() -> None:
    names = [
        ("Zimmer", "Ada"),
        ("de León", "Eva"),
        ("Álvarez", "Rosa"),
        ("Alvarez", "Ana"),
        ("Łukasz", "Jan"),
        ("Deller", "Al"),
    ]
    ordered = sorted(names, key=lambda name: name_order(*name))
    assert [last for last, _ in ordered] == ["Alvarez", "Álvarez", "de León", "Deller", "Łukasz", "Zimmer"]


def test_a_person_with_a_single_name_is_sorted_by_that_name() -> None:
    names = [("Hart", "Emil"), ("", "Noor"), ("Zimmer", "Ada")]
    assert sorted(names, key=lambda name: name_order(*name)) == names
