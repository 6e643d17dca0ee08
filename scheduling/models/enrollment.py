from datetime import date, timedelta
from typing import TYPE_CHECKING

from django.db import models
from django.db.models import F, Q

from accounts.models import User
from patients.models import Episode, Patient
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


class Enrollment(models.Model):
    """A patient's enrollment in a track on dates in [starts, ends), with the meetings that the patient attends."""

    episode = models.ForeignKey(Episode, on_delete=models.PROTECT, related_name="enrollments")
    track = models.ForeignKey(Track, on_delete=models.PROTECT, related_name="enrollments")
    starts = models.DateField()
    ends = models.DateField(null=True, blank=True, help_text="The first day on which it no longer holds.")
    modality = models.CharField(
        max_length=12,
        choices=[(Modality.IN_PERSON, "In person"), (Modality.TELEHEALTH, "Telehealth")],
        default=Modality.IN_PERSON,
    )
    end_reason = models.CharField(max_length=REASON_MAX_LENGTH, blank=True)
    continues = models.ForeignKey(
        "self",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="continued_by",
        help_text="The place in another track that this one took over from.",
    )
    meetings: "models.ManyToManyField[Meeting, EnrollmentMeeting]" = models.ManyToManyField(
        Meeting, through="EnrollmentMeeting", related_name="enrollments"
    )

    objects = EnrollmentQuerySet.as_manager()

    if TYPE_CHECKING:
        enrollment_meetings: RelatedManager["EnrollmentMeeting"]
        bookings: RelatedManager[Booking]

    class Meta:
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

    @property
    def audit_patient_id(self) -> int:
        return self.episode.patient_id

    @property
    def audit_site_id(self) -> int:
        return self.episode.site_id

    def earliest_from(self, day: date) -> date:
        """Return `day`, or the enrollment's first day if that is later."""
        return max(day, self.starts)


class EnrollmentMeeting(models.Model):
    """A meeting that the patient attends as part of an enrollment, on dates in [starts, ends)."""

    enrollment = models.ForeignKey(Enrollment, on_delete=models.CASCADE, related_name="enrollment_meetings")
    meeting = models.ForeignKey(Meeting, on_delete=models.PROTECT, related_name="enrollment_meetings")
    starts = models.DateField()
    ends = models.DateField(null=True, blank=True)

    class Meta:
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
