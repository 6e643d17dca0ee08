"""Forms to upload and save a calendar file. The service checks the content of the file."""

from typing import Any, ClassVar

from django import forms
from django.utils.translation import gettext_lazy as _

from patients.domain.calendar_files import REFUSALS
from patients.forms.layout import fields_row, form_layout
from patients.models import CALENDAR_KINDS, ImportedCalendar
from patients.models.calendar import MAX_TRAVEL_MINUTES
from patients.models.commitment import MAX_MOVABLE_MINUTES, MIN_MOVABLE_MINUTES

BUSY, FREE = "busy", "free"
OWN_FILE_HELP = _(
    "An .ics file from your work or school. We keep only when you are busy. We do not keep titles, places or the file."
)
WHOLE_DAY_CHOICES = [(BUSY, _("The patient is busy all day")), (FREE, _("The patient is not busy"))]
OWN_WHOLE_DAY_CHOICES = [(BUSY, _("I’m busy all day")), (FREE, _("I’m not busy"))]


class CalendarFileForm(forms.Form):
    """A calendar file, its kind, and the travel times and movable minutes that apply to all its busy times."""

    reason_fields: ClassVar = dict.fromkeys(REFUSALS, "file")

    file = forms.FileField(
        label=_("Calendar file"),
        help_text=_("An .ics file. Only the busy times are saved: no titles, no places, and not the file itself."),
        widget=forms.FileInput(attrs={"accept": ".ics,text/calendar"}),
    )
    kind = forms.ChoiceField(choices=[(kind.value, kind.label) for kind in CALENDAR_KINDS], label=_("Calendar of"))
    travel_before = forms.IntegerField(
        min_value=0,
        max_value=MAX_TRAVEL_MINUTES,
        required=False,
        label=_("Minutes to get there"),
        help_text=_("From the site."),
    )
    travel_after = forms.IntegerField(
        min_value=0,
        max_value=MAX_TRAVEL_MINUTES,
        required=False,
        label=_("Minutes back"),
        help_text=_("To the site. Leave blank if it takes the same time."),
    )
    movable_minutes = forms.IntegerField(
        min_value=0,
        max_value=MAX_MOVABLE_MINUTES,
        required=False,
        label=_("Can move (minutes)"),
        help_text=_(
            "Each time could start this much later or end this much earlier. Leave blank if the times can’t move."
        ),
    )

    def __init__(self, *args: Any, before: ImportedCalendar | None = None, is_own: bool = False, **kwargs: Any) -> None:
        if before is not None:  # These values of the previous calendar probably apply to the new one.
            kwargs["initial"] = {
                name: getattr(before, name) or None
                for name in ("kind", "travel_before", "travel_after", "movable_minutes")
            }
        super().__init__(*args, **kwargs)
        if is_own:  # These help texts are for patients, so they don't mention sites.
            self.fields["file"].help_text = OWN_FILE_HELP
            self.fields["travel_before"].help_text = _("From your appointments with us.")
            self.fields["travel_after"].help_text = _(
                "To your appointments with us. Leave blank if it takes the same time."
            )
        self.helper = form_layout(
            "file", fields_row("kind", "movable_minutes"), fields_row("travel_before", "travel_after")
        )

    def clean_movable_minutes(self) -> int:
        minutes: int = self.cleaned_data["movable_minutes"] or 0
        if 0 < minutes < MIN_MOVABLE_MINUTES:
            raise forms.ValidationError(
                _("Enter at least %(minutes)d minutes, or leave it blank."), params={"minutes": MIN_MOVABLE_MINUTES}
            )
        return minutes

    def calendar_fields(self) -> dict[str, Any]:
        """Return the values of all fields except the file."""
        given = self.cleaned_data
        before = given["travel_before"] or 0
        after = before if given["travel_after"] is None else given["travel_after"]
        return {
            "kind": given["kind"],
            "travel_before": before,
            "travel_after": after,
            "movable_minutes": given["movable_minutes"],
        }


class SaveCalendarForm(forms.Form):
    """Form to save a calendar. If the calendar has all-day entries, the form asks whether the patient is busy on those days."""

    reason_fields: ClassVar = {"all_day_choice_missing": "whole_days"}

    whole_days = forms.ChoiceField(
        widget=forms.RadioSelect, required=False, label=_("Days with an entry without a time")
    )

    def __init__(self, *args: Any, asks: bool, is_own: bool = False, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not asks:
            del self.fields["whole_days"]
        else:
            choices = OWN_WHOLE_DAY_CHOICES if is_own else WHOLE_DAY_CHOICES
            self.fields["whole_days"].choices = choices  # type: ignore[attr-defined]
        self.helper = form_layout(*self.fields)

    @property
    def whole_days_count(self) -> bool | None:
        """Whether all-day entries make the patient busy. None means that the question was not answered."""
        return {BUSY: True, FREE: False}.get(self.cleaned_data.get("whole_days", ""))
