"""One thing that gives way so that a schedule fits: at a track, in the prescription or in the rules. `life_changes` has those
in a life.

A change is a value: it says what gives way and by how much, and `apply` gives the offers and the need as they would be then.
Templates find the words by `code`.
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
"""The fields of changes that say by how much."""
TEXT_FIELDS = frozenset({"name"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Adjustment(ABC):
    """What gives way. `rank` says what is asked before what: of the person as little as possible, of care and rules last."""

    code: ClassVar[str] = ""
    rank: ClassVar[int] = 0

    def apply(self, offers: Offers, need: Need) -> tuple[Offers, Need]:
        """The offers and the need as they would be with it."""
        return offers, self.with_need(need)

    def with_need(self, need: Need) -> Need:
        return need

    @property
    @abstractmethod
    def amount(self) -> int:
        """How much is asked, in minutes a week, in days, or in dates: to compare changes of one rank by."""

    @property
    def what(self) -> str:
        """What gives way, however much: keys and numbers, no words."""
        return self._said(fields(self), apart_from=AMOUNT_FIELDS | TEXT_FIELDS)

    @property
    def token(self) -> str:
        """What tells the change from all others for one need: keys and numbers, no words."""
        return self._said(fields(self))

    @property
    def order(self) -> tuple[int, int, int, str, str]:
        """Where it comes among others: what asks less is first."""
        return self.rank, self.amount, 0, "", self.token

    def _said(self, parts: Iterable[Field[object]], apart_from: frozenset[str] = TEXT_FIELDS) -> str:
        said = (_token_part(getattr(self, part.name)) for part in parts if part.name not in apart_from)
        return ":".join((self.code, *said))


def _token_part(value: object) -> str:
    if isinstance(value, BusyTime):
        return f"{value.kind}-{value.key}"
    if isinstance(value, WeeklyMeeting):
        return str(value.key)
    if isinstance(value, tuple):
        return str(len(value))
    return "" if value is None else str(value)


def with_places(offer: Offer, keys: Collection[Key]) -> Offer:
    """The track with a place on every date in the meetings of these keys."""
    meetings = (replace(each, full_on=()) if each.meeting.key in keys else each for each in offer.meetings)
    return replace(offer, meetings=tuple(meetings))


def with_start_date(offer: Offer, day: date) -> Offer:
    """The track with the day among its start dates; the same if it takes people on any day."""
    return offer if offer.entries is None else replace(offer, entries=(*offer.entries, day))


@dataclass(frozen=True, slots=True, kw_only=True)
class MorePlaces(Adjustment):
    """Full meetings have one place more."""

    rank: ClassVar[int] = 3

    @property
    @abstractmethod
    def keys(self) -> frozenset[Key]:
        """Of the meetings."""

    def apply(self, offers: Offers, need: Need) -> tuple[Offers, Need]:
        return tuple(with_places(offer, self.keys) for offer in offers), need


@dataclass(frozen=True, slots=True, kw_only=True)
class OneMorePlace(MorePlaces):
    """A meeting that is full has one place more on the dates `full_on`."""

    code: ClassVar[str] = "one_more_place"
    meeting: WeeklyMeeting
    full_on: tuple[date, ...]

    @property
    def keys(self) -> frozenset[Key]:
        return frozenset({self.meeting.key})

    @property
    def dates(self) -> int:
        return len(self.full_on)

    @property
    def first_date(self) -> date:
        return self.full_on[0]

    @property
    def amount(self) -> int:
        return self.dates


@dataclass(frozen=True, slots=True, kw_only=True)
class PlacesInTrack(MorePlaces):
    """Several full meetings of a track have one place more each."""

    code: ClassVar[str] = "place_in_track"
    track: Key
    name: str
    places: tuple[OneMorePlace, ...]

    @property
    def keys(self) -> frozenset[Key]:
        return frozenset(place.meeting.key for place in self.places)

    @property
    def meetings(self) -> int:
        return len(self.places)

    @property
    def dates(self) -> int:
        """On how many dates in all."""
        return sum(place.dates for place in self.places)

    @property
    def first_date(self) -> date:
        return min(place.first_date for place in self.places)

    @property
    def amount(self) -> int:
        return self.dates


@dataclass(frozen=True, slots=True, kw_only=True)
class StartsLater(Adjustment):
    """The patient begins on the day `first` at the earliest instead of the day `asked`."""

    code: ClassVar[str] = "begins_on"
    rank: ClassVar[int] = 5
    asked: date
    first: date

    def with_need(self, need: Need) -> Need:
        return need.but(from_day=self.first)

    @property
    def amount(self) -> int:
        return (self.first - self.asked).days


@dataclass(frozen=True, slots=True, kw_only=True)
class JoinsBetweenStartDates(Adjustment):
    """A track that takes people on start dates takes the patient on the day `on`, which is none of them."""

    code: ClassVar[str] = "joins_between"
    rank: ClassVar[int] = 6
    track: Key
    name: str
    on: date

    def apply(self, offers: Offers, need: Need) -> tuple[Offers, Need]:
        return tuple(with_start_date(offer, self.on) if offer.key == self.track else offer for offer in offers), need

    @property
    def amount(self) -> int:
        return 0


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberAdjustment(Adjustment):
    """A number, in minutes or days a week, is `after` instead of `before`."""

    before: int
    after: int

    @property
    def amount(self) -> int:
        return abs(self.after - self.before)


@dataclass(frozen=True, slots=True, kw_only=True)
class PrescribesFewerMinutes(NumberAdjustment):
    """The minutes a week that are prescribed: a clinical decision of whoever stated the level of care."""

    code: ClassVar[str] = "prescribes_fewer_minutes"
    rank: ClassVar[int] = 7

    def with_need(self, need: Need) -> Need:
        return need.but(prescribed_minutes=self.after)


@dataclass(frozen=True, slots=True, kw_only=True)
class PrescribesFewerDays(NumberAdjustment):
    """The days a week that are prescribed: a clinical decision of whoever stated the level of care."""

    code: ClassVar[str] = "prescribes_fewer_days"
    rank: ClassVar[int] = 8

    def with_need(self, need: Need) -> Need:
        return need.but(prescribed_days=self.after)


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleAdjustment(NumberAdjustment):
    """A bound of the RuleSet in force. `rule` is its field's name."""

    code: ClassVar[str] = "rule"
    rank: ClassVar[int] = 9
    rule: str

    def with_need(self, need: Need) -> Need:
        # The field is named by the value, which the type checker can't follow.
        return need.but(rules=replace(need.rules, **{self.rule: self.after}))  # type: ignore[arg-type]
