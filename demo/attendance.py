"""Record attendance for the past weeks in the demo clinic, as the clinic's staff would have done."""

import random
from collections.abc import Collection
from datetime import date, datetime, timedelta

from accounts.models import User
from attendance.models import AttendanceStatus
from attendance.services.finalization import finalize_session
from attendance.services.marks import Mark, mark_booking, mark_everyone_present
from attendance.services.roster import ANY
from patients.models import Episode
from scheduling.models import Booking, Session, SessionStatus
from scheduling.services.bookings.makeups import book_makeup
from timekeeping.reasons import Refused

SEED = 2101
DAY = timedelta(days=1)
MARK_PROBABILITIES = (
    (AttendanceStatus.PARTIAL, 0.03),
    (AttendanceStatus.EXCUSED, 0.03),
    (AttendanceStatus.NO_SHOW, 0.02),
    (AttendanceStatus.UNEXCUSED, 0.01),
)
"""Probability that a booking gets each of these attendance statuses. All other bookings are marked present."""
EXCUSES = ("Ill", "Child ill", "Called in to work", "Car broke down", "Medical appointment")


def excuse(episode: Episode, on: date, reason: str, *, by: User, now: datetime) -> None:
    """Mark the patient as excused from every session on the day."""
    for booking in Booking.objects.active().filter(episode=episode, session__on=on):
        mark_booking(booking=booking, mark=Mark(AttendanceStatus.EXCUSED, reason=reason), by=by, now=now, seen_at=ANY)


def add_makeup(episode: Episode, week: date, *, by: User) -> None:
    """Two weeks before `week`, excuse the patient from a session and book another session to make up for it."""
    first = week - timedelta(weeks=2)
    missed = Booking.objects.active().filter(episode=episode, week=first).select_related("session").first()
    if missed is None:
        return
    at = missed.starts - timedelta(hours=2)
    mark_booking(booking=missed, mark=Mark(AttendanceStatus.EXCUSED, reason="Child ill"), by=by, now=at, seen_at=ANY)
    others = Session.objects.filter(site=episode.site_id, status=SessionStatus.SCHEDULED, starts__gt=missed.ends)
    for session in others.between(first, first + timedelta(weeks=1)).filter(countable_minutes=missed.countable_minutes):
        try:
            book_makeup(session=session, makes_up=missed, by=by, now=at)
        except Refused:
            continue  # refused because the patient already attends this group
        return


def mark_past_sessions(*, now: datetime, reserved: Collection[str]) -> int:
    """Mark and finalize past sessions. Return the number of marked sessions.

    Some of the latest sessions stay unmarked or unsigned. A patient whose code is in `reserved` is marked present, unless
    the patient already has a mark.
    """
    chance = random.Random(SEED)
    sessions = (
        Session.objects.filter(ends__lte=now, booked__gt=0)
        .select_related("site")
        .prefetch_related("session_facilitators__user")
        .order_by("starts", "pk")
    )
    todo = _unfinished_sessions(sessions, now)
    marked = 0
    for session in sessions:
        leader = next(iter(session.session_facilitators.all())).user
        at = session.ends + timedelta(minutes=5)
        if session.pk in todo and todo[session.pk] == "unmarked":
            continue
        marked += 1
        _mark(session, leader, min(at, now), chance, reserved)
        if session.pk not in todo:
            finalize_session(session=session, by=leader, now=min(at + timedelta(minutes=15), now), seen_version=ANY)
    return marked


def _unfinished_sessions(sessions: Collection[Session], now: datetime) -> dict[int, str]:
    """Return "unmarked" or "unsigned" for each session that the demo leaves unfinished, by session id.

    The latest session of each site is left unmarked if it ended less than three days ago. Other sessions that ended less than
    12 hours ago are marked but not signed.
    """
    left: dict[int, str] = {}
    latest: dict[int, Session] = {}
    for session in sessions:
        latest[session.site_id] = session
        if now - session.ends < timedelta(hours=12):
            left[session.pk] = "unsigned"
    return left | {session.pk: "unmarked" for session in latest.values() if now - session.ends < 3 * DAY}


def _mark(session: Session, leader: User, at: datetime, chance: random.Random, reserved: Collection[str]) -> None:
    bookings = Booking.objects.active().filter(session=session, attendance=None).select_related("episode__patient")
    for booking in bookings.order_by("pk"):
        drawn = chance.random()
        mark = None if booking.episode.patient.code in reserved else _random_mark(session, drawn, chance)
        if mark is not None:
            mark_booking(booking=booking, mark=mark, by=leader, now=at, seen_at=ANY)
    mark_everyone_present(session=session, by=leader, now=at)


def _random_mark(session: Session, drawn: float, chance: random.Random) -> Mark | None:
    """Return a random mark, or None if the patient was present throughout the session."""
    for status, share in MARK_PROBABILITIES:
        if drawn >= share:
            drawn -= share
            continue
        minutes = timedelta(minutes=5 * chance.randint(2, 8))
        if status == AttendanceStatus.PARTIAL and chance.random() < 0.5:
            return Mark(status, arrived=session.starts + minutes)
        if status == AttendanceStatus.PARTIAL:
            return Mark(status, left=session.ends - minutes, reason="Left early")
        return Mark(status, reason=chance.choice(EXCUSES) if status == AttendanceStatus.EXCUSED else "")
    return None
