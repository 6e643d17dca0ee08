"""The pages on which administrators see who can sign in, and sign somebody out everywhere."""

from dataclasses import dataclass

from django.contrib.sites.shortcuts import get_current_site
from django.core.paginator import Paginator
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST, require_safe

from accounts.audit import record_all
from accounts.models import Action, User
from accounts.permissions import Permission
from accounts.services.refused_sign_ins import RefusedSignIns, counted_for, refused_sign_ins
from accounts.services.sign_ins import recorded_sign_ins, sign_ins_of
from accounts.views import forbid_unless, signed_in, staff_required
from iopmanager import clock
from scheduling.forms.administration.sign_ins import SignInFilterForm
from scheduling.services.administration.accounts import Account, accounts_seen_by, end_sign_ins_of
from scheduling.services.administration.staff import manages_all_of
from scheduling.views.administration.sites import managed_sites
from scheduling.views.administration.staff import zone_of
from scheduling.views.refusals import submit_button

ACCOUNTS_ON_A_PAGE = 50
SIGN_INS_SHOWN = 20


@dataclass(frozen=True, slots=True)
class AccountRow:
    """An account as the list shows it, and what was refused lately."""

    account: Account
    refused: RefusedSignIns


@staff_required(Permission.MANAGE_SITE)
@require_safe
@transaction.atomic
def sign_ins(request: HttpRequest) -> HttpResponse:
    """List who can sign in at the sites that the user administers. Only patients whom the user may see are named."""
    user, now = signed_in(request), clock.now()
    form = SignInFilterForm(request.GET)
    page = Paginator(form.narrow(accounts_seen_by(user, now)), ACCOUNTS_ON_A_PAGE).get_page(request.GET.get("page"))
    accounts = list(page)
    refused = _refused(request, [each.user for each in accounts if each.user])
    _record_views(user, accounts, detail="list of sign-ins")
    context = {
        "form": form,
        "page": page,
        "rows": [AccountRow(each, refused[each.user.pk] if each.user else RefusedSignIns()) for each in accounts],
        "zone": zone_of(managed_sites(user)),
    }
    return render(request, "scheduling/administration/sign_ins/list.html", context)


@staff_required(Permission.MANAGE_SITE)
@require_safe
@transaction.atomic
def sign_ins_of_person(request: HttpRequest, user_id: int) -> HttpResponse:
    """Show where somebody is signed in, the latest sign-ins, and what was refused lately."""
    user, now = signed_in(request), clock.now()
    account = _account(user, user_id)
    person = account.user
    assert person is not None
    _record_views(user, [account], detail="sign-ins")
    this_key = request.session.session_key if person == user else None
    context = {
        "account": account,
        "person": person,
        "open": sign_ins_of(person, this_key=this_key, now=now),
        "recorded": recorded_sign_ins(person, most=SIGN_INS_SHOWN),
        "refused": _refused(request, [person])[person.pk],
        "counted_minutes": int(counted_for().total_seconds() // 60),
        "may_end": manages_all_of(user, person),
        "may_manage_patient": account.about is not None and user.may(Permission.MANAGE_PATIENTS, account.about.site_id),
        "zone": zone_of(managed_sites(user)),
    }
    return render(request, "scheduling/administration/sign_ins/person.html", context)


@staff_required(Permission.MANAGE_SITE)
@require_POST
def sign_ins_of_person_end(request: HttpRequest, user_id: int) -> HttpResponse:
    """Sign somebody out everywhere. Users do this to themselves on the page of their own sign-ins."""
    user = signed_in(request)
    account = _account(user, user_id)
    forbid_unless(account.user != user)
    submit_button(request, lambda: end_sign_ins_of(account=account, by=user, now=clock.now()), _ended_text)
    return redirect("sign-ins-of-person", user_id)


def _ended_text(number: int) -> str:
    if not number:
        return _("Nobody was signed in.")
    text = ngettext("Signed out on %(number)d device.", "Signed out on %(number)d devices.", number)
    return text % {"number": number}


def _account(by: User, user_id: int) -> Account:
    """Find an account that the user may see. Raises Http404 for all others."""
    for account in accounts_seen_by(by, clock.now()):
        if account.user is not None and account.user.pk == user_id:
            return account
    raise Http404


def _refused(request: HttpRequest, users: list[User]) -> dict[int, RefusedSignIns]:
    return refused_sign_ins(users, request=request, host=get_current_site(request).domain, now=clock.now())


def _record_views(user: User, accounts: list[Account], *, detail: str) -> None:
    """Record in the trail that the user saw the names of patients."""
    patients = sorted((each.patient for each in accounts if each.patient), key=lambda patient: patient.pk)
    record_all(patients, by=user, action=Action.VIEWED, at=clock.now(), detail=detail)
