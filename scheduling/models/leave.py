from datetime import date, timedelta

from django.db import models
from django.db.models import F, Q
from django.utils.formats import date_format
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from patients.models import Episode, Patient
from patients.models.audited import OfEpisode
from scheduling.models.site import REASON_MAX_LENGTH
from timekeeping.intervals import Interval


class LeaveQuerySet(models.QuerySet["LeaveOfAbsence"]):
    def visible_to(self, user: User) -> "LeaveQuerySet":
        return self.filter(episode__patient__in=Patient.objects.visible_to(user))

    def overlapping(self, first: date, until: date) -> "LeaveQuerySet":
        """Leaves of absence that include a day in [first, until)."""
        return self.filter(Q(ends=None) | Q(ends__gt=first), starts__lt=until)

    def open_on_or_after(self, day: date) -> "LeaveQuerySet":
        return self.filter(Q(ends=None) | Q(ends__gt=day))


class LeaveOfAbsence(OfEpisode, models.Model):
    """A patient's leave of absence on dates in [starts, ends). Bookings are kept, and absences are excused."""

    episode = models.ForeignKey(
        Episode, on_delete=models.PROTECT, related_name="leaves", verbose_name=_("episode of care")
    )
    starts = models.DateField(_("first day"))
    ends = models.DateField(
        _("back on"),
        null=True,
        blank=True,
        help_text=_("The day on which the patient comes back. Leave blank if not known."),
    )
    reason = models.CharField(_("reason"), max_length=REASON_MAX_LENGTH)
    recorded_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", verbose_name=_("recorded by"))

    objects = LeaveQuerySet.as_manager()

    class Meta:
        verbose_name = _("leave of absence")
        verbose_name_plural = _("leaves of absence")
        ordering = ["episode", "starts"]
        constraints = [
            models.CheckConstraint(condition=Q(ends=None) | Q(starts__lt=F("ends")), name="leave_ends_after_it_starts"),
            models.UniqueConstraint("episode", "starts", name="episode_has_one_leave_from_a_date"),
            models.UniqueConstraint("episode", condition=Q(ends=None), name="episode_has_one_open_leave"),
            models.CheckConstraint(condition=~Q(reason=""), name="leave_has_a_reason"),
        ]

    def __str__(self) -> str:
        return gettext("%(patient)s, on leave from %(date)s") % {
            "patient": self.episode.patient,
            "date": date_format(self.starts),
        }

    def as_interval(self) -> Interval[date]:
        """Return the dates of the leave. A leave without an end date lasts until `date.max`."""
        return Interval(self.starts, self.ends or date.max)

    @property
    def last_day(self) -> date | None:
        return self.ends - timedelta(days=1) if self.ends else None
