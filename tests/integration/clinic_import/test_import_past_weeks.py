"""A workbook with enrollments and eight weeks of attendance comes in through the import's page, and changes nothing twice."""

from pathlib import Path

import pytest
import time_machine
from django.test import Client

from accounts.models import RoleAssignment
from accounts.permissions import Role
from attendance.models import Attendance
from clinic_import.models import ClinicImport, ImportState
from scheduling.models import Site
from tests.factories import make_staff
from tests.integration.clinic_import.test_import_attendance import (
    P1_LEDGERS,
    P2_LEDGERS,
    WEEKS,
    as_workbook,
    ledgers_of,
)
from tests.integration.clinic_import.test_import_page import confirm, upload
from tests.spreadsheets import NOW

pytestmark = pytest.mark.django_db


@time_machine.travel(NOW, tick=False)
def test_eight_weeks_come_in_through_the_page_and_change_nothing_twice(client: Client, tmp_path: Path) -> None:
    administrator = make_staff(Role.ADMINISTRATOR, None)
    workbook = {"clinic.xlsx": as_workbook(tmp_path).read_bytes()}
    upload(client, administrator, workbook)
    preview = ClinicImport.objects.get()
    assert (preview.state, preview.faults) == (ImportState.PREVIEWED, 0)
    assert not Attendance.objects.exists()
    confirm(client, preview)
    assert ledgers_of("P1", WEEKS) == P1_LEDGERS
    assert ledgers_of("P2", WEEKS[4:]) == P2_LEDGERS

    # The site is no longer new, so only a coordinator of the site may import its patients.
    RoleAssignment.objects.create(user=administrator, role=Role.COORDINATOR, site=Site.objects.get())
    page = upload(client, administrator, workbook)
    assert f"There is nothing to import: {preview.new} rows are up to date." in page.text
    assert Attendance.objects.count() == 36
