"""Reasons that several services refuse for. A reason of one service stands beside it."""

from dataclasses import dataclass
from datetime import date

from timekeeping.reasons import Reason


@dataclass(frozen=True, slots=True)
class BeforeAdmission(Reason):
    """The day is before the first day of the episode of care."""

    asked: date
    admitted: date


@dataclass(frozen=True, slots=True)
class AlreadyEnrolled(Reason):
    """The patient is enrolled in the track since that day, or will be."""

    track: str
    since: date


@dataclass(frozen=True, slots=True)
class TrackNotPublished(Reason):
    """The track is a draft, retired, or at another site."""

    track: str


@dataclass(frozen=True, slots=True)
class SessionFull(Reason):
    """The session has no place left."""

    session: str
    on: date


@dataclass(frozen=True, slots=True)
class InAnotherSession(Reason):
    """The patient is booked into another session at the time."""

    session: str
    on: date


@dataclass(frozen=True, slots=True)
class ReasonRequired(Reason):
    """The action must be explained: in the audit trail, or to the patient who reads the reason."""

    is_shown_to_patient: bool = False


@dataclass(frozen=True, slots=True)
class NothingChanged(Reason):
    """The new values are the ones that are saved already."""


@dataclass(frozen=True, slots=True)
class HasBegun(Reason):
    """The session has begun, so that it can no longer be changed; attendance says what happened."""

    session: str
    on: date


@dataclass(frozen=True, slots=True)
class SessionCancelled(Reason):
    """The session is canceled."""

    session: str
    on: date
