"""An administrator downloads blank files, fills them in with two mistakes, repairs them, and imports the clinic."""

import io
from zipfile import ZipFile

import pytest
from django.core.cache import cache
from django.urls import reverse
from playwright.sync_api import FilePayload, Page, expect

from accounts.permissions import Role
from scheduling.models import Room, Site
from tests.factories import make_staff
from tests.journeys.accessibility.checks import assert_accessible
from tests.journeys.steps import SignIn, follow, settle

pytestmark = [pytest.mark.journey, pytest.mark.django_db(transaction=True)]

ROWS = {
    "sites": {"code": "NORTH", "name": "Harbor Street", "time_zone": "America/New York"},
    "rooms": {"site": "NORTH", "code": "BIG", "name": "Big room", "places": "twelve"},
}
REPAIRED = {"America/New York": "America/New_York", "twelve": "12"}


def fill(blank: dict[str, str], *, is_repaired: bool) -> list[FilePayload]:
    """Fill a row into each of the blank files. `blank` has the titles by table."""
    files: list[FilePayload] = []
    for table, row in ROWS.items():
        cells = [row.get(title, "") for title in blank[table].strip().split(",")]
        cells = [REPAIRED.get(cell, cell) if is_repaired else cell for cell in cells]
        text = f"{blank[table]}{','.join(cells)}\r\n"
        files.append({"name": f"{table}.csv", "mimeType": "text/csv", "buffer": text.encode()})
    return files


def test_a_clinic_is_imported_after_two_mistakes_are_repaired(page: Page, sign_in: SignIn) -> None:
    cache.clear()
    sign_in(page, make_staff(Role.ADMINISTRATOR, None))
    page.goto(reverse("imports"))
    settle(page)
    assert_accessible(page)
    with page.expect_download() as download:
        page.get_by_role("link", name="blank CSV files").click()
    with ZipFile(io.BytesIO(download.value.path().read_bytes())) as packed:
        blank = {name.removesuffix(".csv"): packed.read(name).decode() for name in packed.namelist()}

    page.get_by_label("Files").set_input_files(fill(blank, is_repaired=False))
    follow(page.get_by_role("button", name="Check files"))
    expect(page.get_by_text("2 errors were found, so nothing was imported.")).to_be_visible()
    expect(page.get_by_text("“twelve” is not a whole number.")).to_be_visible()
    expect(page.get_by_text("“America/New York” is not a time zone.")).to_be_visible()
    assert_accessible(page)
    assert not Site.objects.exists()

    follow(page.get_by_role("link", name="Choose files"))
    page.get_by_label("Files").set_input_files(fill(blank, is_repaired=True))
    follow(page.get_by_role("button", name="Check files"))
    expect(page.get_by_text("Rows in these files: 2 new, 0 changed, 0 unchanged.")).to_be_visible()
    assert_accessible(page)
    assert not Site.objects.exists()
    follow(page.get_by_role("button", name="Import rows"))
    expect(page.get_by_text("The files have been imported. Rows: 2 new, 0 changed, 0 unchanged.")).to_be_visible()
    assert_accessible(page)
    assert Room.objects.get().places == 12
