"""Staff upload files, see what would change or what is wrong, and confirm. Nobody else sees their imports."""

import io
from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile

import pytest
import time_machine
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import OperationalError
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from accounts.models import Action, AuditEvent, RoleAssignment, User
from accounts.permissions import Role
from clinic_import import clinic
from clinic_import.models import CLAIM_LASTS, KEPT_FOR, ClinicImport, ImportState
from clinic_import.services.details import unseal_details
from clinic_import.services.imports import delete_old_contents
from clinic_import.services.run import claim_import, run_import
from clinic_import.workbooks.worker import read_workbook
from patients.models import Patient
from scheduling.models import Room, Site
from tests.factories import make_patient, make_room, make_site, make_staff
from tests.spreadsheets import CLINIC, NOW, clinic_with

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def at_noon() -> Any:
    with time_machine.travel(NOW, tick=False) as traveller:
        yield traveller


@pytest.fixture
def administrator() -> User:
    return make_staff(Role.ADMINISTRATOR, None)


def upload(client: Client, user: User, files: Mapping[str, str | bytes], **fields: str) -> Any:
    """Upload the files, by name, as the user. Return the response after the redirects."""
    client.force_login(user)
    uploads = [
        SimpleUploadedFile(name, data if isinstance(data, bytes) else data.encode()) for name, data in files.items()
    ]
    return client.post(reverse("imports"), {"upload": uploads, "date_order": "", **fields}, follow=True)


def csv_files(tables: Mapping[str, str]) -> dict[str, str]:
    return {f"{table}.csv": text for table, text in tables.items()}


def as_zip(tables: Mapping[str, str]) -> bytes:
    packed = io.BytesIO()
    with ZipFile(packed, "w") as file:
        for table, text in tables.items():
            file.writestr(f"{table}.csv", text)
    return packed.getvalue()


def confirm(client: Client, item: ClinicImport) -> Any:
    address = reverse("clinic-import-confirm", args=[item.pk])
    return client.post(address, {"shown": item.digest}, follow=True)


def test_several_csv_files_are_previewed_and_then_imported(client: Client, administrator: User) -> None:
    page = upload(client, administrator, csv_files(CLINIC))
    item = ClinicImport.objects.get()
    assert (item.state, item.new, item.changed, item.unchanged) == (ImportState.PREVIEWED, 14, 0, 0)
    assert "Rows in these files: 14 new, 0 changed, 0 unchanged." in page.text
    assert "NORTH BIG" in page.text
    assert not Site.objects.exists()
    done = confirm(client, item)
    assert "The files have been imported. Rows: 14 new, 0 changed, 0 unchanged." in done.text
    assert Patient.objects.count() == 2
    item.refresh_from_db()
    assert (item.state, item.upload) == (ImportState.DONE, None)
    assert AuditEvent.objects.filter(
        subject_kind="clinicimport", action=Action.IMPORTED, actor_key=administrator.pk
    ).exists()


def test_a_zip_file_is_imported(client: Client, administrator: User) -> None:
    upload(client, administrator, {"clinic.zip": as_zip(CLINIC)})
    confirm(client, ClinicImport.objects.get())
    assert Room.objects.count() == 2


def test_the_preview_shows_values_before_and_after(client: Client, administrator: User) -> None:
    upload(client, administrator, csv_files(CLINIC))
    confirm(client, ClinicImport.objects.get())
    page = upload(client, administrator, csv_files({"rooms": CLINIC["rooms"].replace("12", "14")}))
    assert "Rows in these files: 0 new, 1 changed, 1 unchanged." in page.text
    for text in ("NORTH BIG", "places", "<td>12</td>", "<td>14</td>"):
        assert text in page.text


def test_files_that_change_nothing_cannot_be_confirmed(client: Client, administrator: User) -> None:
    upload(client, administrator, csv_files(CLINIC))
    confirm(client, ClinicImport.objects.get())
    page = upload(client, administrator, csv_files({"rooms": CLINIC["rooms"]}))
    assert "There is nothing to import: 2 rows are up to date." in page.text
    assert "clinic-import-confirm" not in page.text
    assert f"{reverse('imports')}{ClinicImport.objects.first().pk}/confirm/" not in page.text


