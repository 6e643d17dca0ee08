"""Correct the first day or the referral source of an admission, or take the admission back."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db import transaction
from django.db.models import Q

from accounts.audit import record
from accounts.models import Action, User
from iopmanager.stored_reasons import StoredReason
from patients.models import Episode
from scheduling.models import (
    Booking,
    Enrollment,
    EnrollmentMeeting,
    LeaveOfAbsence,
    Letter,
    Meeting,
    ReleaseCause,
    Session,
    WaitingEntry,
)
from scheduling.services.bookings.book import book_sessions, sessions_to_book
from scheduling.services.bookings.release import release_bookings
from scheduling.services.corrections.preconditions import (
    CorrectedValue,
    lock_episode,
    record_correction,
    require_reason,
)
from scheduling.services.enrollment.attended_dates import dates_with_attendance, first_dates
from scheduling.services.enrollment.individual import (
    add_individual_sessions,
    end_individual_sessions,
    lasting_individual_sessions,
)
from scheduling.services.stale_feeds import mark_episode_feeds_stale
from timekeeping.reasons import EpisodeEnded, Reason, refuse_if_any

DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class BeforeBirth(Reason):
    """The new first day is before the patient's birth date."""

    born: date


@dataclass(frozen=True, slots=True)
class OverlapsEpisode(Reason):
    """With the new first day, the episode would overlap another one, which lasts from `first` to `last`."""

    first: date
    last: date | None


@dataclass(frozen=True, slots=True)
class CameBefore(Reason):
    """The patient moved to another site on `on`, which is not after the new first day."""

    on: date


@dataclass(frozen=True, slots=True)
class LevelBegan(Reason):
    """The next level of care begins on `on`, which is not after the new first day."""

    on: date


@dataclass(frozen=True, slots=True)
class EnrolledBefore(Reason):
    """An enrollment ended on `last_day`, before the new first day."""

    track: str
    last_day: date


@dataclass(frozen=True, slots=True)
class LeaveBefore(Reason):
    """A leave of absence ended before the new first day. It began on `first`."""

    first: date


@dataclass(frozen=True, slots=True)
class AttendedBefore(Reason):
    """Attendance is recorded before the new first day, on these dates and `more` others."""

    dates: tuple[date, ...]
    more: int


@dataclass(frozen=True, slots=True)
class AttendedInEpisode(Reason):
    """On these dates and `more` others, attendance is recorded in the episode, or the patient was booked in the past."""

    dates: tuple[date, ...]
    more: int


@dataclass(frozen=True, slots=True)
class LettersWritten(Reason):
    """A letter about the patient's appointments was written on `on`, and it covers days of the episode."""

    on: date


@dataclass(frozen=True, slots=True)
class LeaveEntered(Reason):
    """A leave of absence that begins on `first` is entered in the episode."""

    first: date


@transaction.atomic
def correct_admission(
    *, episode: Episode, starts: date, referral_source: str, reason: str, by: User, now: datetime
) -> Episode:
    """Change the first day and the referral source of an episode, as if the patient had been admitted on that day.

    If the first day is later, enrollments begin on that day at the earliest, and earlier bookings are released.
    Enrollments never move to an earlier day. `reason` is the reason for the correction.

    Raises Refused if there is no reason, if nothing would change, or if the first day is before the patient's birth, in
    another episode, or after something that has been recorded, such as attendance, a level of care, a leave or a discharge.
    """
    reason = require_reason(reason)
    episode = lock_episode(episode)
    before = _values(episode)
    after: dict[str, CorrectedValue] = {}
    refuse_if_any(_first_day_reasons(episode, starts, now))
    if starts > episode.starts:
        _drop_earlier_bookings(episode, starts, now)
        for enrollment in Enrollment.objects.filter(episode=episode, starts__lt=starts).select_related("track"):
            enrollment.episode = episode
            name = f"first day in {enrollment.track}"
            before[name], after[name] = enrollment.starts, starts
            _begin_later(enrollment, starts, now)
        WaitingEntry.objects.open().filter(episode=episode, from_day__lt=starts).update(from_day=starts)
        LeaveOfAbsence.objects.filter(episode=episode, starts__lt=starts).update(starts=starts)
    _move_first_level(episode, starts)
    former = episode.former_sites.order_by("starts").first()
    if former is not None:
        former.starts = starts
        former.save(update_fields=["starts"])
    episode.starts, episode.referral_source = starts, referral_source
    episode.save(update_fields=["starts", "referral_source"])
    record_correction(episode, before=before, after=after | _values(episode), reason=reason, by=by, now=now)
    mark_episode_feeds_stale([episode.pk], now)
    return episode


def _values(episode: Episode) -> dict[str, CorrectedValue]:
    """Return the admission's values by the names under which the audit trail shows them."""
    return {"first day": episode.starts, "referral source": episode.referral_source}


