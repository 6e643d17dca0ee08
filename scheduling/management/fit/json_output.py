"""What is found for a patient as JSON: the schema is stated in docs/fit-json.md, and held to it by a test."""

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
from scheduling.management.fit.answer import ClinicCodes, FitReport
from scheduling.reason_text import reason_text, suggestion_text
from scheduling.services.enrollment.step_down import LevelPlan
from timekeeping.reasons import Key, Reason

FORMAT = 1
Json = dict[str, Any]
NO_PROPOSALS = IndividualProposals()


def as_json(answer: FitReport) -> Json:
    need, supposed = answer.need, answer.options
    codes: dict[Key, str] = {each.pk: each.code for each in answer.commitments}
    told = _JsonWriter(answer.codes, codes)
    return {
        "format": FORMAT,
        "patient": answer.patient,
        "site": answer.episode.site.code,
        "from": need.from_day.isoformat(),
        "until": need.until.isoformat(),
        "level": answer.span.level,
        "prescribed_minutes": need.prescribed_minutes,
        "prescribed_days": need.prescribed_days,
        "what_if": {
            "minutes": supposed.minutes,
            "days": supposed.days,
            "travel": supposed.travel,
            "without": [_commitment(key, codes) for key in sorted(supposed.without, key=str)],
            "leaving": supposed.leaves,
            "move": [_commitment(key, codes) | {"minutes": by} for key, by in supposed.movable.items()],
        },
        "commitments": [
            {"id": each.pk, "code": each.code, "label": each.label, "kind": each.kind} for each in answer.commitments
        ],
        "schedules": [
            told.schedule(each, rank, found)
            for rank, (each, found) in enumerate(zip(answer.schedules, answer.one_to_ones, strict=True), start=1)
        ],
        "repairs": [told.repair(each) for each in answer.repairs],
        "tracks": [told.track(fit) for fit in answer.fits],
        "ahead": None if answer.ahead is None else [told.ahead(each) for each in answer.ahead],
    }


class _JsonWriter:
    """Tells values by the clinic's codes."""

    def __init__(self, codes: ClinicCodes, commitments: Mapping[Key, str]) -> None:
        self.codes = codes
        self.commitments = commitments

    def schedule(self, schedule: Schedule, rank: int, found: IndividualProposals = NO_PROPOSALS) -> Json:
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
            "individual_times": [_proposal(each) for each in found.proposals],
            "sessions": schedule.sessions,
            "meetings": self.meetings(schedule.meetings),
            "price": _score(schedule),
            "gives": [self._move(move) for move in schedule.moves],
            "missed": [{"date": on.isoformat(), "meeting": each.key} for on, each in schedule.missed],
        }

    def repair(self, repair: Suggestion) -> Json:
        return {
            "changes": [self._change(each) for each in repair.changes],
            "sentence": suggestion_text(repair),
            "schedules": repair.schedules,
            "is_more": repair.is_more,
            "best": self.schedule(repair.best, 1),
        }

    def _change(self, change: Adjustment) -> Json:
        of_life = change if isinstance(change, CommitmentAdjustment) else None
        return {
            "code": change.code,
            "amount": change.amount,
            "commitment": _commitment(of_life.busy.key, self.commitments) if of_life else None,
            "weekday": of_life.weekday if of_life else None,
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

    def ahead(self, ahead: LevelPlan) -> Json:
        stage, need = ahead.stage, ahead.need
        individual = stage.individual_minutes
        total = add_up(stage.meetings, need.rules, individual)
        return {
            "level": ahead.span.level,
            "starts": ahead.starts.isoformat(),
            "last_day": ahead.last_day.isoformat() if ahead.last_day else None,
            "prescribed_minutes": need.prescribed_minutes,
            "prescribed_days": need.prescribed_days,
            "state": stage.state,
            "tracks": sorted(self.codes.tracks[key] for key in stage.in_tracks),
            "minutes": total.minutes if stage.meetings else 0,
            "days": total.days,
            "individual_minutes": individual,
            "meetings": self.meetings(stage.meetings),
            "change": _change(stage.difference) if stage.difference else None,
            "against_arranged": reasons_json(stage.step.against_arranged),
            "schedule": self.schedule(stage.schedule, stage.rank) if stage.schedule else None,
            "repairs": [self.repair(each) for each in ahead.repairs],
            "against": [self.track(fit) for fit in ahead.fits],
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
    """What is in an imported calendar has neither an id nor a code."""
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
    """Each part of the score with its points and the numbers that these are computed from."""
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
        "other_groups": {"groups": score.other_groups, "at_the_time": score.at_the_time},
    }
    points = score.parts(schedule.preferences.weights)
    return {name: numbers | {"points": points[name]} for name, numbers in counted.items()}


def _change(change: ScheduleDifference) -> Json:
    weekdays = {each.code: list(each.weekdays) for each in change.days}
    return {
        "kept": [each.key for each in change.kept],
        "at_the_time": [each.key for each in change.at_the_time],
        "dropped": [each.key for each in change.dropped],
        "added": [each.key for each in change.added],
        "weekdays": {code: weekdays.get(code, []) for code in DAY_CODES},
    }
