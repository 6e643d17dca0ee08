"""Form for a patient's personal details."""

from typing import Any, ClassVar

from django import forms

from iopmanager.form_fields import DayField
from patients.forms.layout import fields_row, form_layout
from patients.models import Patient
from patients.services.record.person import PatientValues


class PatientForm(forms.Form):
    reason_fields: ClassVar = {"code_taken": "code", "birth_date_in_future": "birth_date"}

    first_name = forms.CharField(max_length=80)
    last_name = forms.CharField(max_length=80)
    preferred_name = forms.CharField(max_length=80, required=False, help_text="What they like to be called.")
    code = forms.CharField(max_length=40, help_text="The clinic’s own code, for example P001.")
    birth_date = DayField()
    language = forms.CharField(max_length=40, initial="English")
    email = forms.EmailField(required=False, label="E-mail")
    phone = forms.CharField(max_length=40, required=False)
    travel_minutes = forms.IntegerField(
        min_value=0, max_value=480, initial=0, label="Minutes from home", help_text="One way, to the site."
    )

    def __init__(self, *args: Any, patient: Patient | None = None, **kwargs: Any) -> None:
        if patient is not None:
            kwargs["initial"] = {name: getattr(patient, name) for name in self.base_fields}
        super().__init__(*args, **kwargs)
        self.helper = form_layout(
            fields_row("first_name", "last_name"),
            fields_row("preferred_name", "code"),
            fields_row("birth_date", "language"),
            fields_row("email", "phone"),
            fields_row("travel_minutes"),
        )

    def values(self) -> PatientValues:
        return PatientValues(**self.cleaned_data)
