"""Form for a letter that discloses a patient's appointment times."""

from datetime import date, timedelta
from typing import Any, ClassVar

from django import forms
from django.utils.translation import gettext_lazy as _

from iopmanager.form_fields import DayField
from patients.forms.layout import fields_row, form_layout
from patients.models import Patient

DEFAULT_PERIOD = timedelta(weeks=4)


class LetterForm(forms.Form):
    """The period that a letter covers, and the patient's name in the letter."""

    reason_fields: ClassVar = {
        "end_date_before_start": "last_day",
        "letter_too_long": "last_day",
        "no_appointments": "first_day",
        "unprintable_characters": "name",
        "name_reveals_treatment": "name",
    }

    first_day = DayField(label=_("First day"))
    last_day = DayField(label=_("Last day"))
    name = forms.CharField(
        max_length=160, label=_("Name in the letter"), help_text=_("As the recipient knows the patient.")
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.helper = form_layout(fields_row("first_day", "last_day"), "name")


def default_letter(patient: Patient, today: date) -> dict[str, Any]:
    """Return initial values for LetterForm: the four weeks from `today`, and the patient's legal name."""
    return {
        "first_day": today.isoformat(),
        "last_day": (today + DEFAULT_PERIOD - timedelta(days=1)).isoformat(),
        "name": f"{patient.first_name} {patient.last_name}".strip(),
    }
