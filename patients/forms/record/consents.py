"""Form to record a consent."""

from datetime import timedelta
from typing import Any, ClassVar

from django import forms

from iopmanager.form_fields import DayField
from patients.forms.layout import fields_row, form_layout
from patients.models.consent import RecipientKind
from patients.services.record.consents import ConsentValues


class ConsentForm(forms.Form):
    """A consent as the patient signed it, on paper or on a screen."""

    reason_fields: ClassVar = {
        "signed_in_future": "signed_on",
        "end_date_before_start": "last_day",
        "purpose_reveals_treatment": "purpose",
    }

    recipient_kind = forms.ChoiceField(choices=RecipientKind.choices, label="Whom it is for")
    recipient = forms.CharField(max_length=120, label="Name", help_text="The person or office that is told.")
    recipient_address = forms.CharField(max_length=200, required=False, label="Address")
    purpose = forms.CharField(
        max_length=120, help_text="As the consent says it; it stands in the letter. For example: time off from work."
    )
    signed_on = DayField(help_text="The day on which the patient signed it.")
    last_day = DayField(help_text="It ends after this day, unless it is revoked before.")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.helper = form_layout(
            fields_row("recipient_kind", "recipient"),
            "recipient_address",
            "purpose",
            fields_row("signed_on", "last_day"),
        )

    def values(self) -> ConsentValues:
        given = dict(self.cleaned_data)
        return ConsentValues(valid_until=given.pop("last_day") + timedelta(days=1), **given)
