"""The patient and the site that the audit trail stores with an event about a row (see `accounts.audit.record`)."""

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from patients.models.episode import Episode
    from patients.models.patient import Patient


class _HasPatient(Protocol):
    @property
    def patient_id(self) -> int: ...

    @property
    def patient(self) -> "Patient": ...


class _HasEpisode(Protocol):
    @property
    def episode(self) -> "Episode": ...


class OfPatient:
    """Base of models whose rows have a `patient`."""

    @property
    def audit_patient_id(self: _HasPatient) -> int:
        return self.patient_id

    @property
    def audit_site_id(self: _HasPatient) -> int:
        return self.patient.site_id


class OfEpisode:
    """Base of models whose rows have an `episode` of care."""

    @property
    def audit_patient_id(self: _HasEpisode) -> int:
        return self.episode.patient_id

    @property
    def audit_site_id(self: _HasEpisode) -> int:
        return self.episode.site_id
