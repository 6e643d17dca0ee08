"""Forms to enter a commitment and to end one."""

from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from typing import Any

from crispy_forms.bootstrap import InlineCheckboxes, InlineRadios
from crispy_forms.layout import Div
from django import forms

from iopmanager.form_fields import DayField, MinuteField
from patients.forms.care.episodes import LastDayForm
from patients.forms.layout import fields_row, form_layout
from patients.models import Commitment, CommitmentKind, Place
from patients.models.commitment import MAX_MOVABLE_MINUTES, MIDNIGHT, MIN_MOVABLE_MINUTES, weekday_mask
from patients.services.availability.commitments import CommitmentValues
from timekeeping.rotations import parse_runs, runs_to_bits

WEEKDAYS = [(0, "Mon"), (1, "Tue"), (2, "Wed"), (3, "Thu"), (4, "Fri"), (5, "Sat"), (6, "Sun")]
EVERY_WEEK, EVERY_OTHER_WEEK, ROTATION, SOME_DATES, ONE_DATE = "every", "other", "rotation", "range", "once"
PATTERNS = [
    (EVERY_WEEK, "Every week"),
    (EVERY_OTHER_WEEK, "Every other week"),
    (ROTATION, "A rotating shift"),
    (SOME_DATES, "Several dates in a row"),
    (ONE_DATE, "One date"),
]
FIXED, MOVABLE = "no", "yes"
REASON_FIELDS = {
    "no_duration": "ends",
    "end_date_before_start": "last_day",
    "never_happens": "weekdays",
    "rotation_all_or_nothing": "rotation",
    "rotation_too_long": "rotation",
    "date_range_too_long": "last_on",
    "movable_exceeds_duration": "movable_minutes",
    "place_not_found": "place",
}


class RunsField(forms.CharField):
    """A rotation such as `4 on, 3 off` or `2-2-3-2-2-3`. The value is the tuple of its run lengths in days."""

    def to_python(self, value: Any) -> Any:
        written = super().to_python(value)
        if not written:
            return ()
        try:
            return parse_runs(written)
        except ValueError as wrong:
            raise forms.ValidationError(str(wrong)) from None

    def run_validators(self, value: Any) -> None:
        """Skip the validators for text, because the runs were checked when they were parsed."""


