"""Correct the time zone of a site. Its sessions keep their local times, so the moments at which they are held move."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta, tzinfo

from django.db import transaction
from django.db.models import F, OuterRef, Q, Subquery

from accounts.audit import record, record_all
from accounts.models import Action, User
from patients.models import Patient
from scheduling.models import Booking, Session, SessionFacilitator, SessionStatus, Site
from scheduling.services.batches import in_batches
from scheduling.services.bookings.after_booking import run_after_booking
from scheduling.services.integrity import translate_integrity_errors
from scheduling.services.locks import lock_sessions, lock_site
from scheduling.services.preview.snapshot import SnapshotScope
from scheduling.services.rulebook import RuleBook
from scheduling.services.sessions.slots import SkippedTime, countable_minutes, facilitator_taken
from scheduling.services.stale_feeds import mark_site_feeds_stale
from timekeeping.intervals import Interval
from timekeeping.occurrences import ClockEffect, at_wall_clock, clock_effect_at
from timekeeping.reasons import Reason, refuse_if_any

OUT_OF_THE_WAY = timedelta(days=36500)
"""All sessions first move this far ahead, so that no session's new time overlaps another session's old time."""


@dataclass(frozen=True, slots=True)
class SessionHeld(Reason):
    """A session with patients has begun, or a session was held. The times of past sessions must not change."""

    site: str
    session: str
    on: date


@dataclass(frozen=True, slots=True)
class SameTimeZone(Reason):
    """The site has this time zone already."""

    site: str


Shift = tuple[timedelta, timedelta, timedelta | None, timedelta | None, int]
"""How far a session's start, end, break start and break end move, and the session's new countable minutes."""


def time_zone_scope(site: Site, time_zone: str, now: datetime) -> SnapshotScope:
    """Return the scope of the preview before the time zone changes: all sessions and bookings of the site.

    The preview shows all times in the new time zone.
    """
    corrected = Site.objects.get(pk=site.pk)
    corrected.time_zone = time_zone
    first = Session.objects.filter(site=site).order_by("on").values_list("on", flat=True).first()
    return SnapshotScope(corrected, min(first or date.max, corrected.today_at(now)))


@transaction.atomic
def change_time_zone(*, site: Site, time_zone: str, by: User, now: datetime) -> Site:
    """Correct a site's time zone, and return the site. All its sessions and bookings keep their local dates and times.

    Raises Refused if a session with patients has begun, if a session was held, or if the site has this time zone
    already. Also raises Refused if a session would start or end at a time that the clocks skip in the new zone, or if a
    facilitator is in a session of another site at the new time.
    """
    lock_site(site.pk)
    site = Site.objects.get(pk=site.pk)
    refuse_if_any(_check_change(site, time_zone, now))
    before, old_zone = site.time_zone, site.zone
    site.time_zone = time_zone
    del site.zone  # it is cached
    sessions = lock_sessions(Session.objects.filter(site=site).select_related("service_type"))
    refuse_if_any(_check_clocks(sessions, old_zone, site.zone))
    shifts = _shifts(sessions, old_zone, site)
    refuse_if_any(_check_facilitators(sessions, site))
    site.save(update_fields=["time_zone"])
    _move_sessions(site, shifts, now)
    mark_site_feeds_stale(site.pk, now)
    detail = f"time zone {before} to {time_zone}"
    record(site, by=by, action=Action.CHANGED, at=now, detail=detail)
    booked = Patient.objects.filter(episodes__in=Booking.objects.active().filter(session__site=site).values("episode"))
    record_all(booked.distinct(), by=by, action=Action.CHANGED, at=now, detail=f"sessions moved, {detail}")
    return site


def _check_change(site: Site, time_zone: str, now: datetime) -> Iterator[Reason]:
    if site.time_zone == time_zone:
        yield SameTimeZone(site.name)
    begun = (
        Session.objects.filter(site=site).exclude(status=SessionStatus.CANCELLED).filter(starts__lte=now, booked__gt=0)
    )
    held = Session.objects.filter(Q(status=SessionStatus.HELD) | Q(finalized_at__isnull=False), site=site)
    session = (begun | held).order_by("starts", "pk").first()
    if session is not None:
        yield SessionHeld(site.name, session.name, session.on)


def _check_clocks(sessions: Iterable[Session], old: tzinfo, new: tzinfo) -> Iterator[Reason]:
    """Yield SkippedTime for each session that would start or end at a time that the clocks of the new zone skip."""
    for session in sessions:
        for instant in (session.starts, session.ends):
            local = instant.astimezone(old)
            if clock_effect_at(local.date(), local.time(), new) == ClockEffect.SKIPPED:
                yield SkippedTime(local.date(), local.time())


def _shifts(sessions: Sequence[Session], old: tzinfo, site: Site) -> dict[Shift, list[int]]:
    """Map each shift to the ids of the sessions that move by it. Sets the new times of the sessions, without saving."""
    book = RuleBook.of(site)
    found: dict[Shift, list[int]] = defaultdict(list)
    for session in sessions:
        before = (session.starts, session.ends, session.break_starts, session.break_ends)
        starts, ends, break_starts, break_ends = (
            instant and _same_local_time(instant, old, site.zone) for instant in before
        )
        assert starts is not None
        assert ends is not None
        if break_starts and break_ends and not starts < break_starts < break_ends < ends:
            break_starts = break_ends = None  # because of a clock change, the break no longer fits
        session.starts, session.ends, session.break_starts, session.break_ends = starts, ends, break_starts, break_ends
        shift = (
            starts - before[0],
            ends - before[1],
            break_starts - before[2] if break_starts and before[2] else None,
            break_ends - before[3] if break_ends and before[3] else None,
            countable_minutes(session, book),
        )
        found[shift].append(session.pk)
    return found


def _same_local_time(instant: datetime, old: tzinfo, new: tzinfo) -> datetime:
    local = instant.astimezone(old)
    return at_wall_clock(local.date(), local.time(), new)


def _check_facilitators(sessions: Sequence[Session], site: Site) -> Iterator[Reason]:
    """Yield FacilitatorTaken for each facilitator who is in a session of another site at the new time."""
    by_id = {session.pk: session for session in sessions}
    own = SessionFacilitator.objects.filter(session__site=site, starts__isnull=False)
    others: dict[int, list[SessionFacilitator]] = defaultdict(list)
    elsewhere = SessionFacilitator.objects.exclude(session__site=site).filter(
        user__in=own.values("user"), starts__isnull=False
    )
    for each in elsewhere.select_related("session", "user").order_by("starts", "pk"):
        others[each.user_id].append(each)
    for each in own.order_by("starts", "pk"):
        session = by_id[each.session_id]
        time = Interval(session.starts, session.ends)
        for other in others[each.user_id]:
            if time.overlaps(Interval(other.session.starts, other.session.ends)):
                yield facilitator_taken(other, site)


def _move_sessions(site: Site, shifts: dict[Shift, list[int]], now: datetime) -> None:
    """Move the sessions, and copy their new times to their active bookings and to their facilitators."""
    away = {name: F(name) + OUT_OF_THE_WAY for name in ("starts", "ends")}
    breaks_away = {name: F(name) + OUT_OF_THE_WAY for name in ("break_starts", "break_ends")}
    own_session = Session.objects.filter(pk=OuterRef("session"))
    copies = {name: Subquery(own_session.values(name)[:1]) for name in ("starts", "ends")}
    bookings = Booking.objects.active().filter(session__site=site)
    facilitators = SessionFacilitator.objects.filter(session__site=site, starts__isnull=False)
    bookings.update(**away)
    facilitators.update(**away)
    Session.objects.filter(site=site).update(**away, **breaks_away)
    with translate_integrity_errors():
        for (starts, ends, break_starts, break_ends, minutes), ids in shifts.items():
            for batch in in_batches(ids):
                Session.objects.filter(pk__in=batch).update(
                    starts=F("starts") - OUT_OF_THE_WAY + starts,
                    ends=F("ends") - OUT_OF_THE_WAY + ends,
                    break_starts=None if break_starts is None else F("break_starts") - OUT_OF_THE_WAY + break_starts,
                    break_ends=None if break_ends is None else F("break_ends") - OUT_OF_THE_WAY + break_ends,
                    countable_minutes=minutes,
                    version=F("version") + 1,
                )
        minutes_copy = {"countable_minutes": Subquery(own_session.values("countable_minutes")[:1])}
        bookings.update(**copies, **minutes_copy)
        facilitators.update(**copies)
    run_after_booking(site=site, episode_ids=set(bookings.values_list("episode", flat=True)), now=now)
