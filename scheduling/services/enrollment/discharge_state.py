"""Remember what a discharge ends, so that the discharge can be taken back."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import Any

from iopmanager.stored_reasons import StoredReason
from patients.models import Episode
from scheduling.domain.individual.proposals import WeeklyHour
from scheduling.models import DischargeRecord, Enrollment, WaitingEntry
from scheduling.services.enrollment.individual import lasting_individual_sessions

LEVEL_COLUMNS = ("level", "prescribed_minutes", "prescribed_days", "starts", "ends", "stated_by", "exception_reason")


@dataclass(frozen=True, slots=True, kw_only=True)
class AttendedMeeting:
    """A group meeting of an enrollment before the discharge, on dates in [starts, ends). `row` is an EnrollmentMeeting's id."""

    row: int
    meeting: int
    starts: date
    ends: date | None


@dataclass(frozen=True, slots=True, kw_only=True)
class EndedEnrollment:
    """An enrollment before the discharge: its end, its group meetings, and its weekly individual hours."""

    enrollment: int
    ends: date | None
    meetings: Sequence[AttendedMeeting] = ()
    hours: Sequence[WeeklyHour] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class DischargeState:
    """An episode of care before its discharge.

    `at` is the time of the discharge. It is None for a discharge from before the product remembered what a discharge
    ends; then everything that the discharge ended counts as open-ended. `level_ends` is the end of the last level of
    care that the discharge left, and `later_levels` are the columns of the levels that it removed. `waiting` are the
    ids of the waitlist entries that it closed.
    """

    at: datetime | None
    enrollments: Sequence[EndedEnrollment]
    level_ends: date | None
    later_levels: Sequence[Mapping[str, Any]]
    waiting: Sequence[int]


def remember_discharge(*, episode: Episode, ends: date, now: datetime) -> None:
    """Save what a discharge on the day before `ends` is about to end. Call it before anything is changed."""
    last = episode.spans.filter(starts__lt=ends).order_by("-starts").first()
    enrollments = Enrollment.objects.filter(episode=episode).open_on_or_after(ends).order_by("pk")
    waiting = WaitingEntry.objects.open().filter(episode=episode).order_by("pk")
    ended = {
        "enrollments": [asdict(_open_enrollment(each)) for each in enrollments],
        "level_ends": last.ends if last else None,
        "later_levels": list(episode.spans.filter(starts__gte=ends).order_by("starts").values(*LEVEL_COLUMNS)),
        "waiting": list(waiting.values_list("pk", flat=True)),
    }
    DischargeRecord.objects.update_or_create(episode=episode, defaults={"at": now, "ended": ended})


def _open_enrollment(enrollment: Enrollment) -> EndedEnrollment:
    rows = enrollment.enrollment_meetings.filter(meeting__kept_for=None).order_by("pk")
    return EndedEnrollment(
        enrollment=enrollment.pk,
        ends=enrollment.ends,
        meetings=[
            AttendedMeeting(row=row.pk, meeting=row.meeting_id, starts=row.starts, ends=row.ends) for row in rows
        ],
        hours=lasting_individual_sessions(enrollment),
    )


def recall_discharge(episode: Episode) -> DischargeState:
    """Return the episode as it was before its discharge."""
    record = DischargeRecord.objects.filter(episode=episode).first()
    if record is None:
        return _state_without_record(episode)
    ended = record.ended
    return DischargeState(
        at=record.at,
        enrollments=[_read_enrollment(each) for each in ended["enrollments"]],
        level_ends=_read_date(ended["level_ends"]),
        later_levels=[
            each | {"starts": _read_date(each["starts"]), "ends": _read_date(each["ends"])}
            for each in ended["later_levels"]
        ],
        waiting=ended["waiting"],
    )


def _read_enrollment(stored: Mapping[str, Any]) -> EndedEnrollment:
    return EndedEnrollment(
        enrollment=stored["enrollment"],
        ends=_read_date(stored["ends"]),
        meetings=[
            AttendedMeeting(
                row=each["row"],
                meeting=each["meeting"],
                starts=date.fromisoformat(each["starts"]),
                ends=_read_date(each["ends"]),
            )
            for each in stored["meetings"]
        ],
        hours=[WeeklyHour(**each) for each in stored["hours"]],
    )


def _read_date(stored: str | None) -> date | None:
    return None if stored is None else date.fromisoformat(stored)


def _state_without_record(episode: Episode) -> DischargeState:
    """Return what can be known about a discharge that left no record."""
    enrollments = Enrollment.objects.filter(episode=episode, end_reason=StoredReason.DISCHARGED).order_by("pk")
    waiting = WaitingEntry.objects.filter(episode=episode, enrollment=None, close_reason=StoredReason.DISCHARGED)
    return DischargeState(
        at=None,
        enrollments=[
            EndedEnrollment(enrollment=each.pk, ends=None, hours=lasting_individual_sessions(each))
            for each in enrollments
        ],
        level_ends=None,
        later_levels=(),
        waiting=list(waiting.order_by("pk").values_list("pk", flat=True)),
    )
