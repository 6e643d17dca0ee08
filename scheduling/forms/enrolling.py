"""Text → typed values for finding a schedule and standing in it."""

from typing import Any, ClassVar

from django import forms

from iopmanager.days import DayField
from scheduling.models import Meeting, Modality, Track


class FromForm(forms.Form):
    """From which day a schedule is looked for, as `?from=`."""

    blames: ClassVar = {"before_admission": "from", "no_episode": "from"}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["from"] = DayField(label="Beginning on")


class EnrollForm(forms.Form):
    """From when, in which of the track's meetings, and how a patient attends them."""

    starts = DayField(label="First day")
    modality = forms.ChoiceField(
        choices=[(Modality.IN_PERSON, "In person"), (Modality.TELEHEALTH, "By telehealth")],
        initial=Modality.IN_PERSON,
        label="Attends",
        widget=forms.RadioSelect,
    )
    meetings = forms.ModelMultipleChoiceField(Meeting.objects.none(), required=False)

    def __init__(self, *args: Any, track: Track, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["meetings"]
        assert isinstance(field, forms.ModelMultipleChoiceField)
        field.queryset = track.meetings.all()
