"""Waitlists of tracks: patients join, patients leave, and entries are closed."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db import transaction
from django.db.models import Count

from accounts.audit import record, record_all
from accounts.models import Action, User
from patients.models import Episode
from scheduling.domain.search.fit import AlreadyEnrolled
from scheduling.models import REASON_MAX_LENGTH, Enrollment, Priority, Site, Track, TrackStatus, WaitingEntry
from scheduling.models.waitlist import WaitingQuerySet
from scheduling.services.locks import lock_site
from scheduling.services.reasons import BeforeAdmission, ReasonRequired, TrackNotPublished
from timekeeping.reasons import EpisodeEnded, Reason, Refused, refuse_if_any


@dataclass(frozen=True, slots=True)
class AlreadyOnWaitlist(Reason):
    """The patient joined the track's waitlist on the day `since` and is still on it."""

    track: str
    since: date


@dataclass(frozen=True, slots=True)
class NotOnWaitlist(Reason):
    """The waitlist entry is closed: the patient was enrolled or taken off the waitlist."""

    track: str


def waitlist_counts(*, site: Site) -> dict[int, int]:
    """Map track id to the number of patients on its waitlist. Tracks with an empty waitlist are left out."""
    entries = WaitingEntry.objects.open().filter(track__site=site).order_by()
    return dict(entries.values_list("track").annotate(number=Count("pk")))


@transaction.atomic
def join_waitlist(
    *,
    episode: Episode,
    track: Track,
    priority: Priority,
    from_day: date,
    note: str = "",
    requested_at: datetime | None = None,
    by: User | None,
    now: datetime,
) -> WaitingEntry:
    """Put the patient on the track's waitlist, to start on `from_day` at the earliest.

    `note` says which openings the patient needs. `requested_at` is when the patient asked, if that was before `now`.

    Raises Refused if the track is not published or is at another site. Also raises Refused if the patient is already
    enrolled in the track or on its waitlist, or if the day is outside the episode of care.
    """
    lock_site(episode.site_id)
    episode = Episode.objects.select_for_update(of=("self",), no_key=True).select_related("site").get(pk=episode.pk)
    refuse_if_any(_check_waitlist(episode, track, from_day))
    entry = WaitingEntry.objects.create(
        episode=episode,
        track=track,
        priority=priority,
        from_day=from_day,
        note=note.strip(),
        requested_at=requested_at or now,
    )
    detail = f"{track} from {from_day:%Y-%m-%d}, {priority.name.lower()}"
    record(entry, by=by, action=Action.CREATED, at=now, detail=detail)
    return entry


def _check_waitlist(episode: Episode, track: Track, from_day: date) -> list[Reason]:
    reasons: list[Reason] = []
    if track.status != TrackStatus.PUBLISHED or track.site_id != episode.site_id:
        reasons.append(TrackNotPublished(track.name))
    if from_day < episode.starts:
        reasons.append(BeforeAdmission(from_day, episode.starts))
    if episode.ends is not None and episode.ends <= from_day:
        reasons.append(EpisodeEnded(episode.ends - timedelta(days=1)))
    entry = WaitingEntry.objects.open().filter(episode=episode, track=track).first()
    if entry is not None:
        reasons.append(AlreadyOnWaitlist(track.name, episode.site.today_at(entry.requested_at)))
    enrolled = Enrollment.objects.filter(episode=episode, track=track).open_on_or_after(from_day).first()
    if enrolled is not None:
        reasons.append(AlreadyEnrolled(track.name, enrolled.starts))
    return reasons


@transaction.atomic
def leave_waitlist(*, entry: WaitingEntry, reason: str, by: User, now: datetime) -> WaitingEntry:
    """Take the patient off the waitlist. Raises Refused if the reason is empty or the entry is already closed."""
    lock_site(entry.audit_site_id)
    entry = lock_open_entry(entry)
    if not reason.strip():
        raise Refused([ReasonRequired()])
    close_entries(WaitingEntry.objects.filter(pk=entry.pk), reason=reason.strip(), by=by, now=now)
    entry.refresh_from_db()
    return entry


def lock_open_entry(entry: WaitingEntry) -> WaitingEntry:
    """Lock a waitlist entry until the transaction ends, and return its current state. Raises Refused if it is closed."""
    entries = WaitingEntry.objects.select_for_update(of=("self",), no_key=True)
    entry = entries.select_related("episode__patient", "track").get(pk=entry.pk)
    if entry.closed_at is not None:
        raise Refused([NotOnWaitlist(entry.track.name)])
    return entry


def close_entries(
    entries: WaitingQuerySet, *, reason: str = "", enrollment: Enrollment | None = None, by: User | None, now: datetime
) -> None:
    """Close the entries that are still open. Save the `reason`, or the `enrollment` that ended the wait."""
    closing = list(entries.open().select_related("episode__patient", "track"))
    ids = [entry.pk for entry in closing]
    WaitingEntry.objects.filter(pk__in=ids).update(
        closed_at=now, close_reason=reason[:REASON_MAX_LENGTH], enrollment=enrollment
    )
    detail = f"enrolled from {enrollment.starts:%Y-%m-%d}" if enrollment else ""
    record_all(closing, by=by, action=Action.ENDED, at=now, detail=detail, reason=reason)
