"""Adjustments to a track, the start date, the prescription or the rules. Each could let a schedule fit.

Adjustments of commitments are in `commitment_changes`. An adjustment is a value that says what changes and by how much.
Its method `apply` returns the offers and the need with the change made. Templates choose the text by `code`.
"""

from abc import ABC, abstractmethod
from collections.abc import Collection, Iterable
from dataclasses import Field, dataclass, fields, replace
from datetime import date
from typing import ClassVar

from scheduling.domain.hours.rules import WeeklyMeeting
from scheduling.domain.search.need import Need, Offer
from timekeeping.busy_times import BusyTime
from timekeeping.reasons import Key

Offers = tuple[Offer, ...]
AMOUNT_FIELDS = frozenset({"minutes", "after", "first"})
"""Names of the adjustment fields that hold the size of the change."""
TEXT_FIELDS = frozenset({"name"})
"""Names of the adjustment fields that are displayed but do not identify the change."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Adjustment(ABC):
    """One change that could let a schedule fit.

    Changes with a lower `rank` cost the patient less and are suggested first. Changes to the prescription and to the
    rules come last.
    """

    code: ClassVar[str] = ""
    rank: ClassVar[int] = 0

    def apply(self, offers: Offers, need: Need) -> tuple[Offers, Need]:
        """Return the offers and the need with the change made."""
        return offers, self.with_need(need)

    def with_need(self, need: Need) -> Need:
        """Return the need with the change made."""
        return need

    @property
    @abstractmethod
    def amount(self) -> int:
        """Size of the change in minutes per week, days, or dates; used to compare changes of the same rank."""

    @property
    def what(self) -> str:
        """Identifier of what changes, regardless of the amount. It contains keys and numbers, but no text."""
        return self._join(fields(self), apart_from=AMOUNT_FIELDS | TEXT_FIELDS)

    @property
    def token(self) -> str:
        """Identifier of the change among all changes for one need. It contains keys and numbers, but no text."""
        return self._join(fields(self))

    @property
    def order(self) -> tuple[int, int, int, str, str]:
        """Sort key: lower ranks come first, then smaller changes."""
        return self.rank, self.amount, 0, "", self.token

    def _join(self, parts: Iterable[Field[object]], apart_from: frozenset[str] = TEXT_FIELDS) -> str:
        values = (_token_part(getattr(self, part.name)) for part in parts if part.name not in apart_from)
        return ":".join((self.code, *values))


def _token_part(value: object) -> str:
    if isinstance(value, BusyTime):
        return f"{value.kind}-{value.key}"
    if isinstance(value, WeeklyMeeting):
        return str(value.key)
    if isinstance(value, tuple):
        return str(len(value))
    return "" if value is None else str(value)


def with_places(offer: Offer, keys: Collection[Key]) -> Offer:
    """Return a copy of the track in which the meetings with these keys are not full on any date."""
    meetings = (replace(each, full_on=()) if each.meeting.key in keys else each for each in offer.meetings)
    return replace(offer, meetings=tuple(meetings))


def with_start_date(offer: Offer, day: date) -> Offer:
    """Return the track with `day` added to its start dates; unchanged if patients can start on any day."""
    return offer if offer.start_dates is None else replace(offer, start_dates=(*offer.start_dates, day))


@dataclass(frozen=True, slots=True, kw_only=True)
class MorePlaces(Adjustment):
    """One or more full meetings get one more spot each."""

    rank: ClassVar[int] = 3

    @property
    @abstractmethod
    def keys(self) -> frozenset[Key]:
        """Keys of the meetings that get one more spot."""

    def apply(self, offers: Offers, need: Need) -> tuple[Offers, Need]:
        """Return the offers with a spot added to the meetings, and the need unchanged."""
        return tuple(with_places(offer, self.keys) for offer in offers), need


@dataclass(frozen=True, slots=True, kw_only=True)
class OneMorePlace(MorePlaces):
    """A meeting gets one more spot on the dates on which it is full."""

    code: ClassVar[str] = "one_more_place"
    meeting: WeeklyMeeting
    full_on: tuple[date, ...]

    @property
    def keys(self) -> frozenset[Key]:
        """Key of the meeting that gets one more spot."""
        return frozenset({self.meeting.key})

    @property
    def dates(self) -> int:
        """Number of dates on which the meeting is full."""
        return len(self.full_on)

    @property
    def first_date(self) -> date:
        """First date on which the meeting is full."""
        return self.full_on[0]

    @property
    def amount(self) -> int:
        """Number of dates on which the meeting is full."""
        return self.dates


@dataclass(frozen=True, slots=True, kw_only=True)
class PlacesInTrack(MorePlaces):
    """Several full meetings of a track get one more spot each."""

    code: ClassVar[str] = "place_in_track"
    track: Key
    name: str
    places: tuple[OneMorePlace, ...]

    @property
    def keys(self) -> frozenset[Key]:
        """Keys of the meetings that get one more spot."""
        return frozenset(place.meeting.key for place in self.places)

    @property
    def meetings(self) -> int:
        """Number of meetings that get one more spot."""
        return len(self.places)

    @property
    def dates(self) -> int:
        """Total number of dates on which the meetings are full."""
        return sum(place.dates for place in self.places)

    @property
    def first_date(self) -> date:
        """First date on which any of the meetings is full."""
        return min(place.first_date for place in self.places)

    @property
    def amount(self) -> int:
        """Total number of dates on which the meetings are full."""
        return self.dates


@dataclass(frozen=True, slots=True, kw_only=True)
class StartsLater(Adjustment):
    """The patient starts on the day `first` instead of on the requested day, `asked`."""

    code: ClassVar[str] = "begins_on"
    rank: ClassVar[int] = 5
    asked: date
    first: date

    def with_need(self, need: Need) -> Need:
        """Return the need with the later start date."""
        return replace(need, from_day=self.first)

    @property
    def amount(self) -> int:
        """Number of days between the requested start date and the later one."""
        return (self.first - self.asked).days


@dataclass(frozen=True, slots=True, kw_only=True)
class JoinsBetweenStartDates(Adjustment):
    """The patient joins a track on the day `on`, which is not one of the track's fixed start dates."""

    code: ClassVar[str] = "joins_between"
    rank: ClassVar[int] = 6
    track: Key
    name: str
    on: date

    def apply(self, offers: Offers, need: Need) -> tuple[Offers, Need]:
        """Return the offers with the day added to the track's start dates, and the need unchanged."""
        return tuple(with_start_date(offer, self.on) if offer.key == self.track else offer for offer in offers), need

    @property
    def amount(self) -> int:
        """Always 0, because this kind of change has no size."""
        return 0


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberAdjustment(Adjustment):
    """A number of minutes or days changes from `before` to `after`."""

    before: int
    after: int

    @property
    def amount(self) -> int:
        """Difference between the two numbers, in minutes or days."""
        return abs(self.after - self.before)


