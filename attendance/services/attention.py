"""Find what needs attention: weeks that may fall short of the prescribed hours, and past sessions not yet finalized."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count, Exists, OuterRef, Q

from accounts.models import User
from attendance.domain.ledger import Standing
from attendance.services.ledgers import LedgerRow, site_ledgers
from patients.models import Episode
from scheduling.models import Session, SessionStatus, Site
from scheduling.services.rulebook import RuleBook

UNFINISHED_DAYS = 14
"""Number of past days whose unfinalized sessions are listed (product rule)."""


@dataclass(frozen=True, slots=True)
class Attention:
    """The weeks that may fall short of the prescribed hours, and the past sessions that are not finalized.

    Weeks that can't be met come first. Each session is annotated with `unmarked`, the number of its bookings without a
    mark, and with `may_mark`, which says whether the user may mark attendance in it.
    """

    weeks: list[LedgerRow]
    sessions: list[Session]


def find_attention(*, site: Site, user: User, now: datetime) -> Attention:
    """Return the site's weeks and sessions that need attention today and that the user may see."""
    today = now.astimezone(site.zone).date()
    unfinished = (
        Session.objects.with_roster_of(user)
        .filter(site=site, booked__gt=0, ends__lte=now, finalized_at=None)
        .exclude(status=SessionStatus.CANCELLED)
        .between(today - timedelta(days=UNFINISHED_DAYS), today + timedelta(days=1))
        .annotate(
            unmarked=Count("bookings", filter=Q(bookings__released_at=None, bookings__attendance=None)),
            may_mark=Exists(Session.objects.markable_by(user).filter(pk=OuterRef("pk"))),
        )
    )
    episodes = (
        Episode.objects.visible_to(user)
        .filter(site=site)
        .open_on(today)
        .select_related("patient")
        .prefetch_related("spans")
    )
    rows = site_ledgers(site=site, week=RuleBook.of(site).week_of(today), now=now, episodes=episodes)
    weeks = [row for row in rows if row.ledger.standing in {Standing.AT_RISK, Standing.CANNOT_BE_MET}]
    return Attention(
        weeks=sorted(weeks, key=lambda row: row.ledger.standing != Standing.CANNOT_BE_MET), sessions=list(unfinished)
    )
