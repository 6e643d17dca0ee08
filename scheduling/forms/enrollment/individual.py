"""Forms for a patient's individual sessions, and for the weekly hours in which counselors hold them."""

import re
from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Any, ClassVar

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from iopmanager.form_fields import DayField, MinuteField
from scheduling.domain.individual.proposals import WeeklyHour
from scheduling.forms.sessions.session_changes import ActionForm, SiteScopedForm
from scheduling.forms.timetable.meetings import WEEKDAYS
from scheduling.models import CounselorHours
from scheduling.services.timetable.counselor_hours import CounselorHoursValues
from timekeeping.weeks import MINUTES_A_DAY

NO_HOURS = "none"
"""Form value for no individual sessions, or for arranging them later."""
HOURS_PATTERN = re.compile(
    r"([0-9]{1,18}\.[0-6]\.[0-9]{1,4}\.[0-9]{1,4})(\+[0-9]{1,18}\.[0-6]\.[0-9]{1,4}\.[0-9]{1,4})?"
)


def encode_hours(hours: Iterable[WeeklyHour]) -> str:
    """Encode weekly hours as a form value, such as `7.2.720.60`.

    The example means user 7, weekday 2 (Wednesday), minute 720 of the day (noon), for 60 minutes.
    """
    return "+".join(f"{hour.counselor}.{hour.weekday}.{hour.starts}.{hour.minutes}" for hour in hours) or NO_HOURS


class WeeklyHoursField(forms.CharField):
    """Form field for weekly hours in the format of `encode_hours`. The value is None if nothing was chosen."""

    default_error_messages: ClassVar = {
        "invalid": _("Choose one of the times."),
        "required": _("Choose one of the times."),
    }

    def to_python(self, value: Any) -> Any:
        text = super().to_python(value)
        if text in (self.empty_value, NO_HOURS):
            return () if text == NO_HOURS else None
        if text is None or not HOURS_PATTERN.fullmatch(text):
            raise forms.ValidationError(self.error_messages["invalid"], code="invalid")
        return tuple(self._hour(*map(int, part.split("."))) for part in text.split("+"))

    def _hour(self, counselor: int, weekday: int, starts: int, minutes: int) -> WeeklyHour:
        if not minutes or starts + minutes >= MINUTES_A_DAY:
            raise forms.ValidationError(self.error_messages["invalid"], code="invalid")
        return WeeklyHour(counselor=counselor, weekday=weekday, starts=starts, ends=starts + minutes)

    def validate(self, value: Any) -> None:
        if self.required and value is None:
            raise forms.ValidationError(self.error_messages["required"], code="required")

    def run_validators(self, value: Any) -> None:
        """Skip the text validators, because the value is not text."""


class IndividualSessionsForm(ActionForm):
    """The weekly hours of a patient's individual sessions, and the day from which they apply."""

    reason_fields: ClassVar = dict.fromkeys(
        ("already_ended", "day_has_passed", "end_date_before_start", "no_episode"), "starts"
    )

    starts = DayField(label=_("First day"))
    individual = WeeklyHoursField(label=_("Individual sessions"))


class CounselorHoursForm(SiteScopedForm):
    """Weekly hours of a counselor. The user chooses the counselor if `people` has several."""

    reason_fields: ClassVar = {
        "end_date_before_start": "last_day",
        "end_time_before_start": "ends",
        "hours_overlap": "starts",
        "outside_hours": "starts",
    }

    user = forms.ModelChoiceField(User.objects.none(), label=_("Counselor"))
    weekday = forms.TypedChoiceField(choices=list(enumerate(WEEKDAYS)), coerce=int, label=_("Weekday"))
    starts = MinuteField(label=_("From"))
    ends = MinuteField(label=_("Until"))
    valid_from = DayField(required=False, label=_("First day"), help_text=_("Leave blank if there is no start date."))
    last_day = DayField(required=False, label=_("Last day"), help_text=_("Leave blank if there is no end date."))

    def __init__(self, *args: Any, people: Sequence[User], hours: CounselorHours | None = None, **kwargs: Any) -> None:
        if hours is not None:
            current = {
                name: getattr(hours, name) for name in ("user", "weekday", "starts", "ends", "valid_from", "last_day")
            }
            kwargs["initial"] = current | kwargs.get("initial", {})
        super().__init__(*args, **kwargs)
        field = self.fields["user"]
        assert isinstance(field, forms.ModelChoiceField)
        field.queryset = User.objects.filter(pk__in=[person.pk for person in people])
        self.people = people
        if hours is not None or len(people) == 1:
            del self.fields["user"]

    @property
    def counselor(self) -> User:
        """The chosen counselor, or the only person in `people`. The form must be valid."""
        person: User = self.cleaned_data.get("user") or self.people[0]
        return person

    def values(self) -> CounselorHoursValues:
        given = self.cleaned_data
        return CounselorHoursValues(
            weekday=given["weekday"],
            starts=given["starts"],
            ends=given["ends"],
            valid_from=given["valid_from"],
            valid_until=given["last_day"] + timedelta(days=1) if given["last_day"] else None,
        )
