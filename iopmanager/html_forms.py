"""Fill in a form in an HTML page with values that the user typed earlier."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from html import escape
from html.parser import HTMLParser
from urllib.parse import urljoin, urlsplit

type Attributes = dict[str, str | None]
type Field = tuple[str, str]
"""The name of a field and one of its values."""

NOT_TYPED = {"hidden", "password", "file", "submit", "button", "reset", "image"}


@dataclass(slots=True)
class Control:
    """The start tag of a form field, or of an option in a list. The `name` of an option is the name of the list."""

    tag: str
    name: str
    attributes: Attributes
    start: int
    end: int
    content_end: int = 0
    """Position in the page where the text of a text area ends. Unused for other tags."""


@dataclass(slots=True)
class PostForm:
    """A form that is sent by POST. `controls` has the fields that a person can change, `names` the names of all fields."""

    start: int
    action: str
    controls: list[Control] = field(default_factory=list)
    names: set[str] = field(default_factory=set)

    def add(self, control: Control) -> None:
        """Add a control to `controls` if a person can change it. Always add its name to `names`.

        The hidden field with the version of the record (`data-version`) is also added, so that the form keeps its version.
        """
        self.names.add(control.name)
        is_typed = (control.attributes.get("type") or "") not in NOT_TYPED or "data-version" in control.attributes
        if control.name and control.tag != "button" and is_typed:
            self.controls.append(control)


@dataclass(frozen=True, slots=True)
class FilledPage:
    """A page with a form filled in.

    `form_start` is the form's position in `html`. `left_over` has the fields that the form does not have. If no form of
    the page fits, `html` is unchanged and `form_start` is None.
    """

    html: str
    form_start: int | None
    left_over: Sequence[Field]


def fill_form(html: str, *, page: str, action: str, fields: Sequence[Field]) -> FilledPage:
    """Fill in the form in `html` that is sent to the path `action`. `page` is the path of the page itself.

    If several forms are sent to `action`, fill in the form with the most of the `fields`. Buttons, hidden fields and
    passwords do not change.
    """
    reader = _FormReader(html)
    names = {name for name, _ in fields}
    fitting = [
        (len(names & {control.name for control in form.controls}), -form.start, form)
        for form in reader.forms
        if urlsplit(urljoin(page, form.action or page)).path == urlsplit(action).path
    ]
    found = max(fitting, key=lambda each: each[:2], default=None)
    if found is None or not found[0]:
        return FilledPage(html, None, fields)
    form = found[2]
    values: dict[str, list[str]] = {}
    for name, value in fields:
        values.setdefault(name, []).append(value)
    edits: list[tuple[int, int, str]] = []
    for control in form.controls:
        edits += _fill(control, values)
    for start, end, text in sorted(edits, reverse=True):
        html = html[:start] + text + html[end:]
    left_over = [(name, value) for name, value in fields if name not in form.names]
    return FilledPage(html, form.start, left_over)


def _fill(control: Control, values: dict[str, list[str]]) -> list[tuple[int, int, str]]:
    """Return the replacements that give the control its value, each as (start, end, new text)."""
    attributes, typed = control.attributes, values.get(control.name, [])
    if control.tag == "textarea":
        return [(control.end, control.content_end, "\n" + escape(typed.pop(0)))] if typed else []
    if control.tag == "option" or attributes.get("type") in {"checkbox", "radio"}:
        mark = "selected" if control.tag == "option" else "checked"
        if control.tag == "option" and control.name not in values:
            return []
        kept = {key: value for key, value in attributes.items() if key != mark}
        is_chosen = (attributes.get("value") or ("on" if mark == "checked" else "")) in typed
        return [(control.start, control.end, _start_tag(control.tag, kept | ({mark: None} if is_chosen else {})))]
    return (
        [(control.start, control.end, _start_tag(control.tag, attributes | {"value": typed.pop(0)}))] if typed else []
    )


def _start_tag(tag: str, attributes: Attributes) -> str:
    written = "".join(f" {key}" if value is None else f' {key}="{escape(value)}"' for key, value in attributes.items())
    return f"<{tag}{written}>"


class _FormReader(HTMLParser):
    """Finds the forms of a page, with the positions of their fields. Ignores the content of `<template>` elements."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.forms: list[PostForm] = []
        self._line_starts = [0, *(newline.end() for newline in re.finditer("\n", html))]
        self._by_id: dict[str, PostForm] = {}
        self._outside: list[tuple[str, Control]] = []
        self._form: PostForm | None = None
        self._list_name = ""
        self._list_form = ""
        self._text_area: Control | None = None
        self._templates = 0
        self.feed(html)
        self.close()
        for form_id, control in self._outside:
            if form_id in self._by_id:
                self._by_id[form_id].add(control)

    def _position(self) -> int:
        line, column = self.getpos()
        return self._line_starts[line - 1] + column

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = dict(attrs)
        if tag == "template":
            self._templates += 1
        if self._templates:
            return
        if tag == "form":
            self._open_form(attributes)
        elif tag == "select":
            self._list_name, self._list_form = attributes.get("name") or "", attributes.get("form") or ""
        elif tag in {"input", "textarea", "option", "button"}:
            start = self._position()
            name = self._list_name if tag == "option" else attributes.get("name") or ""
            control = Control(tag, name, attributes, start, start + len(self.get_starttag_text() or ""))
            form_id = self._list_form if tag == "option" else attributes.get("form") or ""
            if form_id:
                self._outside.append((form_id, control))
            elif self._form:
                self._form.add(control)
            self._text_area = control if tag == "textarea" else None

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)

    def handle_endtag(self, tag: str) -> None:
        if tag == "template":
            self._templates = max(0, self._templates - 1)
        elif tag == "form":
            self._form = None
        elif tag == "select":
            self._list_name = self._list_form = ""
        elif tag == "textarea" and self._text_area:
            self._text_area.content_end = self._position()
            self._text_area = None

    def _open_form(self, attributes: Attributes) -> None:
        self._form = PostForm(self._position(), attributes.get("action") or "")
        if (attributes.get("method") or "").lower() == "post":
            self.forms.append(self._form)
            self._by_id[attributes.get("id") or ""] = self._form
