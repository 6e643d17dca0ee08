"""Keep every site from losing its last coordinator or its last administrator."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from django.contrib.auth.hashers import UNUSABLE_PASSWORD_PREFIX
from django.db import connection, transaction
from django.db.models import Q

from accounts.models import RoleAssignment, User
from accounts.permissions import Role
from accounts.services.first_run import lock_users
from timekeeping.reasons import Reason, refuse_if_any

type Post = tuple[Role, int | None]
"""A role at a site. The id None means all sites."""

GUARDED = (Role.ADMINISTRATOR, Role.COORDINATOR)


@dataclass(frozen=True, slots=True)
class LastAdministrator(Reason):
    """Nobody else is an administrator of the site, or no other one can sign in."""

    site: str
    has_others: bool = False
    """Whether there are other administrators, who can't sign in."""


@dataclass(frozen=True, slots=True)
class LastAdministratorOfAll(Reason):
    """Nobody else is an administrator of all sites, or no other one can sign in."""

    has_others: bool = False


@dataclass(frozen=True, slots=True)
class LastCoordinator(Reason):
    """Nobody else is a coordinator of the site, or no other one can sign in."""

    site: str
    has_others: bool = False


@dataclass(frozen=True, slots=True)
class FilledPosts:
    """The posts of administrators and coordinators that active users hold, each with the name of its site."""

    all: dict[Post, str]
    with_password: dict[Post, str]
    """The posts with a holder who has a password. An imported person has none before an invitation is used."""


def filled_posts(*, without: User | None = None) -> FilledPosts:
    """Return the filled posts, or those that would be filled if the account of the user `without` were off."""
    assigned = RoleAssignment.objects.filter(role__in=GUARDED, user__is_active=True).order_by()
    if without is not None:
        assigned = assigned.exclude(user=without)
    has_password = ~Q(user__password__startswith=UNUSABLE_PASSWORD_PREFIX)
    posts = assigned.annotate(has_password=has_password).values_list("role", "site", "site__name", "has_password")
    filled = FilledPosts({}, {})
    for role, site, name, can_sign_in in posts.distinct():
        filled.all[Role(role), site] = name or ""
        if can_sign_in:
            filled.with_password[Role(role), site] = name or ""
    return filled


def lost_posts(before: FilledPosts, after: FilledPosts | None = None) -> list[Reason]:
    """Return a reason for each post of `before` that nobody has any more in `after`, which is now if not given.

    A post is also lost if somebody who has it could sign in, and now nobody who has it can. A site may lose its own
    last administrator as long as somebody who can sign in is an administrator of all sites.
    """
    after = after or filled_posts()
    without_holder = _lost(before.all, after.all)
    lost = without_holder | _lost(before.with_password, after.with_password)
    reasons: list[Reason] = []
    for role, site in sorted(lost, key=lambda post: (post[0], post[1] or 0)):
        name, has_others = before.all[role, site], (role, site) not in without_holder
        if role == Role.COORDINATOR:
            reasons.append(LastCoordinator(name, has_others))
        elif site is None:
            reasons.append(LastAdministratorOfAll(has_others))
        else:
            reasons.append(LastAdministrator(name, has_others))
    return reasons


def posts_that_need(user: User) -> list[Reason]:
    """Return a reason for each post that would be lost if the user's account were turned off."""
    if not any(role in GUARDED for role, _ in user.assigned_roles):
        return []
    return lost_posts(filled_posts(), filled_posts(without=user))


def _lost(before: dict[Post, str], after: dict[Post, str]) -> set[Post]:
    lost = set(before) - set(after)
    if (Role.ADMINISTRATOR, None) in after:
        return {(role, site) for role, site in lost if role != Role.ADMINISTRATOR}
    return lost


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
