"""Brings rows to the search for a fit: a patient's need, a site's offers."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta, tzinfo
from typing import ClassVar

from django.conf import settings
from django.db.models import F, Q

from patients.models import Commitment, Episode, LevelOfCareSpan
from scheduling.domain.search.fit import Fit, find_fits
from scheduling.domain.search.need import Need, Offer, OfferedMeeting, age_on
from scheduling.models import (
    Closure,
    Enrollment,
    EnrollmentMeeting,
    EntryMode,
    Meeting,
    ReleaseCause,
    Session,
    SessionStatus,
    Site,
    Track,
)
from scheduling.models.session import SessionQuerySet
from scheduling.models.track import TrackQuerySet
from scheduling.services.availability.imported_calendars import calendar_busy_in_weeks
from scheduling.services.rulebook import RuleBook
from timekeeping.intervals import Interval
from timekeeping.reasons import Reason, Refused
from timekeeping.time_zones import clock_differences, shift_busy_time
from timekeeping.weeks import BusyTime


@dataclass(frozen=True, slots=True)
class NoEpisode(Reason):
    """The patient has no open course of care, or no level of care on the day."""

    code: ClassVar[str] = "no_episode"
    asked: date


def span_in_force(episode: Episode, day: date) -> LevelOfCareSpan | None:
    """The level on the day, or the episode's first if the day is before it."""
    spans = sorted(episode.spans.all(), key=lambda span: span.starts)
    holding = [span for span in spans if span.holds_on(day)]
    return holding[0] if holding else next((span for span in spans if span.starts > day), None)


def need_of(
    *, episode: Episode, from_day: date, apart_from: Enrollment | None = None, changes: Enrollment | None = None
) -> Need:
    """What the patient brings from the day on: the prescription, commitments, and the meetings of other enrollments than the
    one given; a group that falls out because the site is closed is in nobody's way. Of the enrollment that it `changes` the
    one-to-one times alone are there: they go on.

    Raises Refused when the episode is over or no level of care is stated.
    """
    left = changes or apart_from
    lives = PatientAvailability.of(
        episode.site, [episode], from_day, apart_from=[left] if left else [], changes=changes
    )
    return lives.need(episode, from_day)


@dataclass(frozen=True, slots=True)
class PatientAvailability:
    """What the lives of some patients of a site ask of them from a day on."""

    book: RuleBook
    commitments: Mapping[int, list[BusyTime]]
    treatment: Mapping[int, list[BusyTime]]
    closed: tuple[Interval[date], ...]

    @classmethod
    def of(
        cls,
        site: Site,
        episodes: Iterable[Episode],
        from_day: date,
        *,
        apart_from: Iterable[Enrollment] = (),
        changes: Enrollment | None = None,
    ) -> "PatientAvailability":
        """Five queries, for however many, and one more each for the ways to places and for the times of imported calendars.

        An enrollment in `apart_from` is left out, but for the one-to-one times of the one that `changes`. All is on the clock
        of the site, also when an episode is at another one now.
        """
        episodes = list(episodes)
        zones = {each.patient_id: site.zone if each.site_id == site.pk else each.site.zone for each in episodes}
        patients = list(zones)
        commitments: dict[int, list[BusyTime]] = defaultdict(list, calendar_busy_in_weeks(patients, site.zone))
        rows = Commitment.objects.filter(patient__in=patients)
        for commitment in rows.in_force_from(from_day).with_travel():
            busy = commitment.as_busy_time(site=site)
            commitments[commitment.patient_id] += _in_site_time(site, busy, zones[commitment.patient_id], from_day)
        closures = Closure.objects.filter(site=site, ends__gt=from_day)
        closed = tuple(closure.as_interval() for closure in closures)
        treatment = _treatment_times(site, episodes, from_day, {enrollment.pk for enrollment in apart_from}, changes)
        return cls(RuleBook.of(site), commitments, treatment, closed)

    def need(self, episode: Episode, from_day: date) -> Need:
        """From the day, which is not before the one they were read from. Reads prefetched spans and the patient.

        Raises Refused as `need_of` does.
        """
        span = span_in_force(episode, from_day)
        if span is None or (episode.ends is not None and episode.ends <= from_day):
            raise Refused([NoEpisode(from_day)])
        return Need(
            prescribed_minutes=span.prescribed_minutes,
            prescribed_days=span.prescribed_days,
            from_day=from_day,
            weeks=settings.HORIZON_WEEKS,
            busy=(*self.commitments.get(episode.patient_id, ()), *self.treatment.get(episode.pk, ())),
            rules=self.book.on(from_day, span.level),
            closed=self.closed,
            level=span.level,
            age=age_on(from_day, episode.patient.birth_date),
        )


def _in_site_time(site: Site, busy: BusyTime, zone: tzinfo, from_day: date) -> tuple[BusyTime, ...]:
    """Where the difference between the clocks changes within the horizon, the patient is taken to be busy by either."""
    if zone == site.zone:
        return (busy,)
    until = from_day + timedelta(weeks=settings.HORIZON_WEEKS)
    ahead = clock_differences(zone, site.zone, from_day, until)
    return tuple(each for minutes in ahead for each in shift_busy_time(busy, minutes))


