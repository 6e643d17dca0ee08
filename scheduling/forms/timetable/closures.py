"""Forms for closures, and for the region whose public holidays are shown."""

from typing import Any, ClassVar

from django import forms
from django.utils.translation import gettext_lazy as _

from iopmanager.form_fields import DayField
from scheduling.forms.sessions.session_changes import ActionForm
from scheduling.services.timetable.closures import known_countries, known_states


class ClosureForm(ActionForm):
    reason_fields: ClassVar = {
        "closure_overlaps": "first_day",
        "end_date_before_start": "last_day",
        "reason_required": "reason",
    }

    first_day = DayField(label=_("First day"))
    last_day = DayField(label=_("Last day"), required=False, help_text=_("Leave blank for one day."))
    reason = forms.CharField(max_length=120, label=_("Reason"), help_text=_("Only staff see the reason."))

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if "last_day" in cleaned and cleaned["last_day"] is None:
            cleaned["last_day"] = cleaned.get("first_day")
        return cleaned


class HolidaysForm(forms.Form):
    """The region whose public holidays are shown.

    The given `country` is among the choices even if its holidays are not known.
    """

    country = forms.ChoiceField(label=_("Country"), widget=forms.Select(attrs={"data-submit": ""}))
    state = forms.ChoiceField(label=_("State"), widget=forms.Select(attrs={"data-submit": ""}), required=False)

    def __init__(self, *, country: str, state: str) -> None:
        super().__init__(initial={"country": country, "state": state})
        countries, states = known_countries(), known_states(country)
        if country not in dict(countries):
            countries = [(country, country), *countries]
        for name, choices in (("country", countries), ("state", [("", _("The whole country")), *states])):
            field = self.fields[name]
            assert isinstance(field, forms.ChoiceField)
            field.choices = choices
        if not states:
            del self.fields["state"]
