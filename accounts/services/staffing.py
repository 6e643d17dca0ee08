"""Keep every site from losing its last coordinator or its last administrator."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from django.db import connection, transaction

from accounts.models import RoleAssignment
from accounts.permissions import Role
from accounts.services.first_run import lock_users
from timekeeping.reasons import Reason, refuse_if_any

type Post = tuple[Role, int | None]
"""A role at a site. The id None means all sites."""

GUARDED = (Role.ADMINISTRATOR, Role.COORDINATOR)


@dataclass(frozen=True, slots=True)
class LastAdministrator(Reason):
    """Nobody else is an administrator of the site."""

    site: str


@dataclass(frozen=True, slots=True)
class LastAdministratorOfAll(Reason):
    """Nobody else is an administrator of all sites."""


@dataclass(frozen=True, slots=True)
class LastCoordinator(Reason):
    """Nobody else is a coordinator of the site."""

    site: str


def filled_posts() -> dict[Post, str]:
    """Return the posts of administrators and coordinators that active users hold, each with the name of its site."""
    assigned = RoleAssignment.objects.filter(role__in=GUARDED, user__is_active=True).order_by()
    posts = assigned.values_list("role", "site", "site__name").distinct()
    return {(Role(role), site): name or "" for role, site, name in posts}


def lost_posts(before: dict[Post, str]) -> list[Reason]:
    """Return a reason for each post of `before` that nobody has any more.

    A site may lose its own last administrator as long as somebody is an administrator of all sites.
    """
    after = filled_posts()
    lost = sorted(set(before) - set(after), key=lambda post: (post[0], post[1] or 0))
    reasons: list[Reason] = []
    for role, site in lost:
        if role == Role.COORDINATOR:
            reasons.append(LastCoordinator(before[role, site]))
        elif site is None:
            reasons.append(LastAdministratorOfAll())
        elif (Role.ADMINISTRATOR, None) not in after:
            reasons.append(LastAdministrator(before[role, site]))
    return reasons


@contextmanager
def keep_sites_staffed() -> Iterator[None]:
    """Run the block in a transaction. Undo it and raise Refused if a site loses its last coordinator or administrator.

    Only one block runs at a time. Otherwise, two users could each remove one of a site's last two coordinators at the
    same time.
    """
    with transaction.atomic():
        lock_roles()
        before = filled_posts()
        yield
        refuse_if_any(lost_posts(before))


def lock_roles() -> None:
    """Keep other transactions from changing users or roles until the current one ends.

    On SQLite, only one transaction runs at a time anyway.
    """
    lock_users()
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(f'LOCK TABLE "{RoleAssignment._meta.db_table}" IN SHARE ROW EXCLUSIVE MODE')
