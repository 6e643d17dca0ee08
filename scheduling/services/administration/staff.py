"""Staff members: invite them, change their roles, and turn their accounts off and on."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from accounts.audit import record
from accounts.models import Action, Invitation, RoleAssignment, User
from accounts.permissions import Permission, Role
from accounts.services.invitations import check_email, issue_invitation, turn_off_user, withdraw_invitations
from accounts.services.staffing import Post, keep_sites_staffed
from scheduling.models import Feed, Meeting, Session, SessionStatus
from scheduling.services.administration.portal_access import HasAccess, HasNoAccess, NoInvitation
from scheduling.services.documents.feeds import revoke_feed
from timekeeping.reasons import Reason, Refused, refuse_if_any


@dataclass(frozen=True, slots=True)
class NoRoleLeft(Reason):
    """The person would have no role, and could not do anything without one."""


@dataclass(frozen=True, slots=True)
class NotYourSite(Reason):
    """The user who changes roles is not, or no longer, an administrator of a site where a role would change."""


@dataclass(frozen=True, slots=True)
class StillLeads(Reason):
    """The person leads or assists in groups or sessions to come, and the user has not confirmed having seen them."""

    name: str
    groups: int
    sessions: int


@dataclass(frozen=True, slots=True)
class Work:
    """The weekly groups and the dated sessions to come that a staff member leads or assists in."""

    groups: Sequence[Meeting]
    sessions: int

    def __bool__(self) -> bool:
        return bool(self.groups or self.sessions)


def work_of(user: User, now: datetime, sites: Collection[int] | None = None) -> Work:
    """Return the groups and sessions that the user still has at the sites with these ids. None stands for all sites."""
    meetings = Meeting.objects.filter(meeting_facilitators__user=user).select_related("site")
    ahead = Session.objects.filter(facilitators=user, starts__gt=now).exclude(status=SessionStatus.CANCELLED)
    if sites is not None:
        meetings, ahead = meetings.filter(site__in=sites), ahead.filter(site__in=sites)
    groups = [each for each in meetings if each.runs_until is None or each.runs_until > each.site.today_at(now)]
    return Work(groups, ahead.count())


def manages_all_of(by: User, user: User) -> bool:
    """Whether `by` is an administrator of every site at which the user has a role."""
    managed = by.sites_where(Permission.MANAGE_SITE)
    return None in managed or all(site in managed for _, site in user.assigned_roles)


@transaction.atomic
def invite_staff(
    *, name: str, email: str, roles: Collection[Post], by_mail: bool, by: User, now: datetime
) -> tuple[Invitation, str]:
    """Create an account that is off until its invitation is used. Return the invitation with its token.

    Raises Refused if somebody signs in with the address, if there is no role, or if `by` may not give one of the roles.
    """
    refuse_if_any([*check_email(email), *_check_roles(roles, roles, by)])
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


def change_roles(*, user: User, roles: Collection[Post], work_seen: bool, by: User, now: datetime) -> None:
    """Give the user exactly these roles at the sites that `by` manages. Roles at other sites stay.

    Raises Refused if no role is left, if a site would lose its last coordinator or administrator, or if the user stops
    being a clinician at a site with groups to lead and `work_seen` is false.
    """
    with keep_sites_staffed():
        user = User.objects.select_for_update().get(pk=user.pk)
        before, managed = set(user.assigned_roles), by.sites_where(Permission.MANAGE_SITE)
        after = set(roles) | {post for post in before if None not in managed and post[1] not in managed}
        refuse_if_any(_check_roles(after, after ^ before, by))
        left = [site for role, site in before - after if role == Role.CLINICIAN and site is not None]
        _check_work(user, now, work_seen, left)
        for role, site in before - after:
            user.role_assignments.filter(role=role, site=site).delete()
        _assign(user, after - before)
        if after != before:
            record(user, by=by, action=Action.CHANGED, at=now, detail=f"roles: {_role_names(after)}")


def turn_off_staff(*, user: User, work_seen: bool, by: User, now: datetime) -> None:
    """Turn the account off: sign-ins, calendar links, reset links and invitations end at once, and for good.

    The roles stay, in case the person comes back. Raises Refused if the account is off already, if `by` does not manage
    all of the person's sites, if a site would lose its last coordinator or administrator, or if the person has groups
    to lead and `work_seen` is false.
    """
    with keep_sites_staffed():
        user = User.objects.select_for_update().get(pk=user.pk)
        if not manages_all_of(by, user):
            raise Refused([NotYourSite()])
        if not user.is_active:
            raise Refused([HasNoAccess(user.name)])
        _check_work(user, now, work_seen, None)
        end_account(user, by=by, now=now)


@transaction.atomic
def end_account(user: User, *, by: User | None, now: datetime) -> None:
    """End all access without any check: sign-ins, the password, reset links, invitations and calendar links.

    `by` is None for the system itself.
    """
    turn_off_user(user, by=by, now=now)
    for feed in Feed.objects.live().filter(facilitator=user):
        revoke_feed(feed=feed, by=by, now=now)


def _check_roles(roles: Collection[Post], changed: Iterable[Post], by: User) -> Iterable[Reason]:
    managed = by.sites_where(Permission.MANAGE_SITE)
    if not roles:
        yield NoRoleLeft()
    if None not in managed and any(site not in managed for _, site in changed):
        yield NotYourSite()


def _check_work(user: User, now: datetime, work_seen: bool, sites: Collection[int] | None) -> None:
    if not work_seen and (work := work_of(user, now, sites)):
        raise Refused([StillLeads(user.name, len(work.groups), work.sessions)])


def _assign(user: User, roles: Iterable[Post]) -> None:
    RoleAssignment.objects.bulk_create(RoleAssignment(user=user, role=role, site_id=site) for role, site in roles)


def _issue(user: User, *, by_mail: bool, by: User, now: datetime) -> tuple[Invitation, str]:
    invitation = Invitation(user=user, email=user.email if by_mail else "")
    return invitation, issue_invitation(invitation, by=by, now=now)


def _role_names(roles: Iterable[Post]) -> str:
    return ", ".join(sorted(f"{role} at site {site}" if site else f"{role} of all sites" for role, site in roles))
