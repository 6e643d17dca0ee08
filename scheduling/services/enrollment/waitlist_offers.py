"""Find the waitlisted patients whom a track fits now, and enroll one of them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db import transaction

from accounts.models import User
from scheduling.domain.search.conflicts import CommitmentConflict
from scheduling.domain.search.fit import Fit, find_fits
from scheduling.models import Enrollment, Meeting, Modality, Track, WaitingEntry
from scheduling.services.bookings.horizon import horizon_end
from scheduling.services.enrollment.enroll import enroll_patient
from scheduling.services.enrollment.waitlist import lock_open_entry
from scheduling.services.locks import lock_site
from scheduling.services.search.need import PatientAvailability
from scheduling.services.search.offers import as_offer, full_dates
from timekeeping.reasons import Reason, Refused

REQUIRED_AVAILABILITY = timedelta(weeks=4)
"""If a patient has to wait for a spot, the start must be at least this long before the end of the horizon.

Full dates are known only within the horizon. After a later start, there would be too few dates to check.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitlistMatch:
    """A patient on the waitlist, and how the track fits the patient.

    `fit` is for the first day from which the track fits, or for the earliest possible day if the track never fits.
    `fit` is None if the patient's need can't be determined. `reasons` say why the track does not fit. `leaves` is the
    enrollment in another track that the patient would leave.
    """

    entry: WaitingEntry
    fit: Fit | None
    reasons: tuple[Reason, ...] = ()
    leaves: Enrollment | None = None

    @property
    def fits(self) -> bool:
        """Whether the track fits the patient from some day on."""
        return self.fit is not None and self.fit.fits


def match_waitlist(
    *, track: Track, entries: Iterable[WaitingEntry], sees_commitments: bool, now: datetime
) -> list[WaitlistMatch]:
    """For each patient on the waitlist, find the first day from which the track fits. Keep the order of the entries.

    The earliest possible day is tried first, then each day on which spots become free. The reasons include conflicts
    with commitments only if `sees_commitments` is true. The number of queries does not depend on the number of entries.
    Reads the track's prefetched meetings and start dates, and the entries' episodes with prefetched spans.
    """
    entries = list(entries)
    episodes = [entry.episode for entry in entries]
    today = track.site.today_at(now)
    enrolled = {
        each.episode_id: each
        for each in Enrollment.objects.filter(episode__in=episodes)
        .open_on_or_after(today)
        .select_related("track")
        .order_by("starts")
    }
    availability = PatientAvailability.of(track.site, episodes, today, apart_from=enrolled.values())
    full = full_dates(site=track.site, from_day=today, now=now)
    latest = horizon_end(today) - REQUIRED_AVAILABILITY
    matches = []
    for entry in entries:
        earliest = max(today, entry.from_day, entry.episode.starts)
        days = _days_to_try(track, earliest, latest, full)
        fit, reasons = _fit_entry(entry, track, days, availability, full)
        shown = (each for each in reasons if sees_commitments or not isinstance(each, CommitmentConflict))
        leaves = enrolled.get(entry.episode_id)
        matches.append(WaitlistMatch(entry=entry, fit=fit, reasons=tuple(shown), leaves=leaves))
    return matches


def _days_to_try(track: Track, earliest: date, latest: date, full: Mapping[int, tuple[date, ...]]) -> Iterable[date]:
    """Yield the earliest day, and then, in order, the days from which a full meeting of the track has spots."""
    yield earliest
    freed = {full[each.pk][-1] + timedelta(days=1) for each in track.meetings.all() if each.pk in full}
    yield from (day for day in sorted(freed) if earliest < day <= latest)


def _fit_entry(
    entry: WaitingEntry,
    track: Track,
    days: Iterable[date],
    availability: PatientAvailability,
    full: Mapping[int, tuple[date, ...]],
) -> tuple[Fit | None, tuple[Reason, ...]]:
    """Find the first day from which the track fits the patient, and return the result of the search from that day.

    If there is no such day, return the result for the earliest day, with the reasons why the track does not fit.
    """
    first: Fit | None = None
    for day in days:
        try:
            need = availability.need(entry.episode, day)
        except Refused as refused:
            return first, first.obstacles if first else refused.reasons
        (fit,) = find_fits([as_offer(track, day, full)], need)
        if fit.fits:
            return fit, ()
        first = first or fit
    return first, first.obstacles if first else ()


def next_in_line(matches: Sequence[WaitlistMatch]) -> WaitlistMatch | None:
    """Return the first match whose patient the track fits, or None if the track fits nobody."""
    return next((each for each in matches if each.fits), None)


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
    """Enroll the patient in the track of the waitlist entry, and close the entry.

    Raises Refused as `enroll_patient` does. Also raises Refused if the entry has been closed in the meantime.
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
