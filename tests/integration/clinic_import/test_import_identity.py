"""An import turns nobody into another person, and brings nobody in twice."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from accounts.models import User
from accounts.permissions import Role
from clinic_import.reading.faults import ImportFailed
from patients.models import LevelOfCareSpan, Patient
from scheduling.models import Booking, Meeting, Room
from scheduling.services.record.merge import merge_records, plan_merge
from tests.factories import make_staff
from tests.spreadsheets import CLINIC, clinic_with, import_files, only_fault

pytestmark = pytest.mark.django_db


def test_a_known_code_with_another_name_and_birth_date_is_a_fault(tmp_path: Path) -> None:
    import_files(tmp_path)
    assert only_fault(tmp_path, clinic_with("patients", "Emil,Hart,7/3/1988", "Omar,Haddad,1990-02-03")) == (
        "patients.csv, row 3, code: P2 is the code of Emil Hart, born Jul 3, 1988. This row has another name and another"
        " birth date. If it is another person, use another code. If it is the same person, correct the record on the chart."
    )
    assert str(Patient.objects.get(code="P2")) == "Emil Hart"


@pytest.mark.parametrize("new", ["Emil,Hart-Lund,7/3/1988", "Emil,Hart,7/13/1988", "EMIL, hart ,7/13/1988"])
def test_a_name_or_a_birth_date_alone_can_be_corrected(tmp_path: Path, new: str) -> None:
    import_files(tmp_path)
    assert len(import_files(tmp_path, clinic_with("patients", "Emil,Hart,7/3/1988", new)).changes) == 1


def test_a_known_staff_code_with_another_name_and_email_is_a_fault(tmp_path: Path) -> None:
    import_files(tmp_path)
    assert only_fault(tmp_path, clinic_with("staff", "ada@clinic.example,Ada Park", "eve@clinic.example,Eve Diaz")) == (
        "staff.csv, row 2, code: ADA is the code of Ada Park, ada@clinic.example. This row has another name and another"
        " email. If it is another person, use another code. If it is the same person, change one of them first and import"
        " again for the other."
    )
    assert User.objects.get(code="ADA").email == "ada@clinic.example"


@pytest.mark.parametrize("known_first", [True, False], ids=["in the database", "in the file"])
def test_one_person_under_two_codes_is_a_fault_unless_the_row_confirms_it(tmp_path: Path, known_first: bool) -> None:
    if known_first:
        import_files(tmp_path)
    twin = "NORTH,P7,ROSA,Lindqvist,5/17/1990,,,,,,{}\n"
    head, *rows = CLINIC["patients"].splitlines()
    text = "\n".join([f"{head},another_person", *(f"{row}," for row in rows), twin])
    assert only_fault(tmp_path, {**CLINIC, "patients": text.format("")}) == (
        "patients.csv, row 4, code: P1 is a patient with the same name and birth date. If it is the same person, use that"
        " code. If it is another person, enter yes under another_person."
    )
    import_files(tmp_path, {**CLINIC, "patients": text.format("yes")})
    assert Patient.objects.filter(last_name__iexact="Lindqvist").count() == 2
    assert not import_files(tmp_path, {**CLINIC, "patients": text.format("")}).changes


@pytest.mark.parametrize("code", ["p1", "P\u200b1", " P1\ufeff"])
def test_codes_are_compared_without_case_and_invisible_characters(tmp_path: Path, code: str) -> None:
    import_files(tmp_path)
    again = {
        **CLINIC,
        "rooms": CLINIC["rooms"].replace("BIG", "Big"),
        "meetings": CLINIC["meetings"]
        .replace("BIG,ADA", "big,ada")
        .replace("NORTH,M1", "north,m1")
        .replace("AM,", "am,"),
        "patients": CLINIC["patients"].replace("P1,", f"{code},"),
        "commitments": CLINIC["commitments"].replace("P1,C1", f"{code},c1"),
    }
    assert not import_files(tmp_path, again).changes
    assert Patient.objects.count() == 2
    assert Meeting.objects.count() == 3
    assert Room.objects.count() == 2


def test_codes_that_differ_only_in_case_are_one_code_in_the_file(tmp_path: Path) -> None:
    files = clinic_with("patients", "NORTH,P2,", "NORTH,p1,")
    files.pop("commitments")
    assert only_fault(tmp_path, files) == "patients.csv, row 3, code: Row 2 has the same code."


def test_a_new_order_without_its_first_day_asks_for_the_day(tmp_path: Path) -> None:
    import_files(tmp_path)
    changed = clinic_with("patients", "2.1,9,3", "2.1,12,4")
    assert only_fault(tmp_path, changed) == (
        "patients.csv, row 2, level_from: This order differs from the current one (prescribed_hours: 540 → 720;"
        " prescribed_days: 3 → 4). Enter the first day of the new order."
    )
    text = (
        changed["patients"]
        .replace("admitted,", "admitted,level_from,")
        .replace("2026-08-31,", "2026-08-31,2026-09-14,")
    )
    import_files(tmp_path, {**CLINIC, "patients": text})
    orders = LevelOfCareSpan.objects.order_by("starts").values_list("prescribed_minutes", flat=True)
    assert [*orders] == [540, 720]
    assert not Booking.objects.exists()


@pytest.mark.parametrize(
    ("change", "column"),
    [(("clinician@NORTH\nBEN", "reviewer@NORTH\nBEN"), "roles"), (("roles\nADA", "roles,active\nADA"), "active")],
    ids=["role", "account"],
)
def test_a_role_or_an_account_that_published_groups_need_cannot_be_taken_away(
    tmp_path: Path, change: tuple[str, str], column: str
) -> None:
    import_files(tmp_path)
    files = clinic_with("staff", *change)
    if column == "active":
        files["staff"] = files["staff"].replace("clinician@NORTH\nBEN", "clinician@NORTH,no\nBEN")
    rest = {name: files[name] for name in ("sites", "rooms", "staff")}
    for table in CLINIC:
        (tmp_path / f"{table}.csv").unlink()
    assert only_fault(tmp_path, rest) == (
        f"staff.csv, row 2, {column}: These groups need this person: Group (Monday), Group (Wednesday), Group (Friday). Give"
        " them to somebody else first."
    )
    assert User.objects.get(code="ADA").is_active
    given = CLINIC["meetings"].replace("ADA", "BEN")
    assert import_files(tmp_path, {**rest, "tracks": CLINIC["tracks"], "meetings": given}).changes


def merge_the_patients_of(tmp_path: Path) -> Patient:
    """Import two records of Rosa, each with its own commitment C1, merge P2 into P1, and return the kept record."""
    import_files(tmp_path, TWO_RECORDS)
    kept, absorbed = (Patient.objects.select_related("site", "user").get(code=code) for code in ("P1", "P2"))
    by = make_staff(Role.COORDINATOR, kept.site)
    now = datetime(2026, 11, 25, 15, tzinfo=UTC)
    seen = plan_merge(kept=kept, absorbed=absorbed, by=by, now=now).key
    merge_records(kept=kept, absorbed=absorbed, from_absorbed=(), reason="Came twice", seen=seen, by=by, now=now)
    return kept


TWO_RECORDS = clinic_with("patients", "P2,Emil,Hart,7/3/1988", "P2,Rosa,Lindqvist,1990-05-18")


def test_the_code_of_an_absorbed_record_is_taken_as_the_kept_patient(tmp_path: Path) -> None:
    kept = merge_the_patients_of(tmp_path)
    head, *_rows = CLINIC["patients"].splitlines()
    row = "NORTH,p2,Rosalie,Lindqvist,1990-05-17,,,,,"
    again = tmp_path / "again"
    again.mkdir()
    changes = import_files(again, {"patients": f"{head}\n{row}\n"}).changes
    kept.refresh_from_db()
    assert (len(changes), kept.first_name, Patient.all_records.count()) == (1, "Rosalie", 2)


def test_rows_of_both_records_of_a_merge_are_faults(tmp_path: Path) -> None:
    kept = merge_the_patients_of(tmp_path)
    with pytest.raises(ImportFailed) as failed:
        import_files(tmp_path, TWO_RECORDS)
    assert [str(fault) for fault in failed.value.faults] == [
        "patients.csv, row 3, code: P2 was merged into P1, which has a row, too. Remove one of the two rows.",
        "commitments.csv, row 3, code: The patient's record was merged into another one, and both had a commitment C1."
        " Change this commitment on the chart, and remove the row.",
    ]
    assert sorted(kept.commitments.values_list("label", flat=True)) == ["Hearing", "Night shift"]
