"""Dots separate the parts of a line. No line begins or ends with a dot, and two dots never follow each other."""

import re

import pytest
from django.template import Context, Template

from tests.page_reader import SEPARATOR as DOT
from tests.paths import PROJECT

OUTSIDE = re.compile(
    r"\{% dots %\}.*?\{% enddots %\}|<title>.*?</title>|\{% block full_title %\}.*?\n|\{#.*?#\}", re.DOTALL
)


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        pytest.param("Garden room · Ada", f"Garden room{DOT}Ada", id="one dot"),
        pytest.param("A\n  · B\n  · C\n", f"A{DOT}B{DOT}C", id="one part on each line"),
        pytest.param("\n · A · ", "A", id="nothing before or after"),
        pytest.param("A · · B", f"A{DOT}B", id="an empty part"),
        pytest.param("A <b>· B</b>", f"A<b>{DOT}B</b>", id="a dot after a start tag, where no space comes first"),
        pytest.param("<b>A </b> · B", f"<b>A</b>{DOT}B", id="a dot after an end tag"),
        pytest.param('<a title="A · B">A</a>', '<a title="A · B">A</a>', id="an attribute"),
        pytest.param("A·B", "A·B", id="a dot inside a word"),
        pytest.param("{% dots %}A · B{% enddots %} · C", f"A{DOT}B{DOT}C", id="a line in a line"),
    ],
)
def test_a_dot_becomes_a_separator_that_can_disappear(line: str, shown: str) -> None:
    assert Template(f"{{% load formats %}}{{% dots %}}{line}{{% enddots %}}").render(Context()) == shown


def test_no_template_has_a_dot_that_stays_at_the_end_of_a_line() -> None:
    templates = sorted((PROJECT / "templates").rglob("*.html"))
    assert [path.name for path in templates if "·" in OUTSIDE.sub("", path.read_text())] == []
