"""Forms to correct a level of care, an admission or a discharge, or to take one of them back."""

from typing import Any, ClassVar

from django import forms
from django.utils.translation import gettext_lazy as _

from iopmanager.form_fields import DayField
from patients.forms.care.episodes import LevelForm
from patients.forms.layout import form_layout

CORRECTION_REASON: dict[str, Any] = {
    "max_length": 200,
    "label": _("Reason for the correction"),
    "help_text": _("Saved in the record."),
}


class LevelCorrectionForm(LevelForm):
    """The corrected values of a level of care, and the reason for the correction."""

    reason_fields: ClassVar = LevelForm.reason_fields | {
        "first_level_follows_admission": "starts",
        "level_out_of_bounds": "starts",
        "reason_required": "reason",
    }

    reason = forms.CharField(**CORRECTION_REASON)


class TakeBackForm(forms.Form):
    """The reason to take back something that was entered by mistake."""

    reason_fields: ClassVar = {"reason_required": "reason"}

    reason = forms.CharField(**CORRECTION_REASON)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.helper = form_layout(*self.fields)


class DischargeCorrectionForm(forms.Form):
    """The corrected last day and reason of a discharge, and the reason for the correction."""

    reason_fields: ClassVar = {
        "end_date_before_start": "last_day",
        "admitted_since": "last_day",
        "attended_after": "last_day",
        "reason_required": "reason",
    }

    last_day = DayField(label=_("Last day"), help_text=_("The last day in the program."))
    discharge_reason = forms.CharField(max_length=120, required=False, label=_("Discharge reason"))
    reason = forms.CharField(**CORRECTION_REASON)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.helper = form_layout(*self.fields)


class AdmissionCorrectionForm(forms.Form):
    """The corrected first day and referral source of an episode of care, and the reason for the correction."""

    reason_fields: ClassVar = {
        "before_birth": "starts",
        "overlaps_episode": "starts",
        "episode_ended": "starts",
        "came_before": "starts",
        "level_began": "starts",
        "attended_before": "starts",
        "enrolled_before": "starts",
        "leave_before": "starts",
        "reason_required": "reason",
    }

    starts = DayField(label=_("First day"))
    referral_source = forms.CharField(
        max_length=120, required=False, label=_("Referral source"), help_text=_("Leave blank if there is none.")
    )
    reason = forms.CharField(**CORRECTION_REASON)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.helper = form_layout(*self.fields)
