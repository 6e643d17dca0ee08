from datetime import date, datetime
from typing import TYPE_CHECKING

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from patients.models import Episode, Patient
from patients.models.audited import OfEpisode
from scheduling.models.enrollment import Enrollment
from scheduling.models.session import Session, SessionStatus
from scheduling.models.site import REASON_MAX_LENGTH

if TYPE_CHECKING:
    from attendance.models import Attendance


class ReleaseCause(models.TextChoices):
    """Why a booking was released. A booking that the patient gave up is never rebooked automatically."""

    GIVEN_BACK = "given_back", _("Given up by the patient")
    CANCELLED = "cancelled", _("Session canceled")
    CHANGED = "changed", _("Group changed or ended")
    ENDED = "ended", _("Enrollment ended or changed")
    CLASH = "clash", _("Booked in another session at that time")


class BookingQuerySet(models.QuerySet["Booking"]):
    def visible_to(self, user: User) -> "BookingQuerySet":
        """Bookings of patients whom the user may see."""
        return self.filter(episode__patient__in=Patient.objects.visible_to(user))

    def active(self) -> "BookingQuerySet":
        """Bookings that have not been released."""
        return self.filter(released_at=None)

    def shown_to_patient(self) -> "BookingQuerySet":
        """Active bookings, and bookings in canceled sessions that were released by the cancellation."""
        of_canceled_session = Q(release_cause=ReleaseCause.CANCELLED, session__status=SessionStatus.CANCELLED)
        return self.filter(Q(released_at=None) | of_canceled_session)

    def of_patient(self, patient_id: int) -> "BookingQuerySet":
        """Bookings of one patient, in all episodes of care."""
        return self.filter(episode__patient=patient_id)

    def in_week(self, week: date) -> "BookingQuerySet":
        """Bookings in the treatment week that begins on the date `week`."""
        return self.filter(week=week)

    def from_instant(self, instant: datetime) -> "BookingQuerySet":
        """Bookings in sessions that start at the given instant or later."""
        return self.filter(starts__gte=instant)


class Booking(OfEpisode, models.Model):
    """A patient's booking in one session, from an enrollment or as a make-up session. Released bookings are kept.

    `starts`, `ends` and `countable_minutes` are copied from the session. `week` is computed from the session's date.
    Calendars, weekly hours and the constraint against double booking therefore need no other table.
    """

    session = models.ForeignKey(Session, on_delete=models.PROTECT, related_name="bookings", verbose_name=_("session"))
    episode = models.ForeignKey(
        Episode, on_delete=models.PROTECT, related_name="bookings", verbose_name=_("episode of care")
    )
    enrollment = models.ForeignKey(
        Enrollment,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="bookings",
        verbose_name=_("enrollment"),
    )
    makes_up = models.ForeignKey(
        "self",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="made_up_by",
        verbose_name=_("makes up for"),
    )
    starts = models.DateTimeField(_("start"))
    ends = models.DateTimeField(_("end"))
    countable_minutes = models.PositiveSmallIntegerField(_("minutes that count"))
    week = models.DateField(_("treatment week"), help_text=_("The first day of the treatment week."))
    released_at = models.DateTimeField(_("released"), null=True, blank=True)
    release_cause = models.CharField(_("cause of release"), max_length=12, choices=ReleaseCause.choices, blank=True)
    release_reason = models.CharField(_("reason for release"), max_length=REASON_MAX_LENGTH, blank=True)

    objects = BookingQuerySet.as_manager()

    if TYPE_CHECKING:
        attendance: Attendance

    class Meta:
        verbose_name = _("booking")
        verbose_name_plural = _("bookings")
        ordering = ["starts", "pk"]
        indexes = [
            models.Index(fields=["episode", "week"], name="booking_by_episode_and_week"),
            models.Index(fields=["episode", "starts"], name="booking_by_episode_and_start"),
        ]
        constraints = [
            models.UniqueConstraint(
                "session", "episode", condition=Q(released_at=None), name="patient_is_booked_once_in_a_session"
            ),
            models.CheckConstraint(
                condition=Q(enrollment__isnull=False, makes_up=None) | Q(enrollment=None, makes_up__isnull=False),
                name="booking_is_enrolled_or_a_make_up",
            ),
            models.CheckConstraint(condition=Q(starts__lt=F("ends")), name="booking_ends_after_it_starts"),
            models.CheckConstraint(
                condition=Q(released_at=None, release_reason="") | Q(released_at__isnull=False),
                name="booking_has_a_release_reason_only_when_released",
            ),
            models.CheckConstraint(
                condition=Q(released_at=None, release_cause="")
                | Q(released_at__isnull=False, release_cause__in=ReleaseCause.values),
                name="booking_is_released_for_a_cause",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.episode.patient}: {self.session}"
