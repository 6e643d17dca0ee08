from datetime import date, timedelta

from django.db import models
from django.db.models import F, Q
from django.utils.formats import date_format
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from patients.models.audited import OfPatient
from patients.models.patient import Patient


class RecipientKind(models.TextChoices):
    EMPLOYER = "employer", _("Employer")
    SCHOOL = "school", _("School")
    COURT = "court", _("Court")
    OTHER = "other", _("Other")


class ConsentQuerySet(models.QuerySet["Consent"]):
    def visible_to(self, user: User) -> "ConsentQuerySet":
        return self.filter(patient__in=Patient.objects.visible_to(user))


class Consent(OfPatient, models.Model):
    """A patient's written consent to share the times of appointments, and nothing else, with one recipient.

    The consent is valid on the dates [signed_on, valid_until) unless it is revoked earlier. 42 CFR 2.31 requires a
    consent to state the recipient, the purpose, what is disclosed, how the consent ends, and when it was signed.
    """

    patient = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="consents", verbose_name=_("patient"))
    recipient = models.CharField(
        _("recipient"), max_length=120, help_text=_("The person or office that receives the information.")
    )
    recipient_kind = models.CharField(_("kind of recipient"), max_length=10, choices=RecipientKind.choices)
    recipient_address = models.CharField(_("recipient address"), max_length=200, blank=True)
    purpose = models.CharField(_("purpose"), max_length=120, help_text=_("For example time off from work."))
    signed_on = models.DateField(_("signed on"), help_text=_("The day on which the patient signed."))
    valid_until = models.DateField(
        _("day after the last"), help_text=_("The first day on which the release is no longer valid.")
    )
    recorded_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", verbose_name=_("recorded by"))
    revoked_at = models.DateTimeField(_("revoked"), null=True, blank=True)
    revoked_by = models.ForeignKey(
        User, on_delete=models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("revoked by")
    )

    objects = ConsentQuerySet.as_manager()

    class Meta:
        verbose_name = _("release of information")
        verbose_name_plural = _("releases of information")
        ordering = ["patient", "-signed_on", "-pk"]
        constraints = [
            models.CheckConstraint(condition=Q(signed_on__lt=F("valid_until")), name="consent_ends_after_it_is_signed"),
            models.CheckConstraint(
                condition=Q(revoked_at=None, revoked_by=None) | Q(revoked_at__isnull=False, revoked_by__isnull=False),
                name="consent_is_revoked_by_somebody",
            ),
            models.CheckConstraint(
                condition=Q(recipient_kind__in=RecipientKind.values), name="consent_recipient_kind_is_known"
            ),
            models.CheckConstraint(
                condition=~Q(recipient="") & ~Q(purpose=""), name="consent_says_for_whom_and_what_for"
            ),
        ]

    def __str__(self) -> str:
        return gettext("Release to %(recipient)s, signed %(date)s") % {
            "recipient": self.recipient,
            "date": date_format(self.signed_on),
        }

    @property
    def last_day(self) -> date:
        return self.valid_until - timedelta(days=1)

    def is_in_force_on(self, day: date) -> bool:
        """Whether the consent is valid on the day and has not been revoked."""
        return self.revoked_at is None and self.signed_on <= day < self.valid_until
