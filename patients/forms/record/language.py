from django import forms
from django.conf import settings


class LanguageForm(forms.Form):
    """A choice of the language in which a patient's pages are shown."""

    language = forms.ChoiceField(choices=settings.LANGUAGES)
