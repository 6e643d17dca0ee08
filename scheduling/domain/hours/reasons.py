"""Reasons against the weekly meetings of a track or of a patient."""

from dataclasses import dataclass
from typing import ClassVar

from timekeeping.reasons import Key, Reason


@dataclass(frozen=True, slots=True)
class NoMeetings(Reason):
    """The track has no meetings, or no meetings were chosen for the patient."""


@dataclass(frozen=True, slots=True)
class TooFewMinutes(Reason):
    """The meetings have fewer countable minutes a week than the rules require."""

    minutes: int
    minimum: int

    @property
    def missing(self) -> int:
        """Number of weekly minutes by which the meetings fall short of the minimum."""
        return self.minimum - self.minutes


@dataclass(frozen=True, slots=True)
class TooManyMinutes(Reason):
    """The meetings have more countable minutes a week than the rules allow."""

    minutes: int
    maximum: int

    @property
    def excess(self) -> int:
        """Number of weekly minutes by which the meetings exceed the maximum."""
        return self.minutes - self.maximum


@dataclass(frozen=True, slots=True)
class TooFewDays(Reason):
    """The meetings have countable minutes on fewer days a week than the rules require."""

    days: int
    minimum: int


@dataclass(frozen=True, slots=True)
class TooManyDays(Reason):
    """The meetings have countable minutes on more days a week than the rules allow."""

    days: int
    maximum: int


@dataclass(frozen=True, slots=True)
class ShortDay(Reason):
    """A weekday with meetings has fewer countable minutes than the rules require per day."""

    weekday: int
    minutes: int
    minimum: int


@dataclass(frozen=True, slots=True)
class RoomDoubleBooked(Reason):
    """Two meetings are in the same room at the same time."""

    room: Key
    weekday: int
    first: str
    second: str


@dataclass(frozen=True, slots=True)
class FacilitatorDoubleBooked(Reason):
    """A facilitator has two meetings at the same time."""

    facilitator: Key
    weekday: int
    first: str
    second: str


@dataclass(frozen=True, slots=True)
class OverlappingMeetings(Reason):
    """Two of the patient's meetings overlap by `minutes`."""

    code: ClassVar[str] = "two_at_once"
    first: str
    second: str
    weekday: int
    minutes: int


@dataclass(frozen=True, slots=True)
class BelowPrescribedMinutes(Reason):
    """The meetings have fewer countable minutes a week than prescribed."""

    minutes: int
    prescribed: int

    @property
    def missing(self) -> int:
        """Number of weekly minutes by which the meetings fall short of the prescription."""
        return self.prescribed - self.minutes


@dataclass(frozen=True, slots=True)
class BelowPrescribedDays(Reason):
    """The meetings have countable minutes on fewer days a week than prescribed."""

    days: int
    prescribed: int