@dataclass(frozen=True, slots=True, kw_only=True)
class PrescribesFewerMinutes(NumberAdjustment):
    """Fewer minutes per week are prescribed. This is a clinical decision for whoever ordered the level of care."""

    code: ClassVar[str] = "prescribes_fewer_minutes"
    rank: ClassVar[int] = 7

    def with_need(self, need: Need) -> Need:
        """Return the need with fewer prescribed minutes."""
        return replace(need, prescribed_minutes=self.after)


@dataclass(frozen=True, slots=True, kw_only=True)
class PrescribesFewerDays(NumberAdjustment):
    """Fewer days per week are prescribed. This is a clinical decision for whoever ordered the level of care."""

    code: ClassVar[str] = "prescribes_fewer_days"
    rank: ClassVar[int] = 8

    def with_need(self, need: Need) -> Need:
        """Return the need with fewer prescribed days."""
        return replace(need, prescribed_days=self.after)


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleAdjustment(NumberAdjustment):
    """A limit of the weekly-hours rules changes. `rule` is the field of `HoursRules` that holds the limit."""

    code: ClassVar[str] = "rule"
    rank: ClassVar[int] = 9
    rule: str

    def with_need(self, need: Need) -> Need:
        """Return the need under the changed rules. Raises ValueError if the changed rules contradict each other."""
        # The field name is a variable, so the type checker can't check the call.
        return replace(need, rules=replace(need.rules, **{self.rule: self.after}))  # type: ignore[arg-type]
