"""Form in which staff choose the language and the clock of their pages, and the fields of such forms."""

from collections.abc import Mapping
from typing import Any, ClassVar

from django import forms
from django.conf import settings
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _
from django_stubs_ext import StrOrPromise

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
    """A choice between a default, the 12-hour clock and the 24-hour clock. `default` is the text of the default."""

    def __init__(self, *, default: StrOrPromise) -> None:
        super().__init__(default=default, choices=[*HourClock.choices], label=_("Clock"))


class ReaderSettingsForm(forms.Form):
    """A choice of the language and the clock of a staff member's pages."""

    reason_fields: ClassVar[Mapping[str, str]] = {}

    language = DefaultChoiceField(default=_("Same as my browser"), choices=language_choices(), label=_("Language"))
    hour_clock = HourClockField(default=_("Same as the site"))
