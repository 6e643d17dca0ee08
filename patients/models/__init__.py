from patients.models.commitment import Commitment, CommitmentKind
from patients.models.episode import Episode, LevelOfCare, LevelOfCareSpan
from patients.models.patient import Patient, name_of

__all__ = ["Commitment", "CommitmentKind", "Episode", "LevelOfCare", "LevelOfCareSpan", "Patient", "name_of"]
