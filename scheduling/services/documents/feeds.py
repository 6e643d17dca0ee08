"""Calendar subscriptions: made, revoked, found by their secret, and written out."""

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from django.db import transaction
from django.db.models import Q

from accounts.audit import record
from accounts.models import Action, User
from patients.models import Patient
from scheduling.ical import FeedEvent, write_calendar
from scheduling.models import Booking, Feed, FeedStyle, Room, Session, SessionStatus, Site, Track

WEEKS_BACK = 4
DAYS_EMPTY_AFTER_DISCHARGE = 14
"""Long enough for a phone that looks once a week to clear its copy; then the address is unknown."""
SEQUENCE_EPOCH = datetime(2020, 1, 1, tzinfo=UTC)


def hash_token(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


@transaction.atomic
def create_feed(
    *,
    patient: Patient | None = None,
    facilitator: User | None = None,
    room: Room | None = None,
    track: Track | None = None,
    style: FeedStyle = FeedStyle.DISCREET,
    label: str = "",
    by: User,
    now: datetime,
) -> tuple[Feed, str]:
    """A new subscription of exactly one subject, and its secret, which is not kept and can't be shown again."""
    token = secrets.token_urlsafe(32)
    feed = Feed.objects.create(
        patient=patient,
        facilitator=facilitator,
        room=room,
        track=track,
        style=style,
        label=label,
        token_hash=hash_token(token),
        uid_key=secrets.token_hex(32),
        created_at=now,
        created_by=by,
    )
    record(feed, by=by, action=Action.CREATED, at=now)
    return feed, token


@transaction.atomic
def revoke_feed(*, feed: Feed, by: User, now: datetime) -> Feed:
    """From now on the address is unknown. Revoking twice changes nothing."""
    if feed.revoked_at is None:
        feed.revoked_at, feed.body, feed.etag = now, "", ""
        feed.save(update_fields=["revoked_at", "body", "etag"])
        record(feed, by=by, action=Action.REVOKED, at=now)
    return feed


@dataclass(frozen=True, slots=True)
class RenderedFeed:
    """What a calendar app gets: the bytes, and their ETag with its quotes."""

    body: bytes
    etag: str


def find_feed(token: str) -> Feed | None:
    """The live subscription with this secret; who has left the clinic has none."""
    feeds = Feed.objects.live().exclude(facilitator__is_active=False)
    subjects = feeds.select_related("patient__site", "facilitator", "room__site", "track__site")
    return subjects.filter(token_hash=hash_token(token)).first()


def fetch_calendar(*, feed: Feed, now: datetime) -> RenderedFeed | None:
    """The calendar as it stands; written anew when something in it changed or a day has passed.

    None once a patient's care has been over for `DAYS_EMPTY_AFTER_DISCHARGE` days; until then it is empty.
    """
    site = _site_of(feed)
    today = now.astimezone(site.zone).date() if site else now.date()
    discharged = _days_since_discharge(feed, today)
    if discharged is not None and discharged >= DAYS_EMPTY_AFTER_DISCHARGE:
        return None
    if _is_fresh(feed, today, site):
        return RenderedFeed(feed.body.encode(), feed.etag)
    entries = [] if discharged is not None else _entries(feed, today)
    name = site.neutral_name if site and feed.style == FeedStyle.DISCREET else "Calendar"
    body = write_calendar(name=name, time_zone=site.time_zone if site else "UTC", entries=entries)
    etag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
    # Not kept if it was revoked or something in it changed while it was written: then it is written anew next time.
    as_read = Feed.objects.live().filter(pk=feed.pk, stale_at=feed.stale_at)
    as_read.update(body=body.decode(), etag=etag, rendered_at=now, stale_at=None)
    return RenderedFeed(body, etag)


def note_fetch(*, feed: Feed, now: datetime) -> None:
    """Remembers when the address was last read, to the minute."""
    if feed.last_fetched_at is None or now - feed.last_fetched_at >= timedelta(minutes=1):
        Feed.objects.filter(pk=feed.pk).update(last_fetched_at=now)


def _site_of(feed: Feed) -> Site | None:
    for subject in (feed.patient, feed.room, feed.track):
        if subject is not None:
            return subject.site
    assert feed.facilitator is not None
    return Site.objects.filter(role_assignments__user=feed.facilitator).order_by("pk").first()


def _is_fresh(feed: Feed, today: date, site: Site | None) -> bool:
    if feed.rendered_at is None or feed.stale_at is not None:
        return False
    return feed.rendered_at.astimezone(site.zone if site else UTC).date() == today


def _days_since_discharge(feed: Feed, today: date) -> int | None:
    """None while care goes on or has not begun, and for feeds that are not a patient's."""
    if feed.patient is None:
        return None
    ends = list(feed.patient.episodes.values_list("ends", flat=True))
    if not ends or any(end is None or end > today for end in ends):
        return None
    return (today - max(end for end in ends if end is not None)).days


def _entries(feed: Feed, today: date) -> list[FeedEvent]:
    since = today - timedelta(weeks=WEEKS_BACK)
    if feed.patient is not None:
        bookings = Booking.objects.active().of_patient(feed.patient.pk).exclude(session__status=SessionStatus.CANCELLED)
        found = bookings.filter(session__on__gte=since).select_related("session__site")
        return [_entry(feed, booking.session, booking.starts, booking.ends) for booking in found]
    sessions = Session.objects.exclude(status=SessionStatus.CANCELLED).filter(on__gte=since).select_related("site")
    if feed.facilitator is not None:
        sessions = sessions.filter(facilitators=feed.facilitator)
    elif feed.room is not None:
        sessions = sessions.filter(room=feed.room)
    else:
        sessions = sessions.filter(Q(meeting__tracks=feed.track))
    return [_entry(feed, session, session.starts, session.ends) for session in sessions]


def _entry(feed: Feed, session: Session, starts: datetime, ends: datetime) -> FeedEvent:
    changed = session.departed_at
    return FeedEvent(
        uid=hmac.new(feed.uid_key.encode(), str(session.pk).encode(), hashlib.sha256).hexdigest()[:40],
        starts=starts,
        ends=ends,
        summary=_summary(feed, session),
        stamp=changed or feed.created_at,
        sequence=int((changed - SEQUENCE_EPOCH).total_seconds() // 60) if changed else 0,
    )


def _summary(feed: Feed, session: Session) -> str:
    """The neutral name; for staff with the number of people booked, never a name."""
    if feed.style == FeedStyle.BUSY:
        return "Busy"
    if feed.patient is not None:
        return session.site.neutral_name
    return f"{session.site.neutral_name} ({session.booked} of {session.places})"
