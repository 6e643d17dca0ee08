"""What a service answers when a rule stands against it."""

from dataclasses import dataclass
from datetime import date
from typing import ClassVar

from timekeeping.reasons import Reason


@dataclass(frozen=True, slots=True)
class BeforeAdmission(Reason):
    code: ClassVar[str] = "before_admission"
    asked: date
    admitted: date


@dataclass(frozen=True, slots=True)
class AlreadyEnrolled(Reason):
    code: ClassVar[str] = "already_enrolled"
    track: str
    since: date


@dataclass(frozen=True, slots=True)
class TrackNotPublished(Reason):
    code: ClassVar[str] = "not_on_offer"
    track: str


@dataclass(frozen=True, slots=True)
class SessionFull(Reason):
    """The last place of a session went to somebody else."""

    code: ClassVar[str] = "no_place_left"
    session: str
    on: date


@dataclass(frozen=True, slots=True)
class InAnotherSession(Reason):
    """The patient is booked into another session at the time."""

    code: ClassVar[str] = "in_another_session"
    session: str
    on: date


@dataclass(frozen=True, slots=True)
class ReasonRequired(Reason):
    """An action that the audit trail explains, or a refusal that a patient reads, needs a reason in words."""

    code: ClassVar[str] = "needs_reason"
    is_shown_to_patient: bool = False


@dataclass(frozen=True, slots=True)
class NothingChanged(Reason):
    code: ClassVar[str] = "nothing_changed"


@dataclass(frozen=True, slots=True)
class HasBegun(Reason):
    """What has begun stays as it is; marks say what happened."""

    code: ClassVar[str] = "has_begun"
    session: str
    on: date


@dataclass(frozen=True, slots=True)
class SessionCancelled(Reason):
    code: ClassVar[str] = "session_cancelled"
    session: str
    on: date
