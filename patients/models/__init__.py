from patients.models.calendar import CALENDAR_KINDS, CalendarInterval, CalendarState, ImportedCalendar
from patients.models.commitment import Commitment, CommitmentKind
from patients.models.consent import Consent, RecipientKind
from patients.models.contact import EmergencyContact, PatientPhone, PhoneKind
from patients.models.delegate import Delegate
from patients.models.episode import Episode, FormerSite, LevelOfCare, LevelOfCareSpan
from patients.models.merge import PatientMerge
from patients.models.patient import Patient, display_name
from patients.models.place import Place, PlaceTravel
from patients.models.proposal import CommitmentProposal, ProposalAction, ProposalState

__all__ = [
    "CALENDAR_KINDS",
    "CalendarInterval",
    "CalendarState",
    "Commitment",
    "CommitmentKind",
    "CommitmentProposal",
    "Consent",
    "Delegate",
    "EmergencyContact",
    "Episode",
    "FormerSite",
    "ImportedCalendar",
    "LevelOfCare",
    "LevelOfCareSpan",
    "Patient",
    "PatientMerge",
    "PatientPhone",
    "PhoneKind",
    "Place",
    "PlaceTravel",
    "ProposalAction",
    "ProposalState",
    "RecipientKind",
    "display_name",
]
