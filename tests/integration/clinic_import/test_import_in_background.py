"""Imports run beside the work of others: two imports at once, progress that the page can read, and a preview without locks."""

import threading
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any
from unittest.mock import Mock

import pytest
import time_machine
from django.db import DatabaseError, connection, transaction

from accounts.models import AuditEvent, User
from accounts.permissions import Role
from clinic_import import clinic
from clinic_import.import_run import ImportRun
from clinic_import.models import ClinicImport, ImportState
from clinic_import.services import imports
from clinic_import.services.imports import confirm_import, upload_import
from clinic_import.services.run import run_import
from patients.models import Patient
from scheduling.models import Room, Site
from tests.concurrency import at_the_same_time
from tests.factories import make_staff
from tests.spreadsheets import CLINIC, NOW

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def administrator() -> User:
    return make_staff(Role.ADMINISTRATOR, None)


@pytest.fixture(autouse=True)
def _tasks_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the tests run the tasks, outside of the transactions that enqueue them, as the background worker does."""
    monkeypatch.setattr(imports, "run_import", Mock())


def upload(by: User, tables: Mapping[str, str] = CLINIC) -> ClinicImport:
    files = [(f"{table}.csv", text.encode()) for table, text in tables.items()]
    stored = upload_import(files=files, date_order=None, by=by, now=NOW)
    run_import.call(stored.pk)
    return ClinicImport.objects.get(pk=stored.pk)


def confirm(item: ClinicImport) -> None:
    confirm_import(import_id=item.pk, shown=item.digest, now=NOW)
    run_import.call(item.pk)


def state_of(item: ClinicImport) -> str:
    return ClinicImport.objects.get(pk=item.pk).state


def elsewhere(act: Callable[[], object]) -> object:
    """Run the act in another thread, with a connection of its own, and return its result or its error."""
    results: list[object] = []

    def run() -> None:
        try:
            results.append(act())
        except DatabaseError as error:
            results.append(error)
        finally:
            connection.close()

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    return results[0]


def during(monkeypatch: pytest.MonkeyPatch, act: Callable[[ImportRun], object]) -> list[object]:
    """Call `act` whenever an import has written its rows, before its transaction ends. Return the list of its results."""
    results: list[object] = []
    write: Any = clinic._write

    def write_and_act(run: ImportRun) -> None:
        write(run)
        results.append(act(run))

    monkeypatch.setattr(clinic, "_write", write_and_act)
    return results


def test_a_preview_writes_nothing(administrator: User) -> None:
    item = upload(administrator)
    assert (item.state, item.new) == (ImportState.PREVIEWED, 14)
    assert not Site.objects.exists()
    confirm(item)
    assert state_of(item) == ImportState.DONE
    assert Patient.objects.count() == 2


def test_others_can_write_during_a_preview(administrator: User, monkeypatch: pytest.MonkeyPatch) -> None:
    earlier = upload(administrator, {"rooms": CLINIC["rooms"]})

    def rename(_: ImportRun) -> object:
        return elsewhere(lambda: ClinicImport.objects.filter(pk=earlier.pk).update(file_names="Renamed meanwhile"))

    assert during(monkeypatch, rename) == []
    item = upload(administrator)
    assert item.state == ImportState.PREVIEWED
    assert ClinicImport.objects.get(pk=earlier.pk).file_names == "Renamed meanwhile"


def test_the_progress_of_a_preview_can_be_read_meanwhile(administrator: User, monkeypatch: pytest.MonkeyPatch) -> None:
    def progress(run: ImportRun) -> object:
        with time_machine.travel(NOW + timedelta(hours=1)):
            run.progress("patients", 250, 2000)
        values = ClinicImport.objects.values_list("state", "progress_table", "progress_done", "progress_rows")
        return elsewhere(values.get)

    with time_machine.travel(NOW):
        seen = during(monkeypatch, progress)
        upload(administrator)
    assert seen == [(ImportState.READING, "patients", 250, 2000)]


def test_of_two_imports_at_once_the_second_is_judged_again(administrator: User) -> None:
    tables = {table: text for table, text in CLINIC.items() if table not in ("patients", "commitments")}
    items = [upload(administrator, tables), upload(administrator, tables)]
    ClinicImport.objects.update(state=ImportState.CONFIRMED)
    assert at_the_same_time(*(lambda item=item: run_import.call(item.pk) for item in items)) == ["done", "done"]
    by_state = {each.state: each for each in ClinicImport.objects.all()}
    assert set(by_state) == {ImportState.DONE, ImportState.PREVIEWED}
    second = by_state[ImportState.PREVIEWED]
    assert (second.has_changed, second.new, second.changed, second.unchanged) == (True, 0, 0, 10)
    assert Room.objects.count() == 2


def test_a_task_that_runs_twice_imports_once(administrator: User) -> None:
    item = upload(administrator)
    ClinicImport.objects.update(state=ImportState.CONFIRMED)
    at_the_same_time(lambda: run_import.call(item.pk), lambda: run_import.call(item.pk))
    assert state_of(item) == ImportState.DONE
    assert AuditEvent.objects.filter(subject_kind="clinicimport", action="imported").count() == 1


@pytest.mark.usefixtures("postgres_only")
def test_nobody_changes_a_site_while_an_import_writes(administrator: User, monkeypatch: pytest.MonkeyPatch) -> None:
    first = upload(administrator)
    confirm(first)

    @transaction.atomic
    def lock() -> object:
        return Site.objects.select_for_update(no_key=True, nowait=True).get(code="NORTH").name

    outcomes = during(monkeypatch, lambda _: type(elsewhere(lock)).__name__)
    second = upload(administrator, {"rooms": CLINIC["rooms"].replace("12", "14")})
    confirm(second)
    assert outcomes == ["OperationalError", "OperationalError"]
    assert elsewhere(lock) == "Harbor Street"
