"""Add a site to the installation, and change the details of a site."""

from collections.abc import Collection, Iterator
from dataclasses import asdict, dataclass
from datetime import datetime, time

from django.db import transaction

from accounts.audit import record, record_all
from accounts.models import Action, RoleAssignment, User
from accounts.permissions import Role
from scheduling.models import Meeting, RuleSet, Site
from scheduling.services.administration.codes import free_code
from scheduling.services.administration.versions import refuse_other_version
from scheduling.services.locks import lock_site
from scheduling.services.stale_feeds import mark_site_feeds_stale
from timekeeping.reasons import Reason, Refused, refuse_if_any
from timekeeping.weeks import week_start


@dataclass(frozen=True, slots=True)
class SiteCodeTaken(Reason):
    """Another site has the same code."""

    site_code: str


@dataclass(frozen=True, slots=True)
class GroupOutsideHours(Reason):
    """A weekly meeting is held at a time when the site would be closed."""

    group: str
    weekday: int
    starts: time
    ends: time


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteDetails:
    """The values of a site that a user can change at any time. The fields are those of `Site`."""

    name: str
    neutral_name: str
    letterhead: str = ""
    address: str = ""
    phone: str = ""
    opens: time | None = None
    closes: time | None = None
    hour_clock: str
    country: str = "US"
    state: str = ""
    mixes_tracks: bool = False
    idle_minutes: int | None = None
    allows_delegates: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteValues(SiteDetails):
    """The values that a user enters for a new site."""

    time_zone: str


@transaction.atomic
def add_site(
    *, values: SiteValues, code: str, week_starts: int, own_roles: Collection[Role], by: User, now: datetime
) -> Site:
    """Add a site with the default weekly-hours rules, and return the site.

    `week_starts` is the first day of the treatment week (Monday is 0). The rules are in force from the current week on.
    If `code` is empty, a code is made from the name. `by` gets the roles in `own_roles` at the new site. Raises Refused
    if another site has the code.
    """
    if code and Site.objects.filter(code=code).exists():
        raise Refused([SiteCodeTaken(code)])
    if not code:
        code = free_code(values.name, set(Site.objects.values_list("code", flat=True)), default="site")
    site = Site.objects.create(code=code, **asdict(values))
    RuleSet.objects.create(site=site, starts=week_start(site.today_at(now), week_starts), week_starts=week_starts)
    record(site, by=by, action=Action.CREATED, at=now)
    assignments = [RoleAssignment(user=by, role=role, site=site) for role in sorted(set(own_roles))]
    RoleAssignment.objects.bulk_create(assignments)
    record_all(assignments, by=by, action=Action.CREATED, at=now, detail=f"at {site.name}")
    return site


@transaction.atomic
def change_site(*, site: Site, details: SiteDetails, seen: str, by: User, now: datetime) -> Site:
    """Change the details of a site, and return the site. `seen` is the version that the user saw.

    Raises Refused if somebody else has changed the site since then, or if the opening hours change and a weekly meeting
    would be held while the site is closed. Sessions that are already scheduled stay as they are.
    """
    lock_site(site.pk)
    site = Site.objects.get(pk=site.pk)
    refuse_other_version(seen, site)
    changes = {name: value for name, value in asdict(details).items() if getattr(site, name) != value}
    if changes.keys() & {"opens", "closes"}:
        refuse_if_any(_check_groups(site, details.opens, details.closes, now))
    if changes:
        for name, value in changes.items():
            setattr(site, name, value)
        site.save(update_fields=sorted(changes))
        record(site, by=by, action=Action.CHANGED, at=now, detail=", ".join(sorted(changes)))
    if "neutral_name" in changes:
        mark_site_feeds_stale(site.pk, now)
    return site


def _check_groups(site: Site, opens: time | None, closes: time | None, now: datetime) -> Iterator[Reason]:
    """Yield GroupOutsideHours for each current or future meeting that starts before `opens` or ends after `closes`."""
    meetings = Meeting.objects.filter(site=site).open_on_or_after(site.today_at(now))
    for meeting in meetings.order_by("weekday", "starts", "name", "pk"):
        if (opens and meeting.starts < opens) or (closes and meeting.ends > closes):
            yield GroupOutsideHours(meeting.name, meeting.weekday, meeting.starts, meeting.ends)
