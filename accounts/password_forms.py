"""The forms of django-allauth that ask for a password, with labels in sentence case like those of all other forms."""

from typing import Any

from allauth.account import forms
from django.utils.translation import gettext_lazy as _

LABELS = {
    "oldpassword": _("Current password"),
    "password1": _("New password"),
    "password2": _("New password again"),
}


class NoPlaceholders:
    """Mixin that removes the placeholders of django-allauth's fields, which repeat the labels."""

    fields: dict[str, Any]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for field in self.fields.values():
            field.widget.attrs.pop("placeholder", None)


class SentenceCaseLabels(NoPlaceholders):
    """Mixin that gives the fields for passwords labels in sentence case, and the usual hint about a new password."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in LABELS.keys() & self.fields.keys():
            self.fields[name].label = LABELS[name]
        if "password1" in self.fields:
            self.fields["password1"].help_text = _("At least 12 characters.")


class SignInForm(NoPlaceholders, forms.LoginForm):
    """The form with which people sign in."""


class ConfirmPasswordForm(NoPlaceholders, forms.ReauthenticateForm):
    """The form with which signed-in users confirm who they are."""


class ChangePasswordForm(SentenceCaseLabels, forms.ChangePasswordForm):
    """The form in which users change their own password."""


class ResetPasswordKeyForm(SentenceCaseLabels, forms.ResetPasswordKeyForm):
    """The form to which the link in a password-reset mail leads."""
