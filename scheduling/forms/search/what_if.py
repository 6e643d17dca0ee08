"""Forms for a what-if scenario, which changes commitments and the prescription without saving anything."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from datetime import date
from typing import Any, ClassVar

from crispy_forms.bootstrap import InlineCheckboxes
from crispy_forms.layout import Div
from django import forms
from django.utils.datastructures import MultiValueDict
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext, pgettext_lazy

from iopmanager.form_fields import MinuteField, parse_number
from patients.forms.availability.commitments import REASON_FIELDS, WEEKDAYS
from patients.forms.care.episodes import DurationField
from patients.forms.layout import fields_row, form_layout
from patients.models.commitment import MAX_MOVABLE_MINUTES, MIN_MOVABLE_MINUTES
from patients.services.availability.commitments import check_commitment_times
from scheduling.domain.search.need import Need
from scheduling.domain.suggestions.scenario import ChangedCommitment, Scenario
from scheduling.formats import hours
from scheduling.forms.search.suggestion_form import parse_rule_change
from scheduling.reason_text import reason_text
from timekeeping.busy_times import BusyTime
from timekeeping.reasons import Key
from timekeeping.weeks import OnDates, Recurrence

FormData = MultiValueDict[str, str]


class PrescriptionScenarioForm(forms.Form):
    """Treatment hours and days per week that the scenario assumes to be prescribed."""

    prescribed_minutes = DurationField(label=_("Hours a week"))
    prescribed_days = forms.IntegerField(min_value=1, max_value=7, label=_("Days a week"))

    def __init__(self, data: FormData | None, *, need: Need) -> None:
        self.need = need
        initial = {"prescribed_minutes": hours(need.prescribed_minutes), "prescribed_days": need.prescribed_days}
        super().__init__(data if data is not None and "prescribed_minutes" in data else None, initial=initial)
        self.helper = form_layout(fields_row(*self.fields))

    @property
    def changed_minutes(self) -> int | None:
        return self._changed("prescribed_minutes")

    @property
    def changed_days(self) -> int | None:
        return self._changed("prescribed_days")

    def _changed(self, name: str) -> int | None:
        given: int | None = self.cleaned_data.get(name) if self.is_bound and self.is_valid() else None
        return given if given != getattr(self.need, name) else None


class CommitmentScenarioForm(forms.Form):
    """A commitment under a scenario: left out, or with other times, days, travel or flexibility.

    The field `only` limits these changes to some of the commitment's weekdays. But a change to the weekdays themselves
    is not limited.
    """

    reason_fields: ClassVar[Mapping[str, str]] = REASON_FIELDS

    leave_out = forms.BooleanField(required=False, label=_("Leave this commitment out"))
    starts = MinuteField(error_messages={"required": _("Enter the start time.")})
    ends = MinuteField(error_messages={"required": _("Enter the end time.")})
    weekdays = forms.TypedMultipleChoiceField(
        choices=WEEKDAYS,
        coerce=int,
        label=pgettext_lazy("weekdays", "On"),
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": _("Choose at least one day.")},
    )
    only = forms.TypedMultipleChoiceField(
        required=False,
        coerce=int,
        label=_("Change only these days"),
        widget=forms.CheckboxSelectMultiple,
        help_text=_("Leave blank to change all its days."),
    )
    movable_minutes = forms.IntegerField(
        required=False,
        min_value=0,
        max_value=MAX_MOVABLE_MINUTES,
        label=_("Can move by"),
        help_text=_("In minutes. Enter 0 if it can’t move."),
    )
    travel_before = forms.IntegerField(required=False, min_value=0, max_value=480, label=_("Travel there, in minutes"))
    travel_after = forms.IntegerField(required=False, min_value=0, max_value=480, label=_("Travel back, in minutes"))

    def __init__(self, data: FormData | None, *, busy: BusyTime) -> None:
        self.busy = busy
        prefix = f"c{busy.key}"
        is_typed = data is not None and f"{prefix}-starts" in data
        initial = {
            "starts": busy.starts,
            "ends": busy.ends,
            "movable_minutes": busy.movable_minutes,
            "travel_before": busy.travel_before,
            "travel_after": busy.travel_after,
        }
        weekdays = sorted(busy.recurrence.weekdays) if isinstance(busy.recurrence, Recurrence) else []
        super().__init__(data if is_typed else None, prefix=prefix, initial=initial | {"weekdays": weekdays})
        if not weekdays:
            del self.fields["weekdays"]
        if len(weekdays) > 1:
            self.fields["only"].choices = [(day, name) for day, name in WEEKDAYS if day in weekdays]  # type: ignore[attr-defined]
        else:
            del self.fields["only"]
        self.helper = form_layout(
            *(Div(InlineCheckboxes(name), css_class="choose-days") for name in ("weekdays",) if name in self.fields),
            fields_row("starts", "ends", "movable_minutes"),
            fields_row("travel_before", "travel_after"),
            *(Div(InlineCheckboxes(name), css_class="choose-days") for name in ("only",) if name in self.fields),
            "leave_out",
        )

    @property
    def dates(self) -> list[date]:
        """Sorted dates of a commitment that is on single dates. Empty for a weekly or rotating commitment."""
        return sorted(self.busy.recurrence.days) if isinstance(self.busy.recurrence, OnDates) else []

    def clean_movable_minutes(self) -> int:
        minutes: int = self.cleaned_data["movable_minutes"] or 0
        if 0 < minutes < MIN_MOVABLE_MINUTES:
            raise forms.ValidationError(
                ngettext(
                    "Enter at least %(minutes)d minute, or 0 if it can’t move.",
                    "Enter at least %(minutes)d minutes, or 0 if it can’t move.",
                    MIN_MOVABLE_MINUTES,
                )
                % {"minutes": MIN_MOVABLE_MINUTES}
            )
        return minutes

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if not self.errors and not cleaned["leave_out"]:
            for reason in check_commitment_times(self._typed(cleaned)):
                self.add_error(REASON_FIELDS[reason.code], reason_text(reason))
        return cleaned

    def _typed(self, given: Mapping[str, Any]) -> BusyTime:
        return replace(
            with_weekdays(self.busy, given["weekdays"]) if "weekdays" in self.fields else self.busy,
            starts=given["starts"],
            ends=given["ends"],
            movable_minutes=given["movable_minutes"],
            travel_before=given["travel_before"] or 0,
            travel_after=given["travel_after"] or 0,
        )

    def _parts(self, given: Mapping[str, Any]) -> tuple[BusyTime, ...]:
        """Return the commitment under the scenario: the part on unchanged days, then the part on changed days.

        The tuple is empty if the scenario leaves the commitment out.
        """
        typed = self._typed(given)
        changed_days = {*given.get("only", ())} & {*given.get("weekdays", ())}
        other_days = {*given.get("weekdays", ())} - changed_days
        if replace(typed, recurrence=self.busy.recurrence) == self.busy and not given["leave_out"]:
            return (typed,)
        if not changed_days or not other_days:
            return () if given["leave_out"] else (typed,)
        unchanged = with_weekdays(self.busy, other_days)
        return (unchanged,) if given["leave_out"] else (unchanged, with_weekdays(typed, changed_days))

    @property
    def changed(self) -> ChangedCommitment | None:
        """The change to the commitment, or None if nothing changes or the form is invalid."""
        if not self.is_bound or not self.is_valid():
            return None
        parts = self._parts(self.cleaned_data)
        return ChangedCommitment(self.busy, parts) if parts != (self.busy,) else None


def with_weekdays(busy: BusyTime, weekdays: Collection[int]) -> BusyTime:
    """Return a weekly commitment moved to other weekdays."""
    assert isinstance(busy.recurrence, Recurrence)
    return replace(busy, recurrence=replace(busy.recurrence, weekdays=frozenset(weekdays)))


class ScenarioForm:
    """All forms of one scenario: one for the prescription and one for each commitment.

    A form whose fields are missing from `data` changes nothing. Changes that only suggestions can make have no form:
    they are read from the fields `place`, `join` and `rule` of `data`, and invalid values are ignored.
    """

    def __init__(self, data: FormData | None, *, need: Need) -> None:
        typed: FormData = MultiValueDict() if data is None else data
        self.prescription = PrescriptionScenarioForm(data, need=need)
        self.commitments = [CommitmentScenarioForm(data, busy=busy) for busy in need.busy if _has_record(busy)]
        self.places_in = _parse_keys(typed.getlist("place"))
        self.joined = _parse_keys(typed.getlist("join"))
        self.rules = tuple(change for text in typed.getlist("rule") if (change := parse_rule_change(text, need)))

    @property
    def forms(self) -> Iterable[forms.Form]:
        return (self.prescription, *self.commitments)

    def is_valid(self) -> bool:
        """Validate all forms, even after one is invalid, so that each form shows its errors."""
        invalid = [form for form in self.forms if form.is_bound and not form.is_valid()]
        return not invalid

    def scenario(self) -> Scenario:
        """Build the scenario. All forms must be valid."""
        return Scenario(
            changed=tuple(changed for form in self.commitments if (changed := form.changed)),
            prescribed_minutes=self.prescription.changed_minutes,
            prescribed_days=self.prescription.changed_days,
            places_in=self.places_in,
            joined=self.joined,
            rules=self.rules,
        )

    def form_for(self, key: int) -> CommitmentScenarioForm | None:
        """Return the form of the commitment with this id, or None if there is no such form."""
        return next((form for form in self.commitments if form.busy.key == key), None)


def _has_record(busy: BusyTime) -> bool:
    """Whether the busy time is a commitment with its own record, so that a change to the commitment can be saved."""
    return not busy.is_treatment and isinstance(busy.key, int)


def _parse_keys(texts: Iterable[str]) -> frozenset[Key]:
    return frozenset(key for text in texts if (key := parse_number(text)) is not None)
