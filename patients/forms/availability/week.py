"""Forms to edit a week of commitments. Each row is a weekly commitment, and can be typed or painted on a grid."""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from django import forms
from django.forms.renderers import get_default_renderer
from django.utils.translation import gettext_lazy as _

from iopmanager.form_fields import MinuteField
from patients.forms.availability.commitments import WEEKDAYS
from patients.models import Commitment, CommitmentKind
from patients.models.commitment import MAX_MOVABLE_MINUTES, MIN_MOVABLE_MINUTES, weekday_mask
from patients.services.availability.week import WeekRow

MAX_ROWS = 60


class WeekRowForm(forms.Form):
    """A row with one weekly commitment.

    If the label is left empty, the name of the commitment's kind becomes the label.
    """

    reason_fields: ClassVar = {
        "no_duration": "ends",
        "never_happens": "weekdays",
        "movable_exceeds_duration": "movable_minutes",
    }

    commitment = forms.IntegerField(required=False, widget=forms.HiddenInput)
    kind = forms.ChoiceField(choices=CommitmentKind.choices, initial=CommitmentKind.WORK, label=_("Kind"))
    label = forms.CharField(max_length=80, required=False, label=_("What"))
    weekdays = forms.TypedMultipleChoiceField(
        choices=WEEKDAYS,
        coerce=int,
        widget=forms.CheckboxSelectMultiple(attrs={"class": "form-check-input"}),
        label=_("Days"),
        error_messages={"required": _("Choose at least one day.")},
    )
    starts = MinuteField(label=_("Starts"), error_messages={"required": _("Enter the start time.")})
    ends = MinuteField(label=_("Ends"), error_messages={"required": _("Enter the end time.")})
    movable_minutes = forms.IntegerField(
        required=False, min_value=MIN_MOVABLE_MINUTES, max_value=MAX_MOVABLE_MINUTES, label=_("Can move (min)")
    )

    def row(self) -> WeekRow:
        given = self.cleaned_data
        return WeekRow(
            kind=given["kind"],
            label=given["label"] or str(CommitmentKind(given["kind"]).label),
            weekdays=weekday_mask(given["weekdays"]),
            starts=given["starts"],
            ends=given["ends"],
            movable_minutes=given["movable_minutes"] or 0,
            commitment_id=given["commitment"],
        )


if TYPE_CHECKING:
    WeekRowFormSetBase = forms.BaseFormSet[WeekRowForm]
else:
    WeekRowFormSetBase = forms.BaseFormSet


class WeekFormSet(WeekRowFormSetBase):
    """The rows of a week of commitments, followed by two empty rows."""

    form = WeekRowForm
    renderer = get_default_renderer()
    extra = 2
    min_num, max_num, absolute_max = 0, MAX_ROWS, MAX_ROWS
    validate_min, validate_max = False, True
    can_order, can_delete, can_delete_extra = False, True, True

    def add_fields(self, form: WeekRowForm, index: int | None) -> None:
        super().add_fields(form, index)
        form.fields["DELETE"].widget.attrs["class"] = "form-check-input"

    def numbered_rows(self) -> Mapping[int, WeekRow]:
        """Return the values of each row that was filled in or deleted, by the index of the row.

        Call this only if the formset is valid.
        """
        found: dict[int, WeekRow] = {}
        deleted_forms = self.deleted_forms
        for number, form in enumerate(self.forms):
            if form in deleted_forms:
                found[number] = WeekRow(commitment_id=form.cleaned_data.get("commitment"), is_removed=True)
            elif form.has_changed() or form.cleaned_data.get("commitment"):
                found[number] = form.row()
        return found


def week_initial(commitments: Iterable[Commitment]) -> list[dict[str, Any]]:
    """Return the initial values of the rows, one row for each commitment."""
    return [
        {
            "commitment": each.pk,
            "kind": each.kind,
            "label": each.label,
            "weekdays": each.weekday_numbers,
            "starts": each.starts,
            "ends": each.ends,
            "movable_minutes": each.movable_minutes or None,
        }
        for each in commitments
    ]
