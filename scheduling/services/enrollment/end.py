"""End an enrollment after a day, and release its later bookings."""

from datetime import date, datetime, timedelta

from django.db import transaction
from django.db.models import Q

from accounts.audit import record
from accounts.models import Action, User
from iopmanager.stored_reasons import StoredReason
from scheduling.models import Booking, Enrollment, ReleaseCause
from scheduling.services.bookings.release import release_bookings
from scheduling.services.enrollment.individual import end_individual_sessions
from scheduling.services.locks import lock_meetings, lock_site
from timekeeping.reasons import AlreadyEnded, EndDateBeforeStart, Refused

DAY = timedelta(days=1)


@transaction.atomic
def end_enrollment(
    *,
    enrollment: Enrollment,
    last_day: date,
    reason: str = "",
    keep_begun: bool = False,
    by: User | None,
    now: datetime,
) -> Enrollment:
    """End the enrollment and its individual sessions after `last_day`, and release the enrollment's later bookings.

    Bookings in sessions after the last day are released. If a session was moved from a date after the last day to an
    earlier one, the booking is released unless the session has begun. With `keep_begun`, all bookings in sessions that
    have begun are kept. Return the updated enrollment.

    Raises Refused if the last day is before the first day, or if the enrollment already ends before the last day.
    """
    lock_site(enrollment.episode.site_id)
    lock_meetings(list(enrollment.enrollment_meetings.values_list("meeting", flat=True)))
    enrollment = (
        Enrollment.objects.select_for_update(of=("self",), no_key=True)
        .select_related("episode__patient", "track")
        .get(pk=enrollment.pk)
    )
    ends = last_day + DAY
    if last_day < enrollment.starts:
        raise Refused([EndDateBeforeStart(enrollment.starts, last_day)])
    if enrollment.ends is not None and enrollment.ends < ends:
        raise Refused([AlreadyEnded(enrollment.track.name, enrollment.ends - DAY)])
    enrollment.ends, enrollment.end_reason = ends, reason
    enrollment.save(update_fields=["ends", "end_reason"])
    enrollment.enrollment_meetings.filter(starts__gte=ends).delete()
    enrollment.enrollment_meetings.filter(Q(ends=None) | Q(ends__gt=ends)).update(ends=ends)
    later = Booking.objects.filter(
        Q(session__on__gte=ends) | Q(session__pattern_date__gte=ends, starts__gt=now), enrollment=enrollment
    )
    if keep_begun:
        later = later.from_instant(now)
    release_bookings(bookings=later, cause=ReleaseCause.ENDED, reason=reason or StoredReason.ENROLLMENT_ENDED, now=now)
    end_individual_sessions(enrollment=enrollment, ends=ends, now=now)
    record(enrollment, by=by, action=Action.ENDED, at=now, detail=f"after {last_day:%Y-%m-%d}", reason=reason)
    return enrollment
