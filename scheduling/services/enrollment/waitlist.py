"""Who waits for a place in a track: asked for, given up, and closed by what became of it."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db import transaction
from django.db.models import Count

from accounts.audit import record, record_all
from accounts.models import Action, User
from patients.models import Episode
from scheduling.models import Enrollment, Priority, Site, Track, TrackStatus, WaitingEntry
from scheduling.models.waitlist import WaitingQuerySet
from scheduling.services.reasons import AlreadyEnrolled, BeforeAdmission, ReasonRequired, TrackNotPublished
from scheduling.services.rosters import REASON_MAX_LENGTH, lock_site
from timekeeping.reasons import AlreadyEnded, Reason, Refused


@dataclass(frozen=True, slots=True)
class AlreadyOnWaitlist(Reason):
    track: str
    since: date


@dataclass(frozen=True, slots=True)
class NotOnWaitlist(Reason):
    """The entry is closed: the place was taken, or the wish given up."""

    track: str


def waitlist_counts(*, site: Site) -> dict[int, int]:
    """Under each track of the site for which somebody waits how many do."""
    entries = WaitingEntry.objects.open().filter(track__site=site).order_by()
    return dict(entries.values_list("track").annotate(number=Count("pk")))


@transaction.atomic
def join_waitlist(
    *, episode: Episode, track: Track, priority: Priority, from_day: date, note: str = "", by: User, now: datetime
) -> WaitingEntry:
    """Waits for a place in the track, to begin on `from_day` at the earliest; the `note` says what would have to come free.

    Raises Refused for a track that is not on offer, one that the patient waits for or is in already, and a day on which there
    is no course of care.
    """
    lock_site(episode.site_id)
    episode = Episode.objects.select_for_update(of=("self",), no_key=True).select_related("site").get(pk=episode.pk)
    reasons = _check_waitlist(episode, track, from_day)
    if reasons:
        raise Refused(reasons)
    entry = WaitingEntry.objects.create(
        episode=episode, track=track, priority=priority, from_day=from_day, note=note.strip(), requested_at=now
    )
    detail = f"{track} from {from_day:%Y-%m-%d}, {priority.label.lower()}"
    record(entry, by=by, action=Action.CREATED, at=now, detail=detail)
    return entry


def _check_waitlist(episode: Episode, track: Track, from_day: date) -> list[Reason]:
    reasons: list[Reason] = []
    if track.status != TrackStatus.PUBLISHED or track.site_id != episode.site_id:
        reasons.append(TrackNotPublished(track.name))
    if from_day < episode.starts:
        reasons.append(BeforeAdmission(from_day, episode.starts))
    if episode.ends is not None and episode.ends <= from_day:
        reasons.append(AlreadyEnded("The course of care", episode.ends - timedelta(days=1)))
    waits = WaitingEntry.objects.open().filter(episode=episode, track=track).first()
    if waits is not None:
        since = waits.requested_at.astimezone(episode.site.zone).date()
        reasons.append(AlreadyOnWaitlist(track.name, since))
    enrolled = Enrollment.objects.filter(episode=episode, track=track).open_on_or_after(from_day).first()
    if enrolled is not None:
        reasons.append(AlreadyEnrolled(track.name, enrolled.starts))
    return reasons


@transaction.atomic
def leave_waitlist(*, entry: WaitingEntry, reason: str, by: User, now: datetime) -> WaitingEntry:
    """Waits no more. Raises Refused without a reason, and for an entry that is closed already."""
    lock_site(entry.audit_site_id)
    entry = lock_open_entry(entry)
    if not reason.strip():
        raise Refused([ReasonRequired()])
    close_entries(WaitingEntry.objects.filter(pk=entry.pk), reason=reason.strip(), by=by, now=now)
    entry.refresh_from_db()
    return entry


def lock_open_entry(entry: WaitingEntry) -> WaitingEntry:
    """The entry as it stands, held until the transaction ends. Raises Refused for one that is closed."""
    entries = WaitingEntry.objects.select_for_update(of=("self",), no_key=True)
    entry = entries.select_related("episode__patient", "track").get(pk=entry.pk)
    if entry.closed_at is not None:
        raise Refused([NotOnWaitlist(entry.track.name)])
    return entry


def close_entries(
    entries: WaitingQuerySet, *, reason: str = "", enrollment: Enrollment | None = None, by: User, now: datetime
) -> None:
    """Those of the entries that are open end: with the enrollment that came of it, or for a reason."""
    closing = list(entries.open().select_related("episode__patient", "track"))
    ids = [entry.pk for entry in closing]
    WaitingEntry.objects.filter(pk__in=ids).update(
        closed_at=now, close_reason=reason[:REASON_MAX_LENGTH], enrollment=enrollment
    )
    detail = f"enrolled from {enrollment.starts:%Y-%m-%d}" if enrollment else ""
    record_all(closing, by=by, action=Action.ENDED, at=now, detail=detail, reason=reason)
