from django import forms

from scheduling.models import FeedStyle


class FeedForm(forms.Form):
    """Form to create a calendar link."""

    label = forms.CharField(
        max_length=60, required=False, label="Where is it for?", help_text="For example: my phone. Only shown here."
    )
    style = forms.ChoiceField(
        choices=FeedStyle.choices,
        initial=FeedStyle.DISCREET,
        widget=forms.RadioSelect,
        label="How much should it say?",
    )
