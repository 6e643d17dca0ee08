"""Text → typed values for the patient's record. Days given as last days become half-open here.

`blames` says beside which field a service's refusal, known by its code, is to be shown.
"""

import re
from datetime import timedelta
from typing import Any, ClassVar

from crispy_forms.bootstrap import InlineCheckboxes, InlineRadios
from crispy_forms.helper import FormHelper
from crispy_forms.layout import Column, Div, Layout, Row
from django import forms

from iopmanager.days import DayField, MinuteField
from patients.models import Commitment, CommitmentKind, Episode, LevelOfCare, Patient
from patients.models.commitment import weekday_mask
from patients.services import CommitmentValues, LevelValues, PatientValues

WEEKDAYS = [(0, "Mon"), (1, "Tue"), (2, "Wed"), (3, "Thu"), (4, "Fri"), (5, "Sat"), (6, "Sun")]
EVERY_WEEK, EVERY_OTHER_WEEK, ONE_DATE = "every", "other", "once"
PATTERNS = [(EVERY_WEEK, "Every week"), (EVERY_OTHER_WEEK, "Every other week"), (ONE_DATE, "On one date")]
HOURS = re.compile(
    r"(?P<hours>\d{1,3}(?:[.,]\d+)?)\s*(?:(?:h|:)\s*(?:(?P<minutes>[0-5]?\d)(?:\s*min)?)?)?", re.IGNORECASE
)


def laid_out(*rows: object) -> FormHelper:
    """Fields in rows, inside a form element that the page writes."""
    helper = FormHelper()
    helper.form_tag = False
    helper.disable_csrf = True
    helper.layout = Layout(*rows)
    return helper


def beside(*names: str) -> Row:
    """Fields beside each other where there is room."""
    return Row(*(Column(name, css_class="col-sm") for name in names))


class HoursField(forms.CharField):
    """A length of time, as people write it: 9, 9:30, 9 h 30 or 9.5. Its value is minutes."""

    def to_python(self, value: Any) -> Any:
        written = str(value or "").strip()
        if not written:
            return None
        found = HOURS.fullmatch(written)
        if found is None or (found["minutes"] and not found["hours"].isdecimal()):
            raise forms.ValidationError(f"“{written}” is not a number of hours; write 9, 9:30 or 9 h 30.")
        minutes = round(float(found["hours"].replace(",", ".")) * 60) + int(found["minutes"] or 0)
        if not 0 < minutes <= 7 * 24 * 60:
            raise forms.ValidationError("A week has between 0 and 168 hours.")
        return minutes

    def validate(self, value: Any) -> None:
        if value is None and self.required:
            raise forms.ValidationError(self.error_messages["required"], code="required")

    def run_validators(self, value: Any) -> None:
        """All that can be said of a number of minutes was said when it was read."""


class PatientForm(forms.Form):
    blames: ClassVar = {"code_taken": "code", "not_born_yet": "birth_date"}

    first_name = forms.CharField(max_length=80)
    last_name = forms.CharField(max_length=80)
    preferred_name = forms.CharField(max_length=80, required=False, help_text="What they like to be called.")
    code = forms.CharField(max_length=40, help_text="The clinic’s own code, for example P001.")
    birth_date = DayField()
    language = forms.CharField(max_length=40, initial="English")
    email = forms.EmailField(required=False, label="E-mail")
    phone = forms.CharField(max_length=40, required=False)
    travel_minutes = forms.IntegerField(
        min_value=0, max_value=480, initial=0, label="Minutes from home", help_text="One way, to the site."
    )

    def __init__(self, *args: Any, patient: Patient | None = None, **kwargs: Any) -> None:
        if patient is not None:
            kwargs["initial"] = {name: getattr(patient, name) for name in self.base_fields}
        super().__init__(*args, **kwargs)
        self.helper = laid_out(
            beside("first_name", "last_name"),
            beside("preferred_name", "code"),
            beside("birth_date", "language"),
            beside("email", "phone"),
            beside("travel_minutes"),
        )

    def values(self) -> PatientValues:
        return PatientValues(**self.cleaned_data)


