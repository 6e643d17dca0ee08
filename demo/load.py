"""Load the demo clinic into an empty database: the files in this folder, the sign-ins, and the weeks around an instant."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from django.db import transaction

from accounts.models import User
from demo.generate import fill_clinic
from demo.sign_ins import PATIENT_WITH_SIGN_IN, SIGN_INS
from patients.models import Patient
from scheduling.clinic_import import import_clinic
from scheduling.models import Site

FOLDER = Path(__file__).resolve().parent


class DatabaseNotEmpty(Exception):
    """The database has a clinic already."""


def load_demo(*, now: datetime, say: Callable[[str], None]) -> None:
    """Load all of the demo clinic in one transaction. Raises DatabaseNotEmpty if the database has a site."""
    with transaction.atomic():
        if Site.objects.exists():
            raise DatabaseNotEmpty
        import_clinic(FOLDER, by=None, now=now)
        say("The clinic's files are imported.")
        create_sign_ins()
        fill_clinic(now=now, say=say)


def create_sign_ins() -> None:
    """Set the passwords of the staff who sign in, and create a sign-in for the patient."""
    patient = Patient.objects.get(code=PATIENT_WITH_SIGN_IN)
    patient.user = User.objects.create_user(patient.email, name=str(patient))
    patient.save(update_fields=["user"])
    for sign_in in SIGN_INS:
        user = User.objects.get(email=sign_in.email)
        user.set_password(sign_in.password)
        user.save(update_fields=["password"])
