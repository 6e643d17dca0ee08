"""The first steps of every change to an enrollment: lock it, and check the day of the change."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from patients.models import Episode
from scheduling.models import Enrollment, Meeting, Track
from scheduling.services.locks import lock_meetings, lock_site
from timekeeping.reasons import AlreadyEnded, EndDateBeforeStart, Reason, refuse_if_any

DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class DayHasPassed(Reason):
    """The change would start in the past. Changes start today at the earliest, because past attendance can't change."""

    asked: date


def lock_enrollment(enrollment: Enrollment, meetings: Sequence[Meeting]) -> tuple[Enrollment, Track]:
    """Lock an enrollment with its site, episode and meetings, and lock the given meetings.

    Return the enrollment as it is now in the database, and its track. The track has its meetings prefetched. The episode
    has its site, patient and level-of-care spans loaded. The lock lasts until the transaction ends.
    """
    lock_site(enrollment.audit_site_id)
    episodes = Episode.objects.select_for_update(of=("self",), no_key=True)
    episode = episodes.select_related("site", "patient").prefetch_related("spans").get(pk=enrollment.episode_id)
    attended = enrollment.enrollment_meetings.values_list("meeting", flat=True)
    lock_meetings({*attended, *(meeting.pk for meeting in meetings)})
    locked = Enrollment.objects.select_for_update(of=("self",), no_key=True).get(pk=enrollment.pk)
    locked.episode = episode
    tracks = Track.objects.select_related("site")
    tracks = tracks.prefetch_related("meetings__service_type", "meetings__meeting_facilitators")
    locked.track = tracks.get(pk=locked.track_id)
    return locked, locked.track


def refuse_invalid_day(enrollment: Enrollment, day: date, today: date) -> None:
    """Raise Refused if no change can start on `day`.

    A change can start today or later, between the enrollment's first day and the day after its last day.
    """
    reasons: list[Reason] = []
    if day < enrollment.starts:
        reasons.append(EndDateBeforeStart(enrollment.starts, day))
    elif day < today:
        reasons.append(DayHasPassed(day))
    if enrollment.ends is not None and enrollment.ends < day:
        reasons.append(AlreadyEnded(enrollment.track.name, enrollment.ends - DAY))
    refuse_if_any(reasons)
