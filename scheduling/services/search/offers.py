"""The published tracks that a site offers, and the dates on which their meetings are full."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta

from django.db.models import Exists, F, OuterRef, Q

from patients.models import Episode
from scheduling.domain.search.fit import Fit, find_fits
from scheduling.domain.search.need import Offer, OfferedMeeting
from scheduling.models import (
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
from scheduling.services.search.need import need_of


def search_tracks(*, episode: Episode, from_day: date, now: datetime) -> tuple[Fit, ...]:
    """Return a Fit for each track of the episode's site, the best first.

    Raises Refused as `need_of` does.
    """
    return find_fits(
        offers_at(site=episode.site, from_day=from_day, now=now), need_of(episode=episode, from_day=from_day)
    )


def offers_for_patient(
    *, episode: Episode, from_day: date, now: datetime, site: Site | None = None, leaves: Enrollment | None = None
) -> tuple[Offer, ...]:
    """Return the tracks that `site` offers from `from_day` on. By default, `site` is the episode's site.

    Some sessions never count as full, because the patient needs no free spot in them. These are sessions that the
    patient gave up, and sessions booked through the enrollment that the patient leaves (`leaves`).
    """
    known = settled_sessions(episode, of=leaves)
    return offers_at(site=site or episode.site, from_day=from_day, now=now, apart_from=known)


def offers_at(
    *, site: Site, from_day: date, now: datetime, apart_from: SessionQuerySet | None = None
) -> tuple[Offer, ...]:
    """Return the site's published tracks as offers from `from_day` on, with their full dates. Runs six queries.

    Sessions in `apart_from` never count as full, because the patient needs no free spot in them.
    """
    full = full_dates(site=site, from_day=from_day, now=now, apart_from=apart_from)
    return tuple(as_offer(track, from_day, full) for track in published_tracks(site))


def published_tracks(site: Site) -> TrackQuerySet:
    """Return the site's published tracks, and load all that `as_offer` needs. Runs five queries."""
    tracks = Track.objects.filter(site=site).published().select_related("site")
    return tracks.prefetch_related("cohort_starts", "meetings__service_type", "meetings__meeting_facilitators")


def full_dates(
    *, site: Site, from_day: date, now: datetime, apart_from: SessionQuerySet | None = None
) -> dict[int, tuple[date, ...]]:
    """Map meeting id to the dates of its full sessions from `from_day` on.

    Sessions that began before `now` are ignored, because nobody is booked into them anymore. Sessions in `apart_from` are
    ignored too.
    """
    found: dict[int, list[date]] = defaultdict(list)
    sessions = Session.objects.filter(site=site, on__gte=from_day, starts__gte=now, status=SessionStatus.SCHEDULED)
    if apart_from is not None:
        sessions = sessions.exclude(pk__in=apart_from.order_by().values("pk"))
    for meeting, on in sessions.filter(booked__gte=F("places")).values_list("meeting", "on"):
        found[meeting].append(on)
    return {meeting: tuple(sorted(dates)) for meeting, dates in found.items()}


def settled_sessions(episode: Episode, *, of: Enrollment | None = None) -> SessionQuerySet:
    """Return the sessions for which the patient needs no free spot.

    These are the sessions that the patient gave up: the patient is not booked into them again. If an enrollment is
    given (`of`), the sessions booked through it are included too: the patient already has a spot in them.
    """
    settled = Q(bookings__release_cause=ReleaseCause.GIVEN_BACK)
    if of is not None:
        settled |= Q(bookings__released_at=None, bookings__enrollment=of)
    return Session.objects.filter(settled, bookings__episode=episode)


def own_sessions(enrollment: Enrollment) -> SessionQuerySet:
    """Return the sessions for which the enrollment's patient needs no free spot.

    These are the `settled_sessions`, and the sessions of the enrollment's meetings. Sessions before the patient joins a
    meeting, or after the patient leaves it, are not included.
    """
    attends = EnrollmentMeeting.objects.filter(
        Q(ends=None) | Q(ends__gt=OuterRef("pattern_date")),
        enrollment=enrollment,
        meeting=OuterRef("meeting"),
        starts__lte=OuterRef("pattern_date"),
    )
    settled = settled_sessions(enrollment.episode, of=enrollment)
    return Session.objects.filter(Q(pk__in=settled.order_by().values("pk")) | Exists(attends))


def as_offer(
    track: Track,
    from_day: date,
    full: Mapping[int, tuple[date, ...]],
    *,
    goes_on: bool = False,
    beside: Iterable[Meeting] = (),
) -> Offer:
    """Return the track as an offer, with the meetings that are held in the week of the first possible start.

    With `goes_on`, the patient is already in the track and may continue from any day, at any level and age. Meetings in
    `beside` belong to other tracks and come last. Reads the site, and prefetched meetings and start dates.
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
