"""What a service answers when a rule stands against it."""

from dataclasses import dataclass
from datetime import date

from timekeeping.reasons import Reason


@dataclass(frozen=True, slots=True)
class BeforeAdmission(Reason):
    asked: date
    admitted: date


@dataclass(frozen=True, slots=True)
class AlreadyEnrolled(Reason):
    track: str
    since: date


@dataclass(frozen=True, slots=True)
class TrackNotPublished(Reason):
    track: str


@dataclass(frozen=True, slots=True)
class SessionFull(Reason):
    """The last place of a session went to somebody else."""

    session: str
    on: date


@dataclass(frozen=True, slots=True)
class InAnotherSession(Reason):
    """The patient is booked into another session at the time."""

    session: str
    on: date


@dataclass(frozen=True, slots=True)
class ReasonRequired(Reason):
    """An action that the audit trail explains, or a refusal that a patient reads, needs a reason in words."""

    is_shown_to_patient: bool = False


@dataclass(frozen=True, slots=True)
class NothingChanged(Reason):
    """The new values are the ones that are saved already."""


@dataclass(frozen=True, slots=True)
class HasBegun(Reason):
    """What has begun stays as it is; marks say what happened."""

    session: str
    on: date


@dataclass(frozen=True, slots=True)
class SessionCancelled(Reason):
    session: str
    on: date
