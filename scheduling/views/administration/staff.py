"""The pages on which administrators invite staff, change roles, and turn accounts off and on."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, tzinfo

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import logout
from django.core.exceptions import ValidationError
from django.db.models import Prefetch
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.models import Invitation, RoleAssignment, User
from accounts.permissions import Permission
from accounts.services.second_factor import has_second_factor
from accounts.services.staffing import posts_that_need
from accounts.views import confirmed_recently, forbid_unless, signed_in, staff_required
from iopmanager import clock
from patients.services.record.reader_settings import chosen_language
from scheduling.forms.administration.handover import handover_fields, read_handover
from scheduling.forms.administration.staff import RolesForm, SecondFactorRemovalForm, StaffInvitationForm, TurnOffForm
from scheduling.models import Site
from scheduling.reason_text import reason_text
from scheduling.services.administration.handover import find_candidates, work_of
from scheduling.services.administration.staff import (
    change_roles,
    find_colleague,
    invite_again,
    invite_staff,
    manages_all_of,
    remove_staff_factor,
    turn_off_staff,
    withdraw_staff_link,
)
from scheduling.views.administration.invitation_links import NewLink, mail_link, show_sheet
from scheduling.views.administration.sites import managed_sites
from scheduling.views.refusals import submit_button, submit_form


@dataclass(frozen=True, slots=True)
class StaffMember:
    """A staff member with all roles, and the pending invitation if there is one."""

    user: User
    roles: Sequence[RoleAssignment]
    link: Invitation | None
    is_expired: bool

    @property
    def can_sign_in(self) -> bool:
        return self.user.is_active and self.user.has_usable_password()


def zone_of(sites: Sequence[Site]) -> tzinfo:
    """Return the time zone of the first site, or UTC if there is no site."""
    return sites[0].zone if sites else UTC


def staff_members(by: User) -> list[StaffMember]:
    """Return the staff who have a role at a site that the user administers. Each staff member is listed with all roles."""
    assignments = RoleAssignment.objects.select_related("site").order_by("site__name", "role")
    users = User.objects.filter(role_assignments__in=RoleAssignment.objects.filter(by.may_at(Permission.MANAGE_SITE)))
    users = users.distinct().prefetch_related(Prefetch("role_assignments", assignments))
    pending = {link.user_id: link for link in Invitation.objects.pending().exclude(user=None)}
    return [_with_link(user, list(user.role_assignments.all()), pending.get(user.pk)) for user in users]


def _with_link(user: User, roles: Sequence[RoleAssignment], link: Invitation | None) -> StaffMember:
    return StaffMember(user, roles, link, link is not None and link.is_expired(clock.now()))


def _member(by: User, user_id: int) -> StaffMember:
    """Find a staff member with a role at a site that the user administers. Raises Http404 for any other person."""
    seen = RoleAssignment.objects.filter(by.may_at(Permission.MANAGE_SITE), user=user_id)
    user = get_object_or_404(User, pk=seen.values("user")[:1])
    link = Invitation.objects.pending().filter(user=user).first()
    roles = user.role_assignments.select_related("site").order_by("site__name", "role")
    return _with_link(user, list(roles), link)


@staff_required(Permission.MANAGE_SITE)
@require_safe
def staff(request: HttpRequest) -> HttpResponse:
    """List the staff of the sites that the user administers."""
    user = signed_in(request)
    context = {"members": staff_members(user), "zone": zone_of(managed_sites(user))}
    return render(request, "scheduling/administration/staff/list.html", context)


@staff_required(Permission.MANAGE_SITE)
@require_http_methods(["GET", "HEAD", "POST"])
@confirmed_recently
def staff_new(request: HttpRequest) -> HttpResponse:
    """Invite a staff member, and mail the link or show it on a sheet to print."""
    user, by_mail = signed_in(request), _is_by_mail(request)
    sites = managed_sites(user)
    form = StaffInvitationForm(request.POST or None, sites=sites, may_give_all=user.is_staff)
    saved = submit_form(
        request,
        form,
        lambda: invite_staff(
            name=form.cleaned_data["name"],
            email=form.cleaned_data["email"],
            roles=form.roles(),
            by_mail=by_mail,
            by=user,
            now=clock.now(),
        ),
    )
    if saved:
        return _hand_over(request, saved.value, zone_of(sites))
    colleague = _invited_colleague(form, user) if form.has_error("email") else None
    context = {"form": form, "sites": sites, "colleague": colleague}
    status = 422 if form.errors else 200
    return render(request, "scheduling/administration/staff/new.html", context, status=status)


def _invited_colleague(form: StaffInvitationForm, by: User) -> User | None:
    """Return the staff member with the typed address, or None if it is no address or belongs to nobody whom `by` may see."""
    try:
        email = form.fields["email"].clean(form.data.get("email", ""))
    except ValidationError:
        return None
    return find_colleague(email, by)


@staff_required(Permission.MANAGE_SITE)
@require_http_methods(["GET", "HEAD", "POST"])
@confirmed_recently
def staff_member(request: HttpRequest, user_id: int) -> HttpResponse:
    """Show a staff member's roles, groups and upcoming sessions. A POST changes the roles."""
    user, now = signed_in(request), clock.now()
    member, sites = _member(user, user_id), managed_sites(user)
    work = work_of(member.user, now, [site.pk for site in sites])
    candidates, today = find_candidates(work, user=member.user, by=user, now=now), clock.today(zone_of(sites))
    form = RolesForm(
        request.POST or None,
        sites=sites,
        may_give_all=user.is_staff,
        roles=member.user.assigned_roles,
        has_work=bool(work),
        handover=handover_fields(candidates, today),
    )
    saved = submit_form(
        request,
        form,
        lambda: change_roles(
            user=member.user,
            roles=form.roles(),
            work_seen=form.cleaned_data.get("work_seen", False),
            handover=read_handover(form, candidates, today),
            by=user,
            now=now,
        ),
    )
    if saved:
        messages.success(request, _("The roles are saved."))
        return redirect("staff")
    context = {
        "member": member,
        "form": form,
        "work": work,
        "zone": zone_of(sites),
        "may_turn_off": manages_all_of(user, member.user),
        "has_second_factor": has_second_factor(member.user),
    }
    status = 422 if form.errors else 200
    return render(request, "scheduling/administration/staff/member.html", context, status=status)


