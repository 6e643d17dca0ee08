"""Form for a place with its travel times to each site."""

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from django import forms
from django.utils.translation import gettext_lazy as _
from django_stubs_ext import StrOrPromise

from patients.forms.layout import fields_row, form_layout
from patients.models import Place
from patients.services.availability.places import PlaceValues

MAX_TRAVEL_MINUTES = 480


class PlaceForm(forms.Form):
    """A place and its travel times. `sites` has the id and name of each site.

    If the fields for a site are left empty, the travel time to this site is unknown.
    """

    reason_fields: ClassVar = {"place_name_taken": "name"}

    name = forms.CharField(max_length=80, label=_("Name"), help_text=_("For example: home, or warehouse."))

    def __init__(self, *args: Any, sites: Iterable[tuple[int, str]], place: Place | None = None, **kwargs: Any) -> None:
        if place is not None:
            kwargs["initial"] = {"name": place.name, **_travel_initial(place)}
        super().__init__(*args, **kwargs)
        self.sites = dict(sites)
        for pk, name in self.sites.items():
            self.fields[f"before_{pk}"] = _minutes_field(
                _("Minutes from %(site)s to there") % {"site": name}, _("Leave blank if you don’t know.")
            )
            self.fields[f"after_{pk}"] = _minutes_field(
                _("Minutes from there to %(site)s") % {"site": name}, _("Leave blank if it takes the same time.")
            )
        self.helper = form_layout("name", *(fields_row(f"before_{pk}", f"after_{pk}") for pk in self.sites))

    def values(self) -> PlaceValues:
        given = self.cleaned_data
        travel_minutes = {}
        for pk in self.sites:
            before, after = given[f"before_{pk}"], given[f"after_{pk}"]
            if before is not None or after is not None:
                travel_minutes[pk] = (before or 0, (before or 0) if after is None else after)
        return PlaceValues(name=given["name"], travel_minutes_by_site=travel_minutes)


def _minutes_field(label: StrOrPromise, help_text: StrOrPromise) -> forms.IntegerField:
    return forms.IntegerField(
        min_value=0, max_value=MAX_TRAVEL_MINUTES, required=False, label=label, help_text=help_text
    )


def _travel_initial(place: Place) -> Mapping[str, int]:
    found: dict[str, int] = {}
    for travel in place.travels.all():
        found |= {f"before_{travel.site_id}": travel.before_minutes, f"after_{travel.site_id}": travel.after_minutes}
    return found
