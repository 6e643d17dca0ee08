"""Form for a track. It does not check the weekly hours: services do, when a track is published or a published track changes."""

from typing import Any, ClassVar

from django import forms
from django.utils.translation import gettext_lazy as _

from iopmanager.form_fields import parse_day
from patients.models import LevelOfCare
from scheduling.models import EntryMode, Track
from scheduling.reason_text import reason_text
from scheduling.services.timetable.tracks import check_ages, check_start_dates
from scheduling.services.timetable.values import TrackValues

MAX_AGE = 120


class DateLinesField(forms.CharField):
    """Dates, one per line. The value is a sorted tuple without duplicates."""

    widget = forms.Textarea(attrs={"rows": 3})

    def to_python(self, value: Any) -> Any:
        dates = []
        for line in str(value or "").split():
            day = parse_day(line.strip(",;"))
            if day is None:
                message = _("“%(text)s” is not a date. Write it like 2027-01-04.")
                raise forms.ValidationError(message, params={"text": line})
            dates.append(day)
        return tuple(sorted(set(dates)))

    def prepare_value(self, value: Any) -> Any:
        return value if isinstance(value, str) else "\n".join(each.isoformat() for each in value or ())


class TrackForm(forms.Form):
    reason_fields: ClassVar = {
        "track_code_taken": "code",
        "cohort_without_start_dates": "cohort_starts",
        "ages_out_of_order": "to_age",
    }

    code = forms.CharField(label=_("Code"), max_length=40, help_text=_("A short code of your own."))
    name = forms.CharField(label=_("Name"), max_length=120)
    population = forms.CharField(
        label=_("For whom"),
        max_length=120,
        required=False,
        help_text=_("For example: adults, co-occurring disorders."),
    )
    level = forms.ChoiceField(
        choices=[("", _("Any level")), *LevelOfCare.choices],
        required=False,
        label=_("Level of care"),
        help_text=_("Only patients at this level can enroll."),
    )
    from_age = forms.IntegerField(
        label=_("Minimum age"),
        min_value=0,
        max_value=MAX_AGE,
        required=False,
        help_text=_("Age on the first day. Leave blank if there is no minimum age."),
    )
    to_age = forms.IntegerField(
        label=_("Maximum age"),
        min_value=0,
        max_value=MAX_AGE,
        required=False,
        help_text=_("Leave blank if there is no maximum age."),
    )
    individual_minutes = forms.IntegerField(
        label=_("Minutes of individual sessions a week"),
        min_value=0,
        max_value=1500,
        initial=0,
        help_text=_("Individual and family sessions, scheduled with each patient."),
    )
    entry = forms.ChoiceField(choices=EntryMode.choices, initial=EntryMode.ROLLING, label=_("Patients start"))
    cohort_starts = DateLinesField(
        required=False,
        label=_("Start dates"),
        help_text=_("If patients start on set dates: one date per line, such as 2027-01-04."),
    )

    def __init__(self, *args: Any, track: Track | None = None, **kwargs: Any) -> None:
        if track is not None:
            kwargs.setdefault("initial", {}).update(
                code=track.code,
                name=track.name,
                population=track.population,
                individual_minutes=track.individual_minutes,
                entry=track.entry,
                level=track.level,
                from_age=track.from_age,
                to_age=track.to_age,
                cohort_starts=tuple(start.on for start in track.cohort_starts.all()),
            )
        super().__init__(*args, **kwargs)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        reasons = [*check_ages(cleaned.get("from_age"), cleaned.get("to_age"))]
        if "cohort_starts" in cleaned:
            reasons += check_start_dates(cleaned.get("entry", ""), cleaned["cohort_starts"])
        for reason in reasons:
            self.add_error(self.reason_fields[reason.code], reason_text(reason))
        return cleaned

    def values(self) -> TrackValues:
        return TrackValues(**self.cleaned_data)
