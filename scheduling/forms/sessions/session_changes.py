"""Forms for changes to one session."""

from typing import Any, ClassVar

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from iopmanager.form_fields import DayField, MinuteField, RowsField
from scheduling.models import FacilitatorPart, Modality, Room, ServiceType, Session, Site
from scheduling.services.sessions.session_changes import OneOffSession, Staffing
from scheduling.services.sessions.slots import Slot

MAX_PLACES = 200


class ActionForm(forms.Form):
    """Base form for an action that a service can refuse. `reason_fields` maps codes of reasons to field names."""

    reason_fields: ClassVar[dict[str, str]] = {}


class SiteScopedForm(ActionForm):
    """A form whose choices all belong to the given site."""

    def __init__(self, *args: Any, site: Site, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.site = site


class CancelSessionForm(ActionForm):
    reason_fields: ClassVar = {"reason_required": "reason"}

    reason = forms.CharField(
        max_length=120,
        label=_("Reason"),
        help_text=_("Only staff see the reason. Patients and calendars see that the session is canceled."),
    )


class SlotForm(SiteScopedForm):
    """Date, times and room of a session."""

    reason_fields: ClassVar = {
        "in_the_past": "on",
        "site_closed": "on",
        "end_time_before_start": "ends",
        "skipped_time": "starts",
        "outside_hours": "starts",
        "room_taken": "room",
        "room_retired": "room",
        "room_too_small": "room",
    }

    on = DayField(label=_("Date"))
    starts = MinuteField(label=_("Starts"))
    ends = MinuteField(label=_("Ends"))
    room = forms.ModelChoiceField(Room.objects.none(), label=_("Room"), required=False, empty_label=_("No room"))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        room = self.fields["room"]
        assert isinstance(room, forms.ModelChoiceField)
        room.queryset = Room.objects.filter(site=self.site).offered(besides=self.initial.get("room"))

    def slot(self) -> Slot:
        given = self.cleaned_data
        return Slot(on=given["on"], starts=given["starts"], ends=given["ends"], room=given["room"])


class MoveSessionForm(SlotForm):
    """New date, times and room for a session. With `room_only`, only the room can be changed."""

    def __init__(self, *args: Any, session: Session, room_only: bool = False, **kwargs: Any) -> None:
        starts, ends = session.local_starts(), session.local_ends()
        initial = {"on": session.on, "starts": starts.time(), "ends": ends.time(), "room": session.room_id}
        kwargs["initial"] = initial | kwargs.get("initial", {})
        super().__init__(*args, site=session.site, **kwargs)
        if room_only:
            for name in ("on", "starts", "ends"):
                self.fields[name].disabled = True
                self.initial[name] = initial[name]


class FacilitatorsForm(SiteScopedForm):
    """Who leads a session and who assists in it."""

    reason_fields: ClassVar = {"leads_and_assists": "assistants"}

    lead = forms.ModelChoiceField(User.objects.none(), required=False, label=_("Leader"), empty_label=_("Nobody yet"))
    assistants = RowsField(
        User.objects.none(), required=False, label=_("Assistants"), widget=forms.CheckboxSelectMultiple
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in ("lead", "assistants"):
            field = self.fields[name]
            assert isinstance(field, forms.ModelChoiceField)
            field.queryset = User.objects.clinicians_at(self.site.pk)

    def staffing(self) -> Staffing:
        given = self.cleaned_data
        return Staffing(lead=given["lead"], assistants=tuple(given["assistants"]))


def initial_facilitators(session: Session) -> dict[str, object]:
    """Return the session's facilitators as initial values of FacilitatorsForm. Reads prefetched facilitators."""
    facilitators = list(session.session_facilitators.all())
    return {
        "lead": next((each.user_id for each in facilitators if each.part == FacilitatorPart.LEADS), None),
        "assistants": [each.user_id for each in facilitators if each.part == FacilitatorPart.ASSISTS],
    }


class SessionDetailsForm(ActionForm):
    """A session's number of spots, modality, telehealth link and topic."""

    reason_fields: ClassVar = {
        "fewer_places_than_booked": "places",
        "room_too_small": "places",
        "link_not_https": "telehealth_link",
    }

    places = forms.IntegerField(label=_("Spots"), min_value=1, max_value=MAX_PLACES)
    modality = forms.ChoiceField(choices=Modality.choices, label=_("Format"))
    telehealth_link = forms.URLField(
        max_length=400,
        required=False,
        assume_scheme="https",
        label=_("Telehealth link"),
        help_text=_("Starts with https://. Booked patients see it. It is never in a calendar link."),
    )
    topic = forms.CharField(label=_("Topic"), max_length=200, required=False)


class NewSessionForm(SlotForm, SessionDetailsForm, FacilitatorsForm):
    """A one-off session, which is not part of a weekly meeting."""

    reason_fields: ClassVar = SlotForm.reason_fields | SessionDetailsForm.reason_fields | FacilitatorsForm.reason_fields

    name = forms.CharField(label=_("Name"), max_length=120)
    service_type = forms.ModelChoiceField(ServiceType.objects.all(), label=_("Service"))
    field_order = ("name", "on", "starts", "ends", "service_type", "room", "places", "lead", "assistants")

    def values(self) -> OneOffSession:
        given = self.cleaned_data
        return OneOffSession(
            name=given["name"],
            slot=self.slot(),
            service_type=given["service_type"],
            places=given["places"],
            modality=given["modality"],
            topic=given["topic"],
            telehealth_link=given["telehealth_link"],
            staffing=self.staffing(),
        )
