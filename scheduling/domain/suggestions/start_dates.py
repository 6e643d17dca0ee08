"""On which other day a patient could begin so that something fits."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta

from scheduling.domain.search.conflicts import temporary_numbers
from scheduling.domain.search.need import Need
from scheduling.domain.suggestions.candidates import first_sufficient_index
from scheduling.domain.suggestions.changes import Adjustment, JoinsBetweenStartDates, Offers, StartsLater
from scheduling.domain.suggestions.commitment_changes import CommitmentSkipped
from scheduling.domain.suggestions.what_if import FeasibilityCheck
from timekeeping.weeks import BusyTime, OnDates

DAY = timedelta(days=1)
HORIZON_DIVISOR = 2
"""Only in the first half of the weeks that are looked at is a later day an answer: of what comes after little is known yet."""


def other_start_dates(what_if: FeasibilityCheck, offers: Offers) -> Iterator[Adjustment]:
    """A later day in the first half of the horizon, and tracks that would have to take the patient on the day asked for."""
    need = what_if.need
    yield from _later_start(what_if, offers)
    for offer in offers:
        if offer.entries is not None and need.from_day not in offer.entries:
            joins = JoinsBetweenStartDates(track=offer.key, name=offer.name, on=need.from_day)
            if FeasibilityCheck(*joins.apply(offers, need)).opens():
                yield joins


def _later_start(what_if: FeasibilityCheck, offers: Offers) -> Iterator[StartsLater]:
    """The day from which something fits, if nothing does from the day before."""
    need = what_if.need
    days = _candidate_start_days(what_if, offers)
    in_cohorts = any(offer.entries for offer in offers)
    if not days or not (
        in_cohorts or what_if.opens(*what_if.full, *map(_skip_commitment, _temporary_busy_times(need)))
    ):
        return

    def opens(day: date) -> bool:
        return FeasibilityCheck(offers, replace(need, from_day=day)).opens()

    if opens(days[-1]):
        last = first_sufficient_index(days, opens)
        since = days[last - 1] if last else need.from_day
        between = [since + number * DAY for number in range(1, (days[last] - since).days + 1)]
        yield StartsLater(asked=need.from_day, first=between[first_sufficient_index(between, opens)])


def _candidate_start_days(what_if: FeasibilityCheck, offers: Offers) -> list[date]:
    """The days in the first half of the horizon on which something that passes, a full date or a start date is over."""
    need = what_if.need
    days = {on + DAY for place in what_if.full for on in place.full_on}
    for busy in _temporary_busy_times(need):
        recurrence = busy.recurrence
        if isinstance(recurrence, OnDates):
            days |= {on + DAY for on in recurrence.days}
        elif recurrence.valid_until is not None:
            days.add(recurrence.valid_until)
    days |= {on + DAY for offer in offers for on in offer.entries or ()}
    last = need.from_day + timedelta(weeks=need.weeks) // HORIZON_DIVISOR
    return sorted(day for day in days if need.from_day < day <= last)


def _temporary_busy_times(need: Need) -> list[BusyTime]:
    return [need.busy[number] for number in sorted(temporary_numbers(need))]


def _skip_commitment(busy: BusyTime) -> CommitmentSkipped:
    return CommitmentSkipped(busy=busy)
