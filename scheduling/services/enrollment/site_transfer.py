"""A patient and their course of care go to another site of the clinic."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db import transaction

from accounts.audit import record
from accounts.models import Action, User
from patients.models import Commitment, CommitmentProposal, Episode, FormerSite, Patient, Place, ProposalState
from patients.models.commitment import weekday_mask
from patients.services.availability.commitments import CommitmentValues, add_commitment, change_commitment
from scheduling.models import Booking, Enrollment, Site, WaitingEntry
from scheduling.services.enrollment.waitlist import close_entries
from scheduling.services.reasons import AlreadyEnrolled, NothingChanged
from scheduling.services.rosters import lock_site, mark_episode_feeds_stale
from timekeeping.reasons import AlreadyEnded, Reason, refuse_if_any
from timekeeping.time_zones import clock_differences, shift_busy_time
from timekeeping.weeks import BusyTime, OnDates, Recurrence

DAY = timedelta(days=1)
A_YEAR = timedelta(days=366)


@dataclass(frozen=True, slots=True)
class StillBooked(Reason):
    """A place in a session of today or later, beside which there may be `more`."""

    session: str
    on: date
    more: int


@dataclass(frozen=True, slots=True)
class TimeZonesDiffer(Reason):
    """The clocks at the two sites are not always as far apart, so that times stated by one can't be told by the other."""

    here: str
    there: str


@dataclass(frozen=True, slots=True)
class ProposalsPending(Reason):
    """What the patient said of their life waits, and is stated by the clock of the site that they would leave."""

    number: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteTransfer:
    """What a move to the site would bring: whether times are told anew, what ends, from where no way there is known."""

    site: Site
    changes_clocks: bool
    waits: Sequence[WaitingEntry]
    without_way: Sequence[Place]


def preview_transfer(*, episode: Episode, site: Site) -> SiteTransfer:
    """What whoever moves the episode is told first."""
    places = Place.objects.filter(patient=episode.patient_id)
    return SiteTransfer(
        site=site,
        changes_clocks=site.time_zone != episode.site.time_zone,
        waits=list(WaitingEntry.objects.open().filter(episode=episode).select_related("track")),
        without_way=list(places.exclude(travels__site=site)),
    )


@transaction.atomic
def transfer_episode(*, episode: Episode, site: Site, by: User, now: datetime) -> Episode:
    """From today on the patient and the course of care are at the other site, under its rules and seen by its staff.

    What was before stays where it was: sessions, marks, and the weeks, which are judged as that site judges. Waiting lists of
    the site that is left are left too. Commitments keep their instants: where clocks differ they are told by the new ones.

    Raises Refused with every reason: the course of care is over or at the site already, there is a place in a track or a
    session from today on, and times that can't be told by the other clock.
    """
    for pk in sorted({episode.site_id, site.pk}):
        lock_site(pk)
    patient = Patient.objects.select_for_update(of=("self",), no_key=True).get(pk=episode.patient_id)
    episodes = Episode.objects.select_for_update(of=("self",), no_key=True).select_related("site")
    episode = episodes.get(pk=episode.pk)
    episode.patient = patient
    left, today = episode.site, now.astimezone(episode.site.zone).date()
    refuse_if_any(_transfer_reasons(episode, site, today))
    lives = [(each, _in_site_time(each, left, site, today)) for each in _commitments(patient, left, site, today)]
    record(episode, by=by, action=Action.CHANGED, at=now, detail=f"moves to {site}")
    waiting = WaitingEntry.objects.filter(episode=episode)
    close_entries(waiting, reason="Moved to another site", by=by, now=now)
    _record_former_site(episode, today)
    episode.site = patient.site = site
    episode.save(update_fields=["site", "came_on"])
    patient.save(update_fields=["site"])
    for commitment, (first, *more) in lives:
        commitment.patient = patient
        change_commitment(commitment=commitment, values=first, by=by, now=now)
        for values in more:
            add_commitment(patient=patient, values=values, by=by, now=now)
    record(episode, by=by, action=Action.CHANGED, at=now, detail=f"moved from {left} on {today:%Y-%m-%d}")
    mark_episode_feeds_stale([episode.pk], now)
    return episode


