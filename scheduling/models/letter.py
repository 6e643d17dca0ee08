from datetime import date, timedelta

from django.db import models
from django.db.models import F, Q
from django.utils.formats import date_format
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from patients.models import Consent, Patient


class LetterQuerySet(models.QuerySet["Letter"]):
    def visible_to(self, user: User) -> "LetterQuerySet":
        return self.filter(consent__patient__in=Patient.objects.visible_to(user))


class Letter(models.Model):
    """A record of a letter that disclosed a patient's appointments in [starts, ends) to a recipient.

    The letter itself is not stored: its content is in the schedule, and the audit trail shows that the letter was
    written.
    """

    consent = models.ForeignKey(
        Consent, on_delete=models.PROTECT, related_name="letters", verbose_name=_("release of information")
    )
    starts = models.DateField(_("first day"))
    ends = models.DateField(_("day after the last"))
    written_at = models.DateTimeField(_("written"))
    written_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", verbose_name=_("written by"))

    objects = LetterQuerySet.as_manager()

    class Meta:
        verbose_name = _("letter")
        verbose_name_plural = _("letters")
        ordering = ["consent", "-written_at"]
        constraints = [
            models.CheckConstraint(condition=Q(starts__lt=F("ends")), name="letter_ends_after_it_starts"),
        ]

    def __str__(self) -> str:
        return gettext("Letter to %(recipient)s, %(first)s to %(last)s") % {
            "recipient": self.consent.recipient,
            "first": date_format(self.starts),
            "last": date_format(self.last_day),
        }

    @property
    def audit_patient_id(self) -> int:
        return self.consent.patient_id

    @property
    def audit_site_id(self) -> int:
        return self.consent.patient.site_id

    @property
    def last_day(self) -> date:
        return self.ends - timedelta(days=1)
