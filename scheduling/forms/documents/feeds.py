from django import forms
from django.utils.translation import gettext_lazy as _

from scheduling.models import FeedStyle


class FeedForm(forms.Form):
    """Form to create a calendar link."""

    label = forms.CharField(
        max_length=60,
        required=False,
        label=_("Where will you use it?"),
        help_text=_("For example: my phone. Only shown on this page."),
    )
    style = forms.ChoiceField(
        choices=FeedStyle.choices,
        initial=FeedStyle.DISCREET,
        widget=forms.RadioSelect,
        label=_("How much should it say?"),
    )


class PatientFeedForm(FeedForm):
    """Form for staff to create a calendar link for a patient."""

    label = forms.CharField(
        max_length=60,
        required=False,
        label=_("Where will the patient use it?"),
        help_text=_("For example: phone. The patient sees this text too."),
    )
