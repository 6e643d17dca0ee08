"""Text → typed values for tracks and meetings; whether the hours hold is the services' to say."""

from datetime import timedelta
from typing import Any, ClassVar

from django import forms

from accounts.models import User
from iopmanager.form_fields import DayField, MinuteField, parse_day
from patients.models import LevelOfCare
from scheduling.models import EntryMode, Meeting, Modality, Room, ServiceType, Site, Track
from scheduling.services.timetable.values import MeetingValues, TrackValues

WEEKDAYS = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]
MAX_AGE = 120
EVERY_WEEK, EVERY_OTHER_WEEK = "every", "other"


class DateLinesField(forms.CharField):
    """Dates, one on each line."""

    widget = forms.Textarea(attrs={"rows": 3})

    def to_python(self, value: Any) -> Any:
        dates = []
        for line in str(value or "").split():
            day = parse_day(line.strip(",;"))
            if day is None:
                raise forms.ValidationError(f"“{line}” is not a date; write it as 2027-01-04.")
            dates.append(day)
        return tuple(sorted(set(dates)))

    def prepare_value(self, value: Any) -> Any:
        return value if isinstance(value, str) else "\n".join(each.isoformat() for each in value or ())


class TrackForm(forms.Form):
    code = forms.CharField(max_length=40, help_text="The clinic's own short code.")
    name = forms.CharField(max_length=120)
    population = forms.CharField(
        max_length=120, required=False, help_text="For example: adults, co-occurring disorders."
    )
    level = forms.ChoiceField(
        choices=[("", "Any level"), *LevelOfCare.choices],
        required=False,
        label="Level of care",
        help_text="Only patients who are at this level are enrolled in it.",
    )
    from_age = forms.IntegerField(
        min_value=0, max_value=MAX_AGE, required=False, help_text="Years on the first day. Empty: however young."
    )
    to_age = forms.IntegerField(
        min_value=0, max_value=MAX_AGE, required=False, help_text="Inclusive. Empty: however old."
    )
    individual_minutes = forms.IntegerField(
        min_value=0,
        max_value=1500,
        initial=0,
        help_text="Minutes a week of individual or family time without a fixed hour.",
    )
    entry = forms.ChoiceField(choices=EntryMode.choices, initial=EntryMode.ROLLING, label="Patients begin")
    cohort_starts = DateLinesField(
        required=False, label="Start dates", help_text="For cohorts: one date on each line, such as 2027-01-04."
    )

    def __init__(self, *args: Any, site: Site, track: Track | None = None, **kwargs: Any) -> None:
        self.site, self.track = site, track
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

    def clean_code(self) -> str:
        code: str = self.cleaned_data["code"]
        others = Track.objects.filter(site=self.site, code=code).exclude(pk=self.track.pk if self.track else 0)
        if others.exists():
            raise forms.ValidationError(f"Another track of {self.site} has the code {code}.")
        return code

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if cleaned.get("entry") == EntryMode.COHORT and "cohort_starts" in cleaned and not cleaned["cohort_starts"]:
            self.add_error("cohort_starts", "A track that takes people on start dates needs at least one.")
        from_age, to_age = cleaned.get("from_age"), cleaned.get("to_age")
        if from_age is not None and to_age is not None and to_age < from_age:
            self.add_error("to_age", "The oldest are younger than the youngest.")
        return cleaned

    def values(self) -> TrackValues:
        return TrackValues(**self.cleaned_data)


