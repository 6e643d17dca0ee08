"""Transfer a patient and their episode of care to another site of the clinic."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.core.exceptions import PermissionDenied
from django.db import transaction

from accounts.audit import record
from accounts.models import Action, User
from accounts.permissions import Permission
from iopmanager.stored_reasons import StoredReason
from patients.models import Commitment, CommitmentProposal, Episode, FormerSite, Patient, Place, ProposalState
from patients.models.commitment import weekday_mask
from patients.services.availability.commitments import CommitmentValues, add_commitment, change_commitment
from scheduling.domain.search.fit import AlreadyEnrolled
from scheduling.models import Booking, Enrollment, Site, WaitingEntry
from scheduling.services.enrollment.waitlist import close_entries
from scheduling.services.locks import lock_site
from scheduling.services.reasons import NothingChanged
from scheduling.services.stale_feeds import mark_episode_feeds_stale
from timekeeping.busy_times import BusyTime
from timekeeping.reasons import EpisodeEnded, Reason, refuse_if_any
from timekeeping.time_zones import clock_differences, shift_busy_time
from timekeeping.weeks import OnDates, Recurrence

DAY = timedelta(days=1)
A_YEAR = timedelta(days=366)


@dataclass(frozen=True, slots=True)
class StillBooked(Reason):
    """The patient is booked into sessions today or later. `session` is the first of them, and `more` counts the others."""

    session: str
    on: date
    more: int


@dataclass(frozen=True, slots=True)
class TimeZonesDiffer(Reason):
    """The time difference between the two sites changes within a year, so weekly times can't be converted."""

    here: str
    there: str


@dataclass(frozen=True, slots=True)
class ProposalsPending(Reason):
    """The patient has proposals waiting for a decision, and their times are in the old site's time zone."""

    number: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteTransfer:
    """The consequences of a transfer to another site.

    `changes_clocks` is whether the sites are in different time zones. `waits` are the waitlist entries that would be
    closed. `without_way` are the patient's places without a known travel time to the new site.
    """

    site: Site
    changes_clocks: bool
    waits: Sequence[WaitingEntry]
    without_way: Sequence[Place]


def preview_transfer(*, episode: Episode, site: Site, by: User, now: datetime) -> SiteTransfer:
    """Return the consequences of transferring the episode to the site. Raises as `transfer_episode` does."""
    _check_permission(site, by)
    refuse_if_any(_transfer_reasons(episode, site, episode.site.today_at(now)))
    places = Place.objects.filter(patient=episode.patient_id)
    return SiteTransfer(
        site=site,
        changes_clocks=site.time_zone != episode.site.time_zone,
        waits=list(WaitingEntry.objects.open().filter(episode=episode).select_related("track")),
        without_way=list(places.exclude(travels__site=site)),
    )


@transaction.atomic
def transfer_episode(*, episode: Episode, site: Site, by: User, now: datetime) -> Episode:
    """Transfer the patient and their episode of care to another site from today on, and return the episode.

    From then on, the rules and staff of the new site apply. Past sessions and attendance stay at the old site. Past
    weeks are still assessed by the rules of the old site. The patient leaves the old site's waitlists. Commitments
    still take place at the same moments, so their local times change if the sites are in different time zones.

    Raises PermissionDenied unless `by` may manage the patients of the new site. Raises Refused with every reason:

    - The episode is over, or already at the site.
    - The patient is enrolled in a track or booked into a session, today or later.
    - Times can't be converted to the other time zone.
    """
    _check_permission(site, by)
    for pk in sorted({episode.site_id, site.pk}):
        lock_site(pk)
    patient = Patient.objects.select_for_update(of=("self",), no_key=True).get(pk=episode.patient_id)
    episodes = Episode.objects.select_for_update(of=("self",), no_key=True).select_related("site")
    episode = episodes.get(pk=episode.pk)
    episode.patient = patient
    old_site, today = episode.site, episode.site.today_at(now)
    refuse_if_any(_transfer_reasons(episode, site, today))
    converted = [
        (commitment, _in_site_time(commitment, old_site, site, today))
        for commitment in _commitments_to_convert(patient, old_site, site, today)
    ]
    record(episode, by=by, action=Action.CHANGED, at=now, detail=f"moves to {site}")
    entries = WaitingEntry.objects.filter(episode=episode)
    close_entries(entries, reason=StoredReason.MOVED_SITE, by=by, now=now)
    _record_former_site(episode, today)
    episode.site = patient.site = site
    episode.save(update_fields=["site", "came_on"])
    patient.save(update_fields=["site"])
    for commitment, (first, *more) in converted:
        commitment.patient = patient
        change_commitment(commitment=commitment, values=first, by=by, now=now)
        for values in more:
            add_commitment(patient=patient, values=values, by=by, now=now)
    record(episode, by=by, action=Action.CHANGED, at=now, detail=f"moved from {old_site} on {today:%Y-%m-%d}")
    mark_episode_feeds_stale([episode.pk], now)
    return episode


