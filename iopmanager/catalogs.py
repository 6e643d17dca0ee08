"""Keep the message catalogs in `locale/` in step with the sources, without gettext's own programs."""

import io
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import IO, Any

from babel.messages.catalog import Catalog
from babel.messages.extract import DEFAULT_KEYWORDS, extract, extract_python
from babel.messages.pofile import read_po, write_po
from django.utils.translation.template import templatize

PACKAGES = ("accounts", "patients", "scheduling", "attendance", "clinic_import", "iopmanager")
HEADER = r"""msgid ""
msgstr ""
"Language: %(language)s\n"
"MIME-Version: 1.0\n"
"Content-Type: text/plain; charset=utf-8\n"
"Content-Transfer-Encoding: 8bit\n"
"Plural-Forms: nplurals=2; plural=(n != 1);\n"

"""
KEYWORDS: Mapping[str, Any] = {
    **DEFAULT_KEYWORDS,
    "gettext_lazy": None,
    "gettext_noop": None,
    "ngettext_lazy": (1, 2),
    "pgettext_lazy": ((1, "c"), 2),
    "npgettext_lazy": ((1, "c"), 2, 3),
}


def extract_template(
    file: IO[bytes], keywords: Mapping[str, Any], comment_tags: Collection[str], options: Mapping[str, Any]
) -> Iterator[tuple[Any, ...]]:
    """Yield the messages of a Django template in the form that `babel.messages.extract` uses for Python."""
    python_like = templatize(file.read().decode())
    # A template is not indented like Python code, so Python's parser would reject it.
    lines = "\n".join(line.strip() for line in python_like.splitlines())
    yield from extract_python(io.BytesIO(lines.encode()), keywords, comment_tags, {})


def source_files(project: Path) -> Iterator[Path]:
    """Yield the paths of the project's Python modules and templates, in order. Only these files can have messages."""
    for package in PACKAGES:
        yield from (path for path in sorted((project / package).rglob("*.py")) if "migrations" not in path.parts)
    yield from sorted(path for path in (project / "templates").rglob("*.*") if path.suffix in {".html", ".txt"})


def source_messages(project: Path) -> Iterator[tuple[Path, str | tuple[str, ...], list[str], str | None]]:
    """Yield every message of the project's sources: its file, its text or texts, its comments and its context."""
    for path in source_files(project):
        method: Any = "python" if path.suffix == ".py" else extract_template
        with path.open("rb") as file:
            for _line, message, comments, context in extract(method, file, KEYWORDS):
                yield path, message, comments, context


def extract_messages(project: Path) -> Catalog:
    """Return a catalog of all messages in the project's sources. Each message lists the files that contain it."""
    catalog = Catalog(project="iopmanager", charset="utf-8")
    for path, message, comments, context in source_messages(project):
        location = (path.relative_to(project).as_posix(), 0)
        flags = ["python-format"] if path.suffix != ".py" and "%(" in str(message) else []
        catalog.add(message, None, [location], flags=flags, auto_comments=comments, context=context)
    return catalog


def read_catalog(file: Path, language: str) -> Catalog:
    """Read a PO file. A file that does not exist yet is an empty catalog."""
    if not file.exists():
        return Catalog(locale=language, charset="utf-8", fuzzy=False)
    with file.open("rb") as lines:
        return read_po(lines, locale=language)


def update_catalog(file: Path, language: str, messages: Catalog) -> Catalog:
    """Add new messages to a PO file, drop unused ones, and return the new catalog. Existing translations are kept."""
    catalog = read_catalog(file, language)
    catalog.update(messages, no_fuzzy_matching=True, update_creation_date=False)
    catalog.obsolete.clear()
    text = io.BytesIO()
    write_po(text, catalog, width=120, omit_header=True, sort_output=True, include_lineno=False)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(HEADER % {"language": language} + text.getvalue().decode())
    return catalog
