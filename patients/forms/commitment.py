"""Text → typed values for what a patient's life asks of them."""

from datetime import timedelta
from typing import Any, ClassVar

from crispy_forms.bootstrap import InlineCheckboxes, InlineRadios
from crispy_forms.layout import Column, Div, Row
from django import forms

from iopmanager.days import DayField, MinuteField
from patients.forms.layout import beside, laid_out
from patients.models import Commitment, CommitmentKind
from patients.models.commitment import weekday_mask
from patients.services import CommitmentValues

WEEKDAYS = [(0, "Mon"), (1, "Tue"), (2, "Wed"), (3, "Thu"), (4, "Fri"), (5, "Sat"), (6, "Sun")]
EVERY_WEEK, EVERY_OTHER_WEEK, ONE_DATE = "every", "other", "once"
PATTERNS = [(EVERY_WEEK, "Every week"), (EVERY_OTHER_WEEK, "Every other week"), (ONE_DATE, "On one date")]


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