def test_faults_are_listed_with_row_column_and_sentence(client: Client, administrator: User) -> None:
    files = csv_files(clinic_with("rooms", "Small room,6", "Small room,six"))
    files["staff.csv"] = files["staff.csv"].replace("LADC,clinician@NORTH", "LADC,clinician@WEST")
    page = upload(client, administrator, files)
    item = ClinicImport.objects.get()
    assert (item.state, item.faults) == (ImportState.FAULTY, 2)
    assert "2 errors were found, so nothing was imported." in page.text
    assert "“six” is not a whole number." in page.text
    assert "“WEST” is not a code in sites.csv or in the database." in page.text
    assert "rooms.csv" in page.text
    assert not Site.objects.exists()


def test_what_changed_since_the_preview_is_shown_before_anything_is_written(
    client: Client, administrator: User
) -> None:
    upload(client, administrator, csv_files(CLINIC))
    confirm(client, ClinicImport.objects.get())
    upload(client, administrator, csv_files({"rooms": CLINIC["rooms"].replace("12", "14")}))
    item = ClinicImport.objects.first()
    Room.objects.filter(code="SMALL").update(places=5)
    page = confirm(client, item)
    assert "The clinic’s records have changed since you saw the preview, so nothing was imported." in page.text
    item.refresh_from_db()
    assert (item.state, item.changed, item.has_changed) == (ImportState.PREVIEWED, 2, True)
    assert Room.objects.get(code="BIG").places == 12
    confirm(client, item)
    assert set(Room.objects.values_list("places", flat=True)) == {14, 6}


def test_a_preview_that_is_no_longer_shown_cannot_be_confirmed(client: Client, administrator: User) -> None:
    upload(client, administrator, csv_files(CLINIC))
    item = ClinicImport.objects.get()
    item.digest = "0" * 64
    page = confirm(client, item)
    assert "This import has changed since you opened the page." in page.text
    assert not Site.objects.exists()


def test_a_confirmation_that_is_sent_twice_imports_once(client: Client, administrator: User) -> None:
    upload(client, administrator, csv_files(CLINIC))
    item = ClinicImport.objects.get()
    confirm(client, item)
    events = AuditEvent.objects.filter(action=Action.IMPORTED).count()
    confirm(client, item)
    assert AuditEvent.objects.filter(action=Action.IMPORTED).count() == events


def test_files_are_stored_encrypted_and_deleted_when_discarded(client: Client, administrator: User) -> None:
    upload(client, administrator, csv_files(CLINIC))
    item = ClinicImport.objects.get()
    assert b"Lindqvist" not in bytes(item.upload) + bytes(item.details)
    client.post(reverse("clinic-import-discard", args=[item.pk]))
    item.refresh_from_db()
    assert (item.state, item.upload, item.details) == (ImportState.DISCARDED, None, None)


def test_the_nightly_job_deletes_files_after_a_day(client: Client, administrator: User) -> None:
    upload(client, administrator, csv_files(CLINIC))
    assert delete_old_contents(now=NOW + KEPT_FOR - timedelta(seconds=1)) == 0
    assert delete_old_contents(now=NOW + KEPT_FOR) == 1
    item = ClinicImport.objects.get()
    assert (item.state, item.upload, item.details) == (ImportState.DISCARDED, None, None)
    assert delete_old_contents(now=NOW + KEPT_FOR) == 0


def test_the_details_of_a_finished_import_are_deleted_but_not_its_numbers(client: Client, administrator: User) -> None:
    upload(client, administrator, csv_files(CLINIC))
    item = ClinicImport.objects.get()
    confirm(client, item)
    delete_old_contents(now=NOW + KEPT_FOR)
    page = client.get(reverse("clinic-import", args=[item.pk]))
    assert "The files have been imported. Rows: 14 new" in page.text
    assert "The details of an import are deleted after a day." in page.text


