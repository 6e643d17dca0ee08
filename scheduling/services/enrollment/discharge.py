"""Discharge a patient: end the episode of care with all its enrollments, and release later bookings."""

from datetime import date, datetime, timedelta

from django.db import transaction
from django.db.models import Q

from accounts.audit import record
from accounts.models import Action, User
from iopmanager.stored_reasons import StoredReason
from patients.models import Episode
from scheduling.models import Booking, Enrollment, ReleaseCause, WaitingEntry
from scheduling.services.bookings.release import release_bookings
from scheduling.services.enrollment.attended_dates import attended_after
from scheduling.services.enrollment.discharge_state import remember_discharge
from scheduling.services.enrollment.end import end_enrollment
from scheduling.services.enrollment.individual import end_individual_sessions
from scheduling.services.enrollment.waitlist import close_entries
from scheduling.services.locks import lock_site
from timekeeping.reasons import EndDateBeforeStart, EpisodeEnded, Refused, refuse_if_any

DAY = timedelta(days=1)


@transaction.atomic
def discharge_patient(*, episode: Episode, last_day: date, reason: str, by: User, now: datetime) -> Episode:
    """End the episode of care after `last_day`, together with its enrollments and its level of care.

    Later bookings are released, and waitlist entries are closed. If an enrollment starts after `last_day`, it is
    shortened to its first day and loses all its bookings. Return the updated episode.

    Raises Refused if the episode has already ended, if the last day is before the admission, or if attendance is recorded
    after the last day.
    """
    lock_site(episode.site_id)
    episode = Episode.objects.select_for_update(of=("self",), no_key=True).select_related("patient").get(pk=episode.pk)
    if episode.ends is not None:
        raise Refused([EpisodeEnded(episode.ends - DAY)])
    if last_day < episode.starts:
        raise Refused([EndDateBeforeStart(episode.starts, last_day)])
    refuse_if_any(attended_after(episode, last_day, now))
    return end_care(episode=episode, last_day=last_day, reason=reason, by=by, now=now)


def end_care(*, episode: Episode, last_day: date, reason: str, by: User, now: datetime) -> Episode:
    """Discharge a patient whose locked episode has passed the checks of `discharge_patient`. Return the episode."""
    ends = last_day + DAY
    remember_discharge(episode=episode, ends=ends, now=now)
    for enrollment in Enrollment.objects.filter(episode=episode).open_on_or_after(ends):
        last = max(last_day, enrollment.starts)
        end_enrollment(enrollment=enrollment, last_day=last, reason=StoredReason.DISCHARGED, by=by, now=now)
    later = Booking.objects.filter(episode=episode, session__on__gte=ends)
    release_bookings(bookings=later, cause=ReleaseCause.ENDED, reason=StoredReason.DISCHARGED, now=now)
    for enrollment in Enrollment.objects.filter(episode=episode, starts__gte=ends):
        end_individual_sessions(enrollment=enrollment, ends=enrollment.starts, now=now)
    close_entries(WaitingEntry.objects.filter(episode=episode), reason=StoredReason.DISCHARGED, by=by, now=now)
    episode.spans.filter(Q(ends=None) | Q(ends__gt=ends), starts__lt=ends).update(ends=ends)
    episode.spans.filter(starts__gte=ends).delete()
    episode.ends, episode.discharge_reason = ends, reason
    episode.save(update_fields=["ends", "discharge_reason"])
    record(episode, by=by, action=Action.ENDED, at=now, detail=f"discharged after {last_day:%Y-%m-%d}", reason=reason)
    return episode
