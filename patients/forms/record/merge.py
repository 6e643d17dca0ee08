"""Forms to merge two records of one person, and to take a merge back."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, ClassVar

from django import forms
from django.utils.translation import gettext_lazy as _

from patients.models.merge import REASON_MAX_LENGTH

KEPT, ABSORBED = "kept", "absorbed"
PREFIX = "detail-"


@dataclass(frozen=True, slots=True)
class DetailChoice:
    """A detail in which the records differ, with both values as texts. `takes_other` proposes the absorbed record's value."""

    name: str
    label: str
    kept: str
    absorbed: str
    takes_other: bool


class MergeForm(forms.Form):
    """Which record is right about each detail in which the records differ, and the reason for the merge."""

    reason_fields: ClassVar = {"reason_required": "reason"}

    reason = forms.CharField(
        max_length=REASON_MAX_LENGTH,
        label=_("Reason"),
        help_text=_("How you know that both records belong to the same person. Only staff see the reason."),
    )

    def __init__(self, *args: Any, choices: Iterable[DetailChoice], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        details = {
            PREFIX + each.name: forms.ChoiceField(
                label=each.label,
                choices=[(KEPT, each.kept), (ABSORBED, each.absorbed)],
                initial=ABSORBED if each.takes_other else KEPT,
                widget=forms.RadioSelect,
            )
            for each in choices
        }
        self.fields = details | self.fields

    @property
    def from_absorbed(self) -> list[str]:
        """The names of the details for which the user chose the absorbed record's value."""
        chosen = self.cleaned_data.items()
        return [name.removeprefix(PREFIX) for name, value in chosen if name.startswith(PREFIX) and value == ABSORBED]


class TakeBackMergeForm(forms.Form):
    reason_fields: ClassVar = {"reason_required": "reason"}

    reason = forms.CharField(max_length=REASON_MAX_LENGTH, label=_("Reason"), help_text=_("Only staff see the reason."))
