"""The ways out of a search that found nothing: what can give way, and by the fewest minutes that are enough."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from scheduling.domain.search.conflicts import Ask
from scheduling.domain.suggestions.changes import (
    Change,
    NumberChange,
    Offers,
    OneMorePlace,
    PlaceInTrack,
    PrescribesFewerDays,
    PrescribesFewerMinutes,
    RuleChange,
)
from scheduling.domain.suggestions.commitment_changes import (
    BeginsLater,
    EndsEarlier,
    GivesMinutes,
    LifeChange,
    MovesFurther,
    ShorterWay,
    TakesNoPlace,
    asks_no_more,
)
from scheduling.domain.suggestions.what_if import WhatIf
from timekeeping.occurrences import GRID_MINUTES
from timekeeping.weeks import BusyTime, weekdays_of

MOST_MINUTES_MORE = 600
"""By more than this no upper bound of the rules is raised."""

Beside = tuple[Change, ...]
"""Changes that are made anyway."""


def first_enough[T](amounts: Sequence[T], is_enough: Callable[[T], bool]) -> int:
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
class Way[C: Change]:
    """A change by one of several amounts, in order: with more of it more opens."""

    change: Callable[[int], C]
    amounts: Sequence[int]

    def least(self, what_if: WhatIf, beside: Beside) -> Iterator[C]:
        """The change by the least amount with which something fits; nothing if none helps."""
        if not self.amounts or not what_if.opens(*beside, self.change(self.amounts[-1])):
            return
        enough = first_enough(self.amounts, lambda by: what_if.opens(*beside, self.change(by)))
        yield self.change(self.amounts[enough])


@dataclass(frozen=True, slots=True)
class Source:
    """Something that can give way. `most` is the change that opens all it can, `ways` gives every change that is enough."""

    most: Change
    ways: Callable[[WhatIf, Beside], Iterable[Change]]

    def changes(self, what_if: WhatIf, beside: Beside = ()) -> list[Change]:
        """Every way in which its giving way, beside other changes, lets something fit."""
        return list(self.ways(what_if, beside)) if what_if.opens(*beside, self.most) else []


def sources(what_if: WhatIf, offers: Offers) -> list[Source]:
    """All that can give way, but for the day on which treatment begins."""
    lives = [busy for busy in dict.fromkeys(what_if.need.busy) if not busy.is_treatment]
    return [
        *(source for busy in lives for source in _of_life(what_if, busy)),
        *(Source(place, _this(place)) for place in what_if.full),
        *(_of_track(places) for places in _full_tracks(what_if, offers)),
        *(Source(way.change(way.amounts[-1]), way.least) for way in _numbers(what_if) if way.amounts),
    ]


def _this(place: OneMorePlace) -> Callable[[WhatIf, Beside], Iterable[Change]]:
    return lambda what_if, beside: (place,)


def _full_tracks(what_if: WhatIf, offers: Offers) -> Iterator[PlaceInTrack]:
    """The tracks of which several meetings are full, with a place more in each of these."""
    for offer in offers:
        places = tuple(place for place in what_if.full if place.meeting.key in offer.keys)
        if len(places) > 1:
            yield PlaceInTrack(track=offer.key, name=offer.name, places=places)


def _of_track(most: PlaceInTrack) -> Source:
    def ways(what_if: WhatIf, beside: Beside) -> Iterator[Change]:
        """With as few places as will do, unless one of them does, which is a way of its own."""
        if any(what_if.opens(*beside, place) for place in most.places):
            return
        needed = most
        for place in most.places:
            without = replace(needed, places=tuple(each for each in needed.places if each != place))
            if what_if.opens(*beside, without):
                needed = without
        yield needed

    return Source(most, ways)


def _of_life(what_if: WhatIf, busy: BusyTime) -> Iterator[Source]:
    asks = list(what_if.asks_of(busy))
    if not asks:
        return
    weekdays = sorted({weekday for weekday, _ in asks}) if len(weekdays_of(busy.recurrence)) > 1 else []

    def ways(what_if: WhatIf, beside: Beside) -> list[Change]:
        found: list[LifeChange] = []
        for weekday in (*weekdays, None):
            none = TakesNoPlace(busy=busy, weekday=weekday)
            if what_if.opens(*beside, none):
                concerned = [ask for on, ask in asks if weekday in (None, on)]
                for way in _of_minutes(busy, weekday, concerned):
                    found += way.least(what_if, beside)
                found.append(none)
        return [one for one in found if not any(other is not one and asks_no_more(other, one) for other in found)]

    yield Source(TakesNoPlace(busy=busy), ways)


def _of_minutes(busy: BusyTime, weekday: int | None, asks: Sequence[Ask]) -> Iterator[Way[GivesMinutes]]:
    """How minutes of a commitment, or of the way, can give way. It lasts for five minutes at least, and so does not vanish."""
    longest = busy.minutes - 1
    if busy.movable_minutes:
        more = {ask.minutes - busy.movable_minutes for ask in asks}
        yield Way(
            lambda by: MovesFurther(busy=busy, weekday=weekday, minutes=by),
            _on_grid(more, longest - busy.movable_minutes),
        )
    else:
        yield Way(
            lambda by: EndsEarlier(busy=busy, weekday=weekday, minutes=by),
            _on_grid({ask.earlier for ask in asks}, longest),
        )
        yield Way(
            lambda by: BeginsLater(busy=busy, weekday=weekday, minutes=by),
            _on_grid({ask.later for ask in asks}, longest),
        )
    if weekday is None:
        for before, takes in ((True, busy.travel_before), (False, busy.travel_after)):
            lacking = {ask.later if before else ask.earlier for ask in asks}
            lacking |= {each - busy.movable_minutes for each in lacking}
            yield Way(
                lambda by, before=before: ShorterWay(busy=busy, before=before, minutes=by),  # type: ignore[misc]
                _on_grid(lacking, takes),
            )


def _on_grid(minutes: Iterable[int], most: int) -> list[int]:
    """The least that are enough for each, in steps of five minutes, and no more than `most`."""
    return sorted({up for each in minutes if 0 < (up := each + -each % GRID_MINUTES) <= most})


def _numbers(what_if: WhatIf) -> Iterator[Way[NumberChange]]:
    """Of the prescription and of the rules."""
    need, rules = what_if.need, what_if.need.rules
    minutes, days = need.prescribed_minutes, need.prescribed_days
    yield Way(
        lambda by: PrescribesFewerMinutes(before=minutes, after=minutes - by),
        range(GRID_MINUTES, minutes, GRID_MINUTES),
    )
    yield Way(lambda by: PrescribesFewerDays(before=days, after=days - by), range(1, days))

    def bound(rule: str, sign: int, amounts: Sequence[int]) -> Way[NumberChange]:
        now = getattr(rules, rule)
        return Way(lambda by: RuleChange(rule=rule, before=now, after=now + sign * by), amounts)

    yield bound("minimum_minutes", -1, range(GRID_MINUTES, rules.minimum_minutes, GRID_MINUTES))
    yield bound("maximum_minutes", 1, range(GRID_MINUTES, MOST_MINUTES_MORE + 1, GRID_MINUTES))
    yield bound("minimum_days", -1, range(1, rules.minimum_days))
    yield bound("maximum_days", 1, range(1, 8 - rules.maximum_days))
    per_day = rules.minimum_minutes_per_day
    yield bound("minimum_minutes_per_day", -1, range(GRID_MINUTES, per_day + 1, GRID_MINUTES))
