from patients.models.commitment import Commitment, CommitmentKind
from patients.models.episode import Episode, LevelOfCare, LevelOfCareSpan
from patients.models.patient import Patient, name_of
from patients.models.place import Place, PlaceTravel

__all__ = [
    "Commitment",
    "CommitmentKind",
    "Episode",
    "LevelOfCare",
    "LevelOfCareSpan",
    "Patient",
    "Place",
    "PlaceTravel",
    "name_of",
]
