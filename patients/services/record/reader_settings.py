"""The language of the pages and mail that a person reads. A patient can choose this language, and the clock of the pages."""

from datetime import datetime

from django.db import transaction

from accounts.audit import record
from accounts.models import Action, User
from accounts.services.reader_settings import change_user
from patients.domain.languages import LANGUAGE_NAMES, language_code
from patients.models import Patient


def chosen_language(user: User) -> str | None:
    """Return the code of the language for the user's pages, or None if none was chosen.

    For a patient, this is the language in the patient's record if the product has pages in that language. Otherwise, it
    is the language in the user's setting.
    """
    if not user.has_any_role and hasattr(user, "patient") and (code := language_code(user.patient.language)):
        return code
    return user.language or None


@transaction.atomic
def choose_portal_settings(*, patient: Patient, language: str, hour_clock: str, by: User, now: datetime) -> None:
    """Save the patient's choice of the language and the clock of the pages.

    `language` is a language code. `hour_clock` is an `HourClock` value, or blank to follow the site. Raises KeyError
    for an unknown language code.

    The language is usually saved in the patient's record. But the record may have a language in which the product has
    no pages, such as Vietnamese. Staff need that language to find interpreters, so the record is not changed. The
    chosen language is then saved in the user's setting.
    """
    patient = Patient.objects.select_for_update(of=("self",)).select_related("site").get(pk=patient.pk)
    name = LANGUAGE_NAMES[language]
    settings = {"hour_clock": hour_clock}
    if patient.language and language_code(patient.language) is None:
        settings["language"] = language
    elif patient.language != name:
        patient.language = name
        patient.save(update_fields=["language"])
        record(patient, by=by, action=Action.CHANGED, at=now, detail="language")
    if patient.user_id is not None:
        change_user(patient.user_id, about=patient, by=by, now=now, **settings)
