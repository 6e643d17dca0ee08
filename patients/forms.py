"""Text → typed values for the patient's record. Days given as last days become half-open here."""

from datetime import timedelta
from typing import Any

from django import forms

from patients.models import Commitment, CommitmentKind, LevelOfCare, Patient
from patients.models.commitment import weekday_mask
from patients.services import CommitmentValues, LevelValues, PatientValues

WEEKDAYS = [(0, "Mon"), (1, "Tue"), (2, "Wed"), (3, "Thu"), (4, "Fri"), (5, "Sat"), (6, "Sun")]
EVERY_WEEK, EVERY_OTHER_WEEK, ONE_DATE = "every", "other", "once"
PATTERNS = [(EVERY_WEEK, "Every week"), (EVERY_OTHER_WEEK, "Every other week"), (ONE_DATE, "On one date")]


def date_input() -> forms.DateInput:
    return forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")


def time_input() -> forms.TimeInput:
    return forms.TimeInput(attrs={"type": "time"}, format="%H:%M")


class PatientForm(forms.Form):
    code = forms.CharField(max_length=40, help_text="The clinic's own code.")
    first_name = forms.CharField(max_length=80)
    last_name = forms.CharField(max_length=80)
    preferred_name = forms.CharField(max_length=80, required=False, help_text="What they like to be called.")
    birth_date = forms.DateField(widget=date_input())
    email = forms.EmailField(required=False, label="E-mail")
    phone = forms.CharField(max_length=40, required=False)
    language = forms.CharField(max_length=40, initial="English")
    travel_minutes = forms.IntegerField(
        min_value=0, max_value=480, initial=0, label="Minutes from home", help_text="One way, to the site."
    )

    def __init__(self, *args: Any, patient: Patient | None = None, **kwargs: Any) -> None:
        self.patient = patient
        if patient is not None:
            kwargs["initial"] = {name: getattr(patient, name) for name in self.base_fields}
        super().__init__(*args, **kwargs)

    def clean_code(self) -> str:
        code: str = self.cleaned_data["code"]
        if Patient.objects.filter(code=code).exclude(pk=self.patient.pk if self.patient else 0).exists():
            raise forms.ValidationError("Another patient has this code.")
        return code

    def values(self) -> PatientValues:
        return PatientValues(**self.cleaned_data)


class CommitmentForm(forms.Form):
    kind = forms.ChoiceField(choices=CommitmentKind.choices)
    label = forms.CharField(max_length=80, label="What", help_text="For example: day shift.")
    pattern = forms.ChoiceField(choices=PATTERNS, initial=EVERY_WEEK, label="How often")
    weekdays = forms.TypedMultipleChoiceField(
        choices=WEEKDAYS, coerce=int, required=False, widget=forms.CheckboxSelectMultiple
    )
    anchor = forms.DateField(
        widget=date_input(),
        required=False,
        label="In the week of",
        help_text="For every other week: a date in one of them.",
    )
    on = forms.DateField(widget=date_input(), required=False, label="Date", help_text="For one date.")
    starts = forms.TimeField(widget=time_input())
    ends = forms.TimeField(widget=time_input(), help_text="At or before the start: it ends on the next day.")
    travel_minutes = forms.IntegerField(
        min_value=0,
        max_value=480,
        initial=0,
        label="Minutes on the way",
        help_text="Between there and the site, each way.",
    )
    valid_from = forms.DateField(widget=date_input(), required=False, label="First day")
    last_day = forms.DateField(widget=date_input(), required=False)

    def __init__(self, *args: Any, commitment: Commitment | None = None, **kwargs: Any) -> None:
        if commitment is not None:
            kwargs["initial"] = _commitment_initial(commitment)
        super().__init__(*args, **kwargs)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        pattern = cleaned.get("pattern")
        if pattern == ONE_DATE and not cleaned.get("on"):
            self.add_error("on", "Which date?")
        if pattern in (EVERY_WEEK, EVERY_OTHER_WEEK) and not cleaned.get("weekdays"):
            self.add_error("weekdays", "On which days?")
        if pattern == EVERY_OTHER_WEEK and not cleaned.get("anchor"):
            self.add_error("anchor", "In which weeks? Give any date in one of them.")
        if cleaned.get("starts") and cleaned.get("starts") == cleaned.get("ends"):
            self.add_error("ends", "It must take less than a day.")
        first, last = cleaned.get("valid_from"), cleaned.get("last_day")
        if first and last and last < first:
            self.add_error("last_day", "The last day is before the first.")
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
    pattern = ONE_DATE if commitment.on else EVERY_OTHER_WEEK if commitment.anchor else EVERY_WEEK
    until = commitment.valid_until
    return {
        "kind": commitment.kind,
        "label": commitment.label,
        "pattern": pattern,
        "weekdays": commitment.weekday_numbers,
        "anchor": commitment.anchor,
        "on": commitment.on,
        "starts": commitment.starts,
        "ends": commitment.ends,
        "travel_minutes": commitment.travel_minutes,
        "valid_from": commitment.valid_from,
        "last_day": until - timedelta(days=1) if until else None,
    }


class LastDayForm(forms.Form):
    """The last day of something, and why."""

    last_day = forms.DateField(widget=date_input())
    reason = forms.CharField(max_length=120, required=False)


class LevelForm(forms.Form):
    level = forms.ChoiceField(choices=LevelOfCare.choices)
    starts = forms.DateField(widget=date_input(), label="From")
    prescribed_hours = forms.DecimalField(
        min_value=1, max_value=60, decimal_places=2, label="Hours a week", help_text="For example 9 or 10.5."
    )
    prescribed_days = forms.IntegerField(min_value=1, max_value=7, label="Days a week")
    stated_by = forms.CharField(max_length=120, help_text="Who stated the level, with credential.")
    referral_source = forms.CharField(max_length=120, required=False, help_text="When admitting: who sent them.")

    def values(self) -> LevelValues:
        given = self.cleaned_data
        return LevelValues(
            level=given["level"],
            prescribed_minutes=round(given["prescribed_hours"] * 60),
            prescribed_days=given["prescribed_days"],
            starts=given["starts"],
            stated_by=given["stated_by"],
        )
