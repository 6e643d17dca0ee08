"""Reasons against the weekly hours of a track or of a patient's choice of meetings. Minutes and days are per week."""

from dataclasses import dataclass
from typing import ClassVar

from timekeeping.reasons import Key, Reason


@dataclass(frozen=True, slots=True)
class NoMeetings(Reason):
    """No meetings are chosen."""


@dataclass(frozen=True, slots=True)
class TooFewMinutes(Reason):
    minutes: int
    minimum: int

    @property
    def missing(self) -> int:
        return self.minimum - self.minutes


@dataclass(frozen=True, slots=True)
class TooManyMinutes(Reason):
    minutes: int
    maximum: int

    @property
    def excess(self) -> int:
        return self.minutes - self.maximum


@dataclass(frozen=True, slots=True)
class TooFewDays(Reason):
    days: int
    minimum: int


@dataclass(frozen=True, slots=True)
class TooManyDays(Reason):
    days: int
    maximum: int


@dataclass(frozen=True, slots=True)
class ShortDay(Reason):
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
    minutes: int
    prescribed: int

    @property
    def missing(self) -> int:
        return self.prescribed - self.minutes


@dataclass(frozen=True, slots=True)
class BelowPrescribedDays(Reason):
    days: int
    prescribed: int
