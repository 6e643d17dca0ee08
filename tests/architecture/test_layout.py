"""Rules that import-linter can't check, such as the sizes of modules and folders, and who may read the clock."""

import ast
import re
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.apps import apps
from django.db import models

from tests.paths import PROJECT

APPS = ("accounts", "patients", "scheduling", "attendance", "clinic_import")
"""The apps in order. An app may import only from the apps before it, except in its views."""
PACKAGES = (*APPS, "timekeeping", "iopmanager", "demo", "bench", "tests")
FILES_IN_A_FOLDER = 20
LINES_IN_A_MODULE = 350
CLOCK_CALLS = ("datetime.now(", "date.today(", "timezone.now()", "time.time(")


def modules_of(*packages: str) -> Iterator[Path]:
    for package in packages:
        for path in sorted((PROJECT / package).rglob("*.py")):
            if "migrations" not in path.parts:
                yield path


def relative(path: Path) -> str:
    return path.relative_to(PROJECT).as_posix()


def test_no_folder_has_more_than_20_modules() -> None:
    counts = Counter(relative(path.parent) for path in modules_of(*PACKAGES) if path.name != "__init__.py")
    assert {folder: count for folder, count in counts.items() if count > FILES_IN_A_FOLDER} == {}


def test_no_folder_has_more_than_20_templates() -> None:
    counts = Counter(relative(path.parent) for path in (PROJECT / "templates").rglob("*.*") if path.is_file())
    assert counts["templates"] > 0
    assert {folder: count for folder, count in counts.items() if count > FILES_IN_A_FOLDER} == {}


def test_no_module_has_more_than_350_lines() -> None:
    line_counts = {
        relative(path): len(path.read_text().splitlines()) for path in modules_of(*APPS, "timekeeping", "iopmanager")
    }
    assert {path: lines for path, lines in line_counts.items() if lines > LINES_IN_A_MODULE} == {}


def imported_modules(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
    return found


PURE = [path for path in modules_of(*APPS, "timekeeping") if "domain" in path.parts or "timekeeping" in path.parts]


@pytest.mark.parametrize("path", PURE, ids=relative)
def test_a_pure_module_imports_only_the_standard_library_and_pure_modules(path: Path) -> None:
    for module in imported_modules(path):
        top, _, rest = module.partition(".")
        is_pure = top == "timekeeping" or (top in APPS and rest.partition(".")[0] == "domain")
        assert is_pure or top in sys.stdlib_module_names, module


def test_only_settings_read_the_environment_and_only_clock_py_reads_the_time() -> None:
    for path in modules_of(*APPS, "timekeeping", "iopmanager"):
        text = path.read_text()
        if path.name not in {"settings.py", "wsgi.py"}:
            assert "os.environ" not in text, path
        if path.name != "clock.py":
            assert not [call for call in CLOCK_CALLS if call in text], path


def owners_of_reverse_relations() -> dict[str, int]:
    """Map the name of each reverse relation, such as `attendance` on Booking, to the app that defines the relation.

    An app is given as its index in APPS. If several apps define relations of the same name, the last app is used.
    """
    owners: dict[str, int] = {}
    for model in apps.get_models():
        for field in model._meta.get_fields():
            if isinstance(field, models.ForeignObjectRel) and model._meta.app_label in APPS:
                app = field.related_model._meta.app_label
                for name in {field.name, field.get_accessor_name()}:
                    if name and app in APPS:
                        owners[name] = max(owners.get(name, 0), APPS.index(app))
    return owners


OWNERS = owners_of_reverse_relations()
LOOKUP = re.compile(r"-?[a-z][a-z0-9_]*__[a-z0-9_]+")
BELOW_VIEWS = {
    "models",
    "services",
    "forms",
    "domain",
    "calendar_import",
    "reading",
    "rows",
    "writers",
    "jobs.py",
    "audit.py",
    "admin.py",
}
KNOWN_LOOKUPS = {
    # A patient who accepts an invitation is linked to a user.
    ("accounts/models/invitation.py", "patient__isnull"),
    ("accounts/services/invitations.py", "patient__site"),
    ("accounts/services/invitations.py", "patient__user"),
    # Only patients and delegates sign in with a code by mail, and finding them takes one query, whoever has the address.
    ("accounts/services/mailed_codes.py", "patient__isnull"),
    ("accounts/services/mailed_codes.py", "delegations__isnull"),
    ("accounts/services/mailed_codes.py", "delegations__ended_at"),
    # Clinicians see the patients in their own groups.
    ("patients/models/patient.py", "episodes__bookings__session__facilitators"),
    ("patients/models/patient.py", "episodes__bookings__released_at"),
    # Bookings are released only if no attendance is recorded.
    ("scheduling/services/bookings/release.py", "attendance__status"),
    # A correction must not put attendance outside of the episode of care.
    ("scheduling/services/corrections/admissions.py", "attendance__isnull"),
    ("scheduling/services/enrollment/attended_dates.py", "attendance__isnull"),
    ("scheduling/services/enrollment/attended_dates.py", "attendance__status"),
    # A preview compares the minutes credited in a week.
    ("scheduling/services/preview/snapshot.py", "attendance__status"),
    ("scheduling/services/preview/snapshot.py", "attendance__credited_minutes"),
    # One query reads a day's bookings and their attendance marks.
    ("scheduling/services/sessions/day.py", "attendance__status"),
}
"""Allowed lookups into later apps. The comments say why the queries need data from two apps."""


def lookups_into_later_apps(path: Path) -> set[str]:
    """Return the query lookups in a module that lead to a later app, such as `attendance__status`.

    A later app comes after the module's own app in APPS. A lookup can be a keyword or a string.
    """
    own_index = APPS.index(path.relative_to(PROJECT).parts[0])
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        text = node.arg if isinstance(node, ast.keyword) else node.value if isinstance(node, ast.Constant) else None
        if isinstance(text, str) and LOOKUP.fullmatch(text):
            lookup = text.removeprefix("-")
            if any(OWNERS.get(part, 0) > own_index for part in lookup.split("__")):
                found.add(lookup)
    return found


def test_only_known_lookups_reach_into_a_later_app() -> None:
    paths_below_views = (path for path in modules_of(*APPS) if BELOW_VIEWS & set(path.relative_to(PROJECT).parts))
    found = {(relative(path), lookup) for path in paths_below_views for lookup in lookups_into_later_apps(path)}
    assert found - KNOWN_LOOKUPS == set()
    assert KNOWN_LOOKUPS - found == set(), "no longer needed: take it off the list"


SAME_NAME_IN_EVERY_MODULE = {"Meta", "Command"}
"""Class names that Django expects, so several modules may define them."""


def test_no_two_classes_in_the_project_have_the_same_name() -> None:
    paths_by_name: dict[str, list[str]] = {}
    for path in modules_of(*APPS, "timekeeping", "iopmanager", "demo", "bench"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ClassDef) and node.name not in SAME_NAME_IN_EVERY_MODULE:
                paths_by_name.setdefault(node.name, []).append(relative(path))
    assert {name: paths for name, paths in paths_by_name.items() if len(paths) > 1} == {}
