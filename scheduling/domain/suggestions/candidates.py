"""Find adjustments that let a schedule fit: what can change, and the smallest change that is enough."""

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
from timekeeping.busy_times import BusyTime
from timekeeping.occurrences import GRID_MINUTES
from timekeeping.weeks import weekdays_of

MAX_EXTRA_MINUTES = 600
"""A suggestion raises the rules' maximum of minutes per week by at most this many minutes (product rule)."""

JointAdjustments = tuple[Adjustment, ...]
"""Adjustments that are made together with the one that is being searched for."""


def first_sufficient_index[T](amounts: Sequence[T], is_enough: Callable[[T], bool]) -> int:
    """Find by bisection the first amount that is enough, and return its index. The last amount must be enough.

    If an amount is enough, every later amount must be enough, too.
    """
    too_little, enough = -1, len(amounts) - 1
    while enough - too_little > 1:
        middle = (too_little + enough) // 2
        if is_enough(amounts[middle]):
            enough = middle
        else:
            too_little = middle
    return enough


@dataclass(frozen=True, slots=True)
class SizedAdjustment[C: Adjustment]:
    """A change that can have several sizes. `amounts` are the sizes from smallest to largest."""

    change: Callable[[int], C]
    amounts: Sequence[int]

    def least(self, what_if: FeasibilityCheck, beside: JointAdjustments) -> Iterator[C]:
        """Yield the change in the smallest size that lets a schedule fit. Yields nothing if no size is enough.

        The changes in `beside` are made as well. They are not yielded.
        """
        if not self.amounts or not what_if.allows_fit(*beside, self.change(self.amounts[-1])):
            return
        enough = first_sufficient_index(self.amounts, lambda by: what_if.allows_fit(*beside, self.change(by)))
        yield self.change(self.amounts[enough])


@dataclass(frozen=True, slots=True)
class AdjustmentSource:
    """Something that can change, such as a commitment, a full meeting, or a limit of the rules.

    `most` is the largest change. `find` yields every minimal change that makes a schedule fit.
    """

    most: Adjustment
    find: Callable[[FeasibilityCheck, JointAdjustments], Iterable[Adjustment]]

    def changes(self, what_if: FeasibilityCheck, beside: JointAdjustments = ()) -> list[Adjustment]:
        """Return every minimal change that lets a schedule fit. The changes in `beside` are made as well."""
        return list(self.find(what_if, beside)) if what_if.allows_fit(*beside, self.most) else []


def adjustment_sources(what_if: FeasibilityCheck, offers: Offers) -> list[AdjustmentSource]:
    """Return everything that can change, except the start date (see `start_dates`)."""
    commitments = [busy for busy in dict.fromkeys(what_if.need.busy) if not busy.is_treatment]
    return [
        *(source for busy in commitments for source in _commitment_sources(what_if, busy)),
        *(AdjustmentSource(place, _always(place)) for place in what_if.full),
        *(_track_source(places) for places in _full_tracks(what_if, offers)),
        *(
            AdjustmentSource(sized.change(sized.amounts[-1]), sized.least)
            for sized in _number_candidates(what_if)
            if sized.amounts
        ),
    ]


def _always(place: OneMorePlace) -> Callable[[FeasibilityCheck, JointAdjustments], Iterable[Adjustment]]:
    return lambda what_if, beside: (place,)


def _full_tracks(what_if: FeasibilityCheck, offers: Offers) -> Iterator[PlacesInTrack]:
    """For each track with several full meetings, yield the adjustment that adds a spot to each of these meetings."""
    for offer in offers:
        places = tuple(place for place in what_if.full if place.meeting.key in offer.keys)
        if len(places) > 1:
            yield PlacesInTrack(track=offer.key, name=offer.name, places=places)


def _track_source(most: PlacesInTrack) -> AdjustmentSource:
    def find(what_if: FeasibilityCheck, beside: JointAdjustments) -> Iterator[Adjustment]:
        """Yield a minimal set of added spots that lets a schedule fit.

        Yields nothing if a single added spot is enough, because each single spot has its own source.
        """
        if any(what_if.allows_fit(*beside, place) for place in most.places):
            return
        needed = most
        for place in most.places:
            without = replace(needed, places=tuple(each for each in needed.places if each != place))
            if what_if.allows_fit(*beside, without):
                needed = without
        yield needed

    return AdjustmentSource(most, find)


def _commitment_sources(what_if: FeasibilityCheck, busy: BusyTime) -> Iterator[AdjustmentSource]:
    conflicts = list(what_if.conflicts_with(busy))
    if not conflicts:
        return
    weekdays = sorted({conflict.weekday for conflict in conflicts}) if len(weekdays_of(busy.recurrence)) > 1 else []

    def find(what_if: FeasibilityCheck, beside: JointAdjustments) -> list[Adjustment]:
        found: list[CommitmentAdjustment] = []
        for weekday in (*weekdays, None):
            skipped = CommitmentSkipped(busy=busy, weekday=weekday)
            if what_if.allows_fit(*beside, skipped):
                affected = [each for each in conflicts if skipped.is_on(each.weekday)]
                for sized in _minute_candidates(busy, weekday, affected):
                    found += sized.least(what_if, beside)
                found.append(skipped)
        return [one for one in found if not any(other is not one and is_covered_by(other, one) for other in found)]

    yield AdjustmentSource(CommitmentSkipped(busy=busy), find)


def _minute_candidates(
    busy: BusyTime, weekday: int | None, conflicts: Sequence[Conflict]
) -> Iterator[SizedAdjustment[MinutesAdjustment]]:
    """Yield changes that shorten or move a commitment, or shorten the travel to or from it, by some minutes.

    No change removes a commitment completely: at least one minute of it stays.
    """
    longest = busy.minutes - 1
    if busy.movable_minutes:
        more = {conflict.minutes - busy.movable_minutes for conflict in conflicts}
        yield SizedAdjustment(
            lambda by: MoreFlexibility(busy=busy, weekday=weekday, minutes=by),
            _grid_amounts(more, longest - busy.movable_minutes),
        )
    else:
        yield SizedAdjustment(
            lambda by: EndsEarlier(busy=busy, weekday=weekday, minutes=by),
            _grid_amounts({conflict.minutes_earlier for conflict in conflicts}, longest),
        )
        yield SizedAdjustment(
            lambda by: BeginsLater(busy=busy, weekday=weekday, minutes=by),
            _grid_amounts({conflict.minutes_later for conflict in conflicts}, longest),
        )
    if weekday is None:
        for before, travel in ((True, busy.travel_before), (False, busy.travel_after)):
            missing = {each.minutes_later if before else each.minutes_earlier for each in conflicts}
            missing |= {minutes - busy.movable_minutes for minutes in missing}
            yield SizedAdjustment(
                lambda by, before=before: ShorterTravel(busy=busy, before=before, minutes=by),  # type: ignore[misc]
                _grid_amounts(missing, travel),
            )


def _grid_amounts(minutes: Iterable[int], most: int) -> list[int]:
    """Round each number of minutes up to a multiple of five, and drop results that are not between 1 and `most`."""
    return sorted({up for each in minutes if 0 < (up := each + -each % GRID_MINUTES) <= most})


def _number_candidates(what_if: FeasibilityCheck) -> Iterator[SizedAdjustment[NumberAdjustment]]:
    """Yield changes to the prescription and to the limits in the rules."""
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