def _treatment_times(
    site: Site,
    episodes: Iterable[Episode],
    from_day: date,
    apart_from: set[int],
    changes: Enrollment | None,
) -> dict[int, list[BusyTime]]:
    """Under each episode the meetings in which the patient stands already, as busy time."""
    found: dict[int, list[BusyTime]] = defaultdict(list)
    standing = EnrollmentMeeting.objects.filter(enrollment__episode__in=[episode.pk for episode in episodes])
    for each in standing.select_related("meeting__site", "enrollment"):
        meeting = each.meeting
        begins = max(each.starts, meeting.runs_from)
        ends = min((day for day in (each.ends, meeting.runs_until) if day is not None), default=None)
        is_kept = changes is not None and meeting.kept_for_id == changes.pk
        if (is_kept or each.enrollment_id not in apart_from) and (ends is None or max(begins, from_day) < ends):
            busy = meeting.as_busy_time(label=meeting.name, valid_from=begins, valid_until=ends)
            found[each.enrollment.episode_id] += _in_site_time(site, busy, meeting.site.zone, from_day)
    return found


def offers_at(*, site: Site, from_day: date, apart_from: SessionQuerySet | None = None) -> tuple[Offer, ...]:
    """The tracks on offer at the site from the day on, with the dates on which their meetings are full; five queries.

    In the sessions `apart_from` the patient who asks has a place.
    """
    full = full_dates(site=site, from_day=from_day, apart_from=apart_from)
    return tuple(as_offer(track, from_day, full) for track in published_tracks(site))


def published_tracks(site: Site) -> TrackQuerySet:
    """With all that `as_offer` reads; four queries."""
    tracks = Track.objects.filter(site=site).published().select_related("site")
    return tracks.prefetch_related("cohort_starts", "meetings__service_type", "meetings__meeting_facilitators")


def full_dates(*, site: Site, from_day: date, apart_from: SessionQuerySet | None = None) -> dict[int, tuple[date, ...]]:
    """For each meeting the dates from the day on that have no place left, but for sessions that are known to have one."""
    found: dict[int, list[date]] = defaultdict(list)
    sessions = Session.objects.filter(site=site, on__gte=from_day, status=SessionStatus.SCHEDULED)
    if apart_from is not None:
        sessions = sessions.exclude(pk__in=apart_from.order_by().values("pk"))
    for meeting, on in sessions.filter(booked__gte=F("places")).values_list("meeting", "on"):
        found[meeting].append(on)
    return {meeting: tuple(sorted(dates)) for meeting, dates in found.items()}


def settled_sessions(episode: Episode, *, of: Enrollment | None = None) -> SessionQuerySet:
    """Sessions in which the patient needs no new place: what was given back stays so, and the enrollment `of` has its own."""
    settled = Q(bookings__release_cause=ReleaseCause.GIVEN_BACK)
    if of is not None:
        settled |= Q(bookings__released_at=None, bookings__enrollment=of)
    return Session.objects.filter(settled, bookings__episode=episode)


def as_offer(
    track: Track,
    from_day: date,
    full: Mapping[int, tuple[date, ...]],
    *,
    goes_on: bool = False,
    beside: Iterable[Meeting] = (),
) -> Offer:
    """Reads prefetched meetings and start dates, and the site. The meetings are those that run in the week in which one can
    begin.

    Who is in the track already `goes_on` in it from any day, at any level and age. Meetings of other tracks that are attended
    `beside` its own come after these.
    """
    starts = from_day if goes_on else track.next_entry(from_day) or from_day
    in_cohorts = track.entry != EntryMode.ROLLING and not goes_on
    return Offer(
        key=track.pk,
        name=track.name,
        meetings=tuple(
            OfferedMeeting(meeting=meeting.as_weekly_meeting(), full_on=full.get(meeting.pk, ()))
            for meeting in (*track.meetings.all(), *beside)
            if _runs_in_week_from(meeting, starts)
        ),
        individual_minutes=track.individual_minutes,
        start_dates=tuple(start.on for start in track.cohort_starts.all()) if in_cohorts else None,
        level="" if goes_on else track.level,
        from_age=None if goes_on else track.from_age,
        to_age=None if goes_on else track.to_age,
        site=track.site_id,
        mixes=track.mixes,
    )


def _runs_in_week_from(meeting: Meeting, day: date) -> bool:
    return meeting.runs_from < day + timedelta(weeks=1) and (
        meeting.runs_until is None or meeting.runs_until >= day + timedelta(weeks=1)
    )


def search_tracks(*, episode: Episode, from_day: date) -> tuple[Fit, ...]:
    """Every track of the episode's site, the best fit first. Raises Refused as `need_of` does."""
    return find_fits(offers_at(site=episode.site, from_day=from_day), need_of(episode=episode, from_day=from_day))
