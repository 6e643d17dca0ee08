"""The ways out of a search that found nothing: what can give way, and by the fewest minutes that are enough."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from scheduling.domain.search.conflicts import Conflict
from scheduling.domain.suggestions.changes import (
    Adjustment,
    NumberAdjustment,
    Offers,
    OneMorePlace,
    PlacesInTrack,
    PrescribesFewerDays,
    PrescribesFewerMinutes,
    RuleAdjustment,
)
from scheduling.domain.suggestions.commitment_changes import (
    BeginsLater,
    CommitmentAdjustment,
    CommitmentSkipped,
    EndsEarlier,
    MinutesAdjustment,
    MoreFlexibility,
    ShorterTravel,
    is_covered_by,
)
from scheduling.domain.suggestions.what_if import FeasibilityCheck
from timekeeping.occurrences import GRID_MINUTES
from timekeeping.weeks import BusyTime, weekdays_of

MAX_EXTRA_MINUTES = 600
"""By more than this no upper bound of the rules is raised."""

JointAdjustments = tuple[Adjustment, ...]
"""Changes that are made anyway."""


def first_sufficient_index[T](amounts: Sequence[T], is_enough: Callable[[T], bool]) -> int:
    """The place of the first of some amounts, in order, that is enough, the last being so: the one before is not."""
    in_vain, enough = -1, len(amounts) - 1
    while enough - in_vain > 1:
        middle = (in_vain + enough) // 2
        if is_enough(amounts[middle]):
            enough = middle
        else:
            in_vain = middle
    return enough


@dataclass(frozen=True, slots=True)
class SizedAdjustment[C: Adjustment]:
    """A change by one of several amounts, in order: with more of it more opens."""

    change: Callable[[int], C]
    amounts: Sequence[int]

    def least(self, what_if: FeasibilityCheck, beside: JointAdjustments) -> Iterator[C]:
        """The change by the least amount with which something fits; nothing if none helps."""
        if not self.amounts or not what_if.opens(*beside, self.change(self.amounts[-1])):
            return
        enough = first_sufficient_index(self.amounts, lambda by: what_if.opens(*beside, self.change(by)))
        yield self.change(self.amounts[enough])


@dataclass(frozen=True, slots=True)
class AdjustmentSource:
    """Something that can give way. `most` is the change that opens all it can, `ways` gives every change that is enough."""

    most: Adjustment
    ways: Callable[[FeasibilityCheck, JointAdjustments], Iterable[Adjustment]]

    def changes(self, what_if: FeasibilityCheck, beside: JointAdjustments = ()) -> list[Adjustment]:
        """Every way in which its giving way, beside other changes, lets something fit."""
        return list(self.ways(what_if, beside)) if what_if.opens(*beside, self.most) else []


def adjustment_sources(what_if: FeasibilityCheck, offers: Offers) -> list[AdjustmentSource]:
    """All that can give way, but for the day on which treatment begins."""
    lives = [busy for busy in dict.fromkeys(what_if.need.busy) if not busy.is_treatment]
    return [
        *(source for busy in lives for source in _commitment_sources(what_if, busy)),
        *(AdjustmentSource(place, _always(place)) for place in what_if.full),
        *(_track_source(places) for places in _full_tracks(what_if, offers)),
        *(
            AdjustmentSource(way.change(way.amounts[-1]), way.least)
            for way in _number_candidates(what_if)
            if way.amounts
        ),
    ]


def _always(place: OneMorePlace) -> Callable[[FeasibilityCheck, JointAdjustments], Iterable[Adjustment]]:
    return lambda what_if, beside: (place,)


def _full_tracks(what_if: FeasibilityCheck, offers: Offers) -> Iterator[PlacesInTrack]:
    """The tracks of which several meetings are full, with a place more in each of these."""
    for offer in offers:
        places = tuple(place for place in what_if.full if place.meeting.key in offer.keys)
        if len(places) > 1:
            yield PlacesInTrack(track=offer.key, name=offer.name, places=places)


def _track_source(most: PlacesInTrack) -> AdjustmentSource:
    def ways(what_if: FeasibilityCheck, beside: JointAdjustments) -> Iterator[Adjustment]:
        """With as few places as will do, unless one of them does, which is a way of its own."""
        if any(what_if.opens(*beside, place) for place in most.places):
            return
        needed = most
        for place in most.places:
            without = replace(needed, places=tuple(each for each in needed.places if each != place))
            if what_if.opens(*beside, without):
                needed = without
        yield needed

    return AdjustmentSource(most, ways)


def _commitment_sources(what_if: FeasibilityCheck, busy: BusyTime) -> Iterator[AdjustmentSource]:
    asks = list(what_if.asks_of(busy))
    if not asks:
        return
    weekdays = sorted({weekday for weekday, _ in asks}) if len(weekdays_of(busy.recurrence)) > 1 else []

    def ways(what_if: FeasibilityCheck, beside: JointAdjustments) -> list[Adjustment]:
        found: list[CommitmentAdjustment] = []
        for weekday in (*weekdays, None):
            none = CommitmentSkipped(busy=busy, weekday=weekday)
            if what_if.opens(*beside, none):
                concerned = [ask for on, ask in asks if weekday in (None, on)]
                for way in _minute_candidates(busy, weekday, concerned):
                    found += way.least(what_if, beside)
                found.append(none)
        return [one for one in found if not any(other is not one and is_covered_by(other, one) for other in found)]

    yield AdjustmentSource(CommitmentSkipped(busy=busy), ways)


def _minute_candidates(
    busy: BusyTime, weekday: int | None, asks: Sequence[Conflict]
) -> Iterator[SizedAdjustment[MinutesAdjustment]]:
    """How minutes of a commitment, or of the way, can give way. It lasts for five minutes at least, and so does not vanish."""
    longest = busy.minutes - 1
    if busy.movable_minutes:
        more = {ask.minutes - busy.movable_minutes for ask in asks}
        yield SizedAdjustment(
            lambda by: MoreFlexibility(busy=busy, weekday=weekday, minutes=by),
            _grid_amounts(more, longest - busy.movable_minutes),
        )
    else:
        yield SizedAdjustment(
            lambda by: EndsEarlier(busy=busy, weekday=weekday, minutes=by),
            _grid_amounts({ask.earlier for ask in asks}, longest),
        )
        yield SizedAdjustment(
            lambda by: BeginsLater(busy=busy, weekday=weekday, minutes=by),
            _grid_amounts({ask.later for ask in asks}, longest),
        )
    if weekday is None:
        for before, takes in ((True, busy.travel_before), (False, busy.travel_after)):
            lacking = {ask.later if before else ask.earlier for ask in asks}
            lacking |= {each - busy.movable_minutes for each in lacking}
            yield SizedAdjustment(
                lambda by, before=before: ShorterTravel(busy=busy, before=before, minutes=by),  # type: ignore[misc]
                _grid_amounts(lacking, takes),
            )


def _grid_amounts(minutes: Iterable[int], most: int) -> list[int]:
    """The least that are enough for each, in steps of five minutes, and no more than `most`."""
    return sorted({up for each in minutes if 0 < (up := each + -each % GRID_MINUTES) <= most})


def _number_candidates(what_if: FeasibilityCheck) -> Iterator[SizedAdjustment[NumberAdjustment]]:
    """Of the prescription and of the rules."""
    need, rules = what_if.need, what_if.need.rules
    minutes, days = need.prescribed_minutes, need.prescribed_days
    yield SizedAdjustment(
        lambda by: PrescribesFewerMinutes(before=minutes, after=minutes - by),
        range(GRID_MINUTES, minutes, GRID_MINUTES),
    )
    yield SizedAdjustment(lambda by: PrescribesFewerDays(before=days, after=days - by), range(1, days))

    def bound(rule: str, sign: int, amounts: Sequence[int]) -> SizedAdjustment[NumberAdjustment]:
        now = getattr(rules, rule)
        return SizedAdjustment(lambda by: RuleAdjustment(rule=rule, before=now, after=now + sign * by), amounts)

    yield bound("minimum_minutes", -1, range(GRID_MINUTES, rules.minimum_minutes, GRID_MINUTES))
    yield bound("maximum_minutes", 1, range(GRID_MINUTES, MAX_EXTRA_MINUTES + 1, GRID_MINUTES))
    yield bound("minimum_days", -1, range(1, rules.minimum_days))
    yield bound("maximum_days", 1, range(1, 8 - rules.maximum_days))
    per_day = rules.minimum_minutes_per_day
    yield bound("minimum_minutes_per_day", -1, range(GRID_MINUTES, per_day + 1, GRID_MINUTES))