def test_nobody_else_sees_an_import(client: Client, administrator: User) -> None:
    upload(client, administrator, csv_files(CLINIC))
    item = ClinicImport.objects.get()
    client.force_login(make_staff(Role.ADMINISTRATOR, None))
    assert client.get(reverse("clinic-import", args=[item.pk])).status_code == 404
    for name in ("clinic-import-confirm", "clinic-import-discard", "clinic-import-again"):
        assert client.post(reverse(name, args=[item.pk])).status_code == 404
    assert item.file_names not in client.get(reverse("imports")).text


def test_reading_patients_in_a_preview_is_audited(client: Client) -> None:
    site = make_site(code="NORTH")
    patient = make_patient(site, code="P1", last_name="Lindqvist")
    titles, name = "site,code,first_name,last_name,birth_date,phone", patient.first_name
    text = f"{titles}\nNORTH,P1,{name},Lindqvist,{patient.birth_date},2075550123\n"
    upload(client, make_staff(Role.COORDINATOR, site), {"patients.csv": text})
    assert (
        AuditEvent.objects.filter(patient_key=patient.pk, action=Action.VIEWED, detail="preview of an import").count()
        == 1
    )


def test_records_that_the_file_does_not_mention_are_listed_and_stay(client: Client, administrator: User) -> None:
    upload(client, administrator, csv_files(CLINIC))
    confirm(client, ClinicImport.objects.get())
    make_room(make_site("Elsewhere", code="OTHER"))
    page = upload(client, administrator, csv_files({"rooms": CLINIC["rooms"].replace("NORTH,BIG,Big room,12\n", "")}))
    assert "1 record is not in the file, and stays as it is" in page.text
    assert "<li>NORTH BIG</li>" in page.text
    assert "<li>OTHER" not in page.text
    item = ClinicImport.objects.first()
    assert (item.state, item.new, item.changed, item.unchanged) == (ImportState.PREVIEWED, 0, 0, 1)


def test_every_table_of_a_clinic_that_mentions_everything_misses_nothing(client: Client, administrator: User) -> None:
    upload(client, administrator, csv_files(CLINIC))
    confirm(client, ClinicImport.objects.get())
    RoleAssignment.objects.create(user=administrator, role=Role.COORDINATOR, site=Site.objects.get())
    administrator.refresh_from_db()
    name, email, credential = administrator.name, administrator.email, administrator.credential
    staff = f"{CLINIC['staff']},{email},{name},{credential},administrator; coordinator@NORTH\n"
    page = upload(client, administrator, csv_files({**CLINIC, "staff": staff}))
    details = unseal_details(bytes(ClinicImport.objects.first().details))
    assert (details.faults, [each.changed_rows for each in details.tables if each.changed]) == ([], [])
    assert "There is nothing to import: 15 rows are up to date." in page.text
    assert "not in the file" not in page.text


# Blank files


def test_the_blank_workbook_has_every_column_and_comes_in_once_it_is_filled_in(
    client: Client, administrator: User
) -> None:
    client.force_login(administrator)
    data = client.get(reverse("import-blank-workbook")).content
    sheets = read_workbook(data)
    assert {name: rows[0][1] for name, rows in sheets.items()} == {
        kind.table: [column.name for column in kind.columns()] for kind in clinic.ROW_TYPES
    }
    page = upload(client, administrator, {"import.xlsx": data})
    assert "The files have no rows. Fill them in, and choose them again." in page.text


def test_the_blank_csv_files_come_in(client: Client, administrator: User) -> None:
    client.force_login(administrator)
    data = client.get(reverse("import-blank-csv")).content
    with ZipFile(io.BytesIO(data)) as packed:
        assert packed.namelist() == [f"{table}.csv" for table in clinic.TABLES]
    upload(client, administrator, {"import.zip": data})
    assert ClinicImport.objects.get().state == ImportState.PREVIEWED


