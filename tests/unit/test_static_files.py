"""Stylesheets are served without comments."""

import re
from pathlib import Path

import pytest
from django.contrib.staticfiles.storage import StaticFilesStorage as SourceFiles
from django.core.files.base import ContentFile

from iopmanager.static_files import StaticFilesStorage, without_comments
from tests.paths import PROJECT

STYLESHEETS = sorted((PROJECT / "static" / "css").glob("*.css"))


def test_comments_indentation_and_empty_lines_are_taken_out() -> None:
    stylesheet = b"/* A\n   comment */\n\n.a {\n  color: red; /* why */\n}\n\n.b,\n.c { content: 'x  y'; }\n"
    assert without_comments(stylesheet) == b".a {\ncolor: red;\n}\n.b,\n.c { content: 'x  y'; }"


def test_both_files_of_a_stylesheet_have_its_rules(tmp_path: Path) -> None:
    source = SourceFiles(location=tmp_path / "source")
    storage = StaticFilesStorage(location=tmp_path / "served")
    source.save("a.css", ContentFile(b"/* why */\n.a {\n  color: red;\n}\n"))
    with source.open("a.css") as file:
        storage.save("a.css", file)

    (_, hashed, _), *_ = storage.post_process({"a.css": (source, "a.css")})

    assert (tmp_path / "served" / "a.css").read_bytes() == b".a {\ncolor: red;\n}"
    assert (tmp_path / "served" / hashed).read_bytes() == b".a {\ncolor: red;\n}"


def test_a_license_stays() -> None:
    assert without_comments(b"/*! MIT *//* why */.a {}") == b"/*! MIT */.a {}"


@pytest.mark.parametrize("path", STYLESHEETS, ids=lambda path: path.name)
def test_no_value_in_quotes_is_taken_for_a_comment(path: Path) -> None:
    assert re.findall(r'"[^"\n]*(?:/\*|\*/)[^"\n]*"', path.read_text()) == []
