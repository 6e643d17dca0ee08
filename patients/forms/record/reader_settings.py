from collections.abc import Mapping
from typing import ClassVar

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.forms import HourClockField, language_choices


class PortalSettingsForm(forms.Form):
    """A choice of the language and the clock of a patient's pages."""

    reason_fields: ClassVar[Mapping[str, str]] = {}

    language = forms.ChoiceField(choices=language_choices(), label=_("Language"), widget=forms.RadioSelect)
    hour_clock = HourClockField(default=_("Same as the clinic"))
