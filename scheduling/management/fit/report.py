"""Collect everything that the fit command reports about one patient."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
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
    """The clinic's own codes for tracks and meetings, by primary key."""

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
    """The result of the fit command: the patient's need, the best schedules, and how well each track fits.

    `options` are the what-if options that changed the need. `is_enrolled` is whether the patient is already enrolled in a
    track. `individual_times` has the proposed individual sessions for each schedule. `suggestions` are changes that would help
    when nothing fits. `level_plans` are the plans for future levels of care, or None unless they were requested.
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


def build_report(*, episode: Episode, from_day: date, options: Mapping[str, Any], now: datetime) -> FitReport:
    """Search for schedules that start on `from_day` or later, with the command's `options`, and return the report.

    Raises Refused if the episode of care has ended by that day or has no level of care, and CommandError for invalid
    options.
    """
    today = episode.site.today_at(now)
    attended = AttendedMeetings.of(episode, from_day)
    left_enrollments = attended.enrollments if options["leaving"] else []
    actual_need = PatientAvailability.of(episode.site, [episode], from_day, apart_from=left_enrollments).need(
        episode, from_day
    )
    span = span_in_force(episode, from_day)
    assert span is not None
    commitments = commitments_of(episode, actual_need)
    what_if = read_options(options, commitments, actual_need)
    need = what_if.scenario(actual_need).applied_to(actual_need)
    own_sessions = own_sessions_of(episode, left_enrollments)
    offers = offers_at(site=episode.site, from_day=from_day, now=now, apart_from=own_sessions)
    kept = attended.in_week_from(from_day) if left_enrollments else ()
    preferences = Preferences(kept=tuple(row.meeting.as_weekly_meeting() for row in kept))
    schedules = find_schedules(offers, need, preferences=preferences, most=options["most"])
    return FitReport(
        episode=episode,
        span=span,
        need=need,
        commitments=commitments,
        options=what_if,
        is_enrolled=bool(attended.enrollments),
        schedules=schedules,
        individual_times=[_propose_individual_sessions(each, episode, today, left_enrollments) for each in schedules],
        suggestions=() if schedules else find_suggestions(offers, need, preferences=preferences),
        fits=find_fits(offers, need),
        level_plans=plan_step_down(episode=episode, from_day=from_day, now=now) if options["ahead"] else None,
        codes=ClinicCodes.of(episode.site),
    )


def _propose_individual_sessions(
    schedule: Schedule, episode: Episode, today: date, leaves: Sequence[Enrollment]
) -> IndividualProposals:
    """Return proposals for the individual sessions that the schedule's track includes; empty if it includes none.

    If the patient would leave exactly one enrollment (`leaves`), the hours of its individual sessions count as free.
    """
    return propose_individual_sessions(
        episode=episode,
        minutes=schedule.offer.individual_minutes,
        meetings=[int(each.key) for each in schedule.meetings],
        need=schedule.need,
        today=today,
        apart_from=leaves[0] if len(leaves) == 1 else None,
    )
