"""The worked examples in the documentation match the results of the code."""

import doctest
import re
from pathlib import Path

import pytest

from tests.paths import PROJECT

PAGES = sorted(page for page in [PROJECT / "README.md", *PROJECT.glob("docs/**/*.md")] if page.exists())
WITH_EXAMPLES = [page for page in PAGES if ">>>" in page.read_text(encoding="utf-8")]


def test_the_page_about_the_rules_has_examples() -> None:
    assert PROJECT / "docs" / "rules.md" in WITH_EXAMPLES


@pytest.mark.parametrize("page", WITH_EXAMPLES, ids=lambda page: str(page.relative_to(PROJECT)))
def test_the_examples_of_a_page_run(page: Path) -> None:
    """Doctest needs an empty line after an example's output.

    Therefore the test replaces code fences with empty lines.
    """
    text = re.sub(r"^```.*$", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE)
    examples = doctest.DocTestParser().get_doctest(text, {}, page.name, str(page), 0)
    output: list[str] = []
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS | doctest.REPORT_NDIFF)
    failed, attempted = runner.run(examples, out=output.append)
    assert attempted
    assert not failed, "".join(output)
