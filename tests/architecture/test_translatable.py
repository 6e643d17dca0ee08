"""Every text that a user reads goes through gettext, as a whole sentence with named placeholders."""

import ast
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest
from django.template.base import DebugLexer, Token, TokenType

from tests.paths import PROJECT

FOR_DEVELOPERS = {"templates/scheduling/design.html", "scheduling/views/design.py"}
TEMPLATES = sorted(
    path
    for path in (PROJECT / "templates").rglob("*.*")
    if path.suffix in {".html", ".txt"} and path.relative_to(PROJECT).as_posix() not in FOR_DEVELOPERS
)
SPOKEN_ATTRIBUTES = {"alt", "aria-label", "aria-description", "aria-roledescription", "placeholder", "title"}
"""HTML attributes whose value is shown or read aloud."""
NOT_WORDS = {"iopmanager", "a", "p", "PDF", "CSV", "JSON"}
"""Texts that need no translation: the product's name, pieces of HTML, and abbreviations that all languages share."""
WORD = re.compile(r"[^\W\d_]{2,}")
PLACEHOLDER = "0"
"""Stands for a tag or variable in a text, and keeps the words before and after it apart."""


class SpokenText(HTMLParser):
    """Collect the text of an HTML document and the values of its spoken attributes."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []
        self.is_code = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.is_code = tag in {"script", "style", "code"}
        self.texts += (value or "" for name, value in attrs if name in SPOKEN_ATTRIBUTES)

    def handle_endtag(self, tag: str) -> None:
        self.is_code = False

    def handle_data(self, data: str) -> None:
        if not self.is_code:
            self.texts.append(data)


STRING_IN_TAG = re.compile(r"""(?P<translated>_\()?(["'])(?P<text>(?:(?!\2).)*)\2""")
TAGS_WITH_TEXT = {"include", "with"}
BLOCKS_OF_ATTRIBUTES = (["block", "html_class"], ["block", "body_attributes"])
FILTERS_WITH_TEXT = re.compile(r"""\|(?:default|default_if_none|yesno|counted|pluralize):(?P<text>"[^"]*"|'[^']*')""")


def texts_in_tags(token: Token) -> Iterator[str]:
    """Yield the user-visible texts inside a template tag or variable, except texts marked with `_()`."""
    name = token.contents.split()[0]
    if name == "icon":
        return
    yield from (match["text"].strip("\"'") for match in FILTERS_WITH_TEXT.finditer(token.contents))
    if token.token_type == TokenType.BLOCK and name in TAGS_WITH_TEXT:
        for match in STRING_IN_TAG.finditer(token.contents):
            if not match["translated"] and (" " in match["text"] or match["text"][:1].isupper()):
                yield match["text"]


def untranslatable_texts(source: str, *, is_html: bool = True) -> list[str]:
    """Return the words and sentences of a template that are outside `translate` and `blocktranslate`."""
    parser, shown, inside = SpokenText(), [], ""
    for token in DebugLexer(source).tokenize():
        words = token.contents.split()
        if token.token_type == TokenType.BLOCK and words:
            if inside:
                inside = "" if words[0] == inside else inside
                continue
            if words[0] in {"blocktranslate", "blocktrans", "comment"} or words[:2] in BLOCKS_OF_ATTRIBUTES:
                inside = f"end{words[0]}"
                continue
        if inside or token.token_type == TokenType.COMMENT:
            continue
        if token.token_type == TokenType.TEXT:
            shown.append(token.contents)
        else:
            parser.texts += texts_in_tags(token)
            shown.append(PLACEHOLDER)
    if is_html:
        parser.feed("".join(shown))
        parser.close()
    else:
        parser.texts.append("".join(shown))
    texts = [" ".join(text.split()) for text in parser.texts]
    return [text for text in texts if set(WORD.findall(text)) - NOT_WORDS]


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.relative_to(PROJECT / "templates").as_posix())
def test_every_text_of_a_template_can_be_translated(path: Path) -> None:
    found = untranslatable_texts(path.read_text(), is_html=path.suffix == ".html")
    assert found == []


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        pytest.param("<p>Save week</p>", ["Save week"], id="text"),
        pytest.param("<p>{% translate 'Save week' %}</p>", [], id="translated"),
        pytest.param("{% blocktranslate %}Save week{% endblocktranslate %}", [], id="a translated block"),
        pytest.param("{% comment %}Save week{% endcomment %}", [], id="a comment"),
        pytest.param('<a title="Save week" href="save-week"></a>', ["Save week"], id="a spoken attribute"),
        pytest.param("{{ name|default:'Nobody' }}", ["Nobody"], id="a filter's default"),
        pytest.param("{{ name|default:_('Nobody') }}", [], id="a translated default"),
        pytest.param("{% include 'components/form.html' with save='Save week' %}", ["Save week"], id="an argument"),
        pytest.param("{% include 'components/form.html' with save=_('Save week') %}", [], id="a translated argument"),
        pytest.param("{% include 'x.html' with title=_('Save') text=_('Week') icon='x' %}", [], id="several arguments"),
        pytest.param("<b>{{ number }}</b> – 9 h", [], id="values and signs"),
    ],
)
def test_untranslatable_texts_are_found(source: str, expected: list[str]) -> None:
    assert untranslatable_texts(source) == expected


