"""Sign-ins are prepared, and people are invited once, and only if the file says so."""

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

import pytest
from django.core import mail
from django.core.management import CommandError, call_command
from django_tasks_db.models import DBTaskResult
from pytest_django.fixtures import Settings

from accounts.models import Invitation, OutgoingMail, User
from accounts.permissions import Role
from accounts.services.invitations import accept_invitation, withdraw_invitations
from clinic_import.clinic import ImportResult, import_clinic, known_titles, parse_clinic, write_clinic
from clinic_import.reading.faults import ImportFailed
from clinic_import.reading.sources import read_source
from iopmanager.settings import MAILERS
from patients.models import Patient
from tests.factories import make_patient_user, make_site, make_staff
from tests.spreadsheets import CLINIC, NOW, import_files, write_files

pytestmark = pytest.mark.django_db

HEAD = "patient,staff,email,language,invite\n"
INVITED = HEAD + "P1,,Rosa@mail.example,Spanish,yes\n,ADA,,,yes\nP2,,emil@mail.example,,no\n,ben@clinic.example,,es,\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An empty folder, after the import of the clinic."""
    import_files(tmp_path)
    for table in CLINIC:
        (tmp_path / f"{table}.csv").unlink()
    return tmp_path


def users(folder: Path, text: str, *, days: int = 0, dry_run: bool = False) -> ImportResult:
    by = User.objects.get(code="BEN")
    source = write_files(folder, {"users": text})
    return import_clinic(source, by=by, now=NOW + timedelta(days=days), dry_run=dry_run)


def import_as(folder: Path, by: User) -> ImportResult:
    """Import the files with the rights of the user, as the page does."""
    files = parse_clinic(*read_source(folder, known_titles()), None)
    return write_clinic(files, by=by, now=NOW, checks_rights=True)


def faults_of(folder: Path, text: str) -> list[str]:
    with pytest.raises(ImportFailed) as found:
        users(folder, HEAD + text)
    assert not Invitation.objects.exists()
    assert mail.outbox == []
    return [str(fault) for fault in found.value.faults]


def fields(result: ImportResult) -> Mapping[str, list[tuple[str, str, str]]]:
    found: dict[str, list[tuple[str, str, str]]] = {}
    for change in result.changes:
        found.setdefault(change.label, []).extend((each.column, each.before, each.after) for each in change.fields)
    return found


def test_people_are_invited_in_their_language_and_the_links_work(folder: Path, settings: Settings) -> None:
    settings.PUBLIC_URL = "https://clinic.example"
    assert fields(users(folder, INVITED)) == {
        "P1": [("email", "nothing", "rosa@mail.example"), ("invite", "nothing", "rosa@mail.example")],
        "ADA": [("invite", "nothing", "ada@clinic.example")],
        "P2": [("email", "nothing", "emil@mail.example")],
        "ben@clinic.example": [("language", "nothing", "es")],
    }
    rosa, ada = mail.outbox
    assert (rosa.to, ada.to) == (["rosa@mail.example"], ["ada@clinic.example"])
    assert ada.subject == "Your sign-in link"
    assert rosa.subject != ada.subject, "Spanish"
    link = next(word for word in str(rosa.body).split() if word.startswith("https://clinic.example/"))
    user = accept_invitation(
        token=link.rstrip("/").rsplit("/", 1)[1], email="rosa@other.example", password="Tide-Ferry-27-Lamp", now=NOW
    )
    assert Patient.objects.get(code="P1").user == user
    assert [*Patient.objects.order_by("code").values_list("email", flat=True)] == [
        "rosa@mail.example",
        "emil@mail.example",
    ]


@pytest.mark.parametrize("days", [0, 30], ids=["the same day", "after the links have expired"])
def test_importing_twice_invites_nobody_twice(folder: Path, days: int) -> None:
    users(folder, INVITED)
    assert not users(folder, INVITED, days=days).changes
    assert len(mail.outbox) == Invitation.objects.count() == 2


def test_a_withdrawn_link_and_an_account_stay_as_they_are(folder: Path) -> None:
    users(folder, INVITED)
    withdraw_invitations(Invitation(user=User.objects.get(code="ADA")), by=User.objects.get(code="BEN"), now=NOW)
    User.objects.get(code="BEN").set_password("Tide-Ferry-27-Lamp")
    make_patient_user(Patient.objects.get(code="P2"))
    everybody = INVITED.replace(",no\n", ",yes\n")
    assert not users(folder, everybody).changes
    assert len(mail.outbox) == 2


def test_a_preview_and_an_import_with_a_fault_send_nothing(folder: Path, settings: Settings) -> None:
    settings.TASKS = {**settings.TASKS, "background": {"BACKEND": "django_tasks_db.DatabaseBackend"}}
    settings.MAILERS = MAILERS
    assert len(users(folder, INVITED, dry_run=True).changes) == 5
    with pytest.raises(ImportFailed):
        users(folder, INVITED + "P9,,who@mail.example,,yes\n")
    for model in (Invitation, OutgoingMail, DBTaskResult):
        assert not model.objects.exists()
    users(folder, INVITED)
    assert OutgoingMail.objects.count() == 2, "the mail waits for the worker"