def _check_permission(site: Site, by: User) -> None:
    if not by.may(Permission.MANAGE_PATIENTS, site.pk):
        raise PermissionDenied


def _transfer_reasons(episode: Episode, site: Site, today: date) -> Iterable[Reason]:
    if episode.ends is not None and episode.ends <= today:
        yield EpisodeEnded(episode.ends - DAY)
    if site.pk == episode.site_id:
        yield NothingChanged()
    enrolled = list(Enrollment.objects.filter(episode=episode).open_on_or_after(today).select_related("track"))
    yield from (AlreadyEnrolled(each.track.name, each.starts) for each in enrolled)
    booked = Booking.objects.active().filter(episode=episode, session__on__gte=today).exclude(enrollment__in=enrolled)
    sessions = [each.session for each in booked.select_related("session").order_by("starts")]
    if sessions:
        yield StillBooked(sessions[0].name, sessions[0].on, len(sessions) - 1)
    if site.time_zone != episode.site.time_zone:
        yield from _time_zone_reasons(episode, site, today)


def _time_zone_reasons(episode: Episode, site: Site, today: date) -> Iterable[Reason]:
    """Yield the reasons why the patient's times can't be converted to the site's time zone."""
    patient = episode.patient
    proposals = CommitmentProposal.objects.filter(patient=patient, state=ProposalState.WAITING).count()
    if proposals:
        yield ProposalsPending(proposals)
    differences = clock_differences(episode.site.zone, site.zone, today, today + A_YEAR)
    if len(differences) > 1 and patient.commitments.in_force_from(today - DAY).exists():
        yield TimeZonesDiffer(episode.site.name, site.name)


def _record_former_site(episode: Episode, today: date) -> None:
    """Record where the episode was until yesterday. If the episode came to its site today, there is nothing to record."""
    since = episode.came_on or episode.starts
    if since < today:
        FormerSite.objects.create(episode=episode, site=episode.site, starts=since, ends=today)
        episode.came_on = today


def _commitments_to_convert(patient: Patient, old_site: Site, site: Site, today: date) -> list[Commitment]:
    """Return the patient's current and future commitments, or none if the sites are in the same time zone."""
    if old_site.time_zone == site.time_zone:
        return []
    return list(patient.commitments.in_force_from(today - DAY).with_travel())


def _in_site_time(commitment: Commitment, old_site: Site, site: Site, today: date) -> list[CommitmentValues]:
    """Return the commitment in the new site's time zone.

    The result is usually one commitment. An every-other-week commitment can become two.
    """
    (difference,) = clock_differences(old_site.zone, site.zone, today, today + A_YEAR)
    busy = commitment.as_busy_time(site=old_site)
    return [_as_values(commitment, busy, part) for part in shift_busy_time(busy, difference)]


def _as_values(commitment: Commitment, before: BusyTime, busy: BusyTime) -> CommitmentValues:
    """Return the commitment's values with the times of `busy`, and with dates and weekdays shifted to match."""
    values = {name: getattr(commitment, name) for name in CommitmentValues.__dataclass_fields__}
    values |= {"starts": busy.starts, "ends": busy.ends}
    old, new = before.recurrence, busy.recurrence
    if isinstance(old, OnDates) and isinstance(new, OnDates):
        shift = min(new.days) - min(old.days)
        values["on"] = commitment.on and commitment.on + shift
        values["until"] = commitment.until and commitment.until + shift
        values["weekdays"] = weekday_mask(day.weekday() for day in new.days) if commitment.until else 0
    elif not isinstance(new, OnDates):
        values |= {"valid_from": new.valid_from, "valid_until": new.valid_until}
        if isinstance(new, Recurrence):
            values |= {"weekdays": weekday_mask(new.weekdays), "anchor": new.anchor}
        else:
            values["anchor"] = new.first
    return CommitmentValues(**values)


def transfers_of(episodes: Iterable[Episode]) -> tuple[set[int], dict[int, list[date]]]:
    """Return the sites and the transfer dates of the episodes that were transferred. Leave out other episodes.

    The first result is the set of the ids of their sites, past and present. The second result maps episode id to
    transfer dates. If no episode was transferred, no query runs.
    """
    moved = {episode.pk: episode.came_on for episode in episodes if episode.came_on is not None}
    if not moved:
        return set(), {}
    days = {pk: [came_on] for pk, came_on in moved.items()}
    sites = {episode.site_id for episode in episodes if episode.pk in moved}
    for former in FormerSite.objects.filter(episode__in=moved):
        sites.add(former.site_id)
        days[former.episode_id].append(former.ends)
    return sites, days
