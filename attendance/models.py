"""The attendance marks of bookings, and the amendments of finalized marks."""

from typing import TYPE_CHECKING

from django.db import models
from django.db.models import F, Q
from django.utils.formats import date_format
from django.utils.translation import gettext_lazy as _

from accounts.append_only import AppendOnlyModel
from accounts.models import User
from attendance.domain import credit
from patients.models import Patient
from scheduling.models import Booking, LeaveOfAbsence

if TYPE_CHECKING:
    from django_stubs_ext.db.models.manager import RelatedManager


class AttendanceStatus(models.TextChoices):
    PRESENT = credit.AttendanceOutcome.PRESENT.value, _("Present")
    PARTIAL = credit.AttendanceOutcome.PARTIAL.value, _("Late or left early")
    EXCUSED = credit.AttendanceOutcome.EXCUSED.value, _("Excused absence")
    UNEXCUSED = credit.AttendanceOutcome.UNEXCUSED.value, _("Unexcused absence")
    NO_SHOW = credit.AttendanceOutcome.NO_SHOW.value, _("No-show")
    CANCELLED_BY_PROGRAM = credit.AttendanceOutcome.CANCELLED_BY_PROGRAM.value, _("Canceled by the program")


class AttendanceQuerySet(models.QuerySet["Attendance"]):
    def visible_to(self, user: User) -> "AttendanceQuerySet":
        """Marks of the patients whom the user may see."""
        return self.filter(booking__episode__patient__in=Patient.objects.visible_to(user))


class Attendance(models.Model):
    """The attendance mark of a booking: what happened, and how many minutes are credited.

    `arrived` is None if the patient came at the start. `left` is None if the patient stayed to the end. Once the
    session is finalized, a mark changes only through an `Amendment`. `imported_at` is set for an imported mark from the time
    before the program was in use. Only such a mark can have no `recorded_by`.
    """

    booking = models.OneToOneField(
        Booking, on_delete=models.PROTECT, related_name="attendance", verbose_name=_("booking")
    )
    status = models.CharField(_("attendance"), max_length=24, choices=AttendanceStatus.choices)
    arrived = models.DateTimeField(_("arrived"), null=True, blank=True)
    left = models.DateTimeField(_("left"), null=True, blank=True)
    credited_minutes = models.PositiveSmallIntegerField(_("credited minutes"))
    reason = models.CharField(_("reason"), max_length=200, blank=True)
    leave = models.ForeignKey(
        LeaveOfAbsence,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="excused",
        help_text=_("The leave of absence that excuses it."),
        verbose_name=_("leave of absence"),
    )
    recorded_by = models.ForeignKey(
        User, on_delete=models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("recorded by")
    )
    recorded_at = models.DateTimeField(_("recorded"))
    imported_at = models.DateTimeField(_("imported"), null=True, blank=True)

    objects = AttendanceQuerySet.as_manager()

    if TYPE_CHECKING:
        amendments: RelatedManager["Amendment"]

    class Meta:
        verbose_name = _("attendance record")
        verbose_name_plural = _("attendance records")
        ordering = ["booking"]
        constraints = [
            models.CheckConstraint(
                condition=Q(arrived=None) | Q(left=None) | Q(arrived__lt=F("left")),
                name="attendance_left_after_arriving",
            ),
            models.CheckConstraint(
                condition=Q(status__in=[AttendanceStatus.PRESENT, AttendanceStatus.PARTIAL])
                | Q(credited_minutes=0, arrived=None, left=None),
                name="attendance_credits_only_who_was_there",
            ),
            models.CheckConstraint(
                condition=~Q(status=AttendanceStatus.PARTIAL) | Q(arrived__isnull=False) | Q(left__isnull=False),
                name="attendance_in_part_says_from_or_until_when",
            ),
            models.CheckConstraint(condition=Q(status__in=AttendanceStatus.values), name="attendance_status_is_known"),
            models.CheckConstraint(
                condition=Q(leave=None) | Q(status=AttendanceStatus.EXCUSED),
                name="attendance_during_a_leave_is_excused",
            ),
            models.CheckConstraint(
                condition=Q(recorded_by__isnull=False) | Q(imported_at__isnull=False),
                name="attendance_is_recorded_by_somebody_or_imported",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.booking}: {self.get_status_display()}"

    @property
    def audit_patient_id(self) -> int:
        return self.booking.audit_patient_id

    @property
    def audit_site_id(self) -> int:
        return self.booking.audit_site_id


class Amendment(AppendOnlyModel):
    """A correction of a finalized mark: the values before and after, who signed the correction, and why.

    Append-only.
    """

    attendance = models.ForeignKey(
        Attendance, on_delete=models.PROTECT, related_name="amendments", verbose_name=_("attendance record")
    )
    status_before = models.CharField(_("attendance before"), max_length=24, choices=AttendanceStatus.choices)
    arrived_before = models.DateTimeField(_("arrived before"), null=True, blank=True)
    left_before = models.DateTimeField(_("left before"), null=True, blank=True)
    credited_minutes_before = models.PositiveSmallIntegerField(_("credited minutes before"))
    status_after = models.CharField(_("attendance after"), max_length=24, choices=AttendanceStatus.choices)
    arrived_after = models.DateTimeField(_("arrived after"), null=True, blank=True)
    left_after = models.DateTimeField(_("left after"), null=True, blank=True)
    credited_minutes_after = models.PositiveSmallIntegerField(_("credited minutes after"))
    reason = models.CharField(_("reason"), max_length=400)
    by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", verbose_name=_("amended by"))
    signature = models.CharField(
        _("signature"), max_length=220, help_text=_("Name and credential of the person who signed.")
    )
    at = models.DateTimeField(_("amended"))

    class Meta:
        verbose_name = _("amendment")
        verbose_name_plural = _("amendments")
        ordering = ["attendance", "at", "pk"]
        constraints = [models.CheckConstraint(condition=~Q(reason=""), name="amendment_has_a_reason")]

    def __str__(self) -> str:
        return f"{self.attendance}, {date_format(self.at)}"

    @property
    def audit_patient_id(self) -> int:
        return self.attendance.audit_patient_id

    @property
    def audit_site_id(self) -> int:
        return self.attendance.audit_site_id
