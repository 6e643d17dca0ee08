"""What a service answers when a rule stands against it."""

from dataclasses import dataclass
from datetime import date
from typing import ClassVar

from scheduling.domain.reasons import EndsBeforeItBegins as EndsBeforeItBegins
from scheduling.domain.reasons import Reason
from scheduling.domain.reasons import Refused as Refused


@dataclass(frozen=True, slots=True)
class BeforeAdmission(Reason):
    code: ClassVar[str] = "before_admission"
    asked: date
    admitted: date


@dataclass(frozen=True, slots=True)
class NoEpisode(Reason):
    """The patient has no open course of care, or no level of care on the day."""

    code: ClassVar[str] = "no_episode"
    asked: date


@dataclass(frozen=True, slots=True)
class AlreadyEnrolled(Reason):
    code: ClassVar[str] = "already_enrolled"
    track: str
    since: date


@dataclass(frozen=True, slots=True)
class NotOnOffer(Reason):
    code: ClassVar[str] = "not_on_offer"
    track: str


@dataclass(frozen=True, slots=True)
class NotRunning(Reason):
    """The meeting is not of the track, or not held in the week in which one would begin."""

    code: ClassVar[str] = "not_running"
    meeting: str
    asked: date


@dataclass(frozen=True, slots=True)
class NoPlaceLeft(Reason):
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
class NotBookable(Reason):
    """The session is over, cancelled, or counts for nothing."""

    code: ClassVar[str] = "not_bookable"
    session: str
    on: date


@dataclass(frozen=True, slots=True)
class AlreadyMadeUp(Reason):
    code: ClassVar[str] = "already_made_up"
    session: str
    on: date


@dataclass(frozen=True, slots=True)
class TooFewPlaces(Reason):
    """More patients stand in the meeting than it would have places."""

    code: ClassVar[str] = "too_few_places"
    meeting: str
    places: int
    enrolled: int


@dataclass(frozen=True, slots=True)
class AlreadyEnded(Reason):
    """A meeting, an enrollment or a course of care that is over already, or will be by then."""

    code: ClassVar[str] = "already_ended"
    what: str
    last_day: date


@dataclass(frozen=True, slots=True)
class StillEnrolled(Reason):
    """Patients stand in the track."""

    code: ClassVar[str] = "still_enrolled"
    track: str
    enrolled: int


@dataclass(frozen=True, slots=True)
class AttendanceRecorded(Reason):
    """What happened is recorded, so the place can't be given back."""

    code: ClassVar[str] = "attendance_recorded"
    session: str
    on: date
