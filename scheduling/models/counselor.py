from datetime import date, timedelta

from django.db import models
from django.db.models import F, Q
from django.utils.dates import WEEKDAYS
from django.utils.formats import time_format
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from accounts.permissions import Permission
from scheduling.domain.individual.proposals import OpenHours
from scheduling.models.site import Site
from timekeeping.weeks import minute_of


class CounselorHoursQuerySet(models.QuerySet["CounselorHours"]):
    def visible_to(self, user: User) -> "CounselorHoursQuerySet":
        """Counselor hours at sites whose timetable the user may see."""
        return self.filter(user.may_at(Permission.SEE_TIMETABLE))

    def editable_by(self, user: User) -> "CounselorHoursQuerySet":
        """Counselor hours that the user may change.

        These are the user's own hours, and all hours at sites whose timetable the user manages.
        """
        return self.filter(
            user.may_at(Permission.MANAGE_TIMETABLE) | (user.may_at(Permission.KEEP_OWN_HOURS) & Q(user=user.pk))
        )

    def open_on_or_after(self, day: date) -> "CounselorHoursQuerySet":
        """Counselor hours that are valid on the day or later."""
        return self.filter(Q(valid_until=None) | Q(valid_until__gt=day))


class CounselorHours(models.Model):
    """A weekly time when a counselor is available for individual sessions. Times are in the site's time zone.

    The hours start and end on the same day. They are valid on dates in [valid_from, valid_until). If either date is
    None, there is no limit on that side.
    """

    user = models.ForeignKey(
        User, on_delete=models.CASCADE, related_name="counselor_hours", verbose_name=_("counselor")
    )
    site = models.ForeignKey(Site, on_delete=models.CASCADE, related_name="counselor_hours", verbose_name=_("site"))
    weekday = models.PositiveSmallIntegerField(_("weekday"), help_text=_("A number from 0 to 6. Monday is 0."))
    starts = models.TimeField(_("start"))
    ends = models.TimeField(_("end"))
    valid_from = models.DateField(_("first day"), null=True, blank=True)
    valid_until = models.DateField(
        _("day after the last"), null=True, blank=True, help_text=_("Leave blank if there is no end date.")
    )

    objects = CounselorHoursQuerySet.as_manager()

    class Meta:
        verbose_name = _("counselor hours")
        verbose_name_plural = _("counselor hours")
        ordering = ["site", "user", "weekday", "starts", "pk"]
        constraints = [
            models.CheckConstraint(condition=Q(weekday__lte=6), name="counselor_hours_are_on_a_weekday"),
            models.CheckConstraint(condition=Q(starts__lt=F("ends")), name="counselor_hours_end_after_they_start"),
            models.CheckConstraint(
                condition=Q(valid_from=None) | Q(valid_until=None) | Q(valid_from__lt=F("valid_until")),
                name="counselor_hours_hold_for_a_day",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user}, {WEEKDAYS[self.weekday]} {time_format(self.starts)}"

    @property
    def audit_site_id(self) -> int:
        return self.site_id

    @property
    def last_day(self) -> date | None:
        """The last day on which the hours are valid, or None if there is no end."""
        return self.valid_until - timedelta(days=1) if self.valid_until else None

    def as_open_hours(self) -> OpenHours:
        """Convert the row to a domain value."""
        return OpenHours(
            weekday=self.weekday,
            starts=minute_of(self.starts),
            ends=minute_of(self.ends),
            valid_from=self.valid_from,
            valid_until=self.valid_until,
        )
