"""Times for individual sessions as one chooses from them."""

from collections.abc import Sequence
from dataclasses import dataclass

from scheduling.domain.individual.proposals import IndividualProposals, Proposal, WeeklyHour
from scheduling.forms.enrollment.individual import encode_hours
from scheduling.models import Meeting
from scheduling.services.enrollment.individual import propose_individual_sessions
from scheduling.views.enrollment.meeting_options import EnrollmentQuery
from timekeeping.reasons import Reason

MAX_SHOWN = 6
"""So many times are offered at once; the others behind a word."""
MAX_HIDDEN = 60


@dataclass(frozen=True)
class IndividualTimeChoice:
    """A time that can be chosen, and the text that says so."""

    proposal: Proposal
    value: str
    is_chosen: bool
    is_now: bool


@dataclass(frozen=True)
class IndividualTimeOptions:
    """The times that are offered for so many minutes a week, or why none is.

    `gone` is what was chosen and is not among them; `now` says that there is individual time already.
    """

    minutes: int
    first: Sequence[IndividualTimeChoice]
    more: Sequence[IndividualTimeChoice]
    none: Reason | None
    chosen: str
    gone: Sequence[WeeklyHour]
    gone_value: str
    now: bool

    @property
    def more_open(self) -> bool:
        return any(choice.is_chosen for choice in self.more)


def time_choices(
    found: IndividualProposals, minutes: int, chosen: Sequence[WeeklyHour] | None, now: Sequence[WeeklyHour] = ()
) -> IndividualTimeOptions:
    """What is found as one chooses from it."""
    picked, standing = "" if chosen is None else encode_hours(chosen), encode_hours(now)
    choices = [
        IndividualTimeChoice(proposal, value, is_chosen=value == picked, is_now=value == standing)
        for proposal in (*found.proposals, *found.others)
        for value in [encode_hours(proposal.hours)]
    ]
    is_there = not chosen or any(choice.is_chosen for choice in choices)
    shown = choices[: min(MAX_SHOWN, len(found.proposals))]
    return IndividualTimeOptions(
        minutes=minutes,
        first=shown,
        more=choices[len(shown) :][:MAX_HIDDEN],
        none=found.none,
        chosen=picked,
        gone=() if is_there else tuple(chosen or ()),
        gone_value=picked,
        now=bool(now),
    )


def enrollment_time_choices(
    asked: EnrollmentQuery, chosen: Sequence[Meeting], picked: Sequence[WeeklyHour] | None
) -> IndividualTimeOptions | None:
    """The times beside the chosen meetings for whoever is to be enrolled; None where the track has no individual time."""
    minutes = asked.track.individual_minutes
    if not minutes:
        return None
    meetings = [meeting.pk for meeting in chosen]
    found = propose_individual_sessions(
        episode=asked.episode, minutes=minutes, meetings=meetings, need=asked.need, today=asked.today
    )
    return time_choices(found, minutes, picked)
