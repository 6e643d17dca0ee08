"""Brings rows to the search for a fit: a patient's need, a site's offers."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import date, timedelta

from django.conf import settings
from django.db.models import F

from patients.models import Commitment, Episode, LevelOfCareSpan
from scheduling.domain.fit import Fit, Need, Offer, OfferedMeeting, search
from scheduling.domain.week import BusyTime
from scheduling.models import Closure, EnrollmentMeeting, Meeting, Session, SessionStatus, Site, Track
from scheduling.services.refused import NoEpisode, Refused
from scheduling.services.rules import RuleBook


def span_in_force(episode: Episode, day: date) -> LevelOfCareSpan | None:
    """The level on the day, or the episode's first if the day is before it."""
    spans = sorted(episode.spans.all(), key=lambda span: span.starts)
    holding = [span for span in spans if span.holds_on(day)]
    return holding[0] if holding else next((span for span in spans if span.starts > day), None)


def need_of(*, episode: Episode, from_day: date) -> Need:
    """What the patient brings from the day on: the prescription, commitments, and the meetings of other enrollments;
    a group that falls out because the site is closed is in nobody's way.

    Raises Refused when the episode is over or no level of care is stated.
    """
    span = span_in_force(episode, from_day)
    if span is None or (episode.ends is not None and episode.ends <= from_day):
        raise Refused([NoEpisode(from_day)])
    commitments = Commitment.objects.filter(patient=episode.patient_id).in_force_from(from_day)
    closures = Closure.objects.filter(site=episode.site_id, ends__gt=from_day)
    return Need(
        prescribed_minutes=span.prescribed_minutes,
        prescribed_days=span.prescribed_days,
        from_day=from_day,
        weeks=settings.HORIZON_WEEKS,
        busy=(*(each.as_busy_time() for each in commitments), *_treatment(episode, from_day)),
        rules=RuleBook.of(episode.site).on(from_day, span.level),
        closed=tuple(closure.as_interval() for closure in closures),
    )


def _treatment(episode: Episode, from_day: date) -> Iterable[BusyTime]:
    """The meetings the patient already stands in, as busy time."""
    standing = EnrollmentMeeting.objects.filter(enrollment__episode=episode).select_related("meeting")
    for each in standing:
        meeting = each.meeting
        begins = max(each.starts, meeting.runs_from)
        ends = min((day for day in (each.ends, meeting.runs_until) if day is not None), default=None)
        if ends is None or max(begins, from_day) < ends:
            yield meeting.as_busy_time(label=meeting.name, valid_from=begins, valid_until=ends)


def offers_at(*, site: Site, from_day: date) -> tuple[Offer, ...]:
    """The tracks on offer at the site from the day on, with the dates on which their meetings are full; five queries."""
    tracks = (
        Track.objects.filter(site=site)
        .on_offer()
        .prefetch_related("cohort_starts", "meetings__service_type", "meetings__meeting_facilitators")
    )
    full = full_dates(site=site, from_day=from_day)
    return tuple(as_offer(track, from_day, full) for track in tracks)


def full_dates(*, site: Site, from_day: date) -> dict[int, tuple[date, ...]]:
    """For each meeting the dates from the day on that have no place left."""
    found: dict[int, list[date]] = defaultdict(list)
    sessions = Session.objects.filter(site=site, on__gte=from_day, status=SessionStatus.SCHEDULED)
    for meeting, on in sessions.filter(booked__gte=F("places")).values_list("meeting", "on"):
        found[meeting].append(on)
    return {meeting: tuple(sorted(dates)) for meeting, dates in found.items()}


def as_offer(track: Track, from_day: date, full: Mapping[int, tuple[date, ...]]) -> Offer:
    """Reads prefetched meetings and start dates. The meetings are those that run in the week in which one can begin."""
    starts = track.next_entry(from_day) or from_day
    return Offer(
        key=track.pk,
        name=track.name,
        meetings=tuple(
            OfferedMeeting(meeting=meeting.as_weekly_meeting(), full_on=full.get(meeting.pk, ()))
            for meeting in track.meetings.all()
            if _runs_in_week_from(meeting, starts)
        ),
        individual_minutes=track.individual_minutes,
        entries=None if track.entry == "rolling" else tuple(start.on for start in track.cohort_starts.all()),
    )


def _runs_in_week_from(meeting: Meeting, day: date) -> bool:
    return meeting.runs_from < day + timedelta(weeks=1) and (
        meeting.runs_until is None or meeting.runs_until >= day + timedelta(weeks=1)
    )


def find_schedules(*, episode: Episode, from_day: date) -> tuple[Fit, ...]:
    """Every track of the episode's site, the best fit first. Raises Refused as `need_of` does."""
    return search(offers_at(site=episode.site, from_day=from_day), need_of(episode=episode, from_day=from_day))
