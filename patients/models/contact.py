from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from patients.domain.contacts import ContactPerson, Phone
from patients.models.audited import OfPatient
from patients.models.patient import Patient


class PhoneKind(models.TextChoices):
    MOBILE = "mobile", _("Mobile phone")
    HOME = "home", _("Home phone")
    WORK = "work", _("Work phone")
    OTHER = "other", _("Other phone")


class PatientPhone(OfPatient, models.Model):
    """A phone number of a patient. Staff call the one with the lowest position first."""

    patient = models.ForeignKey(Patient, on_delete=models.CASCADE, related_name="phones", verbose_name=_("patient"))
    position = models.PositiveSmallIntegerField(_("position"))
    number = models.CharField(_("phone"), max_length=40)
    kind = models.CharField(
        _("type"), max_length=10, choices=PhoneKind.choices, blank=True, help_text=_("Blank if it is not known.")
    )
    may_leave_message = models.BooleanField(
        _("message allowed"),
        default=False,
        help_text=_("Whether the patient allows messages, which somebody else could hear or read."),
    )

    class Meta:
        verbose_name = _("phone number")
        verbose_name_plural = _("phone numbers")
        ordering = ["patient", "position", "pk"]
        constraints = [
            models.CheckConstraint(condition=~Q(number=""), name="patient_phone_has_a_number"),
        ]

    def __str__(self) -> str:
        return self.number

    def as_phone(self) -> Phone:
        return Phone(self.number, self.kind, self.may_leave_message)


class EmergencyContact(OfPatient, models.Model):
    """A person whom staff call if something happens to a patient. Staff call the one with the lowest position first.

    A contact is not a consent: without a consent, staff may not tell the person about the treatment.
    """

    patient = models.ForeignKey(
        Patient, on_delete=models.CASCADE, related_name="emergency_contacts", verbose_name=_("patient")
    )
    position = models.PositiveSmallIntegerField(_("position"))
    name = models.CharField(_("name"), max_length=120)
    relationship = models.CharField(
        _("relationship"), max_length=60, blank=True, help_text=_("What the person is to the patient.")
    )
    phone = models.CharField(_("phone"), max_length=40)

    class Meta:
        verbose_name = _("emergency contact")
        verbose_name_plural = _("emergency contacts")
        ordering = ["patient", "position", "pk"]
        constraints = [
            models.CheckConstraint(condition=~Q(name=""), name="emergency_contact_has_a_name"),
            models.CheckConstraint(condition=~Q(phone=""), name="emergency_contact_has_a_phone"),
        ]

    def __str__(self) -> str:
        return self.name

    def as_contact_person(self) -> ContactPerson:
        return ContactPerson(self.name, self.relationship, self.phone)
