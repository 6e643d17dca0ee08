"""Reasons against the weekly hours of a track or of a patient's choice of meetings. Minutes and days are per week."""

from dataclasses import dataclass
from typing import ClassVar

from timekeeping.reasons import Key, Reason


@dataclass(frozen=True, slots=True)
class NoMeetings(Reason):
    """No meetings are chosen."""


@dataclass(frozen=True, slots=True)
class TooFewMinutes(Reason):
    """The countable minutes are fewer than the rules require."""

    minutes: int
    minimum: int

    @property
    def missing(self) -> int:
        """How many minutes are missing."""
        return self.minimum - self.minutes


@dataclass(frozen=True, slots=True)
class TooManyMinutes(Reason):
    """The countable minutes are more than the rules allow."""

    minutes: int
    maximum: int

    @property
    def excess(self) -> int:
        """By how many minutes they are too many."""
        return self.minutes - self.maximum


@dataclass(frozen=True, slots=True)
class TooFewDays(Reason):
    """The countable days are fewer than the rules require."""

    days: int
    minimum: int


@dataclass(frozen=True, slots=True)
class TooManyDays(Reason):
    """The countable days are more than the rules allow."""

    days: int
    maximum: int


@dataclass(frozen=True, slots=True)
class ShortDay(Reason):
    """A day has fewer countable minutes than the rules require of a day with any."""

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
    """Two of a patient's meetings overlap, by so many minutes."""

    code: ClassVar[str] = "two_at_once"
    first: str
    second: str
    weekday: int
    minutes: int


@dataclass(frozen=True, slots=True)
class BelowPrescribedMinutes(Reason):
    """The minutes are fewer than prescribed."""

    minutes: int
    prescribed: int

    @property
    def missing(self) -> int:
        """How many minutes are missing."""
        return self.prescribed - self.minutes


@dataclass(frozen=True, slots=True)
class BelowPrescribedDays(Reason):
    """The days are fewer than prescribed."""

    days: int
    prescribed: int
