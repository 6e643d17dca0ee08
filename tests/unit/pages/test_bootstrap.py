"""Pages load every rule of Bootstrap that they use, and few others."""

import re
import subprocess
from collections.abc import Iterable, Iterator

import pytest
from django.template import Context, Template

from scheduling.views.design import SampleForm
from tests.paths import PROJECT
from tests.unit.pages.template_parts import CLASSES, classes_in

ALL = (PROJECT / "node_modules" / "bootstrap" / "dist" / "css" / "bootstrap.min.css").read_text()
SERVED = (PROJECT / "var" / "vendor" / "bootstrap" / "bootstrap.min.css").read_text()
OWN = "".join(path.read_text() for path in (PROJECT / "static" / "css").glob("*.css"))
RULE = re.compile(r"([^{};]+)\{")
ELEMENT_OR_THEME = re.compile(r"(^|[>+~ ])[a-z]|\[data-bs-")
NAMED = re.compile(r"\.([a-z][\w-]*)")
STRING = re.compile(r"""["'`]([\w -]*)["'`]""")
DEFINITION = re.compile(r"(--bs-[\w-]+):")
USE = re.compile(r"var\((--bs-[\w-]+)\)")


def sources(*patterns: str) -> Iterator[str]:
    return (path.read_text() for pattern in patterns for path in PROJECT.glob(pattern))


def selectors(rules: str) -> set[str]:
    return {each for match in RULE.finditer(rules) for each in match[1].split(",")}


def not_served(names: Iterable[str]) -> set[str]:
    """Return Bootstrap's selectors that are needed, but missing from the served stylesheet.

    A selector is needed if all its classes are in `names`. Selectors that contain an element or a theme are ignored.
    """
    given = set(names)
    needed = {each for each in selectors(ALL) if NAMED.search(each) and given.issuperset(NAMED.findall(each))}
    return {each for each in needed - selectors(SERVED) if not ELEMENT_OR_THEME.search(each)}


def test_every_class_that_a_template_names_is_served() -> None:
    assert not_served(name for html in sources("templates/**/*.html") for name in classes_in(html)) == set()


def test_every_class_that_a_script_or_a_form_names_is_served() -> None:
    texts = [match[1] for code in sources("static/js/*.js", "*/forms/**/*.py") for match in STRING.finditer(code)]
    assert not_served(name for text in texts for name in text.split()) == set()


@pytest.mark.parametrize("data", [None, {"kind": "work"}], ids=["empty", "refused"])
def test_every_class_of_a_form_is_served(data: dict[str, str] | None) -> None:
    html = Template("{% load crispy_forms_tags %}{% crispy form %}").render(Context({"form": SampleForm(data)}))
    assert {"form-control", "form-select", "form-check-input"} <= classes_in(html)
    assert not_served(classes_in(html)) == set()


def test_no_template_builds_the_name_of_a_class_from_parts() -> None:
    glued = {
        start
        for html in sources("templates/**/*.html")
        for start in re.findall(r"([\w-]+-)\{[{%]", " ".join(match[1] or "" for match in CLASSES.finditer(html)))
    }
    assert [name for name in NAMED.findall(ALL) if any(name.startswith(start) for start in glued)] == []


def test_every_variable_in_use_is_served() -> None:
    known = set(DEFINITION.findall(ALL))
    assert set(USE.findall(SERVED + OWN)) & known <= set(DEFINITION.findall(SERVED + OWN))


def test_most_rules_are_not_served() -> None:
    assert len(SERVED) < len(ALL) / 4


def test_set_up_builds_the_file_again_after_a_change_of_any_file_that_it_searches() -> None:
    function = re.search(r"^page_sources\(\).*$", (PROJECT / "bin" / "set-up").read_text(), re.MULTILINE)
    assert function
    command = ["bash", "-c", f"{function[0]}\npage_sources"]
    listed = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=True).stdout.split()
    named = re.search(r"\{([a-z_,]+)\}/\*\*/\*\.py", (PROJECT / "bin" / "build-bootstrap.mjs").read_text())
    assert named
    searched = [f"{package}/**/*.py" for package in named[1].split(",")]
    paths = {
        str(path.relative_to(PROJECT))
        for each in (*searched, "templates/**/*.html", "static/*/*.?s*")
        for path in PROJECT.glob(each)
    }
    assert paths <= set(listed)
