"""All that is found for one patient, with the clinic's own codes for what it is made of."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from patients.models import Commitment, Episode, LevelOfCareSpan
from scheduling.domain.individual.proposals import IndividualProposals
from scheduling.domain.search.fit import Fit, find_fits
from scheduling.domain.search.need import Need
from scheduling.domain.search.schedules import Preferences, Schedule, find_schedules
from scheduling.domain.suggestions.suggestions import Suggestion, find_suggestions
from scheduling.management.fit.what_if_options import WhatIfOptions, commitments_of, read_options
from scheduling.models import Enrollment, Meeting, Site, Track
from scheduling.services.enrollment.individual import propose_individual_sessions
from scheduling.services.enrollment.step_down import AttendedMeetings, LevelPlan, own_sessions_of, plan_step_down
from scheduling.services.search.queries import PatientAvailability, offers_at, span_in_force
from timekeeping.reasons import Key


@dataclass(frozen=True, kw_only=True)
class ClinicCodes:
    """The clinic's codes of tracks and meetings, by their keys."""

    tracks: Mapping[Key, str]
    meetings: Mapping[Key, str]

    @classmethod
    def of(cls, site: Site) -> "ClinicCodes":
        return cls(
            tracks=dict(Track.objects.filter(site=site).values_list("pk", "code")),
            meetings=dict(Meeting.objects.filter(site=site).values_list("pk", "code")),
        )


@dataclass(frozen=True, kw_only=True)
class FitReport:
    """What was asked, and what is found: the best schedules, and how each track stands to the need.

    `options` are what the need was taken to be otherwise; `stands` says that the patient has a place in a track already;
    `one_to_ones` has for each schedule when its individual time could be; `repairs` what would help where nothing fits;
    `ahead` are the levels to come, None unless asked for.
    """

    episode: Episode
    span: LevelOfCareSpan
    need: Need
    commitments: Sequence[Commitment]
    options: WhatIfOptions
    stands: bool
    schedules: Sequence[Schedule]
    one_to_ones: Sequence[IndividualProposals]
    repairs: Sequence[Suggestion]
    fits: Sequence[Fit]
    ahead: Sequence[LevelPlan] | None
    codes: ClinicCodes

    @property
    def patient(self) -> str:
        return self.episode.patient.code

    @property
    def is_taken(self) -> bool:
        """Whether the places that the patient has already are in the way."""
        return self.stands and not self.options.leaves


def build_report(*, episode: Episode, from_day: date, options: Mapping[str, Any], today: date) -> FitReport:
    """From the day on, as the command's `options` say.

    Raises Refused when the course of care is over by then or no level is stated, and CommandError for what can't be supposed.
    """
    attended = AttendedMeetings.of(episode, from_day)
    leaves = attended.enrollments if options["leaving"] else []
    as_it_is = PatientAvailability.of(episode.site, [episode], from_day, apart_from=leaves).need(episode, from_day)
    span = span_in_force(episode, from_day)
    assert span is not None
    commitments = commitments_of(episode, as_it_is)
    read = read_options(options, commitments, as_it_is)
    need = read.supposed(as_it_is).applied_to(as_it_is)
    known = own_sessions_of(episode, leaves)
    offers = offers_at(site=episode.site, from_day=from_day, apart_from=known)
    places = attended.in_week_from(from_day) if leaves else ()
    preferences = Preferences(kept=tuple(place.meeting.as_weekly_meeting() for place in places))
    schedules = find_schedules(offers, need, preferences=preferences, most=options["most"])
    return FitReport(
        episode=episode,
        span=span,
        need=need,
        commitments=commitments,
        options=read,
        stands=bool(attended.enrollments),
        schedules=schedules,
        one_to_ones=[_individual_sessions(each, episode, today, leaves) for each in schedules],
        repairs=() if schedules else find_suggestions(offers, need, preferences=preferences),
        fits=find_fits(offers, need),
        ahead=plan_step_down(episode=episode, from_day=from_day) if options["ahead"] else None,
        codes=ClinicCodes.of(episode.site),
    )


def _individual_sessions(
    schedule: Schedule, episode: Episode, today: date, leaves: Sequence[Enrollment]
) -> IndividualProposals:
    """Individual time beside the schedule, as if what the patient leaves were over; nothing where its track has none."""
    return propose_individual_sessions(
        episode=episode,
        minutes=schedule.offer.individual_minutes,
        meetings=[int(each.key) for each in schedule.meetings],
        need=schedule.need,
        today=today,
        apart_from=leaves[0] if len(leaves) == 1 else None,
    )
