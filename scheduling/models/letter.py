from datetime import date, timedelta

from django.db import models
from django.db.models import F, Q

from accounts.models import User
from patients.models import Consent, Patient


class LetterQuerySet(models.QuerySet["Letter"]):
    def visible_to(self, user: User) -> "LetterQuerySet":
        return self.filter(consent__patient__in=Patient.objects.visible_to(user))


class Letter(models.Model):
    """A record that a letter disclosed a patient's appointments on dates in [starts, ends) to a recipient.

    The letter itself is not stored: its content is in the schedule, and the audit trail shows that it was written.
    """

    consent = models.ForeignKey(Consent, on_delete=models.PROTECT, related_name="letters")
    starts = models.DateField()
    ends = models.DateField()
    written_at = models.DateTimeField()
    written_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")

    objects = LetterQuerySet.as_manager()

    class Meta:
        ordering = ["consent", "-written_at"]
        constraints = [
            models.CheckConstraint(condition=Q(starts__lt=F("ends")), name="letter_ends_after_it_starts"),
        ]

    def __str__(self) -> str:
        return f"Letter to {self.consent.recipient}, {self.starts:%Y-%m-%d} to {self.last_day:%Y-%m-%d}"

    @property
    def audit_patient_id(self) -> int:
        return self.consent.patient_id

    @property
    def audit_site_id(self) -> int:
        return self.consent.patient.site_id

    @property
    def last_day(self) -> date:
        return self.ends - timedelta(days=1)