class CommitmentForm(forms.Form):
    """A commitment of any pattern. Fields that belong to other patterns keep what was typed, but are not saved."""

    kind = forms.ChoiceField(choices=CommitmentKind.choices)
    label = forms.CharField(max_length=80, label="What", help_text="For example: day shift.")
    pattern = forms.ChoiceField(choices=PATTERNS, initial=EVERY_WEEK, label="How often", widget=forms.RadioSelect)
    weekdays = forms.TypedMultipleChoiceField(
        choices=WEEKDAYS,
        coerce=int,
        required=False,
        widget=forms.CheckboxSelectMultiple,
        label="On",
    )
    anchor = DayField(required=False, label="In the week of", help_text="Any date in one of its weeks.")
    rotation = RunsField(
        required=False,
        max_length=120,
        label="Days on and off",
        help_text="In turn, as 4 on, 3 off, or 2-2-3-2-2-3.",
    )
    round_from = DayField(required=False, label="A round begins on", help_text="Any first day on after days off.")
    on = DayField(required=False, label="Date")
    first_on = DayField(required=False, label="From")
    last_on = DayField(required=False, label="To", help_text="This day is in it. Without weekdays it is on each day.")
    whole_day = forms.BooleanField(required=False, label="The whole day")
    starts = MinuteField(required=False)
    ends = MinuteField(required=False, help_text="At or before the start: it ends on the next day.")
    could_move = forms.ChoiceField(
        choices=[(FIXED, "It must stay as it is"), (MOVABLE, "It could move a little")],
        initial=FIXED,
        widget=forms.RadioSelect,
        required=False,
        label="Could it move?",
    )
    movable_minutes = forms.IntegerField(
        required=False,
        min_value=MIN_MOVABLE_MINUTES,
        max_value=MAX_MOVABLE_MINUTES,
        label="By up to, in minutes",
        help_text="It could begin so much later, or end so much earlier.",
    )
    place = forms.TypedChoiceField(
        required=False,
        coerce=int,
        empty_value=None,
        label="Where",
        help_text="The way to each site is known from there.",
    )
    travel_before_minutes = forms.IntegerField(
        min_value=0, max_value=480, required=False, label="Minutes to get there", help_text="From the site."
    )
    travel_after_minutes = forms.IntegerField(
        min_value=0,
        max_value=480,
        required=False,
        label="Minutes back",
        help_text="To the site. Empty: as long as there.",
    )
    valid_from = DayField(required=False, label="First day", help_text="Empty: it holds already.")
    last_day = DayField(required=False, help_text="Empty: until further notice.")

    def __init__(
        self,
        *args: Any,
        commitment: Commitment | None = None,
        places: Iterable[Place] = (),
        is_own: bool = False,
        **kwargs: Any,
    ) -> None:
        if commitment is not None:
            kwargs["initial"] = commitment_initial(commitment)
        super().__init__(*args, **kwargs)
        if is_own:  # help texts for patients, which don't mention sites
            self.fields["travel_before_minutes"].help_text = "From your appointments."
            self.fields["travel_after_minutes"].help_text = "To your appointments. Empty: as long as there."
        known = [(place.pk, place.name) for place in places]
        if known:
            self.fields["place"].choices = [("", "Elsewhere: the minutes below"), *known]  # type: ignore[attr-defined]
        else:
            del self.fields["place"]
        self.helper = form_layout(
            fields_row("kind", "label"),
            InlineRadios("pattern"),
            Div(InlineCheckboxes("weekdays"), css_class="unless-once unless-rotation"),
            Div(fields_row("anchor"), css_class="if-other"),
            Div(fields_row("rotation", "round_from"), css_class="if-rotation"),
            Div(fields_row("first_on", "last_on"), css_class="if-range"),
            Div(fields_row("on"), css_class="if-once"),
            "whole_day",
            Div(fields_row("starts", "ends"), css_class="unless-whole"),
            InlineRadios("could_move"),
            Div(fields_row("movable_minutes"), css_class="if-movable"),
            *(("place",) if known else ()),
            Div(fields_row("travel_before_minutes", "travel_after_minutes"), css_class="unless-place"),
            Div(fields_row("valid_from", "last_day"), css_class="unless-once unless-range"),
        )

    def clean(self) -> dict[str, Any]:
        """Require the fields of the chosen pattern. The service checks their values."""
        cleaned = super().clean() or {}
        needed = {
            EVERY_WEEK: {"weekdays": "On which days?"},
            EVERY_OTHER_WEEK: {
                "weekdays": "On which days?",
                "anchor": "In which weeks? Give any date in one of them.",
            },
            ROTATION: {
                "rotation": "How many days on, and how many off? Write 4 on, 3 off.",
                "round_from": "When does a round begin? Give any first day on.",
            },
            SOME_DATES: {"first_on": "From which date?", "last_on": "To which date?"},
            ONE_DATE: {"on": "Which date?"},
        }
        for name, question in needed.get(cleaned.get("pattern", ""), {}).items():
            self._ask(name, question, cleaned)
        if not cleaned.get("whole_day"):
            self._ask("starts", "When does it begin?", cleaned)
            self._ask("ends", "When does it end?", cleaned)
        if cleaned.get("could_move") == MOVABLE:
            self._ask("movable_minutes", "By how many minutes?", cleaned)
        return cleaned

    def _ask(self, name: str, question: str, cleaned: dict[str, Any]) -> None:
        if cleaned.get(name) in (None, "", (), []) and name not in self.errors:
            self.add_error(name, question)

    @property
    def reason_fields(self) -> Mapping[str, str]:
        """Map reason codes to the fields beside which they are shown, depending on the chosen pattern."""
        pattern = self.data.get(self.add_prefix("pattern"))
        if pattern == SOME_DATES:
            return REASON_FIELDS | {"end_date_before_start": "last_on"}
        return REASON_FIELDS | {"never_happens": "last_day"} if pattern == ROTATION else REASON_FIELDS

    def values(self) -> CommitmentValues:
        given = self.cleaned_data
        whole = given["whole_day"]
        before, after = given["travel_before_minutes"] or 0, given["travel_after_minutes"]
        return CommitmentValues(
            kind=given["kind"],
            label=given["label"],
            starts=MIDNIGHT if whole else given["starts"],
            ends=MIDNIGHT if whole else given["ends"],
            movable_minutes=given["movable_minutes"] if given["could_move"] == MOVABLE else 0,
            place_id=given.get("place"),
            travel_before_minutes=before,
            travel_after_minutes=before if after is None else after,
            **_pattern_values(given),
        )