@staff_required(Permission.MANAGE_SITE)
@require_POST
@confirmed_recently
def staff_member_invite(request: HttpRequest, user_id: int) -> HttpResponse:
    """Make a new link for a staff member who cannot sign in."""
    user = signed_in(request)
    member, sites = _member(user, user_id), managed_sites(user)
    forbid_unless(manages_all_of(user, member.user))
    made = []

    def invite() -> None:
        made.append(invite_again(user=member.user, by_mail=_is_by_mail(request), by=user, now=clock.now()))

    if not submit_button(request, invite, _("There is a new link. Earlier links no longer work.")):
        return redirect("staff-member", user_id)
    return _hand_over(request, made[0], zone_of(sites))


@staff_required(Permission.MANAGE_SITE)
@require_POST
@confirmed_recently
def staff_member_withdraw(request: HttpRequest, user_id: int) -> HttpResponse:
    """Withdraw a staff member's link."""
    user = signed_in(request)
    member = _member(user, user_id)
    forbid_unless(manages_all_of(user, member.user))
    submit_button(
        request,
        lambda: withdraw_staff_link(user=member.user, by=user, now=clock.now()),
        _("The link is withdrawn. It no longer works."),
    )
    return redirect("staff-member", user_id)


@staff_required(Permission.MANAGE_SITE)
@require_http_methods(["GET", "HEAD", "POST"])
@confirmed_recently
def staff_member_end(request: HttpRequest, user_id: int) -> HttpResponse:
    """Show the consequences of turning an account off. A POST turns it off, and signs out a user whose own account it is."""
    user, now = signed_in(request), clock.now()
    member = _member(user, user_id)
    forbid_unless(manages_all_of(user, member.user))
    work = work_of(member.user, now)
    candidates = find_candidates(work, user=member.user, by=user, now=now)
    today = clock.today(zone_of(managed_sites(user)))
    form = TurnOffForm(
        request.POST if request.method == "POST" else None,
        has_work=bool(work),
        handover=handover_fields(candidates, today),
    )
    saved = submit_form(
        request,
        form,
        lambda: turn_off_staff(
            user=member.user,
            work_seen=form.cleaned_data.get("work_seen", False),
            handover=read_handover(form, candidates, today),
            by=user,
            now=now,
        ),
    )
    if saved and member.user == user:
        logout(request)
        messages.success(request, _("Your account is off. You are signed out."))
        return redirect("account_login")
    if saved:
        text = _("The account of %(name)s is off. Sign-ins and calendar links no longer work.")
        messages.success(request, text % {"name": member.user.name})
        return redirect("staff")
    needs = [] if form.errors else posts_that_need(member.user)
    context = {"member": member, "form": form, "work": work, "obstacles": [reason_text(each) for each in needs]}
    status = 422 if form.errors else 200
    return render(request, "scheduling/administration/staff/end.html", context, status=status)


@staff_required(Permission.MANAGE_SITE)
@require_http_methods(["GET", "HEAD", "POST"])
@confirmed_recently
def staff_member_factor(request: HttpRequest, user_id: int) -> HttpResponse:
    """Ask for the reason for turning off a staff member's two-step sign-in. A POST turns it off."""
    user = signed_in(request)
    member = _member(user, user_id)
    forbid_unless(manages_all_of(user, member.user) and member.user != user)
    form = SecondFactorRemovalForm(request.POST or None)
    language = chosen_language(member.user) or settings.LANGUAGE_CODE
    saved = submit_form(
        request,
        form,
        lambda: remove_staff_factor(
            user=member.user, reason=form.cleaned_data["reason"], language=language, by=user, now=clock.now()
        ),
    )
    if saved:
        text = _("Two-step sign-in of %(name)s is off. An email tells them so.")
        messages.success(request, text % {"name": member.user.name})
        return redirect("staff-member", user_id)
    context = {"member": member, "form": form}
    status = 422 if form.errors else 200
    return render(request, "scheduling/administration/staff/factor.html", context, status=status)


def _is_by_mail(request: HttpRequest) -> bool:
    return request.POST.get("how") == "mail"


def _hand_over(request: HttpRequest, made: tuple[Invitation, str], zone: tzinfo) -> HttpResponse:
    invitation, token = made
    assert invitation.user is not None
    new = NewLink(invitation, token, invitation.user.language or settings.LANGUAGE_CODE, zone)
    back = reverse("staff-member", args=[invitation.user.pk])
    if not _is_by_mail(request):
        return show_sheet(request, new, back)
    mail_link(request, new)
    return redirect(back)
