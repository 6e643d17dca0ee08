"""Importing counselor hours: a second import writes only differences, and faulty rows are reported."""

from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from accounts.permissions import Role
from clinic_import.clinic import ImportResult, import_clinic
from clinic_import.reading.faults import ImportFailed
from scheduling.models import CounselorHours, Site
from tests.factories import make_site, make_staff

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 11, 18, 17, tzinfo=UTC)
TITLES = "site,person,weekday,starts,ends,valid_from,last_day\n"


@pytest.fixture
def site() -> Site:
    site = make_site(code="NORTH", closes="18:00")
    make_staff(Role.CLINICIAN, site, "Ada Park", email="ada@example.test")
    make_staff(Role.REVIEWER, site, "Grace Lindholm", email="grace@example.test")
    return site


def brought(folder: Path, rows: str, titles: str = TITLES) -> ImportResult:
    (folder / "counselor_hours.csv").write_text(titles + rows)
    return import_clinic(folder, by=None, now=NOW)


def test_hours_are_written_once_and_differences_are_changed(tmp_path: Path, site: Site) -> None:
    row = "NORTH,ada@example.test,Tue,13:00,17:00,,\n"
    assert [change.is_new for change in brought(tmp_path, row).changes] == [True]
    assert brought(tmp_path, row).changes == ()
    (change,) = brought(tmp_path, "NORTH,ada@example.test,Tue,13:00,16:00,,2026-12-31\n").changes
    assert [(each.column, each.before, each.after) for each in change.fields] == [
        ("ends", "17:00", "16:00"),
        ("last_day", "nothing", "2026-12-31"),
    ]
    hours = CounselorHours.objects.get()
    assert (hours.weekday, f"{hours.ends:%H:%M}", hours.valid_until) == (1, "16:00", date(2027, 1, 1))
    short = "NORTH,ada@example.test,Tue,13:00,15:00\n"
    (change,) = brought(tmp_path, short, "site,person,weekday,starts,ends\n").changes
    assert [each.column for each in change.fields] == ["ends"]
    assert CounselorHours.objects.get().valid_until == date(2027, 1, 1), "a column that is not there changes nothing"


@pytest.mark.parametrize(
    ("row", "fault"),
    [
        pytest.param(
            "NORTH,nobody,Tue,13:00,17:00,,\n",
            "row 2, person: “nobody” is not a code or email of anyone in staff.csv or in the database.",
            id="nobody",
        ),
        pytest.param(
            "NORTH,grace@example.test,Tue,13:00,17:00,,\n",
            "row 2, person: Grace Lindholm is not a clinician at NORTH and can't hold individual sessions there.",
            id="no clinician",
        ),
        pytest.param(
            "NORTH,ada@example.test,Tue,13:00,13:00,,\n",
            "row 2, ends: The end, 1:00 PM, is not after the start, 1:00 PM.",
            id="no time",
        ),
        pytest.param(
            "NORTH,ada@example.test,Tue,13:00,19:00,,\n",
            "row 2: The site closes at 6:00 PM. Choose an earlier time.",
            id="after the site closes",
        ),
        pytest.param(
            "NORTH,ada@example.test,Tue,13:00,17:00,,\nNORTH,ada@example.test,Tue,16:00,18:00,,\n",
            "row 3: These hours overlap others on Tuesday, 1:00–5:00 PM, at Harbor Street. Change the start or the end.",
            id="stated twice",
        ),
    ],
)
def test_faults_are_reported_and_nothing_is_written(tmp_path: Path, site: Site, row: str, fault: str) -> None:
    with pytest.raises(ImportFailed) as faulty:
        brought(tmp_path, row)
    assert [str(each) for each in faulty.value.faults] == [f"counselor_hours.csv, {fault}"]
    assert not CounselorHours.objects.exists()
