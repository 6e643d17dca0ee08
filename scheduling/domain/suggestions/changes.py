"""Adjustments, each of which changes one thing so that a schedule fits: of a track, the prescription or the rules.

`commitment_changes` has the adjustments of commitments. An adjustment is a value: it tells what changes and by how much, and
`apply` returns the offers and the need with the change made. Templates choose the text by `code`.
"""

from abc import ABC, abstractmethod
from collections.abc import Collection, Iterable
from dataclasses import Field, dataclass, fields, replace
from datetime import date
from typing import ClassVar

from scheduling.domain.hours.rules import WeeklyMeeting
from scheduling.domain.search.need import Need, Offer
from timekeeping.reasons import Key
from timekeeping.weeks import BusyTime

Offers = tuple[Offer, ...]
AMOUNT_FIELDS = frozenset({"minutes", "after", "first"})
"""The fields of adjustments with the amount of the change."""
TEXT_FIELDS = frozenset({"name"})
"""The fields of adjustments that are shown only."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Adjustment(ABC):
    """One change. Kinds of a lower `rank` come first: those that cost the patient least; care and rules come last."""

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
        """The size of the change, in minutes a week, days or dates: compares changes of one rank."""

    @property
    def what(self) -> str:
        """Identifies what changes, by whatever amount: keys and numbers, no text."""
        return self._join(fields(self), apart_from=AMOUNT_FIELDS | TEXT_FIELDS)

    @property
    def token(self) -> str:
        """Identifies the change among all changes for one need: keys and numbers, no text."""
        return self._join(fields(self))

    @property
    def order(self) -> tuple[int, int, int, str, str]:
        """Sort key: smaller changes come first."""
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
    """Return the track with a place on every date in the meetings with these keys."""
    meetings = (replace(each, full_on=()) if each.meeting.key in keys else each for each in offer.meetings)
    return replace(offer, meetings=tuple(meetings))


def with_start_date(offer: Offer, day: date) -> Offer:
    """Return the track with the day as one more start date; unchanged if patients can start on any day."""
    return offer if offer.start_dates is None else replace(offer, start_dates=(*offer.start_dates, day))


@dataclass(frozen=True, slots=True, kw_only=True)
class MorePlaces(Adjustment):
    """Full meetings get one more place each."""

    rank: ClassVar[int] = 3

    @property
    @abstractmethod
    def keys(self) -> frozenset[Key]:
        """The keys of the meetings."""

    def apply(self, offers: Offers, need: Need) -> tuple[Offers, Need]:
        """Return the offers with a place in the meetings, and the need unchanged."""
        return tuple(with_places(offer, self.keys) for offer in offers), need


@dataclass(frozen=True, slots=True, kw_only=True)
class OneMorePlace(MorePlaces):
    """A meeting gets one more place on the dates on which it is full."""

    code: ClassVar[str] = "one_more_place"
    meeting: WeeklyMeeting
    full_on: tuple[date, ...]

    @property
    def keys(self) -> frozenset[Key]:
        """The key of the meeting."""
        return frozenset({self.meeting.key})

    @property
    def dates(self) -> int:
        """The number of full dates."""
        return len(self.full_on)

    @property
    def first_date(self) -> date:
        """The first full date."""
        return self.full_on[0]

    @property
    def amount(self) -> int:
        """The number of full dates."""
        return self.dates


@dataclass(frozen=True, slots=True, kw_only=True)
class PlacesInTrack(MorePlaces):
    """Several full meetings of a track get one more place each."""

    code: ClassVar[str] = "place_in_track"
    track: Key
    name: str
    places: tuple[OneMorePlace, ...]

    @property
    def keys(self) -> frozenset[Key]:
        """The keys of the meetings."""
        return frozenset(place.meeting.key for place in self.places)

    @property
    def meetings(self) -> int:
        """The number of full meetings."""
        return len(self.places)

    @property
    def dates(self) -> int:
        """The number of full dates of all the meetings."""
        return sum(place.dates for place in self.places)

    @property
    def first_date(self) -> date:
        """The first full date of any of the meetings."""
        return min(place.first_date for place in self.places)

    @property
    def amount(self) -> int:
        """The number of full dates."""
        return self.dates


@dataclass(frozen=True, slots=True, kw_only=True)
class StartsLater(Adjustment):
    """The patient starts on the day `first` at the earliest, instead of the day `asked`."""

    code: ClassVar[str] = "begins_on"
    rank: ClassVar[int] = 5
    asked: date
    first: date

    def with_need(self, need: Need) -> Need:
        """Return the need from the later day."""
        return replace(need, from_day=self.first)

    @property
    def amount(self) -> int:
        """Days later than asked."""
        return (self.first - self.asked).days


@dataclass(frozen=True, slots=True, kw_only=True)
class JoinsBetweenStartDates(Adjustment):
    """A track that takes patients on start dates takes this one on another day, `on`."""

    code: ClassVar[str] = "joins_between"
    rank: ClassVar[int] = 6
    track: Key
    name: str
    on: date

    def apply(self, offers: Offers, need: Need) -> tuple[Offers, Need]:
        """Return the offers with the day as a start date of the track, and the need unchanged."""
        return tuple(with_start_date(offer, self.on) if offer.key == self.track else offer for offer in offers), need

    @property
    def amount(self) -> int:
        """Always 0: there is nothing to compare."""
        return 0


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberAdjustment(Adjustment):
    """A number of minutes or days a week is `after` instead of `before`."""

    before: int
    after: int

    @property
    def amount(self) -> int:
        """Minutes or days less or more."""
        return abs(self.after - self.before)


@dataclass(frozen=True, slots=True, kw_only=True)
class PrescribesFewerMinutes(NumberAdjustment):
    """Fewer minutes a week are prescribed: a clinical decision for whoever ordered the level of care."""

    code: ClassVar[str] = "prescribes_fewer_minutes"
    rank: ClassVar[int] = 7

    def with_need(self, need: Need) -> Need:
        """Return the need with fewer prescribed minutes."""
        return replace(need, prescribed_minutes=self.after)


@dataclass(frozen=True, slots=True, kw_only=True)
class PrescribesFewerDays(NumberAdjustment):
    """Fewer days a week are prescribed: a clinical decision for whoever ordered the level of care."""

    code: ClassVar[str] = "prescribes_fewer_days"
    rank: ClassVar[int] = 8

    def with_need(self, need: Need) -> Need:
        """Return the need with fewer prescribed days."""
        return replace(need, prescribed_days=self.after)


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleAdjustment(NumberAdjustment):
    """A bound of the rules in force changes. `rule` is the name of its field in `HoursRules`."""

    code: ClassVar[str] = "rule"
    rank: ClassVar[int] = 9
    rule: str

    def with_need(self, need: Need) -> Need:
        """Return the need under the changed rules. Raises ValueError if the rules contradict each other then."""
        # The field is named by a value, which the type checker can't follow.
        return replace(need, rules=replace(need.rules, **{self.rule: self.after}))  # type: ignore[arg-type]
