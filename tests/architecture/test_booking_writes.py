"""Only a few functions write bookings. Each way to add or move bookings ends with `run_after_booking`.

`run_after_booking` runs the follow-ups of other apps, such as excusing patients on leave. Without the call, patients on
leave would not be excused until the nightly job runs.
"""

import ast
from collections.abc import Iterator

import pytest

from tests.paths import PROJECT

APPS = ["accounts", "patients", "scheduling", "attendance", "clinic_import", "demo"]
BOOKING_WRITERS = {
    "scheduling.services.administration.rule_sets._write_bookings",
    "scheduling.services.administration.time_zones._move_sessions",
    "scheduling.services.bookings.book.new_booking",
    "scheduling.services.bookings.book.insert_bookings",
    "scheduling.services.bookings.book.restore_bookings",
    "scheduling.services.bookings.book.restore_released",
    "scheduling.services.bookings.book.copy_times",
    "scheduling.services.bookings.placement._insert_bookings",
    "scheduling.services.bookings.placement._as_bookings",
    "scheduling.services.bookings.release.release_bookings",
    "scheduling.services.bookings.release.release_uncovered_bookings",
}
"""Functions that may write bookings. The last two only release bookings and therefore need no follow-up."""
RUN_FOLLOW_UP = [
    "scheduling.services.administration.rule_sets._write_bookings",
    "scheduling.services.administration.time_zones._move_sessions",
    "scheduling.services.bookings.book.insert_bookings",
    "scheduling.services.bookings.book.restore_bookings",
    "scheduling.services.bookings.book.restore_released",
    "scheduling.services.bookings.book.copy_times",
    "scheduling.services.bookings.placement.book_enrollments",
]
WRITING_METHODS = {"create", "get_or_create", "update_or_create", "bulk_create", "bulk_update", "update", "save"}


def functions() -> Iterator[tuple[str, ast.FunctionDef]]:
    for app in APPS:
        for path in sorted((PROJECT / app).rglob("*.py")):
            module = ".".join(path.relative_to(PROJECT).with_suffix("").parts)
            if "migrations" not in path.parts:
                for node in ast.walk(ast.parse(path.read_text())):
                    if isinstance(node, ast.FunctionDef):
                        yield f"{module}.{node.name}", node


def names_in_chain(node: ast.expr) -> set[str]:
    """Return the names in a chain such as `a.b(...).c`: a, b and c. Names in the arguments are left out."""
    if isinstance(node, ast.Call):
        return names_in_chain(node.func)
    if isinstance(node, ast.Attribute):
        return {node.attr} | names_in_chain(node.value)
    return {node.id} if isinstance(node, ast.Name) else set()


def writes_bookings(function: ast.FunctionDef) -> bool:
    """Whether the function builds a Booking, or calls a writing method such as `update` on bookings."""
    bookings = {"Booking", "bookings", "new_booking"}
    for node in ast.walk(function):
        if isinstance(node, ast.Assign) and names_in_chain(node.value) & bookings:
            bookings |= {target.id for target in node.targets if isinstance(target, ast.Name)}
    for node in ast.walk(function):
        if not isinstance(node, ast.Call):
            continue
        if isinstance(node.func, ast.Name) and node.func.id == "Booking":
            return True
        is_write = isinstance(node.func, ast.Attribute) and node.func.attr in WRITING_METHODS
        if is_write and names_in_chain(node.func) & bookings:
            return True
    return False


def test_only_the_listed_functions_write_bookings() -> None:
    assert {name for name, function in functions() if writes_bookings(function)} == BOOKING_WRITERS


@pytest.mark.parametrize("name", RUN_FOLLOW_UP)
def test_a_function_that_books_ends_with_the_follow_up(name: str) -> None:
    (function,) = (function for each, function in functions() if each == name)
    last = [statement for statement in function.body if not isinstance(statement, ast.Return)][-1]
    assert isinstance(last, ast.Expr)
    assert isinstance(last.value, ast.Call)
    assert ast.unparse(last.value.func) == "run_after_booking"


def test_only_the_booking_of_enrollments_calls_the_bulk_insert() -> None:
    callers = {
        name
        for name, function in functions()
        if any(isinstance(node, ast.Name) and node.id == "_insert_bookings" for node in ast.walk(function))
    }
    assert callers == {"scheduling.services.bookings.placement.book_enrollments"}