# Python modules

MODULES = sorted(
    path
    for folder in ("accounts", "patients", "scheduling", "attendance", "clinic_import")
    for path in (PROJECT / folder).rglob("*.py")
    if (
        path.relative_to(PROJECT).as_posix() not in FOR_DEVELOPERS
        and {"views", "forms", "models", "templatetags"} & {part.removesuffix(".py") for part in path.parts}
    )
    or ("clinic_import" in path.parts and not {"management", "migrations"} & {*path.parts})
    or path.name in {"context.py", "filters.py", "formats.py", "reason_text.py", "adapter.py"}
)
TRANSLATING = {"_", "gettext", "gettext_lazy", "gettext_noop", "ngettext", "ngettext_lazy", "pgettext", "pgettext_lazy"}
UNSPOKEN_CALLS = {
    "ValueError",
    "TypeError",
    "LookupError",
    "AssertionError",
    "RuntimeError",
    "record",
    "record_all",
    "as_sql",
}
"""Calls whose texts need no translation: errors for programmers, SQL, and the audit trail, which is in one language."""
UNSPOKEN_KEYWORDS = {"action", "detail", "name", "class_name", "css_class", "extra_context", "id"}
UNSPOKEN_KEYS = {"action"}
"""Dictionary keys whose values need no translation, because the values go into the audit trail."""
SPOKEN_KEYWORDS = {
    "label",
    "help_text",
    "verbose_name",
    "verbose_name_plural",
    "empty_label",
    "heading",
    "button",
    "save",
}
SENTENCE = re.compile(r"[^\W\d_]+['’]?[^\W\d_]* [^\W\d_]{2,}|^[A-Z][a-z]+[.:…]$")


class PythonTexts(ast.NodeVisitor):
    """Collect strings of a Python module that look like text for users but do not go through gettext."""

    def __init__(self) -> None:
        self.texts: list[str] = []

    def visit_Expr(self, node: ast.Expr) -> None:
        if not isinstance(node.value, ast.Constant):  # skip docstrings
            self.generic_visit(node)

    def visit_Assert(self, node: ast.Assert) -> None:
        self.visit(node.test)

    def visit_JoinedStr(self, node: ast.JoinedStr) -> None:
        text = "".join(str(part.value) if isinstance(part, ast.Constant) else PLACEHOLDER for part in node.values)
        self._check(text)
        for part in node.values:
            if isinstance(part, ast.FormattedValue):
                self.visit(part.value)

    def visit_Constant(self, node: ast.Constant) -> None:
        if isinstance(node.value, str):
            self._check(node.value)

    def visit_Call(self, node: ast.Call) -> None:
        function = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        if function in TRANSLATING:
            self.texts += (ast.unparse(part) for part in node.args if isinstance(part, ast.JoinedStr))
            return
        if function in UNSPOKEN_CALLS or ast.unparse(node.func).startswith("logger."):
            return
        self.generic_visit(node)

    def visit_keyword(self, node: ast.keyword) -> None:
        if node.arg in UNSPOKEN_KEYWORDS:
            return
        if node.arg in SPOKEN_KEYWORDS and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            self.texts += [node.value.value] if WORD.search(node.value.value) else []
            return
        self.visit(node.value)

    def visit_Dict(self, node: ast.Dict) -> None:
        for key, value in zip(node.keys, node.values, strict=True):
            if not (isinstance(key, ast.Constant) and key.value in UNSPOKEN_KEYS):
                self.visit(value)

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        if any(ast.unparse(base).endswith("Choices") for base in node.bases):
            for line in node.body:
                if isinstance(line, ast.Assign) and isinstance(line.value, ast.Tuple):
                    label = line.value.elts[-1]
                    self.texts += (
                        [label.value] if isinstance(label, ast.Constant) and isinstance(label.value, str) else []
                    )
        self.generic_visit(node)

    def _check(self, text: str) -> None:
        if SENTENCE.search(text) and not text.startswith(("<", "SELECT", "UPDATE", "CREATE", "attachment")):
            self.texts.append(text)


def untranslatable_python(source: str) -> list[str]:
    texts = PythonTexts()
    texts.visit(ast.parse(source))
    return texts.texts


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.relative_to(PROJECT).as_posix())
def test_every_text_of_a_module_can_be_translated(path: Path) -> None:
    assert untranslatable_python(path.read_text()) == []


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        pytest.param('messages.success(request, "The week is saved.")', ["The week is saved."], id="a message"),
        pytest.param('messages.success(request, _("The week is saved."))', [], id="a translated message"),
        pytest.param('_(f"The week of {day} is saved.")', ["f'The week of {day} is saved.'"], id="a glued sentence"),
        pytest.param('f"{day} is saved now."', ["0 is saved now."], id="a sentence with a value"),
        pytest.param('CharField(label="Name")', ["Name"], id="a label"),
        pytest.param('class Kind(TextChoices):\n    WORK = "work", "Work"', ["Work"], id="a choice"),
        pytest.param('raise ValueError("a week has seven days")', [], id="an error for programmers"),
        pytest.param('"""Save the week."""', [], id="a docstring"),
    ],
)
def test_untranslatable_python_is_found(source: str, expected: list[str]) -> None:
    assert untranslatable_python(source) == expected
