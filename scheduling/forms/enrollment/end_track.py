"""Form to end a track."""

from typing import Any, ClassVar

from django import forms
from django.utils.translation import gettext_lazy as _

from iopmanager.form_fields import DayField, RowsField
from scheduling.forms.sessions.session_changes import ActionForm
from scheduling.models import Enrollment, Track


class TrackEndForm(ActionForm):
    """The last day of a track, and the patients who move to another track.

    `listed` is the `list_key` of the patients that the page showed last.
    """

    reason_fields: ClassVar = {"end_date_before_start": "last_day"}

    last_day = DayField(label=_("Last day"), help_text=_("The groups meet through this day."))
    to = forms.ModelChoiceField(
        Track.objects.none(),
        required=False,
        label=_("Patients move to"),
        empty_label=_("No track (enrollments end)"),
    )
    moving = RowsField(Enrollment.objects.none(), required=False, widget=forms.MultipleHiddenInput)
    listed = forms.CharField(required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, track: Track, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choices = {
            "to": Track.objects.filter(site=track.site_id).published().exclude(pk=track.pk),
            "moving": Enrollment.objects.filter(track=track),
        }
        for name, queryset in choices.items():
            field = self.fields[name]
            assert isinstance(field, forms.ModelChoiceField)
            field.queryset = queryset

    @property
    def list_key(self) -> str:
        """Key of a list of patients, made of the last day and the new track. The form must be valid."""
        to = self.cleaned_data["to"]
        return f"{self.cleaned_data['last_day']:%Y-%m-%d} {to.pk if to else ''}"

    @property
    def moving_ids(self) -> set[int]:
        """Ids of the enrollments chosen to move to the other track. The form must be valid."""
        return {enrollment.pk for enrollment in self.cleaned_data["moving"]}

    @property
    def is_listed(self) -> bool:
        """Whether the user has seen which patients would move. Also true if nobody would move. The form must be valid."""
        return self.cleaned_data["to"] is None or self.cleaned_data["listed"] == self.list_key
