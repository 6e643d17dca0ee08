"""Forms for a room, and for retiring it."""

from typing import Any, ClassVar

from django import forms
from django.utils.translation import gettext_lazy as _

from iopmanager.form_fields import DayField
from patients.forms.layout import fields_row, form_layout
from scheduling.forms.sessions.session_changes import MAX_PLACES, ActionForm
from scheduling.models import Room
from scheduling.services.administration.rooms import RoomValues


class RoomForm(ActionForm):
    """A room's name and capacity."""

    reason_fields: ClassVar = {"room_code_taken": "code", "room_needs_spots": "places"}

    name = forms.CharField(label=_("Name"), max_length=80)
    places = forms.IntegerField(
        label=_("Capacity"), min_value=1, max_value=MAX_PLACES, help_text=_("Number of people the room holds.")
    )
    code = forms.CharField(
        label=_("Room code"),
        max_length=40,
        required=False,
        help_text=_("Used in spreadsheets. Leave blank to make one from the name."),
    )

    def __init__(self, *args: Any, room: Room | None = None, **kwargs: Any) -> None:
        if room is not None:
            kwargs["initial"] = {"name": room.name, "places": room.places, "code": room.code}
        super().__init__(*args, **kwargs)
        self.helper = form_layout(fields_row("name", "places"), "code")

    def values(self) -> RoomValues:
        return RoomValues(**self.cleaned_data)


class RetireRoomForm(ActionForm):
    """The first day on which a room is no longer used."""

    reason_fields: ClassVar = {"room_in_use": "since", "room_in_weekly_use": "since"}

    since = DayField(label=_("Not used from"), help_text=_("The first day without the room."))
