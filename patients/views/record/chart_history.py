"""Read the history of a patient's record for the chart: merges, corrections and the audit trail."""

from collections.abc import Collection

from django.db.models import Q

from accounts.models import AuditEvent, User
from patients.models import Patient, PatientMerge

SHOWN_EVENTS = 8


def read_merges(patient: Patient, user: User) -> list[PatientMerge]:
    """Return the merges of other records into this one, and into the records that were merged into it, newest first.

    Merges that were taken back, also those of this record into another one, are included if the user manages both records:
    the other record may be another person's. Without merges, a patient with the annotation `has_merges` takes no query.
    """
    if not vars(patient).get("has_merges", True):
        return []
    of_patient = Q(kept=patient) | Q(kept__merged_into=patient) | Q(absorbed=patient)
    managed = Patient.all_records.managed_by(user).values("pk")
    shown = Q(taken_back_at=None) | Q(kept__in=managed, absorbed__in=managed)
    merges = PatientMerge.objects.filter(of_patient, shown)
    return list(merges.select_related("kept", "absorbed", "by", "taken_back_by").order_by("-at", "-pk"))


def read_corrections(patient: Patient, absorbed: Collection[int]) -> list[AuditEvent]:
    """Return the latest corrections of the patient's episodes and levels of care, newest first.

    `absorbed` are the ids of the records that are merged into the patient's record.
    """
    if not absorbed and not vars(patient).get("has_corrections", True):
        return []
    return list(AuditEvent.objects.corrections_of(patient.pk, *absorbed)[:SHOWN_EVENTS])


def read_trail(patient: Patient, absorbed: Collection[int], user: User) -> list[AuditEvent]:
    """Return the latest events of the audit trail about the patient's record and about the absorbed records."""
    return list(AuditEvent.objects.visible_to(user).about_patient(patient.pk, *absorbed)[:SHOWN_EVENTS])
