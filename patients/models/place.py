from typing import TYPE_CHECKING

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from patients.models.audited import OfPatient
from patients.models.patient import Patient

if TYPE_CHECKING:
    from django_stubs_ext.db.models.manager import RelatedManager

    from patients.models.commitment import Commitment


class PlaceQuerySet(models.QuerySet["Place"]):
    def visible_to(self, user: User) -> "PlaceQuerySet":
        """Places of the patients whose commitments the user may see, and the user's own places."""
        return self.filter(patient__in=Patient.objects.with_commitments_visible_to(user))


class Place(OfPatient, models.Model):
    """A place from which a patient travels to a site and back, such as home, work or school."""

    patient = models.ForeignKey(Patient, on_delete=models.CASCADE, related_name="places", verbose_name=_("patient"))
    name = models.CharField(_("name"), max_length=80, help_text=_("For example Home or Warehouse."))

    objects = PlaceQuerySet.as_manager()

    if TYPE_CHECKING:
        travels: RelatedManager["PlaceTravel"]
        commitments: RelatedManager["Commitment"]

    class Meta:
        verbose_name = _("place")
        verbose_name_plural = _("places")
        ordering = ["patient", "name"]
        constraints = [
            models.UniqueConstraint("patient", "name", name="place_name_is_unique_for_a_patient"),
            models.CheckConstraint(condition=~Q(name=""), name="place_has_a_name"),
        ]

    def __str__(self) -> str:
        return self.name


class PlaceTravel(models.Model):
    """Travel times between one site and a place, in minutes: to the place before a commitment, and back after it."""

    place = models.ForeignKey(Place, on_delete=models.CASCADE, related_name="travels", verbose_name=_("place"))
    site = models.ForeignKey("scheduling.Site", on_delete=models.CASCADE, related_name="+", verbose_name=_("site"))
    before_minutes = models.PositiveSmallIntegerField(
        _("travel there"), default=0, help_text=_("Minutes from the site to the place.")
    )
    after_minutes = models.PositiveSmallIntegerField(
        _("travel back"), default=0, help_text=_("Minutes from the place to the site.")
    )

    class Meta:
        verbose_name = _("travel time")
        verbose_name_plural = _("travel times")
        ordering = ["place", "site"]
        constraints = [
            models.UniqueConstraint("place", "site", name="place_has_one_way_to_a_site"),
            models.CheckConstraint(
                condition=Q(before_minutes__lte=480, after_minutes__lte=480), name="place_is_at_most_eight_hours_away"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.place} ↔ {self.site}"