def check_transfer(*, episode: Episode, site: Site, now: datetime) -> tuple[Reason, ...]:
    """What `move_episode` would be refused for."""
    return tuple(_transfer_reasons(episode, site, now.astimezone(episode.site.zone).date()))


def _transfer_reasons(episode: Episode, site: Site, today: date) -> Iterable[Reason]:
    if episode.ends is not None and episode.ends <= today:
        yield AlreadyEnded("The course of care", episode.ends - DAY)
    if site.pk == episode.site_id:
        yield NothingChanged()
    standing = list(Enrollment.objects.filter(episode=episode).open_on_or_after(today).select_related("track"))
    yield from (AlreadyEnrolled(each.track.name, each.starts) for each in standing)
    booked = Booking.objects.active().filter(episode=episode, session__on__gte=today).exclude(enrollment__in=standing)
    sessions = [each.session for each in booked.select_related("session").order_by("starts")]
    if sessions:
        yield StillBooked(sessions[0].name, sessions[0].on, len(sessions) - 1)
    if site.time_zone != episode.site.time_zone:
        yield from _time_zone_reasons(episode, site, today)


def _time_zone_reasons(episode: Episode, site: Site, today: date) -> Iterable[Reason]:
    """Nothing where nothing is stated by a clock."""
    patient = episode.patient
    proposals = CommitmentProposal.objects.filter(patient=patient, state=ProposalState.WAITING).count()
    if proposals:
        yield ProposalsPending(proposals)
    ahead = clock_differences(episode.site.zone, site.zone, today, today + A_YEAR)
    if len(ahead) > 1 and patient.commitments.in_force_from(today - DAY).exists():
        yield TimeZonesDiffer(episode.site.name, site.name)


def _record_former_site(episode: Episode, today: date) -> None:
    """Where the course of care was until yesterday; nowhere, if it has not been there for a day."""
    since = episode.came_on or episode.starts
    if since < today:
        FormerSite.objects.create(episode=episode, site=episode.site, starts=since, ends=today)
        episode.came_on = today


def _commitments(patient: Patient, left: Site, site: Site, today: date) -> list[Commitment]:
    """Those whose times are to be told by another clock."""
    if left.time_zone == site.time_zone:
        return []
    return list(patient.commitments.in_force_from(today - DAY).with_travel())


def _in_site_time(commitment: Commitment, left: Site, site: Site, today: date) -> list[CommitmentValues]:
    """The commitment by the clock of the site, in as many parts as it takes."""
    (ahead,) = clock_differences(left.zone, site.zone, today, today + A_YEAR)
    busy = commitment.as_busy_time(site=left)
    return [_as_values(commitment, busy, part) for part in shift_busy_time(busy, ahead)]


def _as_values(commitment: Commitment, before: BusyTime, busy: BusyTime) -> CommitmentValues:
    """As it was stated, with other times and the days that go with them."""
    stated = {name: getattr(commitment, name) for name in CommitmentValues.__dataclass_fields__}
    stated |= {"starts": busy.starts, "ends": busy.ends}
    was, now = before.recurrence, busy.recurrence
    if isinstance(was, OnDates) and isinstance(now, OnDates):
        later = min(now.days) - min(was.days)
        stated["on"] = commitment.on and commitment.on + later
        stated["until"] = commitment.until and commitment.until + later
        stated["weekdays"] = weekday_mask(day.weekday() for day in now.days) if commitment.until else 0
    elif not isinstance(now, OnDates):
        stated |= {"valid_from": now.valid_from, "valid_until": now.valid_until}
        if isinstance(now, Recurrence):
            stated |= {"weekdays": weekday_mask(now.weekdays), "anchor": now.anchor}
        else:
            stated["anchor"] = now.first
    return CommitmentValues(**stated)


def transfers_of(episodes: Iterable[Episode]) -> tuple[set[int], dict[int, list[date]]]:
    """The sites of those episodes that have moved, and under each the days on which it did; no query if none has."""
    moved = {episode.pk: episode.came_on for episode in episodes if episode.came_on is not None}
    if not moved:
        return set(), {}
    days = {pk: [came_on] for pk, came_on in moved.items()}
    sites = {episode.site_id for episode in episodes if episode.pk in moved}
    for former in FormerSite.objects.filter(episode__in=moved):
        sites.add(former.site_id)
        days[former.episode_id].append(former.ends)
    return sites, days
