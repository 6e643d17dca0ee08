"""Forms for the language and the clock of pages, for the first administrator, and for a new password."""

from collections.abc import Mapping
from typing import Any, ClassVar

from allauth.account.forms import ResetPasswordForm
from django import forms
from django.conf import settings
from django.contrib.auth.password_validation import validate_password
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _
from django_stubs_ext import StrOrPromise

from accounts.models import User
from accounts.password_forms import NoPlaceholders
from accounts.services.outbox import NOBODY
from iopmanager.reader import HourClock

type Choices = list[tuple[str, StrOrPromise]]

DEFAULT = "default"


def language_choices() -> Choices:
    """Return the languages of the pages. Each language is named in the language itself, such as "Español"."""
    return [(code, format_html('<span lang="{}">{}</span>', code, name)) for code, name in settings.LANGUAGES]


class DefaultChoiceField(forms.ChoiceField):
    """Radio buttons. The first one stands for the default. If it is chosen, the field's value is the empty string."""

    widget = forms.RadioSelect

    def __init__(self, *, default: StrOrPromise, choices: Choices, **kwargs: Any) -> None:
        super().__init__(choices=[(DEFAULT, default), *choices], **kwargs)

    def prepare_value(self, value: Any) -> Any:
        return value or DEFAULT

    def clean(self, value: Any) -> Any:
        cleaned = super().clean(value)
        return "" if cleaned == DEFAULT else cleaned


class HourClockField(DefaultChoiceField):
    """A choice between a default, the 12-hour clock and the 24-hour clock. `default` is the label of the default."""

    def __init__(self, *, default: StrOrPromise) -> None:
        super().__init__(default=default, choices=[*HourClock.choices], label=_("Clock"))


class ReaderLanguageForm(forms.Form):
    """A choice of the language of the pages that a person reads."""

    reason_fields: ClassVar[Mapping[str, str]] = {}

    language = DefaultChoiceField(default=_("Same as my browser"), choices=language_choices(), label=_("Language"))


class ReaderSettingsForm(ReaderLanguageForm):
    """A choice of the language and the clock of a staff member's pages."""

    hour_clock = HourClockField(default=_("Same as the site"))


class NewPasswordForm(forms.Form):
    """Base of the forms that create an account. The password must not be similar to the name or the email address."""

    password = forms.CharField(
        label=_("Password"),
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}, render_value=True),
        help_text=_("At least 12 characters."),
    )

    def person_name(self) -> str:
        """Return the name of the person who gets the account."""
        name: str = self.cleaned_data.get("name", "")
        return name

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if "password" in cleaned:
            person = User(email=cleaned.get("email", ""), name=self.person_name())
            try:
                validate_password(cleaned["password"], person)
            except forms.ValidationError as refused:
                self.add_error("password", refused)
        return cleaned


class FirstAdministratorForm(NewPasswordForm):
    """The account of the first administrator, and the code that the server shows."""

    reason_fields: ClassVar[Mapping[str, str]] = {"wrong_set_up_code": "code"}

    code = forms.CharField(
        label=_("Set-up code"),
        max_length=40,
        widget=forms.TextInput(attrs={"autocomplete": "one-time-code", "autocapitalize": "characters"}),
        help_text=_("The server shows it when it starts. To see it again, run manage.py set_up on the server."),
    )
    name = forms.CharField(label=_("Your name"), max_length=150, widget=forms.TextInput(attrs={"autocomplete": "name"}))
    email = forms.EmailField(
        label=_("Email"), max_length=254, widget=forms.EmailInput(attrs={"autocomplete": "username"})
    )
    field_order = ("code", "name", "email", "password")


class PasswordResetForm(NoPlaceholders, ResetPasswordForm):
    """A request for a link with which to choose a new password.

    For an address that belongs to nobody, the same mail is written, but never sent. The response takes equally long for
    all addresses, so its time doesn't tell whether an address has an account.
    """

    users: list[User]

    def clean_email(self) -> str:
        email: str = super().clean_email()
        self.users = self.users or [User(pk=NOBODY, email=email)]
        return email
