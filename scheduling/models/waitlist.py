from django.db import models
from django.db.models import Q
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from patients.models import Episode, Patient
from patients.models.audited import OfEpisode
from scheduling.models.enrollment import Enrollment
from scheduling.models.site import REASON_MAX_LENGTH
from scheduling.models.track import Track


class Priority(models.IntegerChoices):
    """How soon the patient needs care, as set by a clinician. Patients with a lower number are offered a spot earlier."""

    URGENT = 1, _("Urgent")
    SOON = 2, _("Soon")
    ROUTINE = 3, _("Routine")


class WaitingQuerySet(models.QuerySet["WaitingEntry"]):
    def visible_to(self, user: User) -> "WaitingQuerySet":
        return self.filter(episode__patient__in=Patient.objects.visible_to(user))

    def open(self) -> "WaitingQuerySet":
        """Entries of patients who are still waiting."""
        return self.filter(closed_at=None)

    def in_order(self) -> "WaitingQuerySet":
        """Order the entries by clinical priority, then by time of request."""
        return self.order_by("priority", "requested_at", "pk")


class WaitingEntry(OfEpisode, models.Model):
    """A patient's entry on the waitlist of a track. Entries are ordered by clinical priority, then by time of request.

    An entry is closed when the patient is enrolled or when the entry is withdrawn. Only a withdrawal requires a reason.
    """

    track = models.ForeignKey(Track, on_delete=models.PROTECT, related_name="waiting_entries", verbose_name=_("track"))
    episode = models.ForeignKey(
        Episode, on_delete=models.PROTECT, related_name="waiting_entries", verbose_name=_("episode of care")
    )
    priority = models.PositiveSmallIntegerField(_("priority"), choices=Priority.choices, default=Priority.ROUTINE)
    from_day = models.DateField(_("can start on"), help_text=_("The first day on which the patient can start."))
    note = models.CharField(_("note"), max_length=200, blank=True, help_text=_("Openings the patient needs."))
    requested_at = models.DateTimeField(_("added"))
    closed_at = models.DateTimeField(_("closed"), null=True, blank=True)
    close_reason = models.CharField(_("reason for closing"), max_length=REASON_MAX_LENGTH, blank=True)
    enrollment = models.OneToOneField(
        Enrollment,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="waited_as",
        verbose_name=_("enrollment"),
    )

    objects = WaitingQuerySet.as_manager()

    class Meta:
        verbose_name = _("waitlist entry")
        verbose_name_plural = _("waitlist entries")
        ordering = ["track", "priority", "requested_at", "pk"]
        constraints = [
            models.UniqueConstraint(
                "track", "episode", condition=Q(closed_at=None), name="episode_waits_for_a_track_once"
            ),
            models.CheckConstraint(condition=Q(priority__in=Priority.values), name="waiting_priority_is_known"),
            models.CheckConstraint(
                condition=Q(closed_at=None, enrollment=None, close_reason="")
                | Q(closed_at__isnull=False, enrollment__isnull=False)
                | (Q(closed_at__isnull=False, enrollment=None) & ~Q(close_reason="")),
                name="waiting_ends_with_a_place_or_a_reason",
            ),
        ]

    def __str__(self) -> str:
        return gettext("%(patient)s, waiting for %(track)s") % {"patient": self.episode.patient, "track": self.track}
