"""The page that lists a user's sign-ins, and the URL that tells a script how long the current sign-in lasts."""

from datetime import UTC, tzinfo

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.middleware.csrf import get_token
from django.shortcuts import redirect, render
from django.utils.translation import ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from accounts.models import User
from accounts.services.sign_ins import end_sign_ins, limits_of, sign_ins_of
from accounts.views import forbid_unless, is_patient, signed_in
from iopmanager import clock
from patients.models import Delegate
from scheduling.views.current_site import current_site, sites_worked_at
from scheduling.views.portal.shared import FRAME, is_delegate


@login_required
@require_safe
def own_sign_ins(request: HttpRequest) -> HttpResponse:
    """List the user's sign-ins."""
    user = signed_in(request)
    context = {
        "frame": _frame(user),
        "sign_ins": sign_ins_of(user, this_key=request.session.session_key, now=clock.now()),
        "zone": _zone(request, user),
    }
    return render(request, "accounts/sign_ins.html", context)


@login_required
@require_POST
def end_own_sign_ins(request: HttpRequest) -> HttpResponse:
    """End other sign-ins of the user: the ones with the submitted ids or, without ids, all of them."""
    user = signed_in(request)
    ids = request.POST.getlist("sign_in") or None
    ended = end_sign_ins(user, ids, this_key=request.session.session_key, by=user, now=clock.now())
    text = ngettext("Signed out on %(number)d device.", "Signed out on %(number)d devices.", ended)
    messages.success(request, text % {"number": ended})
    return redirect("account-sign-ins")


@login_required
@require_safe
def signed_in_again(request: HttpRequest) -> HttpResponse:
    """Show a page that sends the user back to the tab that waits for the new sign-in."""
    return render(request, "account/signed_in_again.html")


@never_cache
@require_safe
def sign_in_state(request: HttpRequest) -> HttpResponse:
    """Return as JSON who is signed in, and for how many more seconds. The script `signed_in.js` requests this.

    The request counts as activity only if it has the parameter `active` (see SignInLimitsMiddleware).
    """
    user, now = request.user, clock.now()
    state: dict[str, object] = {"person": None, "ended": request.session.get("ended_sign_in", {}).get("by")}
    if isinstance(user, User):
        limits = limits_of(request.session, now)
        left = (limits.ends_at - now).total_seconds()
        state = {"person": user.pk, "seconds_left": max(left, 0), "csrf_token": get_token(request)}
    return JsonResponse(state)


def _frame(user: User) -> str:
    """Return the template of the frame of the user's pages. Raises PermissionDenied if the user has no pages."""
    if user.has_any_role:
        return "staff.html"
    if is_patient(user):
        return "portal.html"
    forbid_unless(is_delegate(user))
    return FRAME


def _zone(request: HttpRequest, user: User) -> tzinfo:
    if user.has_any_role:
        return current_site(request).zone if sites_worked_at(request) else UTC
    if is_patient(user):
        zone: tzinfo = user.patient.site.zone
        return zone
    return Delegate.objects.filter(user=user).select_related("patient__site").latest("since").patient.site.zone
