"""Forms to add or change a weekly meeting, and to end one."""

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any, ClassVar

from django import forms
from django.utils.dates import WEEKDAYS as WEEKDAY_NAMES
from django.utils.functional import Promise
from django.utils.text import capfirst, slugify
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from iopmanager.form_fields import DayField, MinuteField, RowsField
from scheduling.models import Meeting, Modality, Room, ServiceType, Site, Track
from scheduling.services.timetable.values import MeetingValues

WEEKDAYS = [capfirst(name) for name in WEEKDAY_NAMES.values()]
EVERY_WEEK, EVERY_OTHER_WEEK = "every", "other"
COMMON_FIELDS = ("name", "weekday", "starts", "ends", "room", "lead", "runs_from")
CODE_SUFFIXES = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
MAX_CODE = 36
"""Maximum length of a meeting code, without the suffix that names the weekday."""


class MeetingForm(forms.Form):
    """A weekly meeting of one or more tracks."""

    reason_fields: ClassVar[dict[str, str]] = {
        "already_ended": "last_day",
        "meeting_code_taken": "code",
        "break_outside_meeting": "break_starts",
        "end_time_before_start": "ends",
        "leads_and_assists": "assistants",
        "end_date_before_start": "last_day",
        "facilitator_double_booked": "lead",
        "outside_hours": "starts",
        "room_double_booked": "room",
        "room_too_small": "places",
        "too_few_places": "places",
    }

    code = forms.CharField(label=_("Code"), max_length=40, help_text=_("A short code of your own."))
    name = forms.CharField(label=_("Name"), max_length=120)
    weekday: forms.Field = forms.TypedChoiceField(label=_("Weekday"), choices=list(enumerate(WEEKDAYS)), coerce=int)
    starts = MinuteField(label=_("Starts"))
    ends = MinuteField(label=_("Ends"))
    break_starts = MinuteField(required=False, label=_("Break starts"))
    break_ends = MinuteField(required=False, label=_("Break ends"))
    every = forms.ChoiceField(
        choices=[(EVERY_WEEK, _("Every week")), (EVERY_OTHER_WEEK, _("Every other week"))],
        initial=EVERY_WEEK,
        label=_("How often"),
    )
    anchor = DayField(
        required=False,
        label=_("In the week of"),
        help_text=_("If it meets every other week: any date in one of its weeks."),
    )
    service_type = forms.ModelChoiceField(ServiceType.objects.all(), label=_("Service"))
    room = forms.ModelChoiceField(Room.objects.none(), label=_("Room"), required=False, empty_label=_("No room"))
    modality = forms.ChoiceField(choices=Modality.choices, initial=Modality.IN_PERSON, label=_("Format"))
    places = forms.IntegerField(label=_("Spots"), min_value=1, max_value=200)
    lead = forms.ModelChoiceField(User.objects.none(), required=False, label=_("Leader"), empty_label=_("Nobody yet"))
    assistants = RowsField(User.objects.none(), required=False, label=_("Assistants"))
    tracks = RowsField(Track.objects.none(), widget=forms.CheckboxSelectMultiple, label=_("Tracks"))
    runs_from = DayField(label=_("First day"))
    last_day = DayField(label=_("Last day"), required=False, help_text=_("Leave blank if there is no end date."))

    def __init__(self, *args: Any, site: Site, meeting: Meeting | None = None, **kwargs: Any) -> None:
        if meeting is not None:
            kwargs["initial"] = _meeting_initial(meeting) | kwargs.get("initial", {})
        super().__init__(*args, **kwargs)
        clinicians = User.objects.clinicians_at(site.pk)
        choices = {
            "room": Room.objects.filter(site=site).offered(besides=meeting.room_id if meeting else None),
            "lead": clinicians,
            "assistants": clinicians,
            "tracks": Track.objects.filter(site=site),
        }
        for name, queryset in choices.items():
            field = self.fields[name]
            assert isinstance(field, forms.ModelChoiceField)
            field.queryset = queryset
        if meeting is not None:
            self.fields["runs_from"].label = _("Change from")
            self.fields["runs_from"].help_text = _("Sessions before this day do not change.")

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        for field, error in (*_time_errors(cleaned), *_date_errors(cleaned), *_lead_errors(cleaned)):
            self.add_error(field, str(error))
        return cleaned

    @property
    def common_fields(self) -> list[forms.BoundField]:
        """The fields that the page always shows."""
        return [self[name] for name in COMMON_FIELDS]

    @property
    def more_fields(self) -> list[forms.BoundField]:
        """The fields that the page hides until the user unfolds them."""
        return [self[name] for name in self.fields if name not in COMMON_FIELDS]

    @property
    def shows_more(self) -> bool:
        """Whether one of the hidden fields has an error. If so, the page unfolds all of them."""
        return self.is_bound and any(field.errors for field in self.more_fields)

    def values(self) -> MeetingValues:
        return self._values(weekday=self.cleaned_data["weekday"], code=self.cleaned_data["code"])

    def _values(self, *, weekday: int, code: str) -> MeetingValues:
        cleaned = self.cleaned_data
        return MeetingValues(
            code=code,
            name=cleaned["name"],
            weekday=weekday,
            anchor=cleaned["anchor"] if cleaned["every"] == EVERY_OTHER_WEEK else None,
            starts=cleaned["starts"],
            ends=cleaned["ends"],
            break_starts=cleaned["break_starts"],
            break_ends=cleaned["break_ends"],
            service_type=cleaned["service_type"],
            room=cleaned["room"],
            modality=cleaned["modality"],
            places=cleaned["places"],
            runs_from=cleaned["runs_from"],
            runs_until=cleaned["last_day"] + timedelta(days=1) if cleaned["last_day"] else None,
            lead=cleaned["lead"],
            assistants=tuple(cleaned["assistants"]),
            tracks=tuple(cleaned["tracks"]),
        )


