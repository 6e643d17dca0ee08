from patients.models.calendar import CALENDAR_KINDS, CalendarInterval, CalendarState, ImportedCalendar
from patients.models.commitment import Commitment, CommitmentKind
from patients.models.consent import Consent, RecipientKind
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
    "Episode",
    "FormerSite",
    "ImportedCalendar",
    "LevelOfCare",
    "LevelOfCareSpan",
    "Patient",
    "PatientMerge",
    "Place",
    "PlaceTravel",
    "ProposalAction",
    "ProposalState",
    "RecipientKind",
    "display_name",
]
