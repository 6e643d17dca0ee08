"""The forms of django-allauth that ask for a password, with labels in sentence case like those of all other forms."""

from typing import Any

from allauth.account import forms
from django.utils.translation import gettext_lazy as _

LABELS = {
    "oldpassword": _("Current password"),
    "password1": _("New password"),
    "password2": _("New password again"),
}


class SentenceCaseLabels:
    """Mixin that gives fields labels in sentence case, and removes their placeholders, which would repeat the labels."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        fields: dict[str, Any] = vars(self)["fields"]
        for name in LABELS.keys() & fields.keys():
            fields[name].label = LABELS[name]
            fields[name].widget.attrs.pop("placeholder", None)
        if "password1" in fields:
            fields["password1"].help_text = _("At least 12 characters.")


class SignInForm(forms.LoginForm):  # type: ignore[misc]  # its base has no types
    """The form with which people sign in. Its fields have no placeholders, which would repeat the labels."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for field in self.fields.values():
            field.widget.attrs.pop("placeholder", None)


class ConfirmPasswordForm(forms.ReauthenticateForm):  # type: ignore[misc]  # as above
    """The form with which signed-in users confirm who they are, without a placeholder."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["password"].widget.attrs.pop("placeholder", None)


class ChangePasswordForm(SentenceCaseLabels, forms.ChangePasswordForm):  # type: ignore[misc]  # its base has no types
    """The form in which users change their own password."""


class ResetPasswordKeyForm(SentenceCaseLabels, forms.ResetPasswordKeyForm):  # type: ignore[misc]  # as above
    """The form to which the link in a password-reset mail leads."""
