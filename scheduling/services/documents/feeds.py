"""Calendar feeds: create them, revoke them, find them by token, and serve them to calendar apps."""

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.utils import translation
from django.utils.translation import gettext as _

from accounts.audit import record
from accounts.models import Action, User
from patients.domain.languages import language_code
from patients.models import Patient
from scheduling.ical import FeedEvent, write_calendar
from scheduling.models import Booking, Feed, FeedStyle, Room, Session, SessionStatus, Site, Track

WEEKS_BACK = 4
"""Number of past weeks that a calendar feed includes."""
DAYS_EMPTY_AFTER_DISCHARGE = 14
"""Days after discharge during which a patient's feed is empty, so that apps remove its events. (Product rule.)"""
SEQUENCE_EPOCH = datetime(2020, 1, 1, tzinfo=UTC)
"""An event's sequence number is the number of minutes from this moment to the session's last change. Each change raises it."""


def hash_token(token: str) -> str:
    """Return the SHA-256 hash of a token. Only this hash is stored."""
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
    """Create a feed for exactly one patient, facilitator, room or track. Return the feed with its token.

    The token is not stored and can't be shown again.
    """
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
def revoke_feed(*, feed: Feed, by: User | None, now: datetime) -> Feed:
    """Revoke a feed, so that its address no longer works. Revoking it again has no effect."""
    if feed.revoked_at is None:
        feed.revoked_at, feed.body, feed.etag = now, "", ""
        feed.save(update_fields=["revoked_at", "body", "etag"])
        record(feed, by=by, action=Action.REVOKED, at=now)
    return feed


def find_feed(token: str) -> Feed | None:
    """Return the feed with this token, or None if there is none.

    Revoked feeds and the feeds of inactive facilitators are not found.
    """
    feeds = Feed.objects.live().exclude(facilitator__is_active=False)
    subjects = feeds.select_related("patient__site", "facilitator", "room__site", "track__site")
    return subjects.filter(token_hash=hash_token(token)).first()


@dataclass(frozen=True, slots=True)
class RenderedFeed:
    """The response to a calendar app: the calendar file, and its ETag including the quotes."""

    body: bytes
    etag: str


def serve_feed(*, feed: Feed, now: datetime) -> RenderedFeed | None:
    """Return the calendar for an app that fetches the feed, and record the time of the fetch.

    The stored calendar is served until a new day begins or something in the calendar changes. A patient's calendar is
    empty after discharge. Once `DAYS_EMPTY_AFTER_DISCHARGE` days have passed, the result is None.
    """
    site = _site_of(feed)
    today = site.today_at(now) if site else now.date()
    days_discharged = _days_since_discharge(feed, today)
    if days_discharged is not None and days_discharged >= DAYS_EMPTY_AFTER_DISCHARGE:
        return None
    _note_fetch(feed, now)
    if _is_fresh(feed, today, site):
        return RenderedFeed(feed.body.encode(), feed.etag)
    with translation.override(_language_of(feed)):
        events = _events(feed, today) if days_discharged is None else []
        return _render(feed, site, events, now)


def _site_of(feed: Feed) -> Site | None:
    for subject in (feed.patient, feed.room, feed.track):
        if subject is not None:
            return subject.site
    assert feed.facilitator is not None
    return Site.objects.filter(role_assignments__user=feed.facilitator).order_by("pk").first()


def _language_of(feed: Feed) -> str:
    """Return the language of the person who reads the feed. The requests of calendar apps do not include a language."""
    if feed.patient is not None:
        return language_code(feed.patient.language) or settings.LANGUAGE_CODE
    return (feed.facilitator.language if feed.facilitator else "") or settings.LANGUAGE_CODE


def _days_since_discharge(feed: Feed, today: date) -> int | None:
    """Return the number of days since the patient's last discharge.

    None if the patient is admitted or was never admitted, and for the feeds of facilitators, rooms and tracks.
    """
    if feed.patient is None:
        return None
    ends = list(feed.patient.episodes.values_list("ends", flat=True))
    if not ends or any(end is None or end > today for end in ends):
        return None
    return (today - max(end for end in ends if end is not None)).days


def _note_fetch(feed: Feed, now: datetime) -> None:
    """Record the time of the latest fetch, at most once a minute."""
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
    """Return the title of an event: "Busy" or the site's neutral name, never a patient's name.

    The feeds of facilitators, rooms and tracks add the number of patients booked.
    """
    if feed.style == FeedStyle.BUSY:
        return _("Busy")
    if feed.patient is not None:
        return session.site.neutral_name
    values = {"name": session.site.neutral_name, "booked": session.booked, "places": session.places}
    return _("%(name)s (%(booked)d of %(places)d)") % values


def _render(feed: Feed, site: Site | None, events: list[FeedEvent], now: datetime) -> RenderedFeed:
    name = site.neutral_name if site and feed.style == FeedStyle.DISCREET else _("Calendar")
    body = write_calendar(name=name, time_zone=site.time_zone if site else "UTC", events=events)
    etag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
    # If the feed was revoked or became stale in the meantime, nothing is stored. The next fetch renders it again.
    unchanged = Feed.objects.live().filter(pk=feed.pk, stale_at=feed.stale_at)
    unchanged.update(body=body.decode(), etag=etag, rendered_at=now, stale_at=None)
    return RenderedFeed(body, etag)
