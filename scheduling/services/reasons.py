"""What a service answers when a rule stands against it."""

from dataclasses import dataclass
from datetime import date, time
from typing import ClassVar

from timekeeping.reasons import Reason


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
class TrackNotPublished(Reason):
    code: ClassVar[str] = "not_on_offer"
    track: str


@dataclass(frozen=True, slots=True)
class NotRunning(Reason):
    """The meeting is not of the track, or not held in the week in which one would begin."""

    code: ClassVar[str] = "not_running"
    meeting: str
    asked: date


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
class NotBookable(Reason):
    """The session is over, cancelled, or counts for nothing."""

    code: ClassVar[str] = "not_bookable"
    session: str
    on: date


@dataclass(frozen=True, slots=True)
class AlreadyHasMakeup(Reason):
    code: ClassVar[str] = "already_made_up"
    session: str
    on: date


@dataclass(frozen=True, slots=True)
class TooFewPlaces(Reason):
    """More patients are in the meeting than it would have places: `enrolled` at most, those who make up for another there
    among them. `dates` are the planned ones on which it would be overbooked."""

    code: ClassVar[str] = "too_few_places"
    meeting: str
    places: int
    enrolled: int
    dates: tuple[date, ...] = ()


@dataclass(frozen=True, slots=True)
class AlreadyEnded(Reason):
    """A meeting, an enrollment or a course of care that is over already, or will be by then."""

    code: ClassVar[str] = "already_ended"
    what: str
    last_day: date


@dataclass(frozen=True, slots=True)
class AttendanceRecorded(Reason):
    """What happened is recorded, so the place can't be given back."""

    code: ClassVar[str] = "attendance_recorded"
    session: str
    on: date


@dataclass(frozen=True, slots=True)
class ReasonRequired(Reason):
    code: ClassVar[str] = "needs_reason"


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
class IsCancelled(Reason):
    code: ClassVar[str] = "is_cancelled"
    session: str
    on: date


@dataclass(frozen=True, slots=True)
class SessionNotCancelled(Reason):
    code: ClassVar[str] = "is_not_cancelled"
    session: str
    on: date


@dataclass(frozen=True, slots=True)
class InThePast(Reason):
    """The time asked for has passed."""

    code: ClassVar[str] = "in_the_past"
    on: date
    starts: time


@dataclass(frozen=True, slots=True)
class EndTimeBeforeStart(Reason):
    """A session lies within one day."""

    code: ClassVar[str] = "ends_before_it_starts"
    starts: time
    ends: time


@dataclass(frozen=True, slots=True)
class SiteClosed(Reason):
    """The site is closed on the day."""

    code: ClassVar[str] = "closed_on"
    on: date
    closure: str


@dataclass(frozen=True, slots=True)
class OutsideHours(Reason):
    """The site is not open then. Either bound can be open."""

    code: ClassVar[str] = "outside_hours"
    opens: time | None
    closes: time | None


@dataclass(frozen=True, slots=True)
class SkippedTime(Reason):
    """Clocks skip the time on that day."""

    code: ClassVar[str] = "skipped_time"
    on: date
    wall: time


@dataclass(frozen=True, slots=True)
class RoomTaken(Reason):
    """Another session is in the room; its time is on the site's wall clock."""

    code: ClassVar[str] = "room_taken"
    room: str
    session: str
    on: date
    starts: time
    ends: time


@dataclass(frozen=True, slots=True)
class FacilitatorTaken(Reason):
    """Somebody who leads or assists is in another session, perhaps at another site; the time is on this site's wall clock."""

    code: ClassVar[str] = "facilitator_taken"
    facilitator: str
    session: str
    on: date
    starts: time
    ends: time


@dataclass(frozen=True, slots=True)
class RoomTooSmall(Reason):
    code: ClassVar[str] = "room_too_small"
    room: str
    holds: int
    places: int


@dataclass(frozen=True, slots=True)
class FewerPlacesThanBooked(Reason):
    code: ClassVar[str] = "fewer_places_than_booked"
    session: str
    places: int
    booked: int


@dataclass(frozen=True, slots=True)
class LinkNotHttps(Reason):
    """A link that is not to a page over https."""

    code: ClassVar[str] = "not_over_https"


@dataclass(frozen=True, slots=True)
class LeadsAndAssists(Reason):
    code: ClassVar[str] = "leads_and_assists"
    facilitator: str


@dataclass(frozen=True, slots=True)
class ClosureOverlaps(Reason):
    """Another closure has some of the days."""

    code: ClassVar[str] = "closed_already"
    closure: str
    first_day: date
    last_day: date


@dataclass(frozen=True, slots=True)
class IsOverAlready(Reason):
    """A closure whose last day has passed."""

    code: ClassVar[str] = "is_over_already"
    closure: str
    last_day: date


@dataclass(frozen=True, slots=True)
class ClosureAlreadyLifted(Reason):
    """A closure that somebody else has lifted."""

    code: ClassVar[str] = "lifted_already"
    closure: str


@dataclass(frozen=True, slots=True)
class TakenConcurrently(Reason):
    """Somebody else was quicker: the database kept a promise that this would have broken. `guard` is its name."""

    code: ClassVar[str] = "taken_meanwhile"
    guard: str
