from collections.abc import Mapping
from typing import ClassVar

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.forms import clock_choices, language_choices


class PortalSettingsForm(forms.Form):
    """A choice of the language and the clock of a patient's pages. A blank clock follows the site."""

    reason_fields: ClassVar[Mapping[str, str]] = {}

    language = forms.ChoiceField(choices=language_choices, label=_("Language"), widget=forms.RadioSelect)
    hour_clock = forms.ChoiceField(
        choices=clock_choices(_("Same as the clinic")), required=False, label=_("Clock"), widget=forms.RadioSelect
    )