class CommitmentForm(forms.Form):
    blames: ClassVar = {
        "takes_no_time": "ends",
        "ends_before_it_begins": "last_day",
        "never_happens": "weekdays",
    }

    kind = forms.ChoiceField(choices=CommitmentKind.choices)
    label = forms.CharField(max_length=80, label="What", help_text="For example: day shift.")
    pattern = forms.ChoiceField(choices=PATTERNS, initial=EVERY_WEEK, label="How often", widget=forms.RadioSelect)
    weekdays = forms.TypedMultipleChoiceField(
        choices=WEEKDAYS, coerce=int, required=False, widget=forms.CheckboxSelectMultiple, label="On"
    )
    anchor = DayField(
        required=False,
        label="In the week of",
        help_text="For every other week: any date in one of its weeks.",
    )
    on = DayField(required=False, label="Date", help_text="For one date.")
    starts = MinuteField()
    ends = MinuteField(help_text="At or before the start: it ends on the next day.")
    travel_minutes = forms.IntegerField(
        min_value=0,
        max_value=480,
        initial=0,
        label="Travel minutes",
        help_text="Between there and the site, each way.",
    )
    valid_from = DayField(required=False, label="First day", help_text="Empty: it holds already.")
    last_day = DayField(required=False, help_text="Empty: until further notice.")

    def __init__(self, *args: Any, commitment: Commitment | None = None, **kwargs: Any) -> None:
        if commitment is not None:
            kwargs["initial"] = _commitment_initial(commitment)
        super().__init__(*args, **kwargs)
        self.helper = laid_out(
            beside("kind", "label"),
            InlineRadios("pattern"),
            Div(InlineCheckboxes("weekdays"), css_class="unless-once"),
            Row(Column("anchor", css_class="col-sm-6 if-other"), Column("on", css_class="col-sm-6 if-once")),
            beside("starts", "ends", "travel_minutes"),
            Div(beside("valid_from", "last_day"), css_class="unless-once"),
        )

    def clean(self) -> dict[str, Any]:
        """Each pattern needs its own field; whether what is in them makes sense is the service's to say."""
        cleaned = super().clean() or {}
        pattern = cleaned.get("pattern")
        if pattern == ONE_DATE and not cleaned.get("on") and "on" not in self.errors:
            self.add_error("on", "Which date?")
        if pattern in (EVERY_WEEK, EVERY_OTHER_WEEK) and not cleaned.get("weekdays") and "weekdays" not in self.errors:
            self.add_error("weekdays", "On which days?")
        if pattern == EVERY_OTHER_WEEK and not cleaned.get("anchor") and "anchor" not in self.errors:
            self.add_error("anchor", "In which weeks? Give any date in one of them.")
        return cleaned

    def values(self) -> CommitmentValues:
        given = self.cleaned_data
        once = given["pattern"] == ONE_DATE
        last_day = given["last_day"]
        return CommitmentValues(
            kind=given["kind"],
            label=given["label"],
            starts=given["starts"],
            ends=given["ends"],
            weekdays=0 if once else weekday_mask(given["weekdays"]),
            anchor=given["anchor"] if given["pattern"] == EVERY_OTHER_WEEK else None,
            on=given["on"] if once else None,
            travel_minutes=given["travel_minutes"],
            valid_from=None if once else given["valid_from"],
            valid_until=last_day + timedelta(days=1) if last_day and not once else None,
        )


def _commitment_initial(commitment: Commitment) -> dict[str, Any]:
    return {
        "kind": commitment.kind,
        "label": commitment.label,
        "pattern": ONE_DATE if commitment.on else EVERY_OTHER_WEEK if commitment.anchor else EVERY_WEEK,
        "weekdays": commitment.weekday_numbers,
        "anchor": commitment.anchor,
        "on": commitment.on,
        "starts": commitment.starts,
        "ends": commitment.ends,
        "travel_minutes": commitment.travel_minutes,
        "valid_from": commitment.valid_from,
        "last_day": commitment.valid_until - timedelta(days=1) if commitment.valid_until else None,
    }


class LastDayForm(forms.Form):
    """The last day of something."""

    blames: ClassVar = {"ends_before_it_begins": "last_day", "already_ended": "last_day"}

    last_day = DayField()

    def __init__(self, *args: Any, help_text: str = "", **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["last_day"].help_text = help_text
        self.helper = laid_out(*self.fields)


class EndingForm(LastDayForm):
    """The last day of something, and why it ends."""

    reason = forms.CharField(max_length=120, required=False, help_text="Kept on the record.")


class LevelForm(forms.Form):
    """What is prescribed from a day on; of an admission, too, who sent the patient."""

    blames: ClassVar = {"level_overlaps": "starts", "already_admitted": "starts", "is_over": "starts"}

    starts = DayField(label="From")
    level = forms.ChoiceField(choices=LevelOfCare.choices)
    prescribed_minutes = HoursField(label="Hours a week", help_text="For example 9, or 10:30.")
    prescribed_days = forms.IntegerField(min_value=1, max_value=7, label="Days a week")
    stated_by = forms.CharField(max_length=120, help_text="Who stated the level, with credential.")
    referral_source = forms.CharField(
        max_length=120, required=False, label="Referred by", help_text="Who sent them, if anybody."
    )

    def __init__(self, *args: Any, episode: Episode | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if episode is not None:
            del self.fields["referral_source"]
        rows = [beside("starts", "level"), beside("prescribed_minutes", "prescribed_days"), "stated_by"]
        self.helper = laid_out(*rows, *(() if episode else ("referral_source",)))

    def values(self) -> LevelValues:
        given = self.cleaned_data
        return LevelValues(
            level=given["level"],
            prescribed_minutes=given["prescribed_minutes"],
            prescribed_days=given["prescribed_days"],
            starts=given["starts"],
            stated_by=given["stated_by"],
        )
