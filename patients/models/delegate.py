from datetime import date

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from patients.models.audited import OfPatient
from patients.models.consent import Consent
from patients.models.patient import Patient


class DelegateQuerySet(models.QuerySet["Delegate"]):
    def visible_to(self, user: User) -> "DelegateQuerySet":
        """Delegates of patients whom the user may see."""
        return self.filter(patient__in=Patient.objects.visible_to(user))

    def open(self) -> "DelegateQuerySet":
        """Delegates whose access has not been ended. Their consents may have expired or been revoked."""
        return self.filter(ended_at=None)

    def in_force_for(self, user: User) -> "DelegateQuerySet":
        """The user's delegations that may be in force. Call `is_in_force_on` to check the dates of the consent, too."""
        sharing = self.open().filter(consent__revoked_at=None, patient__site__allows_delegates=True)
        return sharing.filter(user=user, user__is_active=True)


class Delegate(OfPatient, models.Model):
    """A person, such as a parent or a partner, who may see when a patient has appointments, and nothing else.

    The patient's consent must be in force, and the site must allow delegates. Otherwise, the person has no access.
    """

    patient = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="delegates", verbose_name=_("patient"))
    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="delegations", verbose_name=_("person"))
    consent = models.ForeignKey(
        Consent, on_delete=models.PROTECT, related_name="delegates", verbose_name=_("release of information")
    )
    since = models.DateTimeField(_("since"))
    given_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", verbose_name=_("given by"))
    ended_at = models.DateTimeField(_("ended"), null=True, blank=True)
    ended_by = models.ForeignKey(
        User, on_delete=models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("ended by")
    )

    objects = DelegateQuerySet.as_manager()

    class Meta:
        verbose_name = _("person with a shared schedule")
        verbose_name_plural = _("people with a shared schedule")
        ordering = ["patient", "since", "pk"]
        constraints = [
            models.UniqueConstraint(
                "patient", "user", condition=Q(ended_at=None), name="delegate_of_a_patient_is_open_once"
            ),
            models.CheckConstraint(
                condition=Q(ended_at=None, ended_by=None) | Q(ended_at__isnull=False, ended_by__isnull=False),
                name="delegate_is_ended_by_somebody",
            ),
        ]

    def __str__(self) -> str:
        return gettext("Schedule shared with %(name)s") % {"name": self.user}

    def is_in_force_on(self, day: date) -> bool:
        """Whether the person may see the schedule on this day. Reads the consent, and the patient's site."""
        return self.ended_at is None and self.patient.site.allows_delegates and self.consent.is_in_force_on(day)
