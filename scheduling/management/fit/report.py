"""Everything that the fit command finds for one patient."""

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
from scheduling.services.search.need import PatientAvailability, span_in_force
from scheduling.services.search.offers import offers_at
from timekeeping.reasons import Key


@dataclass(frozen=True, kw_only=True)
class ClinicCodes:
    """The clinic's own codes of tracks and meetings, by their keys."""

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
    """The need that was searched for, the best schedules, and how each track fits.

    `options` are the what-if options that changed the need. `is_enrolled` tells whether the patient is enrolled in a track
    already. `individual_times` are the proposals for individual sessions beside each schedule. `suggestions` are what would
    help when nothing fits. `level_plans` are the plans for the levels of care to come, None unless they were requested.
    """

    episode: Episode
    span: LevelOfCareSpan
    need: Need
    commitments: Sequence[Commitment]
    options: WhatIfOptions
    is_enrolled: bool
    schedules: Sequence[Schedule]
    individual_times: Sequence[IndividualProposals]
    suggestions: Sequence[Suggestion]
    fits: Sequence[Fit]
    level_plans: Sequence[LevelPlan] | None
    codes: ClinicCodes

    @property
    def patient(self) -> str:
        """The patient's code."""
        return self.episode.patient.code

    @property
    def has_enrollments_in_need(self) -> bool:
        """Whether meetings in which the patient is enrolled count as busy times."""
        return self.is_enrolled and not self.options.leaving


def build_report(*, episode: Episode, from_day: date, options: Mapping[str, Any], today: date) -> FitReport:
    """Search from the day on, with the command's `options`.

    Raises Refused when the episode of care is over by then or has no level of care, and CommandError for options that are not
    valid.
    """
    attended = AttendedMeetings.of(episode, from_day)
    leaves = attended.enrollments if options["leaving"] else []
    actual_need = PatientAvailability.of(episode.site, [episode], from_day, apart_from=leaves).need(episode, from_day)
    span = span_in_force(episode, from_day)
    assert span is not None
    commitments = commitments_of(episode, actual_need)
    what_if = read_options(options, commitments, actual_need)
    need = what_if.scenario(actual_need).applied_to(actual_need)
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
        options=what_if,
        is_enrolled=bool(attended.enrollments),
        schedules=schedules,
        individual_times=[_propose_individual_sessions(each, episode, today, leaves) for each in schedules],
        suggestions=() if schedules else find_suggestions(offers, need, preferences=preferences),
        fits=find_fits(offers, need),
        level_plans=plan_step_down(episode=episode, from_day=from_day) if options["ahead"] else None,
        codes=ClinicCodes.of(episode.site),
    )


def _propose_individual_sessions(
    schedule: Schedule, episode: Episode, today: date, leaves: Sequence[Enrollment]
) -> IndividualProposals:
    """Individual sessions beside the schedule, as if the enrollment that the patient leaves were over.

    There are none if the schedule's track has no individual time.
    """
    return propose_individual_sessions(
        episode=episode,
        minutes=schedule.offer.individual_minutes,
        meetings=[int(each.key) for each in schedule.meetings],
        need=schedule.need,
        today=today,
        apart_from=leaves[0] if len(leaves) == 1 else None,
    )
