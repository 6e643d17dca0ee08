"""Whom a track that is waited for would fit now, and the place offered to one of them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db import transaction

from accounts.models import User
from scheduling.domain.search.fit import Fit, find_fits
from scheduling.models import Enrollment, Meeting, Modality, Track, WaitingEntry
from scheduling.services.bookings.horizon import horizon_end
from scheduling.services.enrollment.enroll import enroll_patient
from scheduling.services.enrollment.waitlist import lock_open_entry
from scheduling.services.rosters import lock_site
from scheduling.services.search.need import PatientAvailability
from scheduling.services.search.offers import as_offer, full_dates
from timekeeping.reasons import Reason, Refused

REQUIRED_AVAILABILITY = timedelta(weeks=4)
"""For so long there must be a place before anybody is told that there is one: beyond the horizon nothing is full yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitlistMatch:
    """Somebody on the list: from when the track fits them, or why that can't be said.

    `leaves` is their place in another track, which they would move from.
    """

    entry: WaitingEntry
    fit: Fit | None
    unable: tuple[Reason, ...] = ()
    leaves: Enrollment | None = None

    @property
    def fits(self) -> bool:
        return self.fit is not None and self.fit.fits

    @property
    def against(self) -> tuple[Reason, ...]:
        """What stands in the way, if it does not fit."""
        return self.unable if self.fit is None else () if self.fit.fits else self.fit.obstacles


def match_waitlist(*, track: Track, entries: Iterable[WaitingEntry], now: datetime) -> list[WaitlistMatch]:
    """From when the track fits each of the entries, in their order, once the days that are full are over; as many queries for
    thirty as for one.

    Reads the track's prefetched meetings and start dates, and the entries' episodes with prefetched spans.
    """
    entries = list(entries)
    episodes = [entry.episode for entry in entries]
    today = now.astimezone(track.site.zone).date()
    standing = {
        each.episode_id: each
        for each in Enrollment.objects.filter(episode__in=episodes)
        .open_on_or_after(today)
        .select_related("track")
        .order_by("starts")
    }
    lives = PatientAvailability.of(track.site, episodes, today, apart_from=standing.values())
    full = full_dates(site=track.site, from_day=today)
    latest = horizon_end(today) - REQUIRED_AVAILABILITY
    return [_match_entry(entry, track, today, latest, lives, full, standing.get(entry.episode_id)) for entry in entries]


def _match_entry(
    entry: WaitingEntry,
    track: Track,
    today: date,
    latest: date,
    lives: PatientAvailability,
    full: dict[int, tuple[date, ...]],
    leaves: Enrollment | None,
) -> WaitlistMatch:
    earliest = max(today, entry.from_day, entry.episode.starts)
    first: Fit | None = None
    for day in _days_to_try(track, earliest, latest, full):
        try:
            need = lives.need(entry.episode, day)
        except Refused as refused:
            unable = () if first else refused.reasons
            return WaitlistMatch(entry=entry, fit=first, unable=unable, leaves=leaves)
        (fit,) = find_fits([as_offer(track, day, full)], need)
        if fit.fits:
            return WaitlistMatch(entry=entry, fit=fit, leaves=leaves)
        first = first or fit
    return WaitlistMatch(entry=entry, fit=first, leaves=leaves)


def _days_to_try(track: Track, earliest: date, latest: date, full: dict[int, tuple[date, ...]]) -> Iterable[date]:
    """The earliest day, and each on which one of the track's meetings has no full date left before it."""
    yield earliest
    freed = {full[each.pk][-1] + timedelta(days=1) for each in track.meetings.all() if each.pk in full}
    yield from (day for day in sorted(freed) if earliest < day <= latest)


def next_in_line(waiting: Sequence[WaitlistMatch]) -> WaitlistMatch | None:
    """The first in order whom the track fits."""
    return next((each for each in waiting if each.fits), None)


@transaction.atomic
def enroll_from_waitlist(
    *,
    entry: WaitingEntry,
    meetings: Sequence[Meeting],
    starts: date,
    modality: Modality = Modality.IN_PERSON,
    by: User,
    now: datetime,
) -> Enrollment:
    """Enrolls who waited into the track they waited for, and closes the entry with it.

    Raises Refused as `enroll_patient` does, and for an entry that was closed in the meantime.
    """
    lock_site(entry.audit_site_id)
    entry = lock_open_entry(entry)
    return enroll_patient(
        episode=entry.episode,
        track=entry.track,
        meetings=meetings,
        starts=starts,
        modality=modality,
        by=by,
        now=now,
    )
