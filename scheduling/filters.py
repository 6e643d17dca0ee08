"""The filters of the session board."""

from typing import Any

import django_filters
from django.db.models import Model
from django.forms import Select
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from scheduling.models import Room, Session, Site, Track, TrackStatus


def _choice_filter(name: str, label: Promise, empty: Promise) -> django_filters.ModelChoiceFilter:
    return django_filters.ModelChoiceFilter(
        field_name=name, label=label, empty_label=empty, widget=Select(attrs={"data-submit": ""})
    )


class SessionFilter(django_filters.FilterSet):
    """Filter a site's sessions by track, room and facilitator. An invalid value is a form error and filters nothing."""

    track = _choice_filter("meeting__tracks", _("Track"), _("Any track"))
    room = _choice_filter("room", _("Room"), _("Any room"))
    facilitator = _choice_filter("facilitators", _("Facilitator"), _("Any facilitator"))

    class Meta:
        model = Session
        fields: list[str] = []

    def __init__(self, data: Any, *, site: Site, user: User) -> None:
        super().__init__(data, queryset=Session.objects.visible_to(user).filter(site=site))
        choices = {
            "track": Track.objects.visible_to(user).filter(site=site).exclude(status=TrackStatus.DRAFT),
            "room": Room.objects.visible_to(user).filter(site=site),
            "facilitator": User.objects.clinicians_at(site.pk),
        }
        for name, queryset in choices.items():
            self.filters[name].queryset = queryset

    @property
    def chosen(self) -> dict[str, Model]:
        """Maps the name of each filter that is set to the chosen track, room or facilitator."""
        self.form.is_valid()
        return {name: found for name in self.filters if (found := self.form.cleaned_data.get(name))}

    @property
    def address(self) -> str:
        """The chosen filters as the end of a query string, such as "&track=3"."""
        return "".join(f"&{name}={found.pk}" for name, found in self.chosen.items())
