"""The patient's record: the person, what their life asks of them, their course of care."""

from patients.services.care import (
    AlreadyAdmitted,
    IsOver,
    LevelOverlaps,
    LevelValues,
    admit_patient,
    state_level,
)
from patients.services.commitments import (
    CommitmentValues,
    MovesMoreThanItLasts,
    NeverHappens,
    NotTheirPlace,
    RoundOfAllOrNone,
    RoundTooLong,
    TakesNoTime,
    TooLongOnDates,
    add_commitment,
    against_commitment,
    change_commitment,
    end_commitment,
    remove_commitment,
)
from patients.services.person import CodeTaken, NotBornYet, PatientValues, change_patient, create_patient

__all__ = [
    "AlreadyAdmitted",
    "CodeTaken",
    "CommitmentValues",
    "IsOver",
    "LevelOverlaps",
    "LevelValues",
    "MovesMoreThanItLasts",
    "NeverHappens",
    "NotBornYet",
    "NotTheirPlace",
    "PatientValues",
    "RoundOfAllOrNone",
    "RoundTooLong",
    "TakesNoTime",
    "TooLongOnDates",
    "add_commitment",
    "admit_patient",
    "against_commitment",
    "change_commitment",
    "change_patient",
    "create_patient",
    "end_commitment",
    "remove_commitment",
    "state_level",
]
