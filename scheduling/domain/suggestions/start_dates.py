"""Find another start date from which a schedule would fit."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta

from scheduling.domain.suggestions.candidates import first_sufficient_index
from scheduling.domain.suggestions.changes import Adjustment, JoinsBetweenStartDates, Offers, StartsLater
from scheduling.domain.suggestions.commitment_changes import CommitmentSkipped
from scheduling.domain.suggestions.what_if import FeasibilityCheck
from timekeeping.busy_times import BusyTime
from timekeeping.weeks import OnDates

DAY = timedelta(days=1)
HORIZON_DIVISOR = 2
"""Start dates in the second half of the horizon are not tried, because little is known about them (product rule)."""


def other_start_dates(what_if: FeasibilityCheck, offers: Offers) -> Iterator[Adjustment]:
    """Yield changes to the start of treatment that let a schedule fit.

    The first change is a later start, if that helps. The other changes let one track take the patient on the requested
    day, although this day is not one of the track's start dates.
    """
    need = what_if.need
    yield from _later_start(what_if, offers)
    for offer in offers:
        if offer.start_dates is not None and need.from_day not in offer.start_dates:
            joins = JoinsBetweenStartDates(track=offer.key, name=offer.name, on=need.from_day)
            if FeasibilityCheck(*joins.apply(offers, need)).allows_fit():
                yield joins


def _later_start(what_if: FeasibilityCheck, offers: Offers) -> Iterator[StartsLater]:
    """Yield a later start that lets a schedule fit, if there is one. A start one day earlier would not be enough."""
    need = what_if.need
    days = _candidate_start_days(what_if, offers)
    in_cohorts = any(offer.start_dates for offer in offers)
    if not days or not (
        in_cohorts or what_if.allows_fit(*what_if.full, *map(_skip_commitment, need.temporary_busy_times))
    ):
        return

    def fits_from(day: date) -> bool:
        return FeasibilityCheck(offers, replace(need, from_day=day)).allows_fit()

    if fits_from(days[-1]):
        last = first_sufficient_index(days, fits_from)
        since = days[last - 1] if last else need.from_day
        between = [since + number * DAY for number in range(1, (days[last] - since).days + 1)]
        yield StartsLater(asked=need.from_day, first=between[first_sufficient_index(between, fits_from)])


def _candidate_start_days(what_if: FeasibilityCheck, offers: Offers) -> list[date]:
    """Return the days to try as a start, in order. All are in the first half of the horizon.

    These are the days after

    - the last day of a temporary commitment
    - each date of a commitment on single dates
    - each date on which a meeting is full
    - each start date of a track
    """
    need = what_if.need
    days = {on + DAY for place in what_if.full for on in place.full_on}
    for busy in need.temporary_busy_times:
        recurrence = busy.recurrence
        if isinstance(recurrence, OnDates):
            days |= {on + DAY for on in recurrence.days}
        elif recurrence.valid_until is not None:
            days.add(recurrence.valid_until)
    days |= {on + DAY for offer in offers for on in offer.start_dates or ()}
    last = need.from_day + timedelta(weeks=need.weeks) // HORIZON_DIVISOR
    return sorted(day for day in days if need.from_day < day <= last)


def _skip_commitment(busy: BusyTime) -> CommitmentSkipped:
    return CommitmentSkipped(busy=busy)
