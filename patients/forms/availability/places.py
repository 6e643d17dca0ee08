"""Form for a place with its travel times to each site."""

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from django import forms

from patients.forms.layout import fields_row, form_layout
from patients.models import Place
from patients.services.availability.places import PlaceValues

MAX_TRAVEL_MINUTES = 480


class PlaceForm(forms.Form):
    """A place. `sites` are the id and name of each site; if a site's fields are empty, the travel time is unknown."""

    reason_fields: ClassVar = {"place_name_taken": "name"}

    name = forms.CharField(max_length=80, help_text="For example: home, or warehouse.")

    def __init__(self, *args: Any, sites: Iterable[tuple[int, str]], place: Place | None = None, **kwargs: Any) -> None:
        if place is not None:
            kwargs["initial"] = {"name": place.name, **_travel_initial(place)}
        super().__init__(*args, **kwargs)
        self.sites = dict(sites)
        for pk, name in self.sites.items():
            self.fields[f"before_{pk}"] = _minutes_field(
                f"Minutes from {name} to there", "Empty: no way there is known."
            )
            self.fields[f"after_{pk}"] = _minutes_field(f"Minutes from there to {name}", "Empty: as long as there.")
        self.helper = form_layout("name", *(fields_row(f"before_{pk}", f"after_{pk}") for pk in self.sites))

    def values(self) -> PlaceValues:
        given = self.cleaned_data
        travel_minutes = {}
        for pk in self.sites:
            before, after = given[f"before_{pk}"], given[f"after_{pk}"]
            if before is not None or after is not None:
                travel_minutes[pk] = (before or 0, (before or 0) if after is None else after)
        return PlaceValues(name=given["name"], travel_minutes_by_site=travel_minutes)


def _minutes_field(label: str, help_text: str = "") -> forms.IntegerField:
    return forms.IntegerField(
        min_value=0, max_value=MAX_TRAVEL_MINUTES, required=False, label=label, help_text=help_text
    )


def _travel_initial(place: Place) -> Mapping[str, int]:
    found: dict[str, int] = {}
    for travel in place.travels.all():
        found |= {f"before_{travel.site_id}": travel.before_minutes, f"after_{travel.site_id}": travel.after_minutes}
    return found
