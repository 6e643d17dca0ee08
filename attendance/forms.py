"""Forms for marks, amendments, make-up sessions and leaves of absence. Times are in the time zone of the site."""

from datetime import datetime, time, tzinfo
from typing import Any, ClassVar

from django import forms
from django.utils.translation import gettext_lazy as _

from attendance.models import Attendance, AttendanceStatus
from attendance.services.marks import Mark
from iopmanager.form_fields import DayField
from scheduling.forms.sessions.session_changes import ActionForm
from scheduling.models import Booking, Session
from timekeeping.occurrences import at_wall_clock


class TimeInput(forms.TimeInput):
    input_type = "time"

    def __init__(self) -> None:
        super().__init__(format="%H:%M")


class _AttendanceForm(forms.Form):
    reason_fields: ClassVar = {
        "needs_times": "arrived",
        "impossible_times": "arrived",
        "absence_with_times": "arrived",
        "reason_required": "reason",
        "nothing_changed": "status",
    }

    status = forms.ChoiceField(choices=[("", _("Not marked yet")), *AttendanceStatus.choices], label=_("Attendance"))
    arrived = forms.TimeField(widget=TimeInput, required=False, label=_("Arrived"))
    left = forms.TimeField(widget=TimeInput, required=False, label=_("Left"))

    def __init__(self, *args: Any, session: Session, attendance: Attendance | None, **kwargs: Any) -> None:
        self.session, self.attendance = session, attendance
        if attendance is not None:
            kwargs["initial"] = {
                "status": attendance.status,
                "arrived": _wall_clock(attendance.arrived, session.site.zone),
                "left": _wall_clock(attendance.left, session.site.zone),
                **kwargs.get("initial", {}),
            }
        super().__init__(*args, **kwargs)
        self.fields["status"].error_messages["required"] = _("Choose an attendance status.")

    def mark(self) -> Mark:
        return Mark(
            status=AttendanceStatus(self.cleaned_data["status"]),
            arrived=self._instant("arrived"),
            left=self._instant("left"),
            reason=self.cleaned_data["reason"],
        )

    def _instant(self, name: str) -> datetime | None:
        """Combine the time of day in the form field `name` with the session's date.

        If the user did not change the time, the seconds of the recorded time are kept.
        """
        wall: time | None = self.cleaned_data[name]
        if wall is None:
            return None
        recorded: datetime | None = getattr(self.attendance, name, None)
        if recorded is not None and name not in self.changed_data:
            return recorded
        return at_wall_clock(self.session.local_starts().date(), wall, self.session.site.zone)


class MarkForm(_AttendanceForm):
    """The attendance mark of one patient. If the page showed a mark, `seen` is the time when that mark was recorded."""

    reason = forms.CharField(max_length=200, required=False, label=_("Reason"))
    seen = forms.DateTimeField(widget=forms.HiddenInput, required=False)

    def __init__(self, *args: Any, session: Session, attendance: Attendance | None, **kwargs: Any) -> None:
        if attendance is not None:
            kwargs["initial"] = {"reason": attendance.reason, "seen": attendance.recorded_at.isoformat()}
        super().__init__(*args, session=session, attendance=attendance, **kwargs)

    def offer_only_excuses(self) -> None:
        """Offer only the statuses that can be recorded before the session begins, and the recorded status."""
        recorded = self.attendance.status if self.attendance else ""
        field = self.fields["status"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [
            choice
            for choice in [("", _("Not marked yet")), *AttendanceStatus.choices]
            if choice[0] in ("", AttendanceStatus.EXCUSED, recorded)
        ]


class AmendForm(_AttendanceForm):
    """A correction of a finalized mark. `seen` is the number of earlier amendments that the page showed."""

    reason = forms.CharField(
        max_length=400, label=_("Reason for the amendment"), widget=forms.Textarea(attrs={"rows": 2})
    )
    seen = forms.IntegerField(widget=forms.HiddenInput)

    def __init__(self, *args: Any, session: Session, attendance: Attendance, amendments: int, **kwargs: Any) -> None:
        super().__init__(*args, session=session, attendance=attendance, initial={"seen": amendments}, **kwargs)
        self.fields["status"] = forms.ChoiceField(choices=AttendanceStatus.choices, label=_("Attendance"))


class MakeupForm(forms.Form):
    """Form for a make-up session: the session to attend, and the missed session that it makes up for."""

    session = forms.ModelChoiceField(Session.objects.none(), widget=forms.HiddenInput)
    makes_up = forms.ModelChoiceField(Booking.objects.none(), label=_("Makes up for"))

    def __init__(self, *args: Any, sessions: Any, missed: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, queryset in {"session": sessions, "makes_up": missed}.items():
            field = self.fields[name]
            assert isinstance(field, forms.ModelChoiceField)
            field.queryset = queryset


class LeaveForm(ActionForm):
    """First and last day of a leave of absence, and its reason."""

    reason_fields: ClassVar = {
        "end_date_before_start": "last_day",
        "reason_required": "reason",
        "before_admission": "first_day",
        "episode_ended": "first_day",
        "leave_overlaps": "first_day",
    }

    first_day = DayField(label=_("First day away"))
    last_day = DayField(required=False, label=_("Last day away"), help_text=_("Leave blank if it is not known yet."))
    reason = forms.CharField(
        max_length=120,
        label=_("Reason"),
        help_text=_("Staff can see the reason. The patient’s own pages only say that they are away."),
    )


class ReturnForm(ActionForm):
    """The last day of a leave of absence. The field is empty if the return date is unknown."""

    reason_fields: ClassVar = dict.fromkeys(("end_date_before_start", "nothing_changed", "leave_overlaps"), "last_day")

    last_day = DayField(
        required=False,
        label=_("Last day away"),
        help_text=_("The patient returns on the next day. Leave blank if it is not known yet."),
    )


def _wall_clock(moment: datetime | None, zone: tzinfo) -> time | None:
    return moment.astimezone(zone).time().replace(second=0, microsecond=0) if moment else None
