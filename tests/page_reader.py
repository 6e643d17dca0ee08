"""Read the title, ids, references to ids, forms and tables from the HTML of a page."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser

REFERENCES = ("aria-describedby", "aria-labelledby", "aria-controls", "for")
NAMES_OF_TABLES = ("aria-label", "aria-labelledby")
SEPARATOR = '<span class="separator"> <span class="visually-hidden">·</span></span> '


def with_dots(html: str) -> str:
    """Return the page with a plain dot in place of each separator."""
    return html.replace(SEPARATOR, " · ")


@dataclass
class PageForm:
    """The address and the method of a form, the names of its fields, and the values of its hidden fields."""

    action: str
    method: str
    fields: list[str] = field(default_factory=list)
    hidden: dict[str, str] = field(default_factory=dict)


class PageReader(HTMLParser):
    """Parses the HTML of a page. `tables` has one value for each table: whether the table has a name."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.title = ""
        self.ids: list[str] = []
        self.references: set[str] = set()
        self.forms: list[PageForm] = []
        self.autocomplete: dict[str, str] = {}
        self.tables: list[bool] = []
        self._forms_by_id: dict[str, PageForm] = {}
        self._in_title = False
        self._in_form: PageForm | None = None
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.ids += [given["id"]] if "id" in given else []
        self.references |= set(_references(tag, given))
        self._in_title = self._in_title or (tag == "title" and not self.title)
        if tag == "table":
            self.tables.append(any(given.get(name) for name in NAMES_OF_TABLES))
        elif tag == "caption":
            self.tables[-1] = True
        elif tag == "form":
            self._start_form(given)
        elif tag in ("input", "select", "textarea"):
            self._add_field(tag, given)

    def handle_endtag(self, tag: str) -> None:
        if tag == "title":
            self._in_title = False
        elif tag == "form":
            self._in_form = None

    def handle_data(self, data: str) -> None:
        if self._in_title:
            self.title += data

    @property
    def broken_references(self) -> set[str]:
        """Ids that a label, a description or a link within the page refers to, but that no element has."""
        return self.references - set(self.ids)

    def _start_form(self, given: dict[str, str]) -> None:
        form = PageForm(given.get("action", ""), given.get("method", "get").lower())
        self.forms.append(form)
        self._in_form = form
        if "id" in given:
            self._forms_by_id[given["id"]] = form

    def _add_field(self, tag: str, given: dict[str, str]) -> None:
        if given.get("name"):
            self.autocomplete[given["name"]] = given.get("autocomplete", "")
        form = self._forms_by_id.get(given["form"]) if "form" in given else self._in_form
        if form is None or not given.get("name"):
            return
        if given.get("type") == "hidden":
            form.hidden[given["name"]] = given.get("value", "")
        else:
            form.fields.append(given["name"])


def _references(tag: str, given: dict[str, str]) -> Iterator[str]:
    for name in REFERENCES:
        yield from given.get(name, "").split()
    if tag == "a" and len(href := given.get("href", "")) > 1 and href.startswith("#"):
        yield href[1:]
