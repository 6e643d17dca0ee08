"""Staff members: invite them, change their roles, and turn their accounts off and on."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from accounts.audit import record
from accounts.models import Action, Invitation, RoleAssignment, User
from accounts.permissions import Permission, Role
from accounts.services.first_run import lock_users
from accounts.services.invitations import check_email, issue_invitation, turn_off_user, withdraw_invitations
from accounts.services.second_factor import remove_second_factor
from accounts.services.staffing import Post, keep_sites_staffed
from scheduling.models import Feed
from scheduling.services.administration.handover import Handover, group_key, hand_over, lock_sites_of, work_of
from scheduling.services.administration.portal_access import HasAccess, HasNoAccess, NoInvitation
from scheduling.services.documents.feeds import revoke_feed
from timekeeping.reasons import Reason, Refused, refuse_if_any


@dataclass(frozen=True, slots=True)
class NoRoleLeft(Reason):
    """The person would have no role."""


@dataclass(frozen=True, slots=True)
class AlreadyStaff(Reason):
    """A staff member whom the user may see has an account with this e-mail address."""

    name: str
    email: str


@dataclass(frozen=True, slots=True)
class NotYourSite(Reason):
    """The user is not an administrator of every site that the change concerns."""


@dataclass(frozen=True, slots=True)
class StillLeads(Reason):
    """The person leads or assists in groups or sessions to come, and the user has not confirmed having seen them."""

    name: str
    groups: int
    sessions: int


def manages_all_of(by: User, user: User) -> bool:
    """Whether `by` is an administrator of every site at which the user has a role."""
    managed = by.sites_where(Permission.MANAGE_SITE)
    return None in managed or all(site in managed for _, site in user.assigned_roles)


def find_colleague(email: str, by: User) -> User | None:
    """Return the staff member with this e-mail address, if `by` is an administrator at one of the person's sites."""
    seen = RoleAssignment.objects.filter(by.may_at(Permission.MANAGE_SITE), user__email__iexact=email)
    found = seen.select_related("user").first()
    return found.user if found else None


@transaction.atomic
def invite_staff(
    *, name: str, email: str, roles: Collection[Post], by_mail: bool, by: User, now: datetime
) -> tuple[Invitation, str]:
    """Create an account that is off until its invitation is used. Return the invitation with its token.

    Raises Refused if the address belongs to an account, if there is no role, or if `by` may not give one of the roles.
    """
    lock_users()
    refuse_if_any([*_check_address(email, by), *_check_roles(roles, roles, by)])
    user = User.objects.create_user(email, name=name, is_active=False)
    _assign(user, roles)
    record(user, by=by, action=Action.CREATED, at=now, detail=_role_names(roles))
    return _issue(user, by_mail=by_mail, by=by, now=now)


@transaction.atomic
def invite_again(*, user: User, by_mail: bool, by: User, now: datetime) -> tuple[Invitation, str]:
    """Create a new link for somebody who has no password, or whose account is off. Earlier links stop working.

    Once the link is used, the account has its roles again. Earlier sign-ins and calendar links still don't work. Raises
    Refused if the person can sign in, or if `by` does not manage all of the person's sites.
    """
    user = User.objects.select_for_update().get(pk=user.pk)
    if not manages_all_of(by, user):
        raise Refused([NotYourSite()])
    if user.is_active and user.has_usable_password():
        raise Refused([HasAccess(user.name)])
    return _issue(user, by_mail=by_mail, by=by, now=now)


@transaction.atomic
def withdraw_staff_link(*, user: User, by: User, now: datetime) -> None:
    """Withdraw the person's link. Raises Refused if there is none."""
    if not withdraw_invitations(Invitation(user=user), by=by, now=now):
        raise Refused([NoInvitation(user.name)])


@transaction.atomic
def change_roles(
    *,
    user: User,
    roles: Collection[Post],
    work_seen: bool,
    handover: Handover | None = None,
    by: User,
    now: datetime,
) -> None:
    """Give the user exactly these roles at the sites that `by` manages. Roles at other sites stay.

    With a `handover`, other people take groups and sessions of the user. Raises Refused

    - if a person can't take a group or session
    - if no role is left
    - if a role changes at a site that `by` does not manage
    - if a site would lose its last coordinator or administrator
    - if the user stops being a clinician at a site where groups or sessions are left, unless `work_seen` is true
    """
    lock_sites_of(user, now)
    with keep_sites_staffed():
        user = User.objects.select_for_update().get(pk=user.pk)
        before, managed = set(user.assigned_roles), by.sites_where(Permission.MANAGE_SITE)
        after = set(roles) | {post for post in before if None not in managed and post[1] not in managed}
        refuse_if_any(_check_roles(after, after ^ before, by))
        left = [site for role, site in before - after if role == Role.CLINICIAN and site is not None]
        _hand_over_and_check(user, handover, work_seen, left, by, now)
        for role, site in before - after:
            user.role_assignments.filter(role=role, site=site).delete()
        _assign(user, after - before)
        if after != before:
            record(user, by=by, action=Action.CHANGED, at=now, detail=f"roles: {_role_names(after)}")


