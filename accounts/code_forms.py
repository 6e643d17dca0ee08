"""The forms with which patients ask for a code by mail, and type it."""

from django import forms
from django.utils.translation import gettext_lazy as _


class AskForCodeForm(forms.Form):
    """The email address to which a code is sent."""

    email = forms.EmailField(label=_("Email"), max_length=254, widget=forms.EmailInput(attrs={"autocomplete": "email"}))


class TypeCodeForm(forms.Form):
    """The code from the mail. The whole mail may be pasted by mistake, so the length is limited."""

    code = forms.CharField(
        label=_("Code"),
        max_length=20,
        widget=forms.TextInput(
            attrs={
                "autocomplete": "one-time-code",
                "inputmode": "numeric",
                "autocapitalize": "off",
                "spellcheck": "false",
            }
        ),
    )
