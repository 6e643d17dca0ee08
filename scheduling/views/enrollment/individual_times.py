"""Build the list of times that the user can choose for weekly individual sessions."""

from collections.abc import Sequence
from dataclasses import dataclass

from scheduling.domain.individual.proposals import IndividualProposals, Proposal, WeeklyHour
from scheduling.forms.enrollment.individual import encode_hours
from scheduling.models import Meeting
from scheduling.services.enrollment.individual import propose_individual_sessions
from scheduling.views.enrollment.meeting_options import EnrollmentQuery
from timekeeping.reasons import Reason

MAX_SHOWN = 6
"""How many weekly times the page shows at first. It shows more on request."""
MAX_HIDDEN = 60


@dataclass(frozen=True)
class IndividualTimeChoice:
    """A weekly time that the user can choose. `value` is what its radio button submits."""

    proposal: Proposal
    value: str
    is_chosen: bool
    is_current: bool


@dataclass(frozen=True)
class IndividualTimeOptions:
    """Weekly times offered for `minutes` of individual sessions per week, or the reason why there are none.

    `unavailable` has the chosen hours if they are not among the offered times. `has_current` is True if individual
    sessions have already been arranged.
    """

    minutes: int
    first: Sequence[IndividualTimeChoice]
    more: Sequence[IndividualTimeChoice]
    reason: Reason | None
    chosen: str
    unavailable: Sequence[WeeklyHour]
    unavailable_value: str
    has_current: bool

    @property
    def more_open(self) -> bool:
        return any(choice.is_chosen for choice in self.more)


def time_choices(
    found: IndividualProposals, minutes: int, chosen: Sequence[WeeklyHour] | None, current: Sequence[WeeklyHour] = ()
) -> IndividualTimeOptions:
    """Turn proposals into choices for a page. `current` has the hours that are already arranged."""
    chosen_value, current_value = "" if chosen is None else encode_hours(chosen), encode_hours(current)
    choices = [
        IndividualTimeChoice(proposal, value, is_chosen=value == chosen_value, is_current=value == current_value)
        for proposal in (*found.proposals, *found.others)
        for value in [encode_hours(proposal.hours)]
    ]
    is_available = not chosen or any(choice.is_chosen for choice in choices)
    shown = choices[: min(MAX_SHOWN, len(found.proposals))]
    return IndividualTimeOptions(
        minutes=minutes,
        first=shown,
        more=choices[len(shown) :][:MAX_HIDDEN],
        reason=found.refusal,
        chosen=chosen_value,
        unavailable=() if is_available else tuple(chosen or ()),
        unavailable_value=chosen_value,
        has_current=bool(current),
    )


def enrollment_time_choices(
    query: EnrollmentQuery, meetings: Sequence[Meeting], chosen: Sequence[WeeklyHour] | None
) -> IndividualTimeOptions | None:
    """List the times at which individual sessions are possible if the patient attends the chosen meetings.

    Return None if the track has no individual sessions.
    """
    minutes = query.track.individual_minutes
    if not minutes:
        return None
    keys = [meeting.pk for meeting in meetings]
    today = query.episode.site.today_at(query.now)
    found = propose_individual_sessions(
        episode=query.episode, minutes=minutes, meetings=keys, need=query.need, today=today
    )
    return time_choices(found, minutes, chosen)
