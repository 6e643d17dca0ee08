"""The enrollments on a patient's chart, and the total hours of all enrollments in one week."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

from django.db.models import Exists, OuterRef, Prefetch, Subquery

from patients.models import Episode
from scheduling.domain.hours.rules import HoursRules, WeeklyTotals, add_up
from scheduling.models import Enrollment, EnrollmentMeeting, Meeting, MeetingFacilitator, Track
from timekeeping.weeks import minute_of, week_start


@dataclass(frozen=True, slots=True)
class ListedEnrollment:
    """An enrollment, and the meetings that the patient attends in it, ordered by weekday and time."""

    enrollment: Enrollment
    meetings: Sequence[EnrollmentMeeting]
    last_day: date | None
    is_over: bool = False

    @property
    def individual_meetings(self) -> list[EnrollmentMeeting]:
        return [each for each in self.meetings if each.meeting.kept_for_id is not None]

    @property
    def minutes_to_arrange(self) -> int:
        """Weekly minutes of the track's individual time for which no permanent meeting is arranged yet."""
        lasting = [each.meeting for each in self.individual_meetings if each.ends == self.enrollment.ends]
        arranged = sum(minute_of(meeting.ends) - minute_of(meeting.starts) for meeting in lasting)
        return max(0, self.enrollment.track.individual_minutes - arranged)


def read_enrollments(episode: Episode | None, since: date) -> list[Enrollment]:
    """Return the enrollments that are in force on the day `since` or start later, with all their meetings loaded."""
    if episode is None:
        return []
    facilitators = Prefetch("meeting__meeting_facilitators", MeetingFacilitator.objects.select_related("user"))
    tracks = Track.objects.filter(meetings=OuterRef("meeting"))
    attended = EnrollmentMeeting.objects.select_related("meeting__room", "meeting__service_type").annotate(
        is_own=Exists(tracks.filter(pk=OuterRef("enrollment__track"))),
        other_track=Subquery(tracks.order_by("name").values("name")[:1]),
    )
    return list(
        Enrollment.objects.filter(episode=episode)
        .open_on_or_after(since)
        .select_related("track")
        .prefetch_related(Prefetch("enrollment_meetings", attended.prefetch_related(facilitators)))
        .order_by("starts")
    )


def list_enrollments(enrollments: Iterable[Enrollment], since: date, today: date) -> list[ListedEnrollment]:
    """List the enrollments, each with the meetings that the patient attends on the day `since` or later."""
    return [_list_enrollment(each, since, today) for each in enrollments]


def _list_enrollment(enrollment: Enrollment, since: date, today: date) -> ListedEnrollment:
    attended = [each for each in enrollment.enrollment_meetings.all() if each.ends is None or each.ends > since]
    attended.sort(key=lambda each: (each.meeting.weekday, each.meeting.starts, each.pk))
    last_day = enrollment.ends - timedelta(days=1) if enrollment.ends else None
    return ListedEnrollment(enrollment, attended, last_day, is_over=last_day is not None and last_day < today)


def default_day(enrollments: Sequence[Enrollment], today: date) -> date:
    """Return today or the day on which the first enrollment begins, whichever is later."""
    first = min((each.starts for each in enrollments), default=today)
    return max(today, first)


def weekly_totals(enrollments: Sequence[Enrollment], week: date, rules: HoursRules) -> WeeklyTotals:
    """Add up the patient's hours in the week: the groups that the patient attends, and the track's individual time.

    Individual time counts even if no sessions are arranged. If the patient moves to another track in the week, only the
    individual time of the new track counts. A group that meets every other week counts in the weeks in which it meets.
    """
    groups = {
        each.meeting_id: replace(each.meeting.as_weekly_meeting(), anchor=None)
        for enrollment in enrollments
        for each in enrollment.enrollment_meetings.all()
        if each.meeting.kept_for_id is None
        and _attends(each, week + timedelta(days=each.meeting.weekday))
        and _meets_in(each.meeting, week)
    }
    last = max((each.starts for each in enrollments if _overlaps_week(each, week)), default=None)
    individual = sum(
        each.track.individual_minutes for each in enrollments if each.starts == last and _overlaps_week(each, week)
    )
    return add_up(list(groups.values()), rules, individual)


def _attends(attended: EnrollmentMeeting, on: date) -> bool:
    return attended.starts <= on and (attended.ends is None or on < attended.ends)


def _meets_in(meeting: Meeting, week: date) -> bool:
    return meeting.anchor is None or (week_start(meeting.anchor) - week_start(week)).days % 14 == 0


def _overlaps_week(enrollment: Enrollment, week: date) -> bool:
    return enrollment.starts < week + timedelta(weeks=1) and (enrollment.ends is None or week < enrollment.ends)


def is_whole_week(enrollments: Sequence[Enrollment], week: date) -> bool:
    """Whether the patient is enrolled from the first to the last day of the week."""
    shown = [each for each in enrollments if _overlaps_week(each, week)]
    begins = any(each.starts <= week for each in shown)
    return begins and any(each.ends is None or each.ends >= week + timedelta(weeks=1) for each in shown)
