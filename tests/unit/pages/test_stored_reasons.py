"""Reasons that the product stores are shown in the reader's language. Reasons that people typed are shown as typed."""

import ast

import pytest
from django.utils import translation

from iopmanager.stored_reasons import StoredReason, reason_in_words
from tests.paths import PROJECT


@pytest.mark.parametrize(
    ("language", "stored", "shown"),
    [
        pytest.param("en", "The group changed", "The group changed", id="English"),
        pytest.param("es", "The group changed", "Cambió el grupo", id="Spanish"),
        pytest.param("es", "The group changed rooms", "The group changed rooms", id="typed by a person"),
        pytest.param("es", "", "", id="none"),
    ],
)
def test_a_stored_reason_is_in_the_readers_language(language: str, stored: str, shown: str) -> None:
    with translation.override(language):
        assert reason_in_words(stored) == shown


@pytest.mark.parametrize("reason", StoredReason)
def test_every_stored_reason_fits_its_column_and_has_a_spanish_text(reason: StoredReason) -> None:
    assert len(reason) <= 200
    with translation.override("es"):
        assert reason_in_words(reason) != reason.value


def test_services_store_no_other_fixed_reason() -> None:
    services = [
        path for app in ("patients", "scheduling", "attendance") for path in (PROJECT / app / "services").rglob("*.py")
    ]
    found = {
        f"{path.relative_to(PROJECT)}: {keyword.value.value!r}"
        for path in services
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call)
        for keyword in node.keywords
        if keyword.arg in {"reason", "release_reason", "close_reason"}
        and isinstance(keyword.value, ast.Constant)
        and keyword.value.value
    }
    assert found == set()
