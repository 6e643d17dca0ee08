"""Reasons for refusals that several services share. A reason that only one service uses is defined next to that service."""

from dataclasses import dataclass
from datetime import date

from timekeeping.reasons import Reason


@dataclass(frozen=True, slots=True)
class BeforeAdmission(Reason):
    """The requested day is before the patient's admission."""

    asked: date
    admitted: date


@dataclass(frozen=True, slots=True)
class TrackNotPublished(Reason):
    """The track is a draft, is retired, or is at another site."""

    track: str


@dataclass(frozen=True, slots=True)
class SessionFull(Reason):
    """The session has no spots left."""

    session: str
    on: date


@dataclass(frozen=True, slots=True)
class InAnotherSession(Reason):
    """The patient is booked into another session at the same time."""

    session: str
    on: date


@dataclass(frozen=True, slots=True)
class ReasonRequired(Reason):
    """The user must enter a reason, which is saved in the audit trail or shown to the patient."""

    is_shown_to_patient: bool = False


@dataclass(frozen=True, slots=True)
class NothingChanged(Reason):
    """The new values are the same as the saved ones."""


@dataclass(frozen=True, slots=True)
class HasBegun(Reason):
    """The session has begun, so it can no longer be changed."""

    session: str
    on: date


@dataclass(frozen=True, slots=True)
class SessionCancelled(Reason):
    """The session is canceled."""

    session: str
    on: date
