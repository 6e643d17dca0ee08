"""Invitations: links with which somebody gets an account."""

from datetime import datetime

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from accounts.models.user import User


class InvitationQuerySet(models.QuerySet["Invitation"]):
    def pending(self) -> "InvitationQuerySet":
        """Invitations that were neither used nor withdrawn. They may have expired."""
        return self.filter(used_at=None, revoked_at=None)


class Invitation(models.Model):
    """A link that works once, for a patient, a staff member or a delegate. Only the hash of its token is stored.

    The user of a staff member or delegate exists from the start, but can't sign in until the link is used. A patient's
    user is created when the link is used, unless the patient has one already. The patient enters the address then.
    """

    patient = models.ForeignKey(
        "patients.Patient",
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="invitations",
        verbose_name=_("patient"),
    )
    user = models.ForeignKey(
        User,
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="invitations",
        verbose_name=_("staff member"),
    )
    email = models.EmailField(
        _("email"), blank=True, help_text=_("The address to which the link was sent. Blank if it was printed.")
    )
    token_hash = models.CharField(_("token hash"), max_length=64, unique=True, editable=False)
    created_at = models.DateTimeField(_("created"), editable=False)
    created_by = models.ForeignKey(
        User, on_delete=models.PROTECT, related_name="+", editable=False, verbose_name=_("created by")
    )
    expires_at = models.DateTimeField(_("expires"))
    used_at = models.DateTimeField(_("used"), null=True, blank=True)
    used_by = models.ForeignKey(
        User, on_delete=models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("used by")
    )
    revoked_at = models.DateTimeField(_("withdrawn"), null=True, blank=True)
    revoked_by = models.ForeignKey(
        User, on_delete=models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("withdrawn by")
    )

    objects = InvitationQuerySet.as_manager()

    class Meta:
        verbose_name = _("invitation")
        verbose_name_plural = _("invitations")
        ordering = ["-created_at", "-pk"]
        constraints = [
            models.CheckConstraint(
                condition=Q(patient__isnull=False, user=None) | Q(patient=None, user__isnull=False),
                name="invitation_is_for_one_person",
            ),
            models.CheckConstraint(
                condition=Q(expires_at__gt=F("created_at")), name="invitation_expires_after_it_is_created"
            ),
            models.CheckConstraint(
                condition=Q(used_at=None, used_by=None) | Q(used_at__isnull=False, used_by__isnull=False),
                name="invitation_is_used_by_somebody",
            ),
            models.CheckConstraint(
                condition=Q(revoked_at=None, revoked_by=None) | Q(revoked_at__isnull=False, revoked_by__isnull=False),
                name="invitation_is_withdrawn_by_somebody",
            ),
            models.CheckConstraint(
                condition=Q(used_at=None) | Q(revoked_at=None), name="invitation_is_used_or_withdrawn"
            ),
            models.UniqueConstraint(
                "patient", condition=Q(used_at=None, revoked_at=None), name="patient_has_one_pending_invitation"
            ),
            models.UniqueConstraint(
                "user", condition=Q(used_at=None, revoked_at=None), name="user_has_one_pending_invitation"
            ),
        ]

    def __str__(self) -> str:
        return str(self.patient or self.user)

    @property
    def audit_patient_id(self) -> int | None:
        return self.patient_id

    @property
    def audit_site_id(self) -> int | None:
        return self.patient.site_id if self.patient else None

    def is_expired(self, now: datetime) -> bool:
        return now >= self.expires_at