def _first_day_reasons(episode: Episode, starts: date, now: datetime) -> Iterator[Reason]:
    if starts < episode.patient.birth_date:
        yield BeforeBirth(episode.patient.birth_date)
    if episode.ends is not None and episode.ends <= starts:
        yield EpisodeEnded(episode.ends - DAY)
        return
    others = Episode.objects.filter(patient=episode.patient_id).exclude(pk=episode.pk)
    yield from (
        OverlapsEpisode(other.starts, other.last_day)
        for other in others.overlapping(starts, episode.ends or date.max).order_by("starts")
    )
    if starts <= episode.starts:
        return
    moved = [*episode.former_sites.values_list("ends", flat=True), *([episode.came_on] if episode.came_on else [])]
    if moved and min(moved) <= starts:
        yield CameBefore(min(moved))
    levels = list(episode.spans.order_by("starts").values_list("starts", flat=True))[1:]
    yield from (LevelBegan(on) for on in levels[:1] if on <= starts)
    ended = Enrollment.objects.filter(episode=episode, ends__lte=starts).select_related("track").order_by("starts")
    yield from (EnrolledBefore(each.track.name, each.ends - DAY) for each in ended if each.ends is not None)
    leaves = LeaveOfAbsence.objects.filter(episode=episode, ends__lte=starts).order_by("starts")
    yield from (LeaveBefore(each.starts) for each in leaves)
    if marked := dates_with_attendance(episode, until=starts, now=now):
        yield AttendedBefore(*marked)


def _drop_earlier_bookings(episode: Episode, starts: date, now: datetime) -> None:
    earlier = Booking.objects.filter(episode=episode, session__on__lt=starts)
    release_bookings(bookings=earlier, cause=ReleaseCause.ENDED, reason=StoredReason.ADMISSION_CORRECTED, now=now)


def _begin_later(enrollment: Enrollment, starts: date, now: datetime) -> None:
    """Let the enrollment begin on the date `starts`. Weekly individual sessions that have not begun begin then, too."""
    hours = lasting_individual_sessions(enrollment)
    today = enrollment.episode.site.today_at(now)
    if hours and starts > today:
        end_individual_sessions(enrollment=enrollment, ends=max(enrollment.starts, today), now=now)
    rows = EnrollmentMeeting.objects.filter(enrollment=enrollment, starts__lt=starts)
    rows.filter(ends__lte=starts).delete()
    rows.update(starts=starts)
    enrollment.starts = starts
    enrollment.save(update_fields=["starts"])
    if hours and starts > today:
        add_individual_sessions(enrollment=enrollment, hours=hours, begins=starts, now=now)
        own = set(Meeting.objects.filter(kept_for=enrollment).values_list("pk", flat=True))
        sessions = [each for each in sessions_to_book(enrollment, today, now) if each.meeting_id in own]
        book_sessions(enrollment, sessions, now)


def _move_first_level(episode: Episode, starts: date) -> None:
    first = episode.spans.order_by("starts").first()
    if first is not None and (first.starts == episode.starts or first.starts < starts):
        first.starts = starts
        first.save(update_fields=["starts"])


@transaction.atomic
def take_back_admission(*, episode: Episode, reason: str, by: User, now: datetime) -> None:
    """Remove an episode that was opened by mistake, with its levels, enrollments, bookings and waitlist entries.

    The audit trail keeps what was removed and why. Raises Refused if there is no reason, if attendance is recorded in the
    episode, if sessions have passed in which the patient was booked, or if there is a letter or a leave of absence.
    """
    reason = require_reason(reason)
    episode = lock_episode(episode)
    refuse_if_any(_removal_reasons(episode, now))
    enrollments = list(Enrollment.objects.filter(episode=episode).select_related("track").order_by("-starts", "-pk"))
    parts = [f"admission taken back: first day {episode.starts}"]
    parts += (f"level {each.level} from {each.starts}" for each in episode.spans.order_by("starts"))
    parts += (f"{each.track} from {each.starts}" for each in reversed(enrollments))
    record(episode, by=by, action=Action.CORRECTED, at=now, detail="; ".join(parts), reason=reason)
    mark_episode_feeds_stale([episode.pk], now)
    bookings = Booking.objects.filter(episode=episode)
    release_bookings(bookings=bookings, cause=ReleaseCause.ENDED, reason=StoredReason.ADMISSION_CORRECTED, now=now)
    bookings.filter(makes_up__isnull=False).delete()
    bookings.delete()
    WaitingEntry.objects.filter(episode=episode).delete()
    for enrollment in enrollments:
        _remove_individual_meetings(enrollment, now)
    Enrollment.objects.filter(episode=episode).update(continues=None)
    Enrollment.objects.filter(episode=episode).delete()
    episode.delete()


def _removal_reasons(episode: Episode, now: datetime) -> Iterator[Reason]:
    bookings = Booking.objects.filter(episode=episode)
    used = bookings.filter(Q(attendance__isnull=False) | Q(released_at=None, starts__lte=now))
    if dates := first_dates(used):
        yield AttendedInEpisode(*dates)
    letters = Letter.objects.filter(
        consent__patient=episode.patient_id, ends__gt=episode.starts, starts__lt=episode.ends or date.max
    )
    yield from (
        LettersWritten(episode.site.today_at(letter.written_at)) for letter in letters.order_by("written_at")[:1]
    )
    leaves = LeaveOfAbsence.objects.filter(episode=episode).order_by("starts")
    yield from (LeaveEntered(each.starts) for each in leaves[:1])


def _remove_individual_meetings(enrollment: Enrollment, now: datetime) -> None:
    """Remove the enrollment's weekly individual hours with all their sessions, which nobody is booked into anymore."""
    end_individual_sessions(enrollment=enrollment, ends=enrollment.starts, now=now)
    meetings = Meeting.objects.filter(kept_for=enrollment)
    Session.objects.filter(meeting__in=meetings).delete()
    EnrollmentMeeting.objects.filter(meeting__in=meetings).delete()
    meetings.delete()
