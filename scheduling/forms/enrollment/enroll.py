"""Forms to choose a first day, enroll a patient, and manage the waitlist."""

from collections.abc import Iterable
from typing import Any, ClassVar

from django import forms
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from iopmanager.form_fields import DayField, RowsField
from scheduling.forms.enrollment.individual import WeeklyHoursField
from scheduling.forms.sessions.session_changes import ActionForm
from scheduling.models import Meeting, Modality, Priority, Track


class StartDateForm(forms.Form):
    """The first day of a schedule, given in the query parameter `from`."""

    reason_fields: ClassVar = {"before_admission": "from", "no_episode": "from"}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["from"] = DayField(label=_("Start date"))


class MeetingChoiceForm(forms.Form):
    """Form for the first day and a choice of meetings. It offers the track's meetings and the meetings in `beside`."""

    reason_fields: ClassVar = dict.fromkeys(
        (
            "already_ended",
            "before_admission",
            "began_today",
            "day_has_passed",
            "end_date_before_start",
            "no_episode",
            "no_start_date_left",
            "not_a_start_date",
        ),
        "starts",
    )

    starts = DayField(label=_("First day"))
    meetings = RowsField(Meeting.objects.none(), required=False, label=_("Groups"))

    def __init__(self, *args: Any, track: Track, beside: Iterable[Meeting] = (), **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["meetings"]
        assert isinstance(field, RowsField)
        others = Q(pk__in=[meeting.pk for meeting in beside])
        field.queryset = Meeting.objects.filter(Q(tracks=track) | others).distinct()


class EnrollForm(MeetingChoiceForm):
    """Form to enroll a patient: first day, meetings, modality, and the weekly hours of individual sessions."""

    modality = forms.ChoiceField(
        choices=[(Modality.IN_PERSON, _("In person")), (Modality.TELEHEALTH, _("By telehealth"))],
        initial=Modality.IN_PERSON,
        label=_("Attends"),
        widget=forms.RadioSelect,
    )
    individual = WeeklyHoursField(required=False, label=_("Individual sessions"))


class WaitlistForm(ActionForm):
    """How urgently the patient needs care, and the first day on which they can attend."""

    reason_fields: ClassVar = {"before_admission": "from_day", "episode_ended": "from_day"}

    priority = forms.TypedChoiceField(
        choices=Priority.choices,
        coerce=lambda text: Priority(int(text)),
        initial=Priority.ROUTINE,
        label=_("Priority"),
        widget=forms.RadioSelect,
        help_text=_("Set by a clinician. Spots go to the most urgent first, then to whoever has waited longest."),
    )
    from_day = DayField(label=_("Can start on"), help_text=_("The first day the patient could attend."))
    note = forms.CharField(
        max_length=200,
        required=False,
        label=_("Openings needed"),
        help_text=_("Shown on the waitlist. Don’t include personal details."),
    )


class WaitlistRemovalForm(ActionForm):
    """The reason for removing a patient from the waitlist."""

    reason_fields: ClassVar = {"reason_required": "reason"}

    reason = forms.CharField(max_length=120, label=_("Reason"), help_text=_("Saved in the patient’s record."))