class NewMeetingForm(MeetingForm):
    """A new group on one or more weekdays. Each weekday gets a weekly meeting with its own code."""

    code = forms.CharField(
        label=_("Code"), max_length=MAX_CODE, required=False, help_text=_("Leave blank to make one from the name.")
    )
    weekday = forms.TypedMultipleChoiceField(
        label=_("Weekdays"), choices=list(enumerate(WEEKDAYS)), coerce=int, widget=forms.CheckboxSelectMultiple
    )

    def weekly_values(self) -> list[MeetingValues]:
        """Return the values of each weekly meeting, one for each chosen weekday.

        The code of each meeting ends with its weekday, such as "-mon". The exception is a single meeting for which the
        user typed a code.
        """
        days, code = self.cleaned_data["weekday"], self.cleaned_data["code"]
        if len(days) == 1 and code:
            return [self._values(weekday=days[0], code=code)]
        stem = code or slugify(self.cleaned_data["name"])[:MAX_CODE] or "group"
        return [self._values(weekday=day, code=f"{stem}-{CODE_SUFFIXES[day]}") for day in days]


def _time_errors(typed: Mapping[str, Any]) -> Iterator[tuple[str, str | Promise]]:
    """Yield an error if the meeting doesn't end after it starts, or if its break is incomplete or outside the meeting."""
    starts, ends = typed.get("starts"), typed.get("ends")
    break_starts, break_ends = typed.get("break_starts"), typed.get("break_ends")
    if starts and ends and starts >= ends:
        yield "ends", _("The end must be after the start, on the same day.")
    elif (break_starts is None) != (break_ends is None):
        yield (
            "break_ends" if break_ends is None else "break_starts",
            _("Enter both the start and the end of the break."),
        )
    elif starts and ends and break_starts and break_ends and not starts < break_starts < break_ends < ends:
        yield "break_starts", _("The break must start and end while the group meets.")


def _date_errors(typed: Mapping[str, Any]) -> Iterator[tuple[str, str | Promise]]:
    """Yield an error if the last day is before the first, or if a biweekly meeting has no date to count weeks from."""
    if typed.get("every") == EVERY_OTHER_WEEK and not typed.get("anchor"):
        yield "anchor", _("Enter any date in one of the weeks when the group meets.")
    runs_from, last_day = typed.get("runs_from"), typed.get("last_day")
    if runs_from and last_day and last_day < runs_from:
        yield "last_day", _("The last day is before the first day.")


def _lead_errors(typed: Mapping[str, Any]) -> Iterator[tuple[str, str | Promise]]:
    lead = typed.get("lead")
    if lead is not None and lead in typed.get("assistants", ()):
        yield "assistants", _("%(name)s already leads. Choose somebody else to assist.") % {"name": lead}


def _meeting_initial(meeting: Meeting) -> dict[str, Any]:
    leader = meeting.leader
    others = [
        each.user_id for each in meeting.meeting_facilitators.all() if leader is None or each.user_id != leader.pk
    ]
    return {
        "code": meeting.code,
        "name": meeting.name,
        "weekday": meeting.weekday,
        "starts": meeting.starts,
        "ends": meeting.ends,
        "break_starts": meeting.break_starts,
        "break_ends": meeting.break_ends,
        "every": EVERY_OTHER_WEEK if meeting.anchor else EVERY_WEEK,
        "anchor": meeting.anchor,
        "service_type": meeting.service_type_id,
        "room": meeting.room_id,
        "modality": meeting.modality,
        "places": meeting.places,
        "lead": leader.pk if leader else None,
        "assistants": others,
        "tracks": [track.pk for track in meeting.tracks.all()],
        "runs_from": meeting.runs_from,
        "last_day": meeting.runs_until - timedelta(days=1) if meeting.runs_until else None,
    }


class MeetingEndForm(forms.Form):
    reason_fields: ClassVar[dict[str, str]] = {"already_ended": "last_day", "end_date_before_start": "last_day"}

    last_day = DayField(label=_("Last day"), help_text=_("The last day on which the group can meet."))
