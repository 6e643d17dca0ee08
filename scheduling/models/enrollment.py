from datetime import date, timedelta
from typing import TYPE_CHECKING

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from patients.models import Episode, Patient
from patients.models.audited import OfEpisode
from scheduling.models.meeting import Meeting, Modality
from scheduling.models.site import REASON_MAX_LENGTH
from scheduling.models.track import Track

if TYPE_CHECKING:
    from django_stubs_ext.db.models.manager import RelatedManager

    from scheduling.models.booking import Booking


class EnrollmentQuerySet(models.QuerySet["Enrollment"]):
    def visible_to(self, user: User) -> "EnrollmentQuerySet":
        return self.filter(episode__patient__in=Patient.objects.visible_to(user))

    def open_on_or_after(self, day: date) -> "EnrollmentQuerySet":
        """Enrollments that are in force on the day or start later."""
        return self.filter(Q(ends=None) | Q(ends__gt=day))

    def open_on(self, day: date) -> "EnrollmentQuerySet":
        return self.open_on_or_after(day).filter(starts__lte=day)


class Enrollment(OfEpisode, models.Model):
    """A patient's enrollment in a track, with the meetings that the patient attends.

    The last day is the day before `ends`.
    """

    episode = models.ForeignKey(
        Episode, on_delete=models.PROTECT, related_name="enrollments", verbose_name=_("episode of care")
    )
    track = models.ForeignKey(Track, on_delete=models.PROTECT, related_name="enrollments", verbose_name=_("track"))
    starts = models.DateField(_("first day"))
    ends = models.DateField(
        _("day after the last"), null=True, blank=True, help_text=_("Blank if there is no end date.")
    )
    modality = models.CharField(
        _("attends"),
        max_length=12,
        choices=[(each.value, each.label) for each in (Modality.IN_PERSON, Modality.TELEHEALTH)],
        default=Modality.IN_PERSON,
    )
    end_reason = models.CharField(_("reason for ending"), max_length=REASON_MAX_LENGTH, blank=True)
    continues = models.ForeignKey(
        "self",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="continued_by",
        help_text=_("The enrollment in another track that this one continues."),
        verbose_name=_("continues"),
    )
    meetings: "models.ManyToManyField[Meeting, EnrollmentMeeting]" = models.ManyToManyField(
        Meeting, through="EnrollmentMeeting", related_name="enrollments", verbose_name=_("groups")
    )

    objects = EnrollmentQuerySet.as_manager()

    if TYPE_CHECKING:
        enrollment_meetings: RelatedManager["EnrollmentMeeting"]
        bookings: RelatedManager[Booking]

    class Meta:
        verbose_name = _("enrollment")
        verbose_name_plural = _("enrollments")
        ordering = ["episode", "-starts"]
        constraints = [
            models.CheckConstraint(
                condition=Q(ends=None) | Q(starts__lt=F("ends")), name="enrollment_ends_after_it_starts"
            ),
            models.UniqueConstraint(
                "episode", "track", condition=Q(ends=None), name="episode_is_enrolled_in_a_track_once"
            ),
            models.CheckConstraint(
                condition=Q(modality__in=[Modality.IN_PERSON, Modality.TELEHEALTH]),
                name="enrollment_is_in_person_or_telehealth",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.episode.patient}: {self.track}"

    def earliest_from(self, day: date) -> date:
        """Return `day` or the enrollment's first day, whichever is later."""
        return max(day, self.starts)


class EnrollmentMeeting(models.Model):
    """A meeting that the patient attends as part of an enrollment, from `starts` until the day before `ends`."""

    enrollment = models.ForeignKey(
        Enrollment, on_delete=models.CASCADE, related_name="enrollment_meetings", verbose_name=_("enrollment")
    )
    meeting = models.ForeignKey(
        Meeting, on_delete=models.PROTECT, related_name="enrollment_meetings", verbose_name=_("group")
    )
    starts = models.DateField(_("first day"))
    ends = models.DateField(_("day after the last"), null=True, blank=True)

    class Meta:
        verbose_name = _("group of an enrollment")
        verbose_name_plural = _("groups of enrollments")
        ordering = ["enrollment", "meeting"]
        constraints = [
            models.CheckConstraint(
                condition=Q(ends=None) | Q(starts__lt=F("ends")), name="enrollment_meeting_ends_after_it_starts"
            ),
            models.UniqueConstraint(
                "enrollment", "meeting", condition=Q(ends=None), name="meeting_is_in_an_enrollment_once"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.enrollment}: {self.meeting}"

    @property
    def last_day(self) -> date | None:
        return self.ends - timedelta(days=1) if self.ends else None

    @property
    def audit_patient_id(self) -> int:
        return self.enrollment.audit_patient_id

    @property
    def audit_site_id(self) -> int:
        return self.enrollment.audit_site_id