@pytest.mark.parametrize(
    ("rows", "sentence"),
    [
        pytest.param(
            "P1,ADA,,,yes\n",
            "row 2, patient: Enter either the code of a patient, or the code or email of a staff member under staff.",
            id="two people in one row",
        ),
        pytest.param(
            ",,who@mail.example,,yes\n",
            "row 2, patient: Enter either the code of a patient, or the code or email of a staff member under staff.",
            id="nobody",
        ),
        pytest.param(
            "P1,,BEN@clinic.example,,no\n",
            "row 2, email: Somebody else signs in with ben@clinic.example. Use a different email.",
            id="the email of somebody else",
        ),
        pytest.param(
            "P1,,,,yes\n",
            "row 2, email: An invitation needs an email address. Fill it in, or enter no under invite.",
            id="no email",
        ),
        pytest.param(
            "P1,,us@mail.example,,yes\nP2,,us@mail.example,,yes\n", "row 3, email: Row 2 has the same email.",
            id="two people with one email",
        ),
        pytest.param(
            ",EVE,,,yes\n", "row 2, staff: “EVE” is not a code or email of anyone in staff.csv or in the database.",
            id="an unknown staff member",
        ),
        pytest.param(
            ",ADA,ada@home.example,,yes\n",
            "row 2, email: Ada Park signs in with ada@clinic.example. Leave this blank, or change the email in staff.csv.",
            id="another email of a staff member",
        ),
        pytest.param(
            ",ADA,,,yes\n,ada@clinic.example,,,yes\n",
            "row 3, staff: Row 2 is about the same person. Remove one of the rows.",
            id="a staff member twice",
        ),
        pytest.param(
            "P1,,rosa@mail.example,French,yes\n",
            "row 2, language: The pages are not available in “French”. Use one of these: English, Spanish.",
            id="another language",
        ),
        pytest.param("P1,,rosa,,yes\n", "row 2, email: “rosa” is not an email address.", id="no address"),
        pytest.param(
            "P9,,who@mail.example,,yes\n", "row 2, patient: “P9” is not a code in patients.csv or in the database.",
            id="an unknown patient",
        ),
    ],
)  # fmt: skip
def test_a_wrong_row_is_one_fault_and_sends_nothing(folder: Path, rows: str, sentence: str) -> None:
    assert faults_of(folder, rows) == [f"users.csv, {sentence}"]


def test_the_account_of_a_patient_is_not_a_staff_member(folder: Path) -> None:
    user = make_patient_user(Patient.objects.get(code="P1"))
    (sentence,) = faults_of(folder, f",{user.email},,,yes\n")
    assert sentence.startswith("users.csv, row 2, staff: ")


def test_an_account_that_is_off_is_not_invited(folder: Path) -> None:
    User.objects.filter(code="ADA").update(is_active=False)
    assert faults_of(folder, ",ADA,,,yes\n") == [
        "users.csv, row 2, invite: The account of Ada Park is off. Turn it on first, or enter no under invite."
    ]


def test_invitations_are_sent_in_somebodys_name(folder: Path) -> None:
    write_files(folder, {"users": INVITED})
    with pytest.raises(ImportFailed, match=r"users\.csv: Invitations are sent in somebody's name\."):
        import_clinic(folder, by=None, now=NOW)
    with pytest.raises(CommandError):
        call_command("import_clinic", folder)
    call_command("import_clinic", folder, "--by", "ben@clinic.example")
    assert {invitation.created_by.code for invitation in Invitation.objects.all()} == {"BEN"}


def test_the_email_in_patients_csv_counts(tmp_path: Path) -> None:
    files = {
        **CLINIC,
        "patients": "site,code,first_name,birth_date,email\nNORTH,P1,Rosa,1990-05-17,\nNORTH,P2,Emil,1988-07-03,\n",
        "users": HEAD + "P1,,rosa@mail.example,,no\n",
    }
    files.pop("commitments")
    import_files(tmp_path, files)
    assert Patient.objects.get(code="P1").email == ""
    assert not import_files(tmp_path, files).changes


@pytest.mark.parametrize("cell", ["ADA", "ada", "Ada@Clinic.Example"])
def test_a_coordinator_invites_patients_and_no_staff(folder: Path, cell: str) -> None:
    ben = User.objects.get(code="BEN")
    write_files(folder, {"users": HEAD + f"P1,,rosa@mail.example,,yes\n,{cell},,,yes\n"})
    with pytest.raises(ImportFailed) as found:
        import_as(folder, ben)
    assert [str(fault) for fault in found.value.faults] == [
        "users.csv, row 3, staff: You may not invite this person. An administrator of all the person's sites can import"
        " this row."
    ]
    write_files(folder, {"users": HEAD + "P1,,rosa@mail.example,,yes\n"})
    assert len(import_as(folder, ben).changes) == 2


def test_a_coordinator_of_another_site_learns_nothing_about_a_patient(folder: Path) -> None:
    stranger = make_staff(Role.COORDINATOR, make_site("Prairie Avenue"))
    write_files(folder, {"users": HEAD + "P1,,rosa@mail.example,,yes\n"})
    with pytest.raises(ImportFailed) as found:
        import_as(folder, stranger)
    assert [str(fault) for fault in found.value.faults] == [
        "users.csv, row 2, patient: You may not change a patient with the code P1."
    ]