def test_the_notes_on_the_titles_say_what_to_enter(client: Client, administrator: User) -> None:
    client.force_login(administrator)
    with ZipFile(io.BytesIO(client.get(reverse("import-blank-workbook")).content)) as parts:
        notes = "".join(parts.read(name).decode() for name in parts.namelist() if "comments" in name)
    assert "Required. Codes from the sheet sites." in notes
    assert "Optional. One of these: yes, no." in notes
    assert "Optional. One of these: draft, published." in notes
    assert "Required. For example 1990-05-17." in notes


# What goes wrong in the background


def test_an_error_is_caught_and_the_import_can_be_started_again(
    client: Client, administrator: User, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: Any) -> None:
        raise OperationalError("Rosa Lindqvist")

    with monkeypatch.context() as patch:
        patch.setattr(clinic, "_write", fail)
        page = upload(client, administrator, csv_files(CLINIC))
    assert "Something went wrong on the server, and nothing was imported." in page.text
    assert "Lindqvist" not in caplog.text
    item = ClinicImport.objects.get()
    assert item.state == ImportState.FAILED
    client.post(reverse("clinic-import-again", args=[item.pk]))
    item.refresh_from_db()
    assert item.state == ImportState.PREVIEWED


def test_an_import_whose_worker_was_killed_can_be_started_again(
    client: Client, administrator: User, at_noon: Any
) -> None:
    upload(client, administrator, csv_files(CLINIC))
    item = ClinicImport.objects.get()
    ClinicImport.objects.update(state=ImportState.WRITING, claimed_at=NOW, active_at=NOW)
    page = client.get(reverse("clinic-import", args=[item.pk]))
    assert "Importing." in page.text
    assert "Start again" not in page.text
    client.post(reverse("clinic-import-again", args=[item.pk]))
    assert not Site.objects.exists()
    at_noon.shift(CLAIM_LASTS)
    assert "Start again" in client.get(reverse("clinic-import", args=[item.pk])).text
    client.post(reverse("clinic-import-again", args=[item.pk]))
    item.refresh_from_db()
    assert item.state == ImportState.DONE
    assert Site.objects.exists()


def test_a_worker_begins_only_with_what_nobody_has_begun(client: Client, administrator: User) -> None:
    upload(client, administrator, csv_files(CLINIC))
    item = ClinicImport.objects.get()
    assert claim_import(import_id=item.pk, now=NOW) is None
    ClinicImport.objects.update(state=ImportState.CONFIRMED)
    assert claim_import(import_id=item.pk, now=NOW)
    assert claim_import(import_id=item.pk, now=NOW) is None
    run_import.call(item.pk)
    assert not Site.objects.exists()


def test_the_progress_is_asked_for_until_the_end(client: Client, administrator: User) -> None:
    upload(client, administrator, csv_files(CLINIC))
    item = ClinicImport.objects.get()
    ClinicImport.objects.update(
        state=ImportState.READING, progress_table="patients", progress_done=250, progress_rows=2000
    )
    address = reverse("clinic-import", args=[item.pk])
    page = client.get(address)
    assert 'hx-trigger="every 2s"' in page.text
    assert "Checking patients: row 250 of 2000." in page.text
    part = client.get(address, headers={"HX-Request": "true"})
    assert part.text.strip().startswith("<section")
    ClinicImport.objects.update(state=ImportState.PREVIEWED)
    assert client.get(address, headers={"HX-Request": "true"}).headers["HX-Refresh"] == "true"


# The upload form


def test_what_can_be_chosen_is_checked(client: Client, administrator: User) -> None:
    client.force_login(administrator)
    page = client.post(reverse("imports"), {"date_order": ""})
    assert page.status_code == 422
    assert "Choose a file." in page.text
    page = upload(client, administrator, {"a.xlsx": b"x", "rooms.csv": "site"})
    assert "Choose one workbook, one zip file, or several CSV files." in page.text
    assert not ClinicImport.objects.exists()


