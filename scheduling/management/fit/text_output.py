"""The fit report as plain text."""

from collections.abc import Iterator

from scheduling.domain.hours.rules import WeeklyMeeting, add_up
from scheduling.domain.individual.proposals import IndividualProposals
from scheduling.domain.search.fit import Fit
from scheduling.domain.search.remarks import commitment_remarks
from scheduling.domain.search.schedules import Schedule
from scheduling.formats import counted, day, full_date, hours, times, weekday_short
from scheduling.management.fit.report import FitReport
from scheduling.reason_text import change_text, reason_text, remark_text, suggestion_text
from scheduling.services.enrollment.step_down import LevelPlan

NOTHING_FITS_WITH_ENROLLMENTS = (
    "Nothing fits beside the current enrollment. Use --leaving to search as if it had ended."
)


def as_text(report: FitReport) -> str:
    return "\n".join(_lines(report))


def _lines(report: FitReport) -> Iterator[str]:
    need = report.need
    prescribed = _prescribed(need.prescribed_minutes, need.prescribed_days)
    first = f"{weekday_short(need.from_day.weekday())}, {full_date(need.from_day)}"
    yield f"{report.patient} needs {prescribed}, starting {first}."
    if not report.fits:
        yield f"No track is published at {report.episode.site}."
    elif not report.schedules:
        yield NOTHING_FITS_WITH_ENROLLMENTS if report.has_enrollments_in_need else "Nothing fits."
    for number, (schedule, proposals) in enumerate(
        zip(report.schedules, report.individual_times, strict=True), start=1
    ):
        yield ""
        yield from _schedule(number, schedule, proposals)
    if report.suggestions:
        yield ""
        yield "Changes that would make a schedule fit, smallest first:"
        yield from (f"   - {suggestion_text(suggestion)}" for suggestion in report.suggestions)
    for fit in report.fits:
        if fit.obstacles:
            yield ""
            yield from _track(fit)
    if report.level_plans is not None:
        for plan in report.level_plans:
            yield ""
            yield from _level_plan(plan)


def _schedule(number: int, schedule: Schedule, proposals: IndividualProposals) -> Iterator[str]:
    share = "with other tracks" if schedule.is_mixed else "all groups" if schedule.is_whole else "some groups"
    total = _total(schedule.minutes, schedule.days)
    points = counted(schedule.points, "point")
    yield f"{number}. {schedule.offer.name}, {share}: {total}, starting {day(schedule.starts)} ({points})"
    yield from (f"   {_slot(meeting)}" for meeting in schedule.meetings)
    if schedule.offer.individual_minutes:
        yield f"   and {hours(schedule.offer.individual_minutes)} of individual sessions, {_individual(proposals)}"
    yield from (f"   - {remark_text(each)}." for each in commitment_remarks(schedule.meetings, schedule.need))


def _individual(found: IndividualProposals) -> str:
    if not found.proposals:
        return "but no counselor has a free hour"
    first = found.proposals[0]
    free = (f"{weekday_short(hour.weekday)} {times(hour.starts, hour.ends)}" for hour in first.hours)
    return f"for example {' and '.join(free)} with {first.name}"


def _track(fit: Fit) -> Iterator[str]:
    yield f"{fit.offer.name}: {_verdict(fit)}"
    yield from (f"   - {reason_text(obstacle)}" for obstacle in fit.obstacles)


def _verdict(fit: Fit) -> str:
    if fit.fits:
        return "all groups fit" if fit.whole is not None else "enough groups fit"
    if not fit.minutes:
        return "doesn’t fit"
    possible = f"doesn’t fit; {_total(fit.minutes, fit.days)} would be possible"
    return f"{possible}, {hours(fit.missing_minutes)} short" if fit.missing_minutes else possible


def _level_plan(plan: LevelPlan) -> Iterator[str]:
    stage, need = plan.stage, plan.need
    until = f" to {day(plan.last_day)}" if plan.last_day else ""
    prescribed = _prescribed(need.prescribed_minutes, need.prescribed_days)
    yield f"Level {plan.span.level} from {day(plan.starts)}{until}, {prescribed}: {STATES[stage.state]}"
    if stage.meetings:
        total = add_up(stage.meetings, need.rules, stage.individual_minutes)
        yield f"   {_total(total.minutes, total.days)} in {' and '.join(plan.track_names)}"
        yield from (f"   {_slot(meeting)}" for meeting in stage.meetings)
        yield from (f"   - {remark_text(each)}." for each in commitment_remarks(stage.meetings, need))
    if stage.difference and not stage.continues_unchanged:
        yield from (f"   - {change_text(each)}." for each in stage.difference.days)
    yield from (f"   - {suggestion_text(suggestion)}" for suggestion in plan.suggestions)
    for fit in plan.fits:
        yield f"   {fit.offer.name}: {_verdict(fit)}"
        yield from (f"   - {reason_text(obstacle)}" for obstacle in fit.obstacles)


STATES = {"arranged": "already arranged", "found": "schedule found", "none": "nothing fits"}


def _prescribed(minutes: int, days: int) -> str:
    return f"{_total(minutes, days)} a week"


def _total(minutes: int, days: int) -> str:
    return f"{hours(minutes)} on {counted(days, 'day')}"


def _slot(meeting: WeeklyMeeting) -> str:
    every = " every other week" if meeting.anchor else ""
    return f"{weekday_short(meeting.weekday)} {times(meeting.starts, meeting.ends)}{every} {meeting.name}"
