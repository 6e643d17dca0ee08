"""The layers of the code, read from its imports: which module may know which."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.paths import PROJECT

APPS = ["accounts", "patients", "scheduling", "attendance"]
LAYERS = ["domain", "models", "services", "forms", "views", "urls"]
AT_SERVICES = {
    "services",
    "ical",
    "clinic_import",
    "calendar_import",
    "audit",
    "reason_text",
    "double_booking",
    "jobs",
}
ABOVE_ALL_APPS = {"iopmanager.urls", "iopmanager.jobs"}
"""Lists of what the apps have. They are read by Django, by commands and by views."""
OUTSIDE_THE_LAYERS = {
    "apps",
    "admin",
    "migrations",
    "management",
    "adapter",
    "context",
    "templatetags",
    "permissions",
    "__init__",
}
AT_VIEWS = {"views", "context", "filters"}


def modules() -> Iterator[tuple[str, Path]]:
    for app in APPS:
        for path in sorted((PROJECT / app).rglob("*.py")):
            yield ".".join(path.relative_to(PROJECT).with_suffix("").parts), path


def imports_of(path: Path) -> set[str]:
    """Every module that is named in an import, also inside functions, but not those for type checkers alone."""
    tree = ast.parse(path.read_text())
    for_checkers = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test)
        for inner in ast.walk(node)
    }
    found = set()
    for node in ast.walk(tree):
        if id(node) in for_checkers:
            continue
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {f"{node.module}.{alias.name}" for alias in node.names} | {node.module}
    return found


def layer_of(module: str) -> int | None:
    """Where a module stands from left to right; None for what stands outside the layers."""
    parts = module.split(".")
    if parts[0] not in APPS or len(parts) < 2 or parts[1] in OUTSIDE_THE_LAYERS - AT_VIEWS:
        return None
    if parts[1] == "append_only":
        return LAYERS.index("models")
    if parts[1] in AT_VIEWS:
        return LAYERS.index("views")
    if parts[1] in AT_SERVICES or parts[1] == "week_picture":
        return LAYERS.index("services")
    return LAYERS.index(parts[1]) if parts[1] in LAYERS else None


ALL = [pytest.param(name, path, id=name) for name, path in modules()]


@pytest.mark.parametrize(("name", "path"), ALL)
def test_a_layer_imports_only_what_stands_left_of_it(name: str, path: Path) -> None:
    own = layer_of(name)
    if own is None:
        return
    wrong = {module for module in imports_of(path) if (other := layer_of(module)) is not None and other > own}
    assert not wrong


@pytest.mark.parametrize(("name", "path"), ALL)
def test_below_views_an_app_imports_only_apps_before_it(name: str, path: Path) -> None:
    layer = layer_of(name)
    if layer is None or layer >= LAYERS.index("views"):
        return
    place = APPS.index(name.split(".")[0])
    wrong = {
        module
        for module in imports_of(path)
        if (parts := module.split("."))[0] in APPS
        and APPS.index(parts[0]) > place
        and parts[1:2] != ["domain"]
        and len(parts) > 1
    }
    assert not wrong


@pytest.mark.parametrize(("name", "path"), ALL)
def test_below_views_nothing_knows_the_lists_of_all_apps(name: str, path: Path) -> None:
    layer = layer_of(name)
    if layer is None or layer >= LAYERS.index("views"):
        return
    assert not ABOVE_ALL_APPS & imports_of(path)


@pytest.mark.parametrize(("name", "path"), [each for each in ALL if ".domain." in str(each.values[0])])
def test_a_domain_needs_only_the_standard_library_and_domains(name: str, path: Path) -> None:
    for module in imports_of(path):
        parts = module.split(".")
        if parts[0] in APPS:
            assert len(parts) == 1 or parts[1] == "domain", module
        elif parts[0] != "timekeeping":
            assert parts[0] in sys.stdlib_module_names, module


def test_only_the_settings_read_the_environment_and_only_the_clock_reads_the_clock() -> None:
    for app in [*APPS, "timekeeping", "iopmanager"]:
        for path in (PROJECT / app).rglob("*.py"):
            text = path.read_text()
            if path.name not in {"settings.py", "wsgi.py"}:
                assert "os.environ" not in text, path
            if path.name != "clock.py" and "migrations" not in path.parts:
                for reading in ("datetime.now(", "date.today(", "timezone.now()", "time.time("):
                    assert reading not in text, path


def test_no_python_file_is_longer_than_350_lines() -> None:
    written = [path for _, path in modules() if "migrations" not in path.parts]
    long = [str(path) for path in written if len(path.read_text().splitlines()) > 350]
    assert not long