def zip_of(files: Mapping[str, bytes]) -> bytes:
    packed = io.BytesIO()
    with ZipFile(packed, "w", ZIP_DEFLATED) as file:
        for name, content in files.items():
            file.writestr(name, content)
    return packed.getvalue()


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        pytest.param(
            "clinic.xlsx",
            bytes.fromhex("d0cf11e0a1b11ae1") + "EncryptedPackage".encode("utf-16-le"),
            "The workbook is protected with a password. Save it without a password.",
            id="a password",
        ),
        pytest.param(
            "clinic.xlsm",
            zip_of({"xl/vbaProject.bin": b"macro"}),
            "The workbook has macros. Save it as “Excel Workbook (.xlsx)”, without macros.",
            id="macros",
        ),
        pytest.param(
            "clinic.zip",
            zip_of({"a/sites.csv": b"code", "b/rooms.csv": b"code"}),
            "The zip file has several folders. Put all files in one folder.",
            id="folders in a zip file",
        ),
        pytest.param(
            "clinic.zip",
            zip_of({"sites.csv": bytes(200 * 1024 * 1024 + 1)}),
            "The zip file is too large. Put only the files to import in it.",
            id="a zip bomb",
        ),
        pytest.param(
            "clinic.pdf",
            b"%PDF",
            "Use a workbook (.xlsx, .ods), a zip file or CSV files.",
            id="another kind of file",
        ),
    ],
)
def test_a_file_that_cannot_be_read_is_refused_in_a_sentence(
    client: Client, administrator: User, name: str, content: bytes, sentence: str
) -> None:
    page = upload(client, administrator, {name: content})
    assert "1 error was found, so nothing was imported." in page.text
    assert sentence in page.text
    assert ClinicImport.objects.get().state == ImportState.FAULTY


def test_files_of_several_megabytes_come_in_and_larger_ones_are_refused(client: Client, administrator: User) -> None:
    notes = "x" * 6_000_000
    page = upload(client, administrator, {"rooms.csv": f"site,code,name,places\nNORTH,A,{notes},3\n"})
    assert "1 error was found" in page.text
    page = upload(client, administrator, {"rooms.csv": b"x" * 11_000_000, "staff.csv": b"x" * 11_000_000})
    assert "Choose at most 20.0 MB, or import them in parts." in page.text
    assert ClinicImport.objects.count() == 1


def test_the_order_of_dates_is_the_users_choice(client: Client, administrator: User) -> None:
    files = csv_files({**CLINIC, "closures": "site,first_day,reason\nNORTH,3/12/27,Snow\n"})
    upload(client, administrator, files)
    assert ClinicImport.objects.get().state == ImportState.FAULTY
    upload(client, administrator, files, date_order="mdy")
    assert ClinicImport.objects.first().state == ImportState.PREVIEWED