class CommitmentEndForm(LastDayForm):
    """The last day of a commitment. A commitment on specific dates is removed instead, so its form has no field."""

    def __init__(self, data: Mapping[str, Any] | None, *, commitment: Commitment, today: date) -> None:
        super().__init__(data, initial={"last_day": today}, help_text="It still holds on this day.")
        if commitment.on is not None:
            del self.fields["last_day"]

    @property
    def ends_after(self) -> date | None:
        """The last day, or None for a commitment that is removed. Read this only if the form is valid."""
        return self.cleaned_data.get("last_day")


def _pattern_values(given: dict[str, Any]) -> dict[str, Any]:
    """Return the values of the fields that belong to the chosen pattern."""
    pattern = given["pattern"]
    if pattern == ONE_DATE:
        return {"on": given["on"]}
    if pattern == SOME_DATES:
        days = given["weekdays"] or range(7)
        return {"on": given["first_on"], "until": given["last_on"] + timedelta(days=1), "weekdays": weekday_mask(days)}
    last_day = given["last_day"]
    holds = {"valid_from": given["valid_from"], "valid_until": last_day + timedelta(days=1) if last_day else None}
    if pattern == ROTATION:
        runs = given["rotation"]
        return holds | {"anchor": given["round_from"], "cycle_days": sum(runs), "cycle_mask": runs_to_bits(runs)}
    anchor = given["anchor"] if pattern == EVERY_OTHER_WEEK else None
    return holds | {"weekdays": weekday_mask(given["weekdays"]), "anchor": anchor}


def pattern_name(commitment: Commitment) -> str:
    """Return the form's choice for the pattern of a commitment, such as `EVERY_WEEK`."""
    if commitment.on is not None:
        return SOME_DATES if commitment.until else ONE_DATE
    if commitment.cycle_days:
        return ROTATION
    return EVERY_OTHER_WEEK if commitment.anchor else EVERY_WEEK


def commitment_initial(commitment: Commitment) -> dict[str, Any]:
    """Return the form's initial values for an existing commitment."""
    pattern = pattern_name(commitment)
    whole = commitment.is_whole_day
    return {
        "kind": commitment.kind,
        "label": commitment.label,
        "pattern": pattern,
        "weekdays": commitment.weekday_numbers,
        "anchor": commitment.anchor if pattern == EVERY_OTHER_WEEK else None,
        "rotation": commitment.rotation,
        "round_from": commitment.anchor if pattern == ROTATION else None,
        "on": commitment.on if pattern == ONE_DATE else None,
        "first_on": commitment.on if pattern == SOME_DATES else None,
        "last_on": commitment.last_on,
        "whole_day": whole,
        "starts": None if whole else commitment.starts,
        "ends": None if whole else commitment.ends,
        "could_move": MOVABLE if commitment.movable_minutes else FIXED,
        "movable_minutes": commitment.movable_minutes or None,
        "place": commitment.place_id,
        "travel_before_minutes": commitment.travel_before_minutes,
        "travel_after_minutes": commitment.travel_after_minutes,
        "valid_from": commitment.valid_from,
        "last_day": commitment.last_day,
    }
