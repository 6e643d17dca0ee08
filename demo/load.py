"""Load the demo clinic into an empty database: imported CSV files, user accounts, sessions and attendance."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from django.db import transaction

from accounts.models import User
from clinic_import.clinic import import_clinic
from demo.generate import fill_clinic
from demo.sign_ins import PATIENT_WITH_SIGN_IN, SIGN_INS
from patients.models import Patient
from scheduling.models import Site

FOLDER = Path(__file__).resolve().parent


class DatabaseNotEmpty(Exception):
    """The database already contains a clinic."""


def load_demo(*, now: datetime, say: Callable[[str], None]) -> None:
    """Load the whole demo clinic in one transaction. Raises DatabaseNotEmpty if the database already has a site."""
    with transaction.atomic():
        if Site.objects.exists():
            raise DatabaseNotEmpty
        import_clinic(FOLDER, by=None, now=now)
        say("Clinic files imported.")
        create_sign_ins()
        fill_clinic(now=now, say=say)


def create_sign_ins() -> None:
    """Create the demo patient's user account, and set the passwords of all demo accounts."""
    patient = Patient.objects.get(code=PATIENT_WITH_SIGN_IN)
    patient.user = User.objects.create_user(patient.email, name=str(patient))
    patient.save(update_fields=["user"])
    for sign_in in SIGN_INS:
        user = User.objects.get(email=sign_in.email)
        user.set_password(sign_in.password)
        user.save(update_fields=["password"])
