"""Days on which a site is closed: their sessions are cancelled, and given back when it opens after all."""

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
from scheduling.services.reasons import ClosureAlreadyLifted, ClosureOverlaps, IsOverAlready, ReasonRequired
from scheduling.services.rosters import lock_sessions, lock_site
from scheduling.services.sessions.cancel import cancel_locked, restore_locked
from scheduling.services.sessions.slots import check_facilitators, check_room
from timekeeping.intervals import Interval
from timekeeping.reasons import EndDateBeforeStart, Reason, Refused

DAY = timedelta(days=1)


@transaction.atomic
def close_site(*, site: Site, first_day: date, last_day: date, reason: str, by: User | None, now: datetime) -> Closure:
    """Closes the site on the days and cancels their sessions to come. What has begun stays as it is.

    Raises Refused for a last day before the first, without a reason, and when another closure has some of the days.
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
    """Gives a closure another last day or reason: sessions of days that it has now are cancelled, and those of days that it
    no longer has are given back as by `open_site`. Raises Refused as `close_site` does.
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
    extend_horizon(site=closure.site, today=_today(closure.site, now), now=now)
    return closure


@transaction.atomic
def lift_closure(*, closure: Closure, by: User, now: datetime) -> list[Session]:
    """Lifts a closure, its past days aside: the sessions that it cancelled are held again, where room and people are free,
    and those that it kept from being written are written. Answers the sessions that stay cancelled.

    Raises Refused for one that is over, or that somebody else has lifted.
    """
    lock_site(closure.site_id)
    reason = closure.reason
    held = Closure.objects.select_for_update(of=("self",)).select_related("site").filter(pk=closure.pk).first()
    if held is None:
        raise Refused([ClosureAlreadyLifted(reason)])
    today = _today(held.site, now)
    if held.ends <= today:
        raise Refused([IsOverAlready(reason, held.last_day)])
    record(held, by=by, action=Action.ENDED, at=now, detail=f"lifted from {max(today, held.starts):%Y-%m-%d}")
    left = _restore_sessions(Session.objects.filter(closure=held, on__gte=today), by, now)
    if held.starts < today:
        held.ends = today
        held.save(update_fields=["ends"])
    else:
        held.delete()
    extend_horizon(site=held.site, today=today, now=now)
    return left


def _today(site: Site, now: datetime) -> date:
    return now.astimezone(site.zone).date()


def _restore_sessions(sessions: SessionQuerySet, by: User | None, now: datetime) -> list[Session]:
    """Holds again those whose room and people are free; answers the others, which stay cancelled."""
    left = []
    for session in lock_sessions(sessions.to_come(now).select_related("site")):
        session.closure = None
        if any(check_restorable(session)):
            session.save(update_fields=["closure"])
            left.append(session)
        else:
            with translate_integrity_errors():
                restore_locked(session, by=by, now=now)
    return left


def check_restorable(session: Session) -> Iterable[Reason]:
    """Whoever took the room or the people of a cancelled session in the meantime."""
    time = Interval(session.starts, session.ends)
    people = [each.user for each in session.session_facilitators.select_related("user")]
    yield from check_room(session.room, time, 0, session.site, apart_from=session.pk)
    yield from check_facilitators(people, time, session.site, apart_from=session.pk)


@dataclass(frozen=True, slots=True)
class Holiday:
    """A public holiday, and the closure that has it already, if there is one."""

    on: date
    name: str
    closure: Closure | None


def holidays_at(
    *, site: Site, first: date, until: date, country: str | None = None, state: str | None = None
) -> list[Holiday]:
    """Public holidays on the half-open dates, in order, of the site's country and state or of others that are given; none
    for a place nobody knows.
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
    """Whether the holidays of the country, and of the state if one is given, are known."""
    places = holidays.list_supported_countries(include_aliases=False)
    return country in places and (not state or state in places[country])


def known_countries() -> list[tuple[str, str]]:
    """Codes and names of the countries whose holidays are known, by name."""
    named = {entry[1]: _spaced_name(entry[0]) for entry in COUNTRIES.values()}
    return sorted(
        ((code, named.get(code, code)) for code in holidays.list_supported_countries(include_aliases=False)),
        key=lambda each: each[1],
    )


def known_states(country: str) -> list[tuple[str, str]]:
    """Codes and names of the country's states that have holidays of their own, by name."""
    codes = holidays.list_supported_countries(include_aliases=False).get(country, [])
    if not codes:
        return []
    named = holidays.country_holidays(country).get_subdivision_aliases()
    return sorted(((code, next(iter(named.get(code, ())), code)) for code in codes), key=lambda each: each[1])


def _spaced_name(name: str) -> str:
    """BosniaAndHerzegovina → Bosnia and Herzegovina."""
    words = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name)
    return re.sub(r" (And|Of|The)\b", lambda found: found[0].lower(), words)
