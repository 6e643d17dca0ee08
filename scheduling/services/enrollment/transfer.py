"""Transfer a patient from one track to another at the same site."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db import transaction

from accounts.audit import record
from accounts.models import Action, User
from iopmanager.stored_reasons import StoredReason
from scheduling.domain.search.fit import AlreadyEnrolled
from scheduling.models import Booking, Enrollment, Meeting, Modality, ReleaseCause, Track
from scheduling.services.bookings.release import release_bookings, release_uncovered_bookings
from scheduling.services.enrollment.end import end_enrollment
from scheduling.services.enrollment.enroll import enroll_patient
from scheduling.services.enrollment.individual import end_individual_sessions
from scheduling.services.enrollment.preconditions import lock_enrollment, refuse_invalid_day
from timekeeping.reasons import Reason, Refused

DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class BeganToday(Reason):
    """The enrollment began today, so the patient can transfer to another track tomorrow at the earliest."""

    track: str


@transaction.atomic
def transfer_enrollment(
    *,
    enrollment: Enrollment,
    track: Track,
    meetings: Sequence[Meeting],
    starts: date,
    modality: Modality | None = None,
    by: User,
    now: datetime,
) -> Enrollment:
    """End the enrollment the day before `starts`, and enroll the patient in the other track from `starts` on.

    If `starts` is the first day of the old enrollment, that enrollment is canceled. Sessions that have begun stay
    booked. Return the new enrollment.

    Raises Refused as `enroll_patient` does. Also raises Refused if `track` is the patient's current track, or if
    `starts` has passed. The old enrollment must begin by `starts`, and must not end earlier than the day before
    `starts`. If the old enrollment begins today, `starts` must be later. If Refused is raised, nothing is changed.
    """
    enrollment, _ = lock_enrollment(enrollment, meetings)
    today = enrollment.episode.site.today_at(now)
    refuse_invalid_day(enrollment, starts, today)
    if track.pk == enrollment.track_id:
        raise Refused([AlreadyEnrolled(enrollment.track.name, enrollment.starts)])
    reason = StoredReason.MOVED_TRACK
    if starts > enrollment.starts:
        end_enrollment(enrollment=enrollment, last_day=starts - DAY, reason=reason, keep_begun=True, by=by, now=now)
    elif enrollment.starts <= today:
        raise Refused([BeganToday(enrollment.track.name)])
    else:
        _cancel_before_start(enrollment, reason, by, now)
    return enroll_patient(
        episode=enrollment.episode,
        track=track,
        meetings=meetings,
        starts=starts,
        modality=modality or Modality(enrollment.modality),
        continues=enrollment,
        by=by,
        now=now,
    )


def _cancel_before_start(enrollment: Enrollment, reason: str, by: User, now: datetime) -> None:
    """Cancel an enrollment that has not begun. Its row stays, with a length of one day and without meetings."""
    enrollment.enrollment_meetings.all().delete()
    enrollment.ends, enrollment.end_reason = enrollment.starts + DAY, reason
    enrollment.save(update_fields=["ends", "end_reason"])
    release_uncovered_bookings(enrollment, {}, now)
    own = Booking.objects.filter(enrollment=enrollment)
    release_bookings(bookings=own, cause=ReleaseCause.ENDED, reason=reason, now=now)
    end_individual_sessions(enrollment=enrollment, ends=enrollment.starts, now=now)
    record(enrollment, by=by, action=Action.ENDED, at=now, detail="before it began", reason=reason)
