from typing import Any

from django import forms

from scheduling.forms.timetable import WEEKDAYS, DateInput
from scheduling.models import Meeting, Modality, Track


class MeetingChoices(forms.ModelMultipleChoiceField):
    """A track's meetings, each said with its day and time."""

    def label_from_instance(self, obj: Any) -> str:
        return f"{WEEKDAYS[obj.weekday]} {obj.starts.hour}:{obj.starts:%M}–{obj.ends.hour}:{obj.ends:%M} {obj.name}"


class EnrollForm(forms.Form):
    starts = forms.DateField(widget=DateInput, label="From")
    meetings = MeetingChoices(
        Meeting.objects.none(),
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": "Choose at least one meeting."},
    )
    modality = forms.ChoiceField(
        choices=[(Modality.IN_PERSON, "In person"), (Modality.TELEHEALTH, "By telehealth")],
        initial=Modality.IN_PERSON,
        label="Attends",
    )

    def __init__(self, *args: Any, track: Track, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["meetings"]
        assert isinstance(field, MeetingChoices)
        field.queryset = track.meetings.order_by("weekday", "starts")
