"""Forms to set a level of care and to end an enrollment or episode of care."""

import re
from typing import TYPE_CHECKING, Any, ClassVar

from django import forms
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from iopmanager.form_fields import DayField
from patients.forms.layout import fields_row, form_layout
from patients.models import Episode, LevelOfCare
from patients.services.care.episodes import LevelValues

if TYPE_CHECKING:
    from django_stubs_ext import StrPromise

DURATION_PATTERN = re.compile(
    r"(?P<hours>\d{1,3}(?:[.,]\d+)?)\s*(?:(?:h|:)\s*(?:(?P<minutes>[0-5]?\d)(?:\s*min)?)?)?", re.IGNORECASE
)


class DurationField(forms.CharField):
    """A duration that users type in hours, such as 9, 9:30, 9 h 30 or 9.5. The field's value is in minutes."""

    def to_python(self, value: Any) -> Any:
        written = str(value or "").strip()
        if not written:
            return None
        found = DURATION_PATTERN.fullmatch(written)
        if found is None or (found["minutes"] and not found["hours"].isdecimal()):
            raise forms.ValidationError(
                gettext("“%(written)s” is not a number of hours. Enter 9, 9:30 or 9.5, for example.")
                % {"written": written}
            )
        minutes = round(float(found["hours"].replace(",", ".")) * 60) + int(found["minutes"] or 0)
        if not 0 < minutes <= 7 * 24 * 60:
            raise forms.ValidationError(gettext("Enter more than 0 and at most 168 hours a week."))
        return minutes

    def validate(self, value: Any) -> None:
        if value is None and self.required:
            raise forms.ValidationError(self.error_messages["required"], code="required")

    def run_validators(self, value: Any) -> None:
        """Do nothing: CharField's validators expect text, and `to_python` has already checked the minutes."""


class LastDayForm(forms.Form):
    """A form whose only field is a last day. The caller passes the help text, already translated."""

    reason_fields: ClassVar = dict.fromkeys(("end_date_before_start", "already_ended", "episode_ended"), "last_day")

    last_day = DayField(label=_("Last day"))

    def __init__(self, *args: Any, help_text: "str | StrPromise" = "", **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["last_day"].help_text = help_text
        self.helper = form_layout(*self.fields)


class EndingForm(LastDayForm):
    """The last day of an enrollment or episode of care, and the reason for ending it."""

    reason_fields: ClassVar = LastDayForm.reason_fields | {"attended_after": "last_day"}

    reason = forms.CharField(max_length=120, required=False, label=_("Reason"), help_text=_("Saved in the record."))


LEVEL_ROWS = {"starts", "level", "prescribed_minutes", "prescribed_days"}


class LevelForm(forms.Form):
    """A level of care with its prescription and first day. For an admission, a field asks who referred the patient.

    The field for the reason of an exception appears only once it is needed, or if it is already filled in.
    """

    reason_fields: ClassVar = {
        **dict.fromkeys(("level_overlaps", "already_admitted", "episode_ended"), "starts"),
        "impossible_prescription": "prescribed_minutes",
        "exception_not_permitted": "prescribed_minutes",
        "prescription_outside_rules": "exception_reason",
    }

    starts = DayField(label=_("First day"))
    level = forms.ChoiceField(choices=LevelOfCare.choices, label=_("Level of care"))
    prescribed_minutes = DurationField(label=_("Prescribed hours a week"), help_text=_("For example 9, or 10:30."))
    prescribed_days = forms.IntegerField(min_value=1, max_value=7, label=_("Prescribed days a week"))
    stated_by = forms.CharField(
        max_length=120, label=_("Ordered by"), help_text=_("Name and credential, for example Dr. Imani Cole, MD.")
    )
    referral_source = forms.CharField(
        max_length=120, required=False, label=_("Referral source"), help_text=_("Leave blank if there is none.")
    )
    exception_reason = forms.CharField(
        max_length=200,
        required=False,
        label=_("Reason for the exception"),
        help_text=_("Why the prescription is outside the site’s rules. It is saved in the record."),
    )

    def __init__(self, *args: Any, episode: Episode | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if episode is not None:
            del self.fields["referral_source"]
        self.show_exception(shown=bool(self["exception_reason"].value()))

    def show_exception(self, *, shown: bool) -> None:
        """Lay out the form with or without the field for the reason of an exception."""
        rows = [fields_row("starts", "level"), fields_row("prescribed_minutes", "prescribed_days")]
        others = [name for name in self.fields if name not in LEVEL_ROWS and (shown or name != "exception_reason")]
        others.sort(key=lambda name: name != "exception_reason")
        self.helper = form_layout(*rows, *others)

    def add_error(self, field: str | None, error: Any) -> None:
        if field == "exception_reason":
            self.show_exception(shown=True)
            self.fields[field].required = True  # the label no longer says that it is optional
        super().add_error(field, error)

    def values(self) -> LevelValues:
        given = self.cleaned_data
        return LevelValues(
            level=given["level"],
            prescribed_minutes=given["prescribed_minutes"],
            prescribed_days=given["prescribed_days"],
            starts=given["starts"],
            stated_by=given["stated_by"],
            exception_reason=given["exception_reason"].strip(),
        )
