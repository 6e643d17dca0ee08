"""The forms of django-allauth that ask for a code or a passkey, with the product's words."""

from typing import Any

from allauth.mfa.adapter import get_adapter
from allauth.mfa.app_settings import RECOVERY_CODE_DIGITS, TOTP_PERIOD, TOTP_TOLERANCE
from allauth.mfa.base import forms
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.forms import ActivateTOTPForm
from allauth.mfa.webauthn import forms as passkey_forms
from django import forms as django_forms
from django.core.cache import cache
from django.core.exceptions import ValidationError
from django.utils.functional import cached_property
from django.utils.translation import gettext_lazy as _

CODE_LASTS = TOTP_PERIOD * (2 * TOTP_TOLERANCE + 1)
"""How many seconds an app's code is accepted."""


def name_code_field(form: Any) -> None:
    """Label the field for a code, and leave out the placeholder, which repeats the label."""
    form.fields["code"].label = _("Code")
    attributes = form.fields["code"].widget.attrs
    attributes.pop("placeholder", None)
    attributes.update({"autocapitalize": "off", "spellcheck": "false"})


def use_app_code(user_id: int, code: str) -> bool:
    """Mark the code of the user's authenticator app as used. Return False if it was used before."""
    key = f"second-factor-code:{user_id}:{''.join(code.split())}"
    is_new: bool = cache.add(key, True, timeout=CODE_LASTS)
    return is_new


def looks_like_recovery_code(code: str) -> bool:
    """Whether the code has as many digits as a recovery code. Codes of apps are shorter."""
    digits = "".join(code.split())
    return digits.isdecimal() and len(digits) == RECOVERY_CODE_DIGITS


class EachCodeOnce(forms.BaseAuthenticateForm):
    """Mixin for forms that ask for a code. Each code of an authenticator app works only once."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        name_code_field(self)

    @cached_property
    def has_app(self) -> bool:
        """Whether the user has an authenticator app. Runs one query."""
        return bool(Authenticator.objects.filter(user=self.user, type=Authenticator.Type.TOTP).exists())

    def clean_code(self) -> str:
        """Check the code. Raises ValidationError if it is wrong, or if it was used before."""
        try:
            code: str = super().clean_code()
        except ValidationError as error:
            typed: str = self.cleaned_data["code"]
            if error.code == "incorrect_code" and looks_like_recovery_code(typed):
                raise get_adapter().validation_error("incorrect_recovery_code") from None
            raise
        used: Authenticator = self.authenticator
        if used.type == Authenticator.Type.TOTP and not use_app_code(used.user_id, code):
            raise get_adapter().validation_error("incorrect_code")
        return code


class SignInCodeForm(EachCodeOnce, forms.AuthenticateForm):
    """The form that asks for a code after the password."""


class ConfirmCodeForm(EachCodeOnce, forms.ReauthenticateForm):
    """The form that asks for a code again before a sensitive action."""


class AppCodeForm(ActivateTOTPForm):
    """The form that asks for the first code of an authenticator app. The code does not work again at the next sign-in."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        name_code_field(self)

    def clean_code(self) -> str:
        """Check the code, and mark it as used. Raises ValidationError if it is wrong."""
        code: str = super().clean_code()
        use_app_code(self.user.pk, code)
        return code


def passkey_error(error: ValidationError) -> ValidationError:
    """Replace an error about a wrong code with an error about a refused passkey. Return any other error unchanged."""
    refused: ValidationError = get_adapter().validation_error("passkey_refused")
    return refused if getattr(error, "code", "") == "incorrect_code" else error


class RenamePasskeyForm(passkey_forms.EditWebAuthnForm):
    """The form for a passkey's name."""

    name = django_forms.CharField(label=_("Name"), max_length=60)


class AddPasskeyForm(passkey_forms.AddWebAuthnForm):
    """A new passkey. It works without a password, so the device must check its user, for example with a PIN."""

    name = django_forms.CharField(label=_("Name"), max_length=60, required=False, help_text=_("For example: my phone."))
    passwordless = django_forms.BooleanField(initial=True, widget=django_forms.HiddenInput)

    def clean(self) -> dict[str, Any]:
        """Check the passkey. Raises ValidationError if the browser's answer does not fit."""
        try:
            cleaned: dict[str, Any] = super().clean()
        except ValidationError as error:
            raise passkey_error(error) from None
        return cleaned


class PasskeyAnswer(passkey_forms.AuthenticateWebAuthnForm):
    """Mixin for forms that ask for a passkey."""

    def clean_credential(self) -> Authenticator:
        """Return the passkey. Raises ValidationError if the browser's answer does not fit."""
        try:
            passkey: Authenticator = super().clean_credential()
        except ValidationError as error:
            raise passkey_error(error) from None
        return passkey


class SecondStepPasskeyForm(PasskeyAnswer, passkey_forms.AuthenticateWebAuthnForm):
    """The form that asks for a passkey after the password."""


class SignInPasskeyForm(PasskeyAnswer, passkey_forms.LoginWebAuthnForm):
    """The form that asks for a passkey instead of a password."""


class ConfirmPasskeyForm(PasskeyAnswer, passkey_forms.ReauthenticateWebAuthnForm):
    """The form that asks for a passkey again before a sensitive action."""
