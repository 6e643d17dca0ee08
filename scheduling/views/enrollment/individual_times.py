"""Times for individual sessions as one chooses from them."""

from collections.abc import Sequence
from dataclasses import dataclass

from scheduling.domain.individual.proposals import Found, Proposal, WeeklyHour
from scheduling.forms.enrollment.individual import written
from scheduling.models import Meeting
from scheduling.services.enrollment.individual import propose_one_to_ones
from scheduling.views.enrollment.meeting_options import Asked
from timekeeping.reasons import Reason

MOST_SHOWN = 6
"""So many times are offered at once; the others behind a word."""
MOST_BEHIND = 60


@dataclass(frozen=True)
class Choice:
    """A time that can be chosen, and the text that says so."""

    proposal: Proposal
    value: str
    is_chosen: bool
    is_now: bool


@dataclass(frozen=True)
class Offered:
    """The times that are offered for so many minutes a week, or why none is.

    `gone` is what was chosen and is not among them; `now` says that there is individual time already.
    """

    minutes: int
    first: Sequence[Choice]
    more: Sequence[Choice]
    none: Reason | None
    chosen: str
    gone: Sequence[WeeklyHour]
    gone_value: str
    now: bool

    @property
    def more_open(self) -> bool:
        return any(choice.is_chosen for choice in self.more)


def offer_times(
    found: Found, minutes: int, chosen: Sequence[WeeklyHour] | None, now: Sequence[WeeklyHour] = ()
) -> Offered:
    """What is found as one chooses from it."""
    picked, standing = "" if chosen is None else written(chosen), written(now)
    choices = [
        Choice(proposal, value, is_chosen=value == picked, is_now=value == standing)
        for proposal in (*found.proposals, *found.others)
        for value in [written(proposal.hours)]
    ]
    is_there = not chosen or any(choice.is_chosen for choice in choices)
    shown = choices[: min(MOST_SHOWN, len(found.proposals))]
    return Offered(
        minutes=minutes,
        first=shown,
        more=choices[len(shown) :][:MOST_BEHIND],
        none=found.none,
        chosen=picked,
        gone=() if is_there else tuple(chosen or ()),
        gone_value=picked,
        now=bool(now),
    )


def times_beside(asked: Asked, chosen: Sequence[Meeting], picked: Sequence[WeeklyHour] | None) -> Offered | None:
    """The times beside the chosen meetings for whoever is to be enrolled; None where the track has no individual time."""
    minutes = asked.track.individual_minutes
    if not minutes:
        return None
    meetings = [meeting.pk for meeting in chosen]
    found = propose_one_to_ones(
        episode=asked.episode, minutes=minutes, meetings=meetings, need=asked.need, today=asked.today
    )
    return offer_times(found, minutes, picked)
