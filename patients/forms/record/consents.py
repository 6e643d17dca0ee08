"""Form to record a consent."""

from datetime import timedelta
from typing import Any, ClassVar

from django import forms
from django.utils.translation import gettext_lazy as _

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

    recipient_kind = forms.ChoiceField(choices=RecipientKind.choices, label=_("Recipient type"))
    recipient = forms.CharField(
        max_length=120, label=_("Recipient"), help_text=_("The person or office that may receive information.")
    )
    recipient_address = forms.CharField(max_length=200, required=False, label=_("Address"))
    purpose = forms.CharField(
        max_length=120,
        label=_("Purpose"),
        help_text=_("As written on the release. It appears in letters. For example: time off from work."),
    )
    signed_on = DayField(label=_("Signed on"), help_text=_("The day on which the patient signed the release."))
    last_day = DayField(
        label=_("Last day"), help_text=_("The release ends after this day, unless it is revoked earlier.")
    )

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
