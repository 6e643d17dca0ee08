"""The fit report as JSON. docs/fit-json.md describes the format, and a test compares the two."""

from collections.abc import Iterable, Mapping
from typing import Any

from scheduling.domain.hours.rules import WeeklyMeeting, add_up
from scheduling.domain.individual.proposals import IndividualProposals, Proposal
from scheduling.domain.search.conflicts import Conflict
from scheduling.domain.search.fit import Fit
from scheduling.domain.search.schedules import Schedule
from scheduling.domain.step_down import DAY_CODES, ScheduleDifference
from scheduling.domain.suggestions.changes import Adjustment
from scheduling.domain.suggestions.commitment_changes import CommitmentAdjustment
from scheduling.domain.suggestions.suggestions import Suggestion
from scheduling.management.fit.report import ClinicCodes, FitReport
from scheduling.reason_text import reason_text, suggestion_text
from scheduling.services.enrollment.step_down import LevelPlan
from timekeeping.reasons import Key, Reason

FORMAT = 1
Json = dict[str, Any]
NO_PROPOSALS = IndividualProposals()


def as_json(report: FitReport) -> Json:
    need, what_if = report.need, report.options
    codes: dict[Key, str] = {each.pk: each.code for each in report.commitments}
    writer = _JsonWriter(report.codes, codes)
    return {
        "format": FORMAT,
        "patient": report.patient,
        "site": report.episode.site.code,
        "from": need.from_day.isoformat(),
        "until": need.until.isoformat(),
        "level": report.span.level,
        "prescribed_minutes": need.prescribed_minutes,
        "prescribed_days": need.prescribed_days,
        "what_if": {
            "minutes": what_if.minutes,
            "days": what_if.days,
            "travel": what_if.travel,
            "without": [_commitment(key, codes) for key in sorted(what_if.without, key=str)],
            "leaving": what_if.leaving,
            "move": [_commitment(key, codes) | {"minutes": by} for key, by in what_if.movable.items()],
        },
        "commitments": [
            {"id": each.pk, "code": each.code, "label": each.label, "kind": each.kind} for each in report.commitments
        ],
        "schedules": [
            writer.schedule(each, rank, proposals)
            for rank, (each, proposals) in enumerate(
                zip(report.schedules, report.individual_times, strict=True), start=1
            )
        ],
        "repairs": [writer.suggestion(each) for each in report.suggestions],
        "tracks": [writer.track(fit) for fit in report.fits],
        "ahead": None if report.level_plans is None else [writer.level_plan(each) for each in report.level_plans],
    }


