"""Days on which a site is closed. Closing a site cancels its sessions; lifting the closure restores them."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import holidays
from django.db import transaction
from holidays.registry import COUNTRIES

from accounts.audit import record
from accounts.models import Action, User
from scheduling.models import Closure, Session, SessionStatus, Site
from scheduling.models.session import SessionQuerySet
from scheduling.services.bookings.horizon import extend_horizon
from scheduling.services.integrity import translate_integrity_errors
from scheduling.services.locks import lock_sessions, lock_site
from scheduling.services.preview.snapshot import SnapshotScope
from scheduling.services.reasons import ReasonRequired
from scheduling.services.sessions.cancel import cancel_locked, restore_locked
from scheduling.services.sessions.slots import check_facilitators, check_room
from timekeeping.intervals import Interval
from timekeeping.reasons import AlreadyEnded, EndDateBeforeStart, Reason, Refused


@dataclass(frozen=True, slots=True)
class ClosureOverlaps(Reason):
    """Another closure already includes some of the days."""

    closure: str
    first_day: date
    last_day: date


@dataclass(frozen=True, slots=True)
class ClosureAlreadyLifted(Reason):
    """Another user has already lifted the closure."""

    closure: str


DAY = timedelta(days=1)


def closure_scope(site: Site, first_day: date, last_day: date) -> SnapshotScope:
    """Return the sessions and bookings to preview for a closure from `first_day` to `last_day`, both inclusive."""
    return SnapshotScope(site, first_day, max(first_day, last_day) + DAY)


@transaction.atomic
def close_site(*, site: Site, first_day: date, last_day: date, reason: str, by: User | None, now: datetime) -> Closure:
    """Close the site from `first_day` to `last_day`, inclusive, and cancel the sessions that have not begun.

    Raises Refused if the last day is before the first, if the reason is empty, or if another closure includes some of
    the days.
    """
    lock_site(site.pk)
    _refuse_invalid_closure(site, first_day, last_day, reason)
    closure = Closure.objects.create(site=site, starts=first_day, ends=last_day + DAY, reason=reason.strip())
    record(closure, by=by, action=Action.CREATED, at=now)
    _cancel_sessions(closure, by, now)
    return closure


def _refuse_invalid_closure(
    site: Site, first_day: date, last_day: date, reason: str, *, apart_from: int | None = None
) -> None:
    reasons: list[Reason] = []
    if last_day < first_day:
        reasons.append(EndDateBeforeStart(first_day, last_day))
    if not reason.strip():
        reasons.append(ReasonRequired())
    others = Closure.objects.filter(site=site).overlapping(first_day, last_day + DAY).exclude(pk=apart_from or 0)
    reasons += (ClosureOverlaps(each.reason, each.starts, each.last_day) for each in others)
    if reasons:
        raise Refused(reasons)


def _cancel_sessions(closure: Closure, by: User | None, now: datetime) -> None:
    sessions = Session.objects.filter(site=closure.site_id, status=SessionStatus.SCHEDULED).to_come(now)
    for session in lock_sessions(sessions.between(closure.starts, closure.ends).select_related("site")):
        session.closure = closure
        cancel_locked(session, reason=closure.reason, by=by, now=now)


@transaction.atomic
def change_closure(*, closure: Closure, last_day: date, reason: str, by: User | None, now: datetime) -> Closure:
    """Change the last day (inclusive) or the reason of a closure.

    Sessions on added days are canceled. Sessions on days that are open again are restored as in `lift_closure`. Raises
    Refused as `close_site` does.
    """
    lock_site(closure.site_id)
    closure = Closure.objects.select_for_update(of=("self",)).select_related("site").get(pk=closure.pk)
    _refuse_invalid_closure(closure.site, closure.starts, last_day, reason, apart_from=closure.pk)
    closure.ends, closure.reason = last_day + DAY, reason.strip()
    closure.save(update_fields=["ends", "reason"])
    record(closure, by=by, action=Action.CHANGED, at=now, detail=f"until {last_day:%Y-%m-%d}")
    Session.objects.filter(closure=closure).to_come(now).update(cancel_reason=closure.reason)
    _cancel_sessions(closure, by, now)
    _restore_sessions(Session.objects.filter(closure=closure, on__gte=closure.ends), by, now)
    extend_horizon(site=closure.site, now=now)
    return closure


def lift_scope(closure: Closure, now: datetime) -> SnapshotScope:
    """Return the sessions and bookings to preview before the closure is lifted: those on closed days from today on.

    Queries the closure's site if it is not loaded yet.
    """
    first = max(closure.starts, closure.site.today_at(now))
    return SnapshotScope(closure.site, first, max(first, closure.ends), extends_horizon=True)


@transaction.atomic
def lift_closure(*, closure: Closure, by: User, now: datetime) -> list[Session]:
    """Lift a closure from today on, and return the sessions that stay canceled.

    Sessions that the closure canceled are restored if their room and facilitators are free. Sessions that are missing
    because of the closure are created. Raises Refused if the closure is over, or if another user has already lifted it.
    """
    lock_site(closure.site_id)
    reason = closure.reason
    locked = Closure.objects.select_for_update(of=("self",)).select_related("site").filter(pk=closure.pk).first()
    if locked is None:
        raise Refused([ClosureAlreadyLifted(reason)])
    today = locked.site.today_at(now)
    if locked.ends <= today:
        raise Refused([AlreadyEnded(reason, locked.last_day)])
    record(locked, by=by, action=Action.ENDED, at=now, detail=f"lifted from {max(today, locked.starts):%Y-%m-%d}")
    still_cancelled = _restore_sessions(Session.objects.filter(closure=locked, on__gte=today), by, now)
    if locked.starts < today:
        locked.ends = today
        locked.save(update_fields=["ends"])
    else:
        locked.delete()
    extend_horizon(site=locked.site, now=now)
    return still_cancelled


def _restore_sessions(sessions: SessionQuerySet, by: User | None, now: datetime) -> list[Session]:
    """Restore the sessions whose room and facilitators are free. Return the others, which stay canceled."""
    still_cancelled = []
    for session in lock_sessions(sessions.to_come(now).select_related("site")):
        session.closure = None
        if any(check_restorable(session)):
            session.save(update_fields=["closure"])
            still_cancelled.append(session)
        else:
            with translate_integrity_errors():
                restore_locked(session, by=by, now=now)
    return still_cancelled


def check_restorable(session: Session) -> Iterable[Reason]:
    """Yield each reason why the canceled session's room or a facilitator is not free at the session's time."""
    time = Interval(session.starts, session.ends)
    people = [each.user for each in session.session_facilitators.select_related("user")]
    yield from check_room(session.room, time, 0, session.site, apart_from=session.pk)
    yield from check_facilitators(people, time, session.site, apart_from=session.pk)


@dataclass(frozen=True, slots=True)
class Holiday:
    """A public holiday, and the closure that includes this day, if there is one."""

    on: date
    name: str
    closure: Closure | None


def holidays_at(
    *, site: Site, first: date, until: date, country: str | None = None, state: str | None = None
) -> list[Holiday]:
    """Return the public holidays in [first, until) in the site's country and state, ordered by date.

    `country` (ISO 3166 code) and `state` override those of the site. Unknown regions have no holidays.
    """
    country, state = site.country if country is None else country, site.state if state is None else state
    if not is_known_place(country, state):
        return []
    known = holidays.country_holidays(
        country, subdiv=state or None, years=range(first.year, until.year + 1), language="en_US"
    )
    closures = list(Closure.objects.filter(site=site).overlapping(first, until))
    return [
        Holiday(on, name, next((each for each in closures if each.as_interval().contains(on)), None))
        for on, name in sorted(known.items())
        if first <= on < until
    ]


def is_known_place(country: str, state: str) -> bool:
    """Return whether public holidays are known for the country and, if a state is given, for this state."""
    places = holidays.list_supported_countries(include_aliases=False)
    return country in places and (not state or state in places[country])


def known_countries() -> list[tuple[str, str]]:
    """Return the codes and names of the countries whose holidays are known, sorted by name."""
    named = {entry[1]: _spaced_name(entry[0]) for entry in COUNTRIES.values()}
    return sorted(
        ((code, named.get(code, code)) for code in holidays.list_supported_countries(include_aliases=False)),
        key=lambda each: each[1],
    )


def known_states(country: str) -> list[tuple[str, str]]:
    """Return the codes and names of the country's states that have their own holidays, sorted by name."""
    codes = holidays.list_supported_countries(include_aliases=False).get(country, [])
    if not codes:
        return []
    named = holidays.country_holidays(country).get_subdivision_aliases()
    return sorted(((code, next(iter(named.get(code, ())), code)) for code in codes), key=lambda each: each[1])


def _spaced_name(name: str) -> str:
    """Insert spaces into a name: "BosniaAndHerzegovina" becomes "Bosnia and Herzegovina"."""
    words = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name)
    return re.sub(r" (And|Of|The)\b", lambda found: found[0].lower(), words)
