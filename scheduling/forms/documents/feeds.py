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