class _JsonWriter:
    """Convert schedules, suggestions and plans to JSON values, with the clinic's own codes for tracks and meetings."""

    def __init__(self, codes: ClinicCodes, commitments: Mapping[Key, str]) -> None:
        self.codes = codes
        self.commitments = commitments

    def schedule(self, schedule: Schedule, rank: int, individual: IndividualProposals = NO_PROPOSALS) -> Json:
        offer = schedule.offer
        return {
            "rank": rank,
            "points": schedule.points,
            "track": self.codes.tracks[offer.key],
            "name": offer.name,
            "fits": "mixed" if schedule.is_mixed else "whole" if schedule.is_whole else "enough",
            "starts": schedule.starts.isoformat(),
            "minutes": schedule.minutes,
            "days": schedule.days,
            "individual_minutes": offer.individual_minutes,
            "individual_times": [_proposal(each) for each in individual.proposals],
            "sessions": schedule.sessions,
            "meetings": self.meetings(schedule.meetings),
            "price": _score(schedule),
            "gives": [self._move(move) for move in schedule.moves],
            "missed": [{"date": on.isoformat(), "meeting": each.key} for on, each in schedule.missed],
        }

    def suggestion(self, suggestion: Suggestion) -> Json:
        return {
            "changes": [self._change(each) for each in suggestion.changes],
            "sentence": suggestion_text(suggestion),
            "schedules": suggestion.schedules,
            "is_more": suggestion.is_more,
            "best": self.schedule(suggestion.best, 1),
        }

    def _change(self, change: Adjustment) -> Json:
        of_commitment = change if isinstance(change, CommitmentAdjustment) else None
        return {
            "code": change.code,
            "amount": change.amount,
            "commitment": _commitment(of_commitment.busy.key, self.commitments) if of_commitment else None,
            "weekday": of_commitment.weekday if of_commitment else None,
        }

    def track(self, fit: Fit) -> Json:
        return {
            "track": self.codes.tracks[fit.offer.key],
            "name": fit.offer.name,
            "fits": "whole" if fit.whole is not None else "enough" if fit.enough is not None else "no",
            "starts": fit.starts.isoformat(),
            "minutes": fit.minutes,
            "days": fit.days,
            "missing_minutes": fit.missing_minutes,
            "meetings": self.meetings(fit.choice),
            "obstacles": reasons_json(fit.obstacles),
        }

    def level_plan(self, plan: LevelPlan) -> Json:
        stage, need = plan.stage, plan.need
        individual = stage.individual_minutes
        total = add_up(stage.meetings, need.rules, individual)
        return {
            "level": plan.span.level,
            "starts": plan.starts.isoformat(),
            "last_day": plan.last_day.isoformat() if plan.last_day else None,
            "prescribed_minutes": need.prescribed_minutes,
            "prescribed_days": need.prescribed_days,
            "state": stage.state,
            "tracks": sorted(self.codes.tracks[key] for key in stage.track_keys),
            "minutes": total.minutes if stage.meetings else 0,
            "days": total.days,
            "individual_minutes": individual,
            "meetings": self.meetings(stage.meetings),
            "change": _difference(stage.difference) if stage.difference else None,
            "against_arranged": reasons_json(stage.step.arranged_reasons),
            "schedule": self.schedule(stage.schedule, stage.rank) if stage.schedule else None,
            "repairs": [self.suggestion(each) for each in plan.suggestions],
            "against": [self.track(fit) for fit in plan.fits],
        }

    def meetings(self, meetings: Iterable[WeeklyMeeting]) -> list[Json]:
        return [
            {
                "id": each.key,
                "code": self.codes.meetings[each.key],
                "name": each.name,
                "weekday": each.weekday,
                "starts": f"{each.starts:%H:%M}",
                "ends": f"{each.ends:%H:%M}",
                "every_other_week": each.anchor is not None,
            }
            for each in meetings
        ]

    def _move(self, move: Conflict) -> Json:
        return _commitment(move.busy.key, self.commitments) | {
            "label": move.busy.label,
            "weekday": move.weekday,
            "way": "ends_earlier" if move.ends_earlier else "begins_later",
            "minutes": move.minutes,
            "passes": move.is_temporary,
        }


def reasons_json(found: Iterable[Reason]) -> list[Json]:
    return [{"code": reason.code, "sentence": reason_text(reason)} for reason in found]


def _commitment(key: Key, codes: Mapping[Key, str]) -> Json:
    """Return the id and code of a commitment. A busy time from an imported calendar has neither."""
    return {"id": key if key in codes else None, "code": codes.get(key, "")}


def _proposal(proposal: Proposal) -> Json:
    return {
        "with": proposal.name,
        "hours": [
            {"weekday": hour.weekday, "starts": _clock(hour.starts), "ends": _clock(hour.ends)}
            for hour in proposal.hours
        ],
    }


def _clock(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"


def _score(schedule: Schedule) -> Json:
    """Return each part of the schedule's score: its points, and the numbers from which the points are computed."""
    score = schedule.score
    counted: dict[str, Json] = {
        "waiting": {"days": score.wait_days},
        "giving_way": {"minutes": sum(move.minutes for move in score.moves), "times": len(score.moves)},
        "missed": {"sessions": score.missed},
        "trips": {"days": score.trips},
        "present": {"minutes": score.present_minutes},
        "people": {"number": score.people},
        "close": {"groups": score.close},
        "mixed": {"tracks_mix": score.is_mixed},
        "other_days": {"days": score.other_days},
        "other_groups": {"groups": score.other_groups, "at_the_time": score.same_time_groups},
    }
    points = score.parts(schedule.preferences.weights)
    return {name: numbers | {"points": points[name]} for name, numbers in counted.items()}


def _difference(difference: ScheduleDifference) -> Json:
    weekdays = {each.code: list(each.weekdays) for each in difference.days}
    return {
        "kept": [each.key for each in difference.kept],
        "at_the_time": [each.key for each in difference.same_time],
        "dropped": [each.key for each in difference.dropped],
        "added": [each.key for each in difference.added],
        "weekdays": {code: weekdays.get(code, []) for code in DAY_CODES},
    }
