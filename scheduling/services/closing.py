"""Days on which a site is closed: their sessions are cancelled, and given back when it opens after all."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

import holidays
from django.db import transaction

from accounts.audit import record
from accounts.models import Action, User
from scheduling.domain.interval import Interval
from scheduling.domain.reasons import Reason
from scheduling.models import Closure, Session, SessionStatus, Site
from scheduling.services.cancelling import cancel_held, reinstate_held
from scheduling.services.guarded import in_words
from scheduling.services.horizon import extend_horizon
from scheduling.services.refused import (
    ClosedAlready,
    EndsBeforeItBegins,
    IsOverAlready,
    NeedsReason,
    Refused,
)
from scheduling.services.rosters import hold_site, lock_sessions
from scheduling.services.slots import against_people, against_room

DAY = timedelta(days=1)


@transaction.atomic
def close_site(*, site: Site, first_day: date, last_day: date, reason: str, by: User | None, now: datetime) -> Closure:
    """Closes the site on the days and cancels their sessions to come. What has begun stays as it is.

    Raises Refused for a last day before the first, without a reason, and when another closure has some of the days.
    """
    hold_site(site.pk)
    reasons: list[Reason] = []
    if last_day < first_day:
        reasons.append(EndsBeforeItBegins(first_day, last_day))
    if not reason.strip():
        reasons.append(NeedsReason())
    others = Closure.objects.filter(site=site).touching(first_day, last_day + DAY)
    reasons += (ClosedAlready(each.reason, each.starts, each.last_day) for each in others)
    if reasons:
        raise Refused(reasons)
    closure = Closure.objects.create(site=site, starts=first_day, ends=last_day + DAY, reason=reason.strip())
    record(closure, by=by, action=Action.CREATED, at=now)
    sessions = Session.objects.filter(site=site, status=SessionStatus.SCHEDULED).to_come(now)
    for session in lock_sessions(sessions.between(closure.starts, closure.ends).select_related("site")):
        session.closure = closure
        cancel_held(session, reason=closure.reason, by=by, now=now)
    return closure


@transaction.atomic
def open_site(*, closure: Closure, by: User, now: datetime) -> None:
    """Lifts a closure, its past days aside: the sessions that it cancelled are held again, where room and people are free,
    and those that it kept from being written are written. Raises Refused for one that is over.
    """
    hold_site(closure.site_id)
    closure = Closure.objects.select_for_update(of=("self",)).select_related("site").get(pk=closure.pk)
    site = closure.site
    today = now.astimezone(site.zone).date()
    if closure.ends <= today:
        raise Refused([IsOverAlready(closure.reason, closure.last_day)])
    record(closure, by=by, action=Action.ENDED, at=now, detail=f"lifted from {max(today, closure.starts):%Y-%m-%d}")
    cancelled = list(lock_sessions(Session.objects.filter(closure=closure).to_come(now).select_related("site")))
    if closure.starts < today:
        closure.ends = today
        closure.save(update_fields=["ends"])
    else:
        closure.delete()
    for session in cancelled:
        session.closure = None
        if _has_its_place(session):
            with in_words():
                reinstate_held(session, by=by, now=now)
    extend_horizon(site=site, today=today, now=now)


def _has_its_place(session: Session) -> bool:
    time = Interval(session.starts, session.ends)
    people = [each.user for each in session.session_facilitators.select_related("user")]
    against = (
        *against_room(session.room, time, 0, session.site, apart_from=session.pk),
        *against_people(people, time, session.site, apart_from=session.pk),
    )
    return not against


@dataclass(frozen=True, slots=True)
class Holiday:
    """A public holiday, and the closure that has it already, if there is one."""

    on: date
    name: str
    closure: Closure | None


def holidays_at(*, site: Site, first: date, until: date) -> list[Holiday]:
    """Public holidays of the site's country and state on the half-open dates, in order; none for a place nobody knows."""
    if not knows_place(site.country, site.state):
        return []
    known = holidays.country_holidays(
        site.country, subdiv=site.state or None, years=range(first.year, until.year + 1), language="en_US"
    )
    closures = list(Closure.objects.filter(site=site).touching(first, until))
    return [
        Holiday(on, name, next((each for each in closures if each.as_interval().contains(on)), None))
        for on, name in sorted(known.items())
        if first <= on < until
    ]


def knows_place(country: str, state: str) -> bool:
    """Whether the holidays of the country, and of the state if one is given, are known."""
    places = holidays.list_supported_countries(include_aliases=False)
    return country in places and (not state or state in places[country])