def test_the_number_of_queries_does_not_depend_on_the_number_of_imports(
    client: Client, administrator: User, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    make_site()
    for number in (1, 3):
        while ClinicImport.objects.count() < number:
            upload(client, administrator, {"rooms.csv": CLINIC["rooms"]})
        client.get(reverse("imports"))
        with django_assert_num_queries(5):
            client.get(reverse("imports"))


# Rights


def coordinator(*sites: Site) -> User:
    user = make_staff(Role.COORDINATOR, sites[0])
    RoleAssignment.objects.bulk_create(
        RoleAssignment(user=user, role=Role.COORDINATOR, site=site) for site in sites[1:]
    )
    return user


PATIENTS = "site,code,first_name,last_name,birth_date\n"


@pytest.mark.parametrize(
    ("role", "files", "sentence"),
    [
        pytest.param(
            Role.COORDINATOR, {"rooms": "site,code,name,places\nNORTH,A,Room,3\n"},
            "You are not an administrator of NORTH. An administrator of that site can import this row.",
            id="a coordinator's rooms",
        ),
        pytest.param(
            Role.COORDINATOR, {"tracks": "site,code,name\nSOUTH,A,Track\n"},
            "You may not change the timetable of SOUTH. A coordinator of that site can import this row.",
            id="another site's tracks",
        ),
        pytest.param(
            Role.ADMINISTRATOR, {"patients": f"{PATIENTS}NORTH,P9,Rosa,Hart,1990-05-17\n"},
            "You may not change patients of NORTH. A coordinator of that site can import this row.",
            id="an administrator's patients",
        ),
        pytest.param(
            Role.ADMINISTRATOR, {"sites": "code,name,time_zone\nEAST,East,America/New_York\n"},
            "Only an administrator of all sites can add a site.",
            id="a new site",
        ),
        pytest.param(
            Role.ADMINISTRATOR, {"staff": "email,name,roles\neve@clinic.example,Eve,administrator\n"},
            "Only an administrator of all sites can import people who work at every site.",
            id="an administrator of all sites",
        ),
        pytest.param(
            Role.ADMINISTRATOR, {"staff": "email,name,roles\neve@clinic.example,Eve,clinician@SOUTH\n"},
            "You are not an administrator of SOUTH. An administrator of that site can import this row.",
            id="another site's staff",
        ),
        pytest.param(
            Role.ADMINISTRATOR, {"staff": "email,name,roles\nBEN@clinic.example,Ben Cho,clinician@NORTH\n"},
            "The email address ben@clinic.example is in use. Use another address.",
            id="the address of somebody at another site",
        ),
        pytest.param(
            Role.COORDINATOR, {"patients": f"{PATIENTS}NORTH,P7,Rosa,Hart,1990-05-17\n"},
            "The code P7 is in use. Use another code.",
            id="the code of another site's patient",
        ),
        pytest.param(
            Role.COORDINATOR, {"commitments": "patient,code,kind,label,starts,ends,on\nP7,C,work,Job,9:00,17:00,2026-10-05\n"},
            "You may not change a patient with the code P7.",
            id="another site's patient",
        ),
    ],
)  # fmt: skip
def test_a_row_outside_of_the_users_rights_is_a_fault(
    client: Client, role: Role, files: dict[str, str], sentence: str
) -> None:
    north, south = make_site("Harbor Street", code="NORTH"), make_site("Mill Road", code="SOUTH")
    make_patient(south, code="P7", first_name="Emil", last_name="Secret")
    ben = make_staff(Role.CLINICIAN, south, "Ben Secret")
    User.objects.filter(pk=ben.pk).update(email="ben@clinic.example")
    page = upload(client, make_staff(role, north), csv_files(files))
    assert sentence in page.text
    assert "1 error was found" in page.text
    assert "Secret" not in page.text


def test_rows_with_the_same_missing_right_are_one_fault(client: Client) -> None:
    north = make_site("Harbor Street", code="NORTH")
    rows = "".join(f"NORTH,P{number},Rosa,Hart,1990-05-17\n" for number in range(3))
    page = upload(client, make_staff(Role.ADMINISTRATOR, north), {"patients.csv": PATIENTS + rows})
    assert "1 error was found" in page.text
    assert "A coordinator of that site can import this row. The same goes for 2 more rows." in page.text


def test_a_person_in_care_at_another_site_is_not_revealed(client: Client) -> None:
    north, south = make_site("Harbor Street", code="NORTH"), make_site("Mill Road", code="SOUTH")
    known = make_patient(south, code="P7", first_name="Rosa", last_name="Hart")
    text = f"{PATIENTS}NORTH,P8,Rosa,Hart,{known.birth_date}\n"
    page = upload(client, coordinator(north), {"patients.csv": text})
    assert "Rows in these files: 1 new, 0 changed, 0 unchanged." in page.text
    page = upload(client, coordinator(north, south), {"patients.csv": text})
    assert "P7 is a patient with the same name and birth date." in page.text


def test_rights_that_ended_after_the_preview_count(client: Client) -> None:
    north = make_site("Harbor Street", code="NORTH")
    user = coordinator(north)
    make_staff(Role.COORDINATOR, north)
    upload(client, user, {"patients.csv": f"{PATIENTS}NORTH,P8,Rosa,Hart,1990-05-17\n"})
    item = ClinicImport.objects.get()
    ClinicImport.objects.update(state=ImportState.CONFIRMED)
    RoleAssignment.objects.filter(user=user).update(role=Role.REVIEWER)
    run_import.call(item.pk)
    item.refresh_from_db()
    assert item.state == ImportState.FAULTY
    assert not Patient.objects.exists()
