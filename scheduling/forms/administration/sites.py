"""Forms for a new site, for the details of a site, and for its time zone."""

from typing import Any, ClassVar

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.permissions import Role
from iopmanager.form_fields import MinuteField
from iopmanager.reader import HourClock
from patients.forms.layout import fields_row, form_layout
from patients.forms.record.contact_fields import PhoneField
from scheduling.formats import US_TIME_ZONES
from scheduling.forms.sessions.session_changes import ActionForm
from scheduling.forms.timetable.meetings import WEEKDAYS
from scheduling.models import Site
from scheduling.services.administration.sites import SiteDetails, SiteValues
from scheduling.services.timetable.closures import known_countries
from timekeeping.time_zones import city_time_zones


def time_zone_choices() -> list[Any]:
    """Return the time zones, in two groups: the usual ones of the United States, and all others by name."""
    others = sorted(city_time_zones() - US_TIME_ZONES.keys())
    return [
        ("", _("Choose a time zone")),
        (_("United States"), list(US_TIME_ZONES.items())),
        (_("All other time zones"), [(name, name.replace("_", " ")) for name in others]),
    ]


class SiteForm(forms.ModelForm[Site]):
    """A new site, with the first day of its treatment week and the roles that the user takes there."""

    reason_fields: ClassVar = {"site_code_taken": "code"}

    time_zone = forms.ChoiceField(label=_("Time zone"), choices=time_zone_choices)
    opens = MinuteField(label=_("Opens at"), required=False)
    closes = MinuteField(label=_("Closes at"), required=False)
    hour_clock = forms.ChoiceField(label=_("Clock"), choices=HourClock.choices, initial=HourClock.TWELVE)
    week_starts = forms.TypedChoiceField(
        label=_("The treatment week starts on"), choices=list(enumerate(WEEKDAYS)), coerce=int, initial=0
    )
    own_roles = forms.TypedMultipleChoiceField(
        label=_("Your own work at this site"),
        choices=[(role.value, role.label) for role in (Role.COORDINATOR, Role.CLINICIAN)],
        coerce=Role,
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=_("Administrators don’t see patients unless they have one of these roles."),
    )
    code = forms.CharField(
        label=_("Site code"), max_length=40, required=False, help_text=_("Leave blank to make one from the name.")
    )

    class Meta:
        model = Site
        fields = (
            "name", "neutral_name", "time_zone", "address", "phone", "opens", "closes", "hour_clock", "state",
            "idle_minutes",
        )  # fmt: skip
        labels: ClassVar = {"name": _("Name of the site")}
        field_classes: ClassVar = {"phone": PhoneField}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.helper = form_layout(
            fields_row("name", "neutral_name"),
            "time_zone",
            fields_row("address"),
            fields_row("phone"),
            fields_row("opens", "closes"),
            fields_row("week_starts", "hour_clock"),
            "own_roles",
            fields_row("state", "code"),
            "idle_minutes",
        )

    def values(self) -> SiteValues:
        return SiteValues(**{name: self.cleaned_data[name] for name in self.Meta.fields})


class SiteDetailsForm(forms.ModelForm[Site]):
    """The details of a site. The time zone and the weekly-hours rules have pages of their own."""

    reason_fields: ClassVar = {"group_outside_hours": "opens"}

    opens = MinuteField(label=_("Opens at"), required=False)
    closes = MinuteField(label=_("Closes at"), required=False)
    country = forms.ChoiceField(label=_("Country"), choices=known_countries)

    class Meta:
        model = Site
        fields = (
            "name", "neutral_name", "letterhead", "address", "phone", "opens", "closes", "hour_clock", "country",
            "state", "mixes_tracks", "idle_minutes", "allows_delegates",
        )  # fmt: skip
        labels: ClassVar = {"name": _("Name of the site")}
        field_classes: ClassVar = {"phone": PhoneField}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        country = self.fields["country"]
        assert isinstance(country, forms.ChoiceField)
        if self.instance.country not in dict(known_countries()):
            country.choices = [(self.instance.country, self.instance.country), *known_countries()]
        self.helper = form_layout(
            fields_row("name", "neutral_name"),
            fields_row("address"),
            fields_row("phone"),
            fields_row("opens", "closes"),
            fields_row("hour_clock", "letterhead"),
            fields_row("country", "state"),
            "idle_minutes",
            "mixes_tracks",
            "allows_delegates",
        )

    def details(self) -> SiteDetails:
        return SiteDetails(**{name: self.cleaned_data[name] for name in self.Meta.fields})


class TimeZoneForm(ActionForm):
    """The correct time zone of a site."""

    reason_fields: ClassVar = {
        "session_held": "time_zone",
        "same_time_zone": "time_zone",
        "skipped_time": "time_zone",
        "facilitator_taken": "time_zone",
    }

    time_zone = forms.ChoiceField(label=_("Time zone"), choices=time_zone_choices)
