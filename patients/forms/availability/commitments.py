"""Forms to enter a commitment and to end one."""

from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from typing import Any

from crispy_forms.bootstrap import InlineCheckboxes, InlineRadios
from crispy_forms.layout import Div
from django import forms
from django.utils.dates import WEEKDAYS_ABBR
from django.utils.text import capfirst
from django.utils.translation import get_language, gettext
from django.utils.translation import gettext_lazy as _
from django_stubs_ext import StrOrPromise

from iopmanager.form_fields import DayField, MinuteField
from patients.forms.care.episodes import LastDayForm
from patients.forms.layout import fields_row, form_layout
from patients.models import Commitment, CommitmentKind, Place
from patients.models.commitment import MAX_MOVABLE_MINUTES, MIDNIGHT, MIN_MOVABLE_MINUTES, weekday_mask
from patients.services.availability.commitments import CommitmentValues
from timekeeping.reasons import Refused
from timekeeping.rotations import format_runs, parse_runs, runs_to_bits

WEEKDAYS = [(number, capfirst(name)) for number, name in WEEKDAYS_ABBR.items()]
EVERY_WEEK, EVERY_OTHER_WEEK, ROTATION, SOME_DATES, ONE_DATE = "every", "other", "rotation", "range", "once"
PATTERNS = [
    (EVERY_WEEK, _("Every week")),
    (EVERY_OTHER_WEEK, _("Every other week")),
    (ROTATION, _("Rotating shift")),
    (SOME_DATES, _("Several dates in a row")),
    (ONE_DATE, _("One date")),
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
    """A rotation such as `4 on, 3 off` or `2-2-3-2-2-3`.

    The value is a tuple of day counts, alternately days on and days off.
    """

    def to_python(self, value: Any) -> Any:
        written = super().to_python(value)
        if not written:
            return ()
        try:
            return parse_runs(written)
        except Refused:
            raise forms.ValidationError(_("Enter the days on and off in turn, for example 4 on, 3 off.")) from None

    def run_validators(self, value: Any) -> None:
        """Do nothing. CharField's validators expect text, and `to_python` has already converted the text to a tuple."""


class CommitmentForm(forms.Form):
    """Form for a commitment with any pattern. Only the fields of the chosen pattern are saved.

    The fields of the other patterns keep what the user typed.
    """

    kind = forms.ChoiceField(choices=CommitmentKind.choices, label=_("Kind"))
    label = forms.CharField(max_length=80, label=_("What"), help_text=_("For example: day shift."))
    pattern = forms.ChoiceField(choices=PATTERNS, initial=EVERY_WEEK, label=_("How often"), widget=forms.RadioSelect)
    weekdays = forms.TypedMultipleChoiceField(
        choices=WEEKDAYS,
        coerce=int,
        required=False,
        widget=forms.CheckboxSelectMultiple,
        label=_("Days"),
    )
    anchor = DayField(required=False, label=_("One of the weeks"), help_text=_("Any date in one of these weeks."))
    rotation = RunsField(
        required=False,
        max_length=120,
        label=_("Days on and off"),
        help_text=_("For example: 4 on, 3 off. Or: 2-2-3-2-2-3."),
    )
    round_from = DayField(required=False, label=_("First day on"), help_text=_("Any first day on after days off."))
    on = DayField(required=False, label=_("Date"))
    first_on = DayField(required=False, label=_("From"))
    last_on = DayField(
        required=False, label=_("To"), help_text=_("This day counts too. If you check no days, every day counts.")
    )
    whole_day = forms.BooleanField(required=False, label=_("All day"))
    starts = MinuteField(required=False, label=_("Starts"))
    ends = MinuteField(
        required=False,
        label=_("Ends"),
        help_text=_("If this is at or before the start, it ends the next day."),
    )
    could_move = forms.ChoiceField(
        choices=[(FIXED, _("It must stay as it is")), (MOVABLE, _("It could move a little"))],
        initial=FIXED,
        widget=forms.RadioSelect,
        required=False,
        label=_("Could it move?"),
    )
    movable_minutes = forms.IntegerField(
        required=False,
        min_value=MIN_MOVABLE_MINUTES,
        max_value=MAX_MOVABLE_MINUTES,
        label=_("By up to (minutes)"),
        help_text=_("It could start this much later or end this much earlier."),
    )
    place = forms.TypedChoiceField(
        required=False,
        coerce=int,
        empty_value=None,
        label=_("Where"),
        help_text=_("We know how long the trip from there takes."),
    )
    travel_before_minutes = forms.IntegerField(
        min_value=0, max_value=480, required=False, label=_("Minutes to get there"), help_text=_("From the site.")
    )
    travel_after_minutes = forms.IntegerField(
        min_value=0,
        max_value=480,
        required=False,
        label=_("Minutes back"),
        help_text=_("To the site. Leave blank if it takes the same time."),
    )
    valid_from = DayField(required=False, label=_("First day"), help_text=_("Leave blank if it has already started."))
    last_day = DayField(required=False, label=_("Last day"), help_text=_("Leave blank if there is no end date."))

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
        if is_own:  # These help texts are for patients, so they don't mention sites.
            self.fields["travel_before_minutes"].help_text = _("From your appointments with us.")
            self.fields["travel_after_minutes"].help_text = _(
                "To your appointments with us. Leave blank if it takes the same time."
            )
        known = [(place.pk, place.name) for place in places]
        if known:
            self.fields["place"].choices = [("", _("Somewhere else (enter minutes below)")), *known]  # type: ignore[attr-defined]
        else:
            del self.fields["place"]
        self.helper = form_layout(
            fields_row("kind", "label"),
            InlineRadios("pattern"),
            Div(InlineCheckboxes("weekdays"), css_class="choose-days unless-once unless-rotation asked"),
            Div(fields_row("anchor"), css_class="if-other asked"),
            Div(fields_row("rotation", "round_from"), css_class="if-rotation asked"),
            Div(fields_row("first_on", "last_on"), css_class="if-range asked"),
            Div(fields_row("on"), css_class="if-once asked"),
            "whole_day",
            Div(fields_row("starts", "ends"), css_class="unless-whole asked"),
            Div(InlineRadios("could_move"), css_class="asked"),
            Div(fields_row("movable_minutes"), css_class="if-movable asked"),
            *(("place",) if known else ()),
            Div(fields_row("travel_before_minutes", "travel_after_minutes"), css_class="unless-place"),
            Div(fields_row("valid_from", "last_day"), css_class="unless-once unless-range"),
        )

    def clean(self) -> dict[str, Any]:
        """Require that the fields of the chosen pattern are filled in. The service checks the values."""
        cleaned = super().clean() or {}
        needed = {
            EVERY_WEEK: {"weekdays": _("Choose at least one day.")},
            EVERY_OTHER_WEEK: {
                "weekdays": _("Choose at least one day."),
                "anchor": _("Enter any date in one of the weeks."),
            },
            ROTATION: {
                "rotation": _("Enter the days on and off, for example 4 on, 3 off."),
                "round_from": _("Enter any first day on."),
            },
            SOME_DATES: {"first_on": _("Enter the first date."), "last_on": _("Enter the last date.")},
            ONE_DATE: {"on": _("Enter the date.")},
        }
        for name, question in needed.get(cleaned.get("pattern", ""), {}).items():
            self._ask(name, question, cleaned)
        if not cleaned.get("whole_day"):
            self._ask("starts", _("Enter the start time."), cleaned)
            self._ask("ends", _("Enter the end time."), cleaned)
        if cleaned.get("could_move") == MOVABLE:
            self._ask("movable_minutes", _("Enter the number of minutes."), cleaned)
        return cleaned

    def _ask(self, name: str, question: StrOrPromise, cleaned: dict[str, Any]) -> None:
        if cleaned.get(name) in (None, "", (), []) and name not in self.errors:
            self.add_error(name, question)

    @property
    def reason_fields(self) -> Mapping[str, str]:
        """Map the code of each refusal reason to the form field beside which the reason is shown.

        The field can depend on the chosen pattern.
        """
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
    """The last day of a commitment.

    A commitment on specific dates is removed instead of ended, so its form has no fields.
    """

    def __init__(self, data: Mapping[str, Any] | None, *, commitment: Commitment, today: date) -> None:
        super().__init__(data, initial={"last_day": today}, help_text=gettext("It still takes place on this day."))
        if commitment.on is not None:
            del self.fields["last_day"]

    @property
    def ends_after(self) -> date | None:
        """The last day of the commitment, or None if it is removed instead. Read this only if the form is valid."""
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
    """Return the name under which the form offers the commitment's pattern, such as `EVERY_WEEK`."""
    if commitment.on is not None:
        return SOME_DATES if commitment.until else ONE_DATE
    if commitment.cycle_days:
        return ROTATION
    return EVERY_OTHER_WEEK if commitment.anchor else EVERY_WEEK


def _typed_rotation(runs: Iterable[int]) -> str:
    """Return a rotation in a notation that the help text explains: “4 on, 3 off” in English, 4-3 in Spanish."""
    return format_runs(runs) if get_language() == "en" else "-".join(map(str, runs))


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
        "rotation": _typed_rotation(commitment.rotation_runs),
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