@transaction.atomic
def turn_off_staff(*, user: User, work_seen: bool, handover: Handover | None = None, by: User, now: datetime) -> None:
    """Turn the account off: sign-ins, calendar links, reset links and invitations end at once, and for good.

    The roles stay, in case the person comes back. With a `handover`, other people take groups and sessions of the
    person. Raises Refused

    - if a person can't take a group or session
    - if the account is off already
    - if `by` does not manage all of the person's sites
    - if a site would lose its last coordinator or administrator
    - if groups or sessions are left, unless `work_seen` is true
    """
    lock_sites_of(user, now)
    with keep_sites_staffed():
        user = User.objects.select_for_update().get(pk=user.pk)
        if not manages_all_of(by, user):
            raise Refused([NotYourSite()])
        if not user.is_active:
            raise Refused([HasNoAccess(user.name)])
        _hand_over_and_check(user, handover, work_seen, None, by, now)
        end_account(user, by=by, now=now)


@transaction.atomic
def remove_staff_factor(*, user: User, reason: str, language: str, by: User, now: datetime) -> None:
    """Turn off two-step sign-in of a staff member who lost the phone. The person sets it up again at the next sign-in.

    The person is signed out everywhere, and gets a mail in `language`. Raises Refused if `by` does not manage all of
    the person's sites, if `by` is the person, or if there is nothing to turn off.
    """
    if not manages_all_of(by, user):
        raise Refused([NotYourSite()])
    remove_second_factor(user=user, about=user, reason=reason, language=language, by=by, now=now)


@transaction.atomic
def end_account(user: User, *, by: User | None, now: datetime) -> None:
    """End all access without any check: sign-ins, the password, reset links, invitations and calendar links.

    `by` is None for the system itself.
    """
    turn_off_user(user, by=by, now=now)
    for feed in Feed.objects.live().filter(facilitator=user):
        revoke_feed(feed=feed, by=by, now=now)


def _check_address(email: str, by: User) -> Iterable[Reason]:
    colleague = find_colleague(email, by)
    return check_email(email) if colleague is None else [AlreadyStaff(colleague.name, colleague.email)]


def _check_roles(roles: Collection[Post], changed: Iterable[Post], by: User) -> Iterable[Reason]:
    managed = by.sites_where(Permission.MANAGE_SITE)
    if not roles:
        yield NoRoleLeft()
    if None not in managed and any(site not in managed for _, site in changed):
        yield NotYourSite()


def _hand_over_and_check(
    user: User,
    handover: Handover | None,
    work_seen: bool,
    sites: Collection[int] | None,
    by: User,
    now: datetime,
) -> None:
    """Hand over. Then raise Refused if groups or sessions at these sites are left, unless `work_seen` is true.

    If somebody takes a group on a later day, the group's sessions before that day are left.
    """
    if handover is not None and handover.takers:
        hand_over(user=user, handover=handover, by=by, now=now)
    if work_seen:
        return
    left = work_of(user, now, sites)
    groups = [each for each in left.groups if handover is None or group_key(each) not in handover.takers]
    if groups or left.sessions:
        raise Refused([StillLeads(user.name, len(groups), len(left.sessions))])


def _assign(user: User, roles: Iterable[Post]) -> None:
    RoleAssignment.objects.bulk_create(RoleAssignment(user=user, role=role, site_id=site) for role, site in roles)


def _issue(user: User, *, by_mail: bool, by: User, now: datetime) -> tuple[Invitation, str]:
    invitation = Invitation(user=user, email=user.email if by_mail else "")
    return invitation, issue_invitation(invitation, by=by, now=now)


def _role_names(roles: Iterable[Post]) -> str:
    return ", ".join(sorted(f"{role} at site {site}" if site else f"{role} of all sites" for role, site in roles))
