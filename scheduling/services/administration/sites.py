"""Add a site to the installation."""

from collections.abc import Collection
from dataclasses import asdict, dataclass
from datetime import datetime, time

from django.db import transaction
from django.utils.text import slugify

from accounts.audit import record, record_all
from accounts.models import Action, RoleAssignment, User
from accounts.permissions import Role
from scheduling.models import RuleSet, Site
from timekeeping.reasons import Reason, Refused
from timekeeping.weeks import week_start

CODE_LENGTH = 40


@dataclass(frozen=True, slots=True)
class SiteCodeTaken(Reason):
    """Another site has the same code."""

    site_code: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteValues:
    """What a user enters for a site. The fields are those of `Site`."""

    name: str
    neutral_name: str
    time_zone: str
    address: str = ""
    phone: str = ""
    opens: time | None = None
    closes: time | None = None
    hour_clock: str
    country: str = "US"
    state: str = ""


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
    site = Site.objects.create(code=code or _free_code(values.name), **asdict(values))
    RuleSet.objects.create(site=site, starts=week_start(site.today_at(now), week_starts), week_starts=week_starts)
    record(site, by=by, action=Action.CREATED, at=now)
    assignments = [RoleAssignment(user=by, role=role, site=site) for role in sorted(set(own_roles))]
    RoleAssignment.objects.bulk_create(assignments)
    record_all(assignments, by=by, action=Action.CREATED, at=now, detail=f"at {site.name}")
    return site


def _free_code(name: str) -> str:
    """Make a code from the site's name, for example "harbor-street".

    If another site has this code, the code gets a number: "harbor-street-2".
    """
    stem = slugify(name)[: CODE_LENGTH - 5] or "site"
    taken = set(Site.objects.filter(code__startswith=stem).values_list("code", flat=True))
    number = 1
    code = stem
    while code in taken:
        number += 1
        code = f"{stem}-{number}"
    return code
