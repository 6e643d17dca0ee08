"""What a choice of a track's meetings would come to for a patient, before anybody is enrolled."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from django.db.models import F, Min

from patients.models import Episode
from scheduling.domain.hours.rules import HoursRules, add_up
from scheduling.domain.search.need import Need
from scheduling.domain.search.remarks import Remark, commitment_remarks
from scheduling.models import Enrollment, Meeting, Session, SessionStatus, Track
from scheduling.services.enrollment.checks import check_enrollment
from scheduling.services.enrollment.mixed_tracks import NO_CROSS_TRACK_OPTIONS, CrossTrackOptions
from timekeeping.reasons import Reason


@dataclass(frozen=True, slots=True, kw_only=True)
class ChoicePreview:
    """Minutes and days a week beside what is prescribed, everything that stands against it, and what it asks of the patient's
    life.
    """

    minutes: int
    days: int
    prescribed_minutes: int
    prescribed_days: int
    rules: HoursRules
    reasons: tuple[Reason, ...]
    asks: tuple[Remark, ...] = ()


def preview_choice(
    *,
    episode: Episode,
    track: Track,
    meetings: Sequence[Meeting],
    need: Need,
    full: Mapping[int, tuple[date, ...]],
    changes: Enrollment | None = None,
    beside: CrossTrackOptions = NO_CROSS_TRACK_OPTIONS,
) -> ChoicePreview:
    """Answers as `enroll_patient` would from the need's day, or `change_meetings` of the enrollment that `changes`, and
    writes nothing. Reads the prefetched meetings of the track and those `beside` them."""
    wanted = {meeting.pk for meeting in meetings}
    own = (*track.meetings.all(), *beside.meetings)
    chosen = [meeting.as_weekly_meeting() for meeting in own if meeting.pk in wanted]
    total = add_up(chosen, need.rules, track.individual_minutes)
    return ChoicePreview(
        minutes=total.minutes,
        days=total.days,
        prescribed_minutes=need.prescribed_minutes,
        prescribed_days=need.prescribed_days,
        rules=need.rules,
        reasons=check_enrollment(
            episode=episode,
            track=track,
            meetings=meetings,
            need=need,
            full=full,
            changes=changes,
            beside=beside,
        ),
        asks=commitment_remarks(chosen, need),
    )


def places_left(*, meetings: Collection[int], from_day: date) -> dict[int, int]:
    """For each meeting the fewest places left on any date from the day on; nothing for one without dates yet."""
    sessions = Session.objects.filter(meeting__in=meetings, on__gte=from_day, status=SessionStatus.SCHEDULED)
    left = sessions.order_by().values_list("meeting").annotate(left=Min(F("places") - F("booked")))
    return {meeting: max(0, places) for meeting, places in left if meeting is not None}