class MeetingForm(forms.Form):
    """A meeting as it is typed. `reason_fields` names the field that each refusal, by its code, is about."""

    reason_fields: ClassVar[dict[str, str]] = {
        "already_ended": "last_day",
        "ends_before_it_begins": "last_day",
        "facilitator_in_two_places": "lead",
        "outside_hours": "starts",
        "room_in_two_places": "room",
        "room_too_small": "places",
        "too_few_places": "places",
    }

    code = forms.CharField(max_length=40, help_text="The clinic's own short code.")
    name = forms.CharField(max_length=120)
    weekday = forms.TypedChoiceField(choices=list(enumerate(WEEKDAYS)), coerce=int)
    starts = MinuteField()
    ends = MinuteField()
    break_starts = MinuteField(required=False, label="Break from")
    break_ends = MinuteField(required=False, label="Break until")
    every = forms.ChoiceField(
        choices=[(EVERY_WEEK, "Every week"), (EVERY_OTHER_WEEK, "Every other week")],
        initial=EVERY_WEEK,
        label="How often",
    )
    anchor = DayField(
        required=False,
        label="In the week of",
        help_text="For every other week: a date in one of its weeks.",
    )
    service_type = forms.ModelChoiceField(ServiceType.objects.all(), label="Service")
    room = forms.ModelChoiceField(Room.objects.none(), required=False)
    modality = forms.ChoiceField(choices=Modality.choices, initial=Modality.IN_PERSON, label="Held")
    places = forms.IntegerField(min_value=1, max_value=200)
    lead = forms.ModelChoiceField(User.objects.none(), required=False, label="Led by")
    assistants = forms.ModelMultipleChoiceField(User.objects.none(), required=False, label="Assisted by")
    tracks = forms.ModelMultipleChoiceField(
        Track.objects.none(), widget=forms.CheckboxSelectMultiple, label="For the tracks"
    )
    runs_from = DayField(label="First day")
    last_day = DayField(required=False, help_text="Empty: until further notice.")

    def __init__(self, *args: Any, site: Site, meeting: Meeting | None = None, **kwargs: Any) -> None:
        self.site, self.meeting = site, meeting
        if meeting is not None:
            kwargs["initial"] = _meeting_initial(meeting) | kwargs.get("initial", {})
        super().__init__(*args, **kwargs)
        clinicians = User.objects.clinicians_at(site.pk)
        choices = {
            "room": Room.objects.filter(site=site),
            "lead": clinicians,
            "assistants": clinicians,
            "tracks": Track.objects.filter(site=site),
        }
        for name, queryset in choices.items():
            field = self.fields[name]
            assert isinstance(field, forms.ModelChoiceField)
            field.queryset = queryset
        if meeting is not None:
            self.fields["runs_from"].label = "Change it from"
            self.fields["runs_from"].help_text = "What was before this day stays as it was."

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        starts, ends = cleaned.get("starts"), cleaned.get("ends")
        pause, resumes = cleaned.get("break_starts"), cleaned.get("break_ends")
        if starts and ends and starts >= ends:
            self.add_error("ends", "It must end after it starts, on the same day.")
        elif (pause is None) != (resumes is None):
            self.add_error("break_ends" if resumes is None else "break_starts", "A break needs its start and its end.")
        elif starts and ends and pause and resumes and not starts < pause < resumes < ends:
            self.add_error("break_starts", "The break must lie inside the meeting.")
        if cleaned.get("every") == EVERY_OTHER_WEEK and not cleaned.get("anchor"):
            self.add_error("anchor", "Say in which weeks: any date in one of them.")
        runs_from, last_day = cleaned.get("runs_from"), cleaned.get("last_day")
        if runs_from and last_day and last_day < runs_from:
            self.add_error("last_day", "The last day is before the first.")
        lead = cleaned.get("lead")
        if lead is not None and lead in cleaned.get("assistants", ()):
            self.add_error("assistants", f"{lead} already leads it.")
        self._check_code_is_free(cleaned)
        return cleaned

    def _check_code_is_free(self, cleaned: dict[str, Any]) -> None:
        code, runs_from = cleaned.get("code"), cleaned.get("runs_from")
        if not code or not runs_from:
            return
        taken = Meeting.objects.filter(site=self.site, code=code, runs_from=runs_from)
        if taken.exclude(pk=self.meeting.pk if self.meeting else 0).exists():
            self.add_error("code", f"Another meeting of {self.site} has the code {code} from that day.")

    def values(self) -> MeetingValues:
        cleaned = self.cleaned_data
        return MeetingValues(
            code=cleaned["code"],
            name=cleaned["name"],
            weekday=cleaned["weekday"],
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
    reason_fields: ClassVar[dict[str, str]] = {"already_ended": "last_day", "ends_before_it_begins": "last_day"}

    last_day = DayField(help_text="The meeting is held on this day for the last time.")
