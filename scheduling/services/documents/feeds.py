"""Calendar subscriptions: created, revoked, found by their token, and served to calendar apps."""

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
"""How many weeks of the past a calendar shows."""
DAYS_EMPTY_AFTER_DISCHARGE = 14
"""An app that polls once a week has cleared its copy by then. Afterwards the address is unknown. Product rule."""
SEQUENCE_EPOCH = datetime(2020, 1, 1, tzinfo=UTC)
"""An event's sequence number is in minutes since then, so that every change of a session raises it."""


def hash_token(token: str) -> str:
    """Return the SHA-256 of a token, under which its feed is stored."""
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
    """Create a subscription for exactly one subject. Return it with its token, which is not stored and can't be shown again."""
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
    """Revoke a subscription: its address is unknown from now on. Revoking it again changes nothing."""
    if feed.revoked_at is None:
        feed.revoked_at, feed.body, feed.etag = now, "", ""
        feed.save(update_fields=["revoked_at", "body", "etag"])
        record(feed, by=by, action=Action.REVOKED, at=now)
    return feed


def find_feed(token: str) -> Feed | None:
    """Return the feed with the token, unless it is revoked or its facilitator has left the clinic."""
    feeds = Feed.objects.live().exclude(facilitator__is_active=False)
    subjects = feeds.select_related("patient__site", "facilitator", "room__site", "track__site")
    return subjects.filter(token_hash=hash_token(token)).first()


@dataclass(frozen=True, slots=True)
class RenderedFeed:
    """The response for a calendar app: the body, and its ETag including the quotes."""

    body: bytes
    etag: str


def serve_feed(*, feed: Feed, now: datetime) -> RenderedFeed | None:
    """Return the calendar for an app that fetches it, and note the time of the fetch.

    The stored calendar is used until something in it changes or the day does. A patient's calendar is empty after discharge;
    from `DAYS_EMPTY_AFTER_DISCHARGE` days after it on, the result is None.
    """
    site = _site_of(feed)
    today = site.today_at(now) if site else now.date()
    days_discharged = _days_since_discharge(feed, today)
    if days_discharged is not None and days_discharged >= DAYS_EMPTY_AFTER_DISCHARGE:
        return None
    _note_fetch(feed, now)
    if _is_fresh(feed, today, site):
        return RenderedFeed(feed.body.encode(), feed.etag)
    events = _events(feed, today) if days_discharged is None else []
    return _render(feed, site, events, now)


def _site_of(feed: Feed) -> Site | None:
    for subject in (feed.patient, feed.room, feed.track):
        if subject is not None:
            return subject.site
    assert feed.facilitator is not None
    return Site.objects.filter(role_assignments__user=feed.facilitator).order_by("pk").first()


def _days_since_discharge(feed: Feed, today: date) -> int | None:
    """Return None for an admitted patient, for one who was never admitted, and for feeds of other subjects."""
    if feed.patient is None:
        return None
    ends = list(feed.patient.episodes.values_list("ends", flat=True))
    if not ends or any(end is None or end > today for end in ends):
        return None
    return (today - max(end for end in ends if end is not None)).days


def _note_fetch(feed: Feed, now: datetime) -> None:
    """Store when the feed was last fetched, to the minute."""
    if feed.last_fetched_at is None or now - feed.last_fetched_at >= timedelta(minutes=1):
        Feed.objects.filter(pk=feed.pk).update(last_fetched_at=now)


def _is_fresh(feed: Feed, today: date, site: Site | None) -> bool:
    if feed.rendered_at is None or feed.stale_at is not None:
        return False
    return feed.rendered_at.astimezone(site.zone if site else UTC).date() == today


def _events(feed: Feed, today: date) -> list[FeedEvent]:
    since = today - timedelta(weeks=WEEKS_BACK)
    if feed.patient is not None:
        bookings = Booking.objects.active().of_patient(feed.patient.pk)
        bookings = bookings.exclude(session__status=SessionStatus.CANCELLED).filter(session__on__gte=since)
        return [
            _event(feed, booking.session, booking.starts, booking.ends)
            for booking in bookings.select_related("session__site")
        ]
    sessions = Session.objects.exclude(status=SessionStatus.CANCELLED).filter(on__gte=since).select_related("site")
    if feed.facilitator is not None:
        sessions = sessions.filter(facilitators=feed.facilitator)
    elif feed.room is not None:
        sessions = sessions.filter(room=feed.room)
    else:
        sessions = sessions.filter(Q(meeting__tracks=feed.track))
    return [_event(feed, session, session.starts, session.ends) for session in sessions]


def _event(feed: Feed, session: Session, starts: datetime, ends: datetime) -> FeedEvent:
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
    """Return the site's neutral name; for staff with the number of patients booked, never with a name."""
    if feed.style == FeedStyle.BUSY:
        return "Busy"
    if feed.patient is not None:
        return session.site.neutral_name
    return f"{session.site.neutral_name} ({session.booked} of {session.places})"


def _render(feed: Feed, site: Site | None, events: list[FeedEvent], now: datetime) -> RenderedFeed:
    name = site.neutral_name if site and feed.style == FeedStyle.DISCREET else "Calendar"
    body = write_calendar(name=name, time_zone=site.time_zone if site else "UTC", events=events)
    etag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
    # If the feed was revoked or something in it changed meanwhile, the result is not stored: the next fetch renders anew.
    unchanged = Feed.objects.live().filter(pk=feed.pk, stale_at=feed.stale_at)
    unchanged.update(body=body.decode(), etag=etag, rendered_at=now, stale_at=None)
    return RenderedFeed(body, etag)
