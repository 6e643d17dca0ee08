"""Closures of a site."""

from datetime import date, timedelta

from django.db import models
from django.db.models import F, Q
from django.utils.formats import date_format
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from accounts.permissions import Permission
from scheduling.models.site import REASON_MAX_LENGTH, Site
from timekeeping.intervals import Interval


class ClosureQuerySet(models.QuerySet["Closure"]):
    def visible_to(self, user: User) -> "ClosureQuerySet":
        return self.filter(user.may_at(Permission.SEE_TIMETABLE))

    def overlapping(self, first: date, until: date) -> "ClosureQuerySet":
        """Closures that include a day in [first, until)."""
        return self.filter(starts__lt=until, ends__gt=first)


class Closure(models.Model):
    """A closure of a site on dates in [starts, ends)."""

    site = models.ForeignKey(Site, on_delete=models.CASCADE, related_name="closures", verbose_name=_("site"))
    starts = models.DateField(_("first day"))
    ends = models.DateField(_("day after the last"), help_text=_("The first day on which the site is open again."))
    reason = models.CharField(_("reason"), max_length=REASON_MAX_LENGTH)

    objects = ClosureQuerySet.as_manager()

    class Meta:
        verbose_name = _("closure")
        verbose_name_plural = _("closures")
        ordering = ["site", "starts"]
        constraints = [
            models.CheckConstraint(condition=Q(starts__lt=F("ends")), name="closure_ends_after_it_starts"),
            models.UniqueConstraint("site", "starts", name="site_has_one_closure_from_a_date"),
        ]

    def __str__(self) -> str:
        return f"{self.reason}, {date_format(self.starts)}"

    @property
    def audit_site_id(self) -> int:
        return self.site_id

    @property
    def last_day(self) -> date:
        return self.ends - timedelta(days=1)

    def as_interval(self) -> Interval[date]:
        return Interval(self.starts, self.ends)
