"""Form in which staff choose the language and the clock of their pages."""

from collections.abc import Mapping
from typing import ClassVar

from django import forms
from django.conf import settings
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _
from django_stubs_ext import StrOrPromise

from iopmanager.reader import HourClock

type Choices = list[tuple[str, StrOrPromise]]


def language_choices() -> Choices:
    """Return the languages of the pages. Each is named in itself, so that its readers find it in any language."""
    return [(code, format_html('<span lang="{}">{}</span>', code, name)) for code, name in settings.LANGUAGES]


def clock_choices(default: StrOrPromise) -> Choices:
    """Return the clocks that a reader can choose. `default` is the text of the first choice, whose value is blank."""
    return [("", default), *HourClock.choices]


class ReaderSettingsForm(forms.Form):
    """A choice of the language and the clock of a staff member's pages. Blank follows the browser or the site."""

    reason_fields: ClassVar[Mapping[str, str]] = {}

    language = forms.ChoiceField(
        choices=lambda: [("", _("Same as my browser")), *language_choices()],
        required=False,
        label=_("Language"),
        widget=forms.RadioSelect,
    )
    hour_clock = forms.ChoiceField(
        choices=clock_choices(_("Same as the site")), required=False, label=_("Clock"), widget=forms.RadioSelect
    )
